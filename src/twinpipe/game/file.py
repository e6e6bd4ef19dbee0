"""The game's body files: JSON in four dialects, told apart by their structure, as one flat list of bodies.

flat list      celestial_bodies is a list; spheres are `*_attributes`, parents are named; sol-complete.json
groups         celestial_bodies is an object of lists by kind; the same bodies; sol.json
old fixture    groups, with spheres without the suffix and parents by identifier; the game's oldest sol.json
generated      groups, with moons inside their planet, `orbits` in au, stars in solar units
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from twinpipe.errors import InvalidInput
from twinpipe.game.entry import StarEntry
from twinpipe.game.words import plain_words
from twinpipe.refusal import explain

Dialect = Literal["flat list", "groups", "old fixture", "generated"]
FILE_KEYS = {
    "galaxy",
    "solar_system",
    "id",
    "name",
    "identifier",
    "stars",
    "celestial_bodies",
    "base_units",
    "materials",
    "metadata",
}
GENERATED = {"orbits", "moons", "volatile_reservoir", "terraforming_difficulty", "material_yield_bias", "tei_score"}
OLD = {"atmosphere", "hydrosphere"}
AT_LEAST_ONE = "it must be a list of at least one body, or groups of them"


@dataclass(frozen=True)
class GameFile:
    """The bodies of a file in plain words, not yet validated, and the system they belong to."""

    dialect: Dialect
    solar_system: str
    stars: tuple[StarEntry, ...]
    entries: tuple[dict[str, Any], ...]
    unknown: tuple[str, ...]

    def find(self, name: str) -> dict[str, Any] | None:
        """The only entry with this identifier, or with this name in any case; None if there is none."""
        found = [e for e in self.entries if e["identifier"] == name]
        found = found or [e for e in self.entries if str(e.get("name")).casefold() == name.casefold()]
        if len(found) > 1:
            raise InvalidInput("body", name, f"it names several: {', '.join(e['identifier'] for e in found)}")
        return found[0] if found else None


def read_file(path: Path) -> GameFile:
    """A game file of any dialect; raises InvalidInput for anything else."""
    data = _json(path)
    if not isinstance(data, dict) or "celestial_bodies" not in data:
        raise InvalidInput("game file", str(path), "it must be a JSON object with celestial_bodies")
    _refuse_strange_values(data)
    entries = tuple(plain_words(entry) for entry in _flat(data["celestial_bodies"]))
    for identifier, count in Counter(e["identifier"] for e in entries).items():
        if count > 1:
            raise InvalidInput("identifier", identifier, f"it must be unique, but {count} bodies have it")
    return GameFile(
        dialect=_dialect(data["celestial_bodies"]),
        solar_system=_system(data),
        stars=_stars(data.get("stars")),
        entries=entries,
        unknown=tuple(sorted(set(data) - FILE_KEYS)),
    )


def _json(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidInput("game file", str(path), f"it must be a readable file ({why})") from None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        why = "it ends too early, as if cut off" if cut else error.msg
        where = f"{why}, line {error.lineno} column {error.colno}"
        raise InvalidInput("game file", str(path), f"it must be complete JSON ({where})") from None
    except (ValueError, RecursionError):  # integers of thousands of digits, thousands of brackets
        raise InvalidInput("game file", str(path), "it must be JSON of ordinary size and depth") from None


def _flat(bodies: object) -> Iterator[dict[str, Any]]:
    """Every body, moons after their planet, with parent_body set where a moon lies inside one."""
    if not isinstance(bodies, list | dict) or not bodies:
        raise InvalidInput("celestial_bodies", _short(bodies), AT_LEAST_ONE)
    groups = bodies.items() if isinstance(bodies, dict) else [("", bodies)]
    empty = True
    for name, group in groups:
        where = f"celestial_bodies.{name}".rstrip(".")
        if not isinstance(group, list):
            raise InvalidInput(where, _short(group), "it must be a list of bodies")
        for i, entry in enumerate(group):
            empty = False
            yield from _with_moons(entry, f"{where}.{i}", None)
    if empty:
        raise InvalidInput("celestial_bodies", "(empty groups)", AT_LEAST_ONE)


def _with_moons(entry: object, where: str, parent: str | None) -> Iterator[dict[str, Any]]:
    if not isinstance(entry, dict):
        raise InvalidInput(where, _short(entry), "it must be an object")
    identifier, moons = entry.get("identifier"), entry.get("moons")
    if not isinstance(identifier, str) or not identifier.isprintable():
        raise InvalidInput(f"{where}.identifier", _short(identifier), "it must be text such as 'MARS-01'")
    body = {key: value for key, value in entry.items() if key != "moons"}
    if parent is not None:
        body = {k: v for k, v in body.items() if k not in ("parent_body", "orbiting_body")} | {"parent_body": parent}
    yield body
    if moons is None:
        return
    if not isinstance(moons, list):
        raise InvalidInput(f"{identifier}.moons", _short(moons), "it must be a list of bodies")
    for i, moon in enumerate(moons):
        yield from _with_moons(moon, f"{identifier}.moons.{i}", identifier)


def _dialect(bodies: dict[str, Any] | list[Any]) -> Dialect:
    groups = list(bodies.values()) if isinstance(bodies, dict) else [bodies]
    keys = set().union(*(entry for group in groups for entry in group))
    if keys & GENERATED:
        return "generated"
    if keys & OLD:
        return "old fixture"
    return "groups" if isinstance(bodies, dict) else "flat list"


def _system(data: dict[str, Any]) -> str:
    """Identifier of the system: that of solar_system where the file has one, else the file's own."""
    inner = data.get("solar_system")
    for value in (inner.get("identifier") if isinstance(inner, dict) else None, data.get("identifier")):
        if isinstance(value, str) and value:
            return value
    return "SOL-01"


def _stars(stars: object) -> tuple[StarEntry, ...]:
    if stars is None:
        return ()
    if not isinstance(stars, list):
        raise InvalidInput("stars", _short(stars), "it must be a list of stars")
    made = []
    for i, star in enumerate(stars):
        try:
            made.append(StarEntry.model_validate(star))
        except ValidationError as error:
            raise explain(error, f"stars.{i}") from None
    return tuple(made)


def _short(value: object) -> object:
    """A value as an error shows it: lists and objects can be long."""
    return "(a list)" if isinstance(value, list) else "(an object)" if isinstance(value, dict) else value


def _refuse_strange_values(data: dict[str, Any]) -> None:
    """Python's reader takes NaN, Infinity, 1e999 and halves of characters, which nothing later can store."""
    stack: list[tuple[str, object]] = [("", data)]
    while stack:
        where, value = stack.pop()
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidInput(where[1:], value, "it must be a finite number")
        if isinstance(value, str) and not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise InvalidInput(where[1:], value, "it must be text of whole characters")
        if isinstance(value, dict):
            for key, item in value.items():
                if not key.isprintable():
                    raise InvalidInput(where[1:] or "game file", key, "a key must be printable text")
                stack.append((f"{where}.{key}", item))
        elif isinstance(value, list):
            for i, item in enumerate(value):
                label = item.get("identifier") if isinstance(item, dict) else None
                named = isinstance(label, str) and label.isprintable()
                stack.append((f"{where}.{label if named else i}", item))
