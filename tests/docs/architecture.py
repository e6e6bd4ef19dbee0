"""The picture of the architecture, drawn as SVG from the boxes and arrows below."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from xml.sax.saxutils import escape

INK, QUIET, LINE = "#1c1f23", "#5b636c", "#8a939c"
SPEC, WORK, DATA, TRUTH = "#fff4e0", "#e6f2fa", "#e8f5ee", "#fbe9e2"
WIDTH, HEIGHT = 1000, 455


@dataclass(frozen=True)
class Box:
    """A named part at (x, y), so wide and high, with what it is."""

    x: int
    y: int
    width: int
    height: int
    fill: str
    title: str
    words: str

    @property
    def lines(self) -> list[str]:
        """The words in lines that fit."""
        return wrap(self.words, int((self.width - 20) / 6.3))


BOXES = (
    Box(20, 70, 150, 58, SPEC, "body", "a TOML file, or the game's JSON"),
    Box(20, 160, 150, 58, SPEC, "pattern", "interventions, goals, parameters"),
    Box(225, 115, 140, 58, SPEC, "RunSpec", "frozen; its digest is the run's name"),
    Box(410, 115, 110, 58, WORK, "plan", "blocks and segments"),
    Box(570, 70, 190, 148, WORK, "block × segment", ""),
    Box(815, 70, 165, 58, DATA, "Zarr store", "fields and seals; transient"),
    Box(815, 160, 165, 58, DATA, "measures, events", "declared reductions of the fields"),
    Box(815, 290, 165, 74, TRUTH, "Postgres", "a row a run, in one transaction, only if the books close"),
    Box(
        20, 290, 345, 74, TRUTH, "cleanup and audit",
        "expiry: the row says deleted, then the bytes go, then proof that they went; ledger, stores and Prefect are "
        "held against each other",
    ),
    Box(
        410, 290, 350, 74, DATA, "what people open",
        "reports and pictures, tp.open_run, tp.catalog, copies in NetCDF and Zarr, the game's manifest",
    ),
)  # fmt: skip
INSIDE = (
    (582, 100, "Dask tasks: threads here,", "or any cluster"),
    (582, 145, "one compiled kernel,", "no Python in a step"),
    (582, 190, "sealed when whole: a kill", "costs a segment"),
)
ARROWS = (
    ((170, 99), (225, 135)),
    ((170, 189), (225, 153)),
    ((365, 144), (410, 144)),
    ((520, 144), (570, 144)),
    ((760, 99), (815, 99)),
    ((897, 128), (897, 160)),
    ((897, 218), (897, 290)),
    ((815, 327), (760, 327)),
    ((410, 327), (365, 327)),
)
DOORS = (
    "Doors: command line · Prefect flows and their pages · notebooks. All go through the same verbs; none keeps state."
)
TITLE = "From a body and a pattern to one row"


def svg() -> str:
    """The picture, readable on white and on dark."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{TITLE}" '
        'font-family="system-ui, DejaVu Sans, sans-serif">',
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{LINE}"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="#ffffff"/>',
        _text(20, 38, TITLE, 19, bold=True),
    ]
    for box in BOXES:
        parts.append(
            f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="7" fill="{box.fill}" '
            f'stroke="{LINE}"/>'
        )
        parts.append(_text(box.x + 12, box.y + 20, box.title, 14, bold=True))
        parts += [_text(box.x + 12, box.y + 36 + 15 * i, words, 12) for i, words in enumerate(box.lines)]
    for x, y, first, second in INSIDE:
        parts += [_text(x, y + 8, first, 12), _text(x, y + 23, second, 12)]
    for (x1, y1), (x2, y2) in ARROWS:
        parts.append(
            f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{LINE}" stroke-width="1.6" '
            'marker-end="url(#head)"/>'
        )
    parts.append(_text(20, 405, DOORS, 13))
    parts.append(
        _text(20, 430, "What exists and in which state is in Postgres, always. Zarr holds data and seals.", 13, QUIET)
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _text(x: int, y: int, words: str, size: int, colour: str = INK, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}"{weight}>{escape(words)}</text>'
