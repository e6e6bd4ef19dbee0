"""Labels of events above the panels of a picture, so that none touches or crosses another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from twinpipe.plots.frame import INK, SMALL
from twinpipe.wording import event_name

ROW, HEADING = 0.155, 0.24  # inches of a row of labels, and of the heading of a panel
EVENT = "#8a8a8a"


@dataclass(frozen=True)
class Labels:
    """Where the labels of events go: (year, words, row, grows to the left), and the lines of all events."""

    placed: tuple[tuple[float, str, int, bool], ...]
    years: tuple[float, ...]
    rows: int
    left_out: int


def place(
    figure: Figure, events: Sequence[dict[str, Any]], span: tuple[float, float], left: float, width: float,
    *, room: float, rows: int,
) -> Labels:  # fmt: skip
    """Rows for the labels, each above every label whose line it would cross.

    A label grows to the right of its line, or to the left where it would leave the figure or cross the line
    of one that grows to the left.  An event that happens again gets one label, at its first time.  Labels
    beyond so many rows are left out; their lines stay.
    """
    times: dict[str, list[float]] = {}
    for event in sorted(events, key=lambda e: float(e["year"])):
        times.setdefault(str(event["event"]), []).append(float(event["year"]))
    rightward: list[tuple[float, float, float, str]] = []  # (x, extent, year, words), from right to left
    leftward: list[tuple[float, float, float, str]] = []
    for name, years in sorted(times.items(), key=lambda t: -t[1][0]):
        words = f"{event_name(name)}, year {years[0]:.1f}" + (f" (first of {len(years)})" if len(years) > 1 else "")
        x = left + width * (years[0] - span[0]) / (span[1] - span[0])
        extent = _text_width(figure, words) + 0.1
        limit = leftward[-1][0] if leftward else room
        group = leftward if x + extent > limit and x - extent > left - 0.5 else rightward
        group.append((x, extent, years[0], words))
    placed: list[tuple[float, str, int, bool]] = []
    taken: list[tuple[float, float, int]] = []
    for x, extent, year, words in [*rightward, *reversed(leftward)]:
        grows_left = len(placed) >= len(rightward)
        a, b = (x - extent, x) if grows_left else (x, x + extent)
        row = 1 + max((r for c, d, r in taken if a < d + 0.05 and c < b + 0.05), default=-1)
        placed.append((year, words, row, grows_left))
        taken.append((a, b, row))
    every = tuple(y for years in times.values() for y in years)
    kept = tuple(p for p in placed if p[2] < rows)
    return Labels(kept, every, 1 + max((p[2] for p in kept), default=-1), len(placed) - len(kept))


def _text_width(figure: Figure, words: str) -> float:
    """Inches that a label takes."""
    text = figure.text(0, 0, words, fontsize=SMALL)
    width = text.get_window_extent().width / figure.dpi
    text.remove()
    return float(width)


def mark(figure: Figure, panels: Sequence[Axes], labels: Labels) -> None:
    """Lines through all panels, and the labels in rows above the heading of the first one."""
    for axes in panels:
        for year in labels.years:
            axes.axvline(year, color=EVENT, linewidth=0.7, linestyle=(0, (2, 2)), zorder=1.4)
    first = panels[0]
    height = first.get_position().height * figure.get_size_inches()[1]
    transform = first.get_xaxis_transform()
    for year, words, row, leftward in labels.placed:
        top = 1 + (HEADING + ROW * (row + 0.5)) / height
        leader = Line2D([year, year], [1.0, top], color=EVENT, linewidth=0.7, zorder=1.4, transform=transform)
        leader.set_clip_on(False)
        first.add_line(leader)
        first.annotate(
            words, (year, top), (-3 if leftward else 3, 0), xycoords=transform, textcoords="offset points",
            ha="right" if leftward else "left", va="center", fontsize=SMALL, color=INK, annotation_clip=False,
            bbox={"facecolor": "white", "linewidth": 0, "pad": 0.4}, zorder=4,
        )  # fmt: skip
