"""Many members at once: fans of their series, timelines of their events, answers to what varies between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from twinpipe.grid import Array
from twinpipe.plots.frame import (
    FAINT,
    INK,
    NORMAL,
    SMALL,
    WIDTH,
    axes_in,
    bare_axes,
    footnote,
    heading,
    new_figure,
    panel_title,
    set_ticks,
)
from twinpipe.plots.series import BLUE, limits, year_axis
from twinpipe.spec import RunSpec
from twinpipe.wording import event_name, number

FANS = (
    (("global_surface_temperature",), "Surface temperature, global mean (K)"),
    (("global_surface_pressure",), "Surface pressure, global mean (Pa)"),
    (("co2_ice_mass_north", "co2_ice_mass_south"), "CO₂ ice (kg)"),
)
# Okabe and Ito's colours and as many shapes, so that events are told apart without colour too
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
SHAPES = ("o", "s", "^", "D", "v", "P", "X")
ROW, ROWS = 0.18, 40  # inches of a row of a timeline, and how many are drawn
MANY = 20  # members, from which on quantiles say more than lines


def fan_figure(tree: xr.DataTree, spec: RunSpec, words: str) -> Figure:
    """Global means over an orbit of all members: the median, half of them, nine tenths, and each when they are few."""
    figure = new_figure(6.0)
    heading(figure, words)
    data = tree["simulation_state"].to_dataset()
    members = data.sizes["member"]
    for row, (names, title) in enumerate(FANS):
        axes = bare_axes(figure, (0.72, 4.17 - 1.72 * row, WIDTH - 1.0, 1.3))
        years, values = orbit_means(data, spec, names)
        _fan(axes, years, values)
        axes.set_xlim(0, spec.years)
        axes.tick_params(labelbottom=row == len(FANS) - 1)
        panel_title(axes, title)
    year_axis(axes)
    some = f"Thin lines: the {members} members. " if members < MANY else ""
    few = "Band: from the lowest to the highest" if members < MANY else "Bands: half and nine tenths of the members"
    footnote(figure, f"{some}Bold: their median. {few}. Means over the orbit that ends then.")
    return figure


def orbit_means(data: xr.Dataset, spec: RunSpec, names: Sequence[str]) -> tuple[Array, Array]:
    """Years (step), and the sum of series (member, step) as the mean over the orbit that ends with each step."""
    joined = sum(
        np.concatenate([np.asarray(data[n].values, dtype=float) for n in (f"initial_{name}", name)], axis=1)
        for name in names
    )
    total = np.cumsum(np.pad(np.asarray(joined), ((0, 0), (1, 0))), axis=1)
    n = spec.steps_per_orbit
    return np.asarray(data["series_time_year"].values), (total[:, n + 1 :] - total[:, 1:-n]) / n


def _fan(axes: Axes, years: Array, values: Array) -> None:
    many = len(values) >= MANY
    for low, high, alpha in ((0.05, 0.95, 0.22), (0.25, 0.75, 0.4)) if many else ((0.0, 1.0, 0.18),):
        axes.fill_between(
            years, np.quantile(values, low, axis=0), np.quantile(values, high, axis=0),
            color=BLUE, alpha=alpha, linewidth=0,
        )  # fmt: skip
    if not many:
        axes.plot(years, values.T, color=FAINT, linewidth=0.7)
    axes.plot(years, np.median(values, axis=0), color=INK, linewidth=1.6)
    limits(axes, float(values.min()), float(values.max()), 1e-9)


def timeline_figure(events: Mapping[str, Sequence[Mapping[str, Any]]], years: float, words: str) -> Figure:
    """When each event happened first: a row for each run or member by its name."""
    rows = dict(list(events.items())[:ROWS])
    kinds = sorted({str(e["event"]) for found in rows.values() for e in found})
    height = 0.62 + 0.16 * -(-len(kinds) // 3) + ROW * max(len(rows), 3) + 0.62
    figure = new_figure(height)
    heading(figure, words)
    axes = _rows(figure, list(rows), years)
    for i, kind in enumerate(kinds):
        first = {row: min(y) for row, found in enumerate(rows.values()) if (y := _years_of(found, kind))}
        axes.plot(
            list(first.values()), list(first), SHAPES[i % len(SHAPES)], color=COLOURS[i % len(COLOURS)], markersize=4.5,
            label=f"{event_name(kind)} ({len(first)} of {len(rows)})", clip_on=False, linestyle="none",
        )  # fmt: skip
    if kinds:
        figure.legend(
            loc="upper center", bbox_to_anchor=(0.5, 1 - 0.33 / height), ncols=3, fontsize=SMALL, labelcolor=INK,
            edgecolor="none", handletextpad=0.2, columnspacing=1.5, borderaxespad=0.0,
        )  # fmt: skip
    left_out = len(events) - len(rows)
    footnote(figure, f"First times; {left_out} more are not drawn." if left_out else "First times of each event.")
    return figure


def events_figure(events: Sequence[Mapping[str, Any]], years: float, words: str) -> Figure:
    """When the events of one run happened: a row for each kind, the first one dated."""
    ordered = sorted(events, key=lambda e: float(e["year"]))
    kinds = list(dict.fromkeys(str(e["event"]) for e in ordered))
    figure = new_figure(0.5 + ROW * max(len(kinds), 3) + 0.62)
    heading(figure, words)
    axes = _rows(figure, [event_name(kind) for kind in kinds], years)
    for row, kind in enumerate(kinds):
        times = _years_of(ordered, kind)
        axes.plot(times, [row] * len(times), "o", color=BLUE, markersize=4.5, clip_on=False)
        late = times[0] > 0.9 * years
        axes.annotate(
            f"year {times[0]:.1f}", (times[0], row), (-6 if late else 6, 0), textcoords="offset points", va="center",
            ha="right" if late else "left", fontsize=SMALL, color=INK,
            bbox={"facecolor": "white", "linewidth": 0, "pad": 0.4},
        )  # fmt: skip
    footnote(figure, "First crossings, dated to the step." if kinds else "No event happened in this run.")
    return figure


def _rows(figure: Figure, names: Sequence[str], years: float) -> Axes:
    """Axes over the years with a named row each, above the foot of a figure."""
    left = min(2.4, 0.3 + 0.065 * max((len(name) for name in names), default=0))
    axes = axes_in(figure, (left, 0.55, WIDTH - left - 0.25, ROW * max(len(names), 3)))
    axes.set_xlim(0, years)
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5)
    axes.grid(visible=True, axis="y", color="#e6e6e6", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(labelsize=SMALL, colors=INK, width=0.5, length=2.5)
    axes.tick_params(axis="y", length=0)
    axes.yaxis.set_major_locator(FixedLocator(list(range(len(names)))))
    axes.yaxis.set_major_formatter(FixedFormatter(list(names)))
    year_axis(axes)
    return axes


def _years_of(events: Sequence[Mapping[str, Any]], kind: str) -> list[float]:
    return [float(e["year"]) for e in events if e["event"] == kind]


def response_figure(
    varied: Mapping[str, Sequence[float]], answers: Mapping[str, Sequence[float | None]], words: str
) -> Figure:
    """A panel for each varied number and each answer: what members came to against what they were given."""
    columns, rows = list(varied.items())[:4], list(answers.items())
    figure = new_figure(0.55 + 1.75 * len(rows))
    heading(figure, words)
    room = (WIDTH - 0.85) / max(2, len(columns))
    for i, (answer, values) in enumerate(rows):
        for j, (name, given) in enumerate(columns):
            axes = bare_axes(figure, (0.72 + j * room, 0.5 + 1.75 * (len(rows) - 1 - i), room - 0.25, 1.2))
            x, y = np.asarray(given, dtype=float), np.asarray([np.nan if v is None else v for v in values], dtype=float)
            logarithmic = bool((x > 0).all()) and x.max() > 30 * x.min()
            axes.plot(x, y, "o", color=BLUE, markersize=4, alpha=0.8)
            if logarithmic:
                axes.set_xscale("log")
            set_ticks(axes.xaxis, float(x.min()), float(x.max()), logarithmic=logarithmic)
            axes.xaxis.set_major_locator(axes.xaxis.get_major_locator() if logarithmic else MaxNLocator(3))
            axes.xaxis.set_major_formatter(lambda value, _: number(value, 3))
            axes.set_xlabel(name, fontsize=NORMAL, color=INK, labelpad=2)
            set_ticks(axes.yaxis, float(np.nanmin(y)), float(np.nanmax(y)), logarithmic=False)
            axes.tick_params(labelleft=j == 0)
            if j == 0:
                panel_title(axes, answer)
    if len(varied) > len(columns):
        footnote(figure, f"{len(varied) - len(columns)} more numbers vary, which are not drawn.")
    return figure
