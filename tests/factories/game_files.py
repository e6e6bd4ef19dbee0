"""The game's own files, where they are beside the checkout, and a generated system of ours."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from twinpipe.game import importer
from twinpipe.game.importer import ImportedBody, ImportReport, import_bodies

GAME = Path(__file__).parents[2].parent / "shared" / "data" / "game"
GENERATED = Path(__file__).with_name("generated_system.json")
FILES = {
    "flat list": GAME / "sol-complete.json",
    "groups": GAME / "sol.json",
    "old fixture": GAME / "sol-fixture.json",
    "generated": GENERATED,
}
GIANTS = ("gas_giant", "ice_giant")


def needs(dialect: str) -> pytest.MarkDecorator:
    """Skips a test where the game's file of a dialect is not beside the checkout."""
    path = FILES[dialect]
    return pytest.mark.skipif(not path.is_file(), reason=f"the game's {path.name} is not beside this checkout")


def raw_bodies(dialect: str) -> dict[str, dict[str, Any]]:
    """Bodies of a file by identifier, as they stand there; none where the file is absent."""
    path = FILES[dialect]
    if not path.is_file():
        return {}
    found: dict[str, dict[str, Any]] = {}
    bodies = json.loads(path.read_text(encoding="utf-8"))["celestial_bodies"]
    stack = [e for group in bodies.values() for e in group] if isinstance(bodies, dict) else list(bodies)
    while stack:
        entry = stack.pop()
        found[entry["identifier"]] = entry
        stack += entry.get("moons", [])
    return found


def every_body(*, giants: bool) -> list[Any]:
    """(dialect, identifier) of every giant, or of every other body, of every file."""
    return [
        pytest.param(dialect, identifier, id=f"{dialect}-{identifier}".replace(" ", "-"))
        for dialect in FILES
        for identifier, entry in sorted(raw_bodies(dialect).items())
        if (entry["type"] in GIANTS) == giants
    ]


@cache
def imported_bare(dialect: str) -> ImportReport:
    """A file imported as if no body were built in, so that everything follows from the file and rules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importer, "known_bodies", dict)
        return import_bodies(FILES[dialect])


def bare(dialect: str, identifier: str) -> ImportedBody:
    return next(b for b in imported_bare(dialect).bodies if b.body.identifier == identifier)
