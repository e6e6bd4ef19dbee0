"""The words of the game's dialects: one name for each thing, that of the flat list, and the others as aliases."""

from __future__ import annotations

import re
from typing import Any

# alias -> the word of the flat list, for the keys of a body and of its spheres, and for values of `type`
BODY: dict[str, str] = {
    "atmosphere": "atmosphere_attributes",
    "hydrosphere": "hydrosphere_attributes",
    "geosphere": "geosphere_attributes",
    "biosphere": "biosphere_attributes",
    "orbiting_body": "parent_body",
}
SPHERES: dict[str, dict[str, str]] = {
    "hydrosphere_attributes": {
        "total_water_mass": "total_hydrosphere_mass",
        "total_liquid_mass": "total_hydrosphere_mass",
        "water_bodies": "liquid_bodies",
    }
}
TYPES: dict[str, str] = {"terrestrial": "terrestrial_planet"}
TWIN = "-TWIN-"  # between the identifier of a body and that of a twin of it
STATES: dict[str, str] = {"vapor": "gas", "vapour": "gas"}


def original(identifier: str) -> str:
    """Identifier of the body that a twin's end state descends from; any other as it is."""
    return re.sub(rf"{TWIN}\d+-Y\d+.*$", "", identifier)


def plain_words(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry in the words of the flat list; a thing that is given under two names stays as it is."""
    plain = _renamed(entry, BODY)
    if isinstance(plain.get("type"), str):
        plain["type"] = TYPES.get(plain["type"], plain["type"])
    for sphere, aliases in SPHERES.items():
        if isinstance(plain.get(sphere), dict):
            plain[sphere] = _renamed(plain[sphere], aliases)
    return plain


def _renamed(part: dict[str, Any], aliases: dict[str, str]) -> dict[str, Any]:
    """Keys by their plain words; null means not given, and the first of several names of a thing takes its place."""
    given = {key: value for key, value in part.items() if value is not None}
    made: dict[str, Any] = {}
    for key, value in given.items():
        word = aliases.get(key, key)
        made[key if word != key and (word in given or word in made) else word] = value
    return made
