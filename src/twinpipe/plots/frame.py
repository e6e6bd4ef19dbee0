"""What all pictures share: sizes in inches and points, colours, axes placed to the inch, ticks."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from twinpipe.spec import RunSpec
from twinpipe.wording import number, scenario_title

DPI, WIDTH = 150, 8.0  # 1200 pixels wide
SMALL, NORMAL, LARGE = 6.5, 7.5, 10.0  # points
INK, FAINT, GREY = "#222222", "#9bb4c8", "#666666"
Box = tuple[float, float, float, float]  # left, bottom, width, height in inches


def new_figure(height: float) -> Figure:
    """A white figure so many inches high, drawn by Agg, that no state of pyplot knows."""
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def axes_in(figure: Figure, box: Box, **options: Any) -> Axes:
    """Axes in a box (left, bottom, width, height) in inches."""
    width, height = figure.get_size_inches()
    left, bottom, w, h = box
    axes: Axes = figure.add_axes((left / width, bottom / height, w / width, h / height), **options)
    return axes


def title(spec: RunSpec) -> str:
    """Body, scenario and years."""
    return f"{spec.body.name}: {scenario_title(spec)}, {spec.years} {'year' if spec.years == 1 else 'years'}"


def headline(figure: Figure, spec: RunSpec) -> None:
    """The title of a picture of one run."""
    heading(figure, title(spec))


def heading(figure: Figure, words: str) -> None:
    """Words 0.2 inches below the top of a picture."""
    y = 1 - 0.2 / figure.get_size_inches()[1]
    figure.text(0.5, y, words, ha="center", va="center", fontsize=LARGE, weight="bold", color=INK)


def bare_axes(figure: Figure, box: Box) -> Axes:
    """Axes in a box in inches with faint lines across and no frame above and to the right."""
    axes = axes_in(figure, box)
    axes.grid(visible=True, axis="y", color="#dddddd", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set(color=GREY, linewidth=0.6)
    axes.tick_params(labelsize=SMALL + 0.5, colors=INK, width=0.5, length=2.5)
    return axes


def panel_title(axes: Axes, words: str) -> None:
    """Words above the left end of a panel."""
    title = axes.set_title(words, loc="left", fontsize=NORMAL, weight="bold", color=INK, pad=4)
    title.set_bbox({"facecolor": "white", "linewidth": 0, "pad": 1.0})  # hides the lines of events behind it


def footnote(figure: Figure, words: str) -> None:
    """Small words at the foot of a picture."""
    height = figure.get_size_inches()[1]
    figure.text(0.5, 0.1 / height, words, ha="center", va="center", fontsize=SMALL, color=GREY)


def set_ticks(axis: Any, low: float, high: float, *, logarithmic: bool) -> None:
    """Ticks written in full, without an offset or a factor at the end of the axis."""
    if logarithmic:
        decades = float(np.log10(high / low))
        subs = (1.0, 2.0, 5.0) if decades < 2.5 else (1.0, 3.0) if decades < 4 else (1.0,)
        axis.set_major_locator(LogLocator(subs=subs, numticks=12))
    else:
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(_tick))
    axis.set_minor_locator(NullLocator())


def _tick(value: float, _: object = None) -> str:
    return f"{value:,.0f}" if 1e5 <= abs(value) < 1e7 else number(value, 6)
