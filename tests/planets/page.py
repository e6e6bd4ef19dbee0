"""The verification as one HTML file that needs nothing beside it: misses and tables first, then the pictures."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from jinja2 import Environment, StrictUndefined

from tests.planets.mars_today import Row
from tests.planets.pictures import Picture
from twinpipe.durable import disk, replace

HEADER: Final = ("quantity", "target", "ours", "error", "accept", "today's models", "verdict")
TEMPLATE: Final = Path(__file__).with_name("page.html.j2")
NAME: Final = "planets.html"


def cells_of(row: Row) -> tuple[str, ...]:
    """A comparison in words, in the order of HEADER."""
    unit = "" if row.unit == "1" else f" {row.unit}"
    error, band = f"{row.error:.2g}{unit}", f"{row.band:.4g}{unit}"
    return row.quantity, row.target, row.ours, error, band, row.models, row.verdict


def png_uri(picture: Picture) -> str:
    """The figure as a PNG inside a data URI."""
    buffer = BytesIO()
    picture.figure.savefig(buffer, format="png", metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def page(tables: Mapping[str, Sequence[Row]], pictures: Sequence[Picture]) -> str:
    """The HTML of tables by title, and of pictures."""
    every = [(title, row) for title, rows in tables.items() for row in rows]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        header=HEADER,
        tables={title: [cells_of(row) for row in rows] for title, rows in tables.items()},
        misses=[(title, row) for title, row in every if not row.passes],
        within=sum(row.passes for _, row in every),
        n_rows=len(every),
        pictures=[(p.name, p.caption, png_uri(p)) for p in pictures],
    )


def write_page(folder: Path, tables: Mapping[str, Sequence[Row]], pictures: Sequence[Picture]) -> Path:
    """Write the page below a folder, whole or not at all, and return its path; StoreError when the disk refuses."""
    path, content = folder / NAME, page(tables, pictures).encode()
    with disk(path):
        replace(path, lambda f: f.write(content))
    return path
