"""Global means, CO2 ice and the schedule of interventions over the years."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from twinpipe.constants import ARMSTRONG_PRESSURE, TRIPLE_POINT_WATER_PRESSURE, YEAR
from twinpipe.grid import Array
from twinpipe.plots.events import ROW, mark, place
from twinpipe.plots.frame import (
    FAINT,
    GREY,
    INK,
    NORMAL,
    SMALL,
    WIDTH,
    Box,
    bare_axes,
    footnote,
    headline,
    new_figure,
    panel_title,
    set_ticks,
)
from twinpipe.spec import RunSpec
from twinpipe.wording import intervention_name, intervention_rate, number, schedule_words

MAX_ROWS, MAX_BARS = 12, 12
# Okabe and Ito's colours, told apart by people who see no red or no green.
BLUE, ORANGE = "#0072b2", "#d55e00"
BAR_COLOURS = {"super_greenhouse_gas": "#009e73", "orbital_mirror": "#e69f00", "volatile_import": "#56b4e9"}
REFERENCES = ((TRIPLE_POINT_WATER_PRESSURE, "triple point\n612 Pa"), (ARMSTRONG_PRESSURE, "Armstrong limit\n6.27 kPa"))


def series_figure(tree: xr.DataTree, spec: RunSpec, events: Sequence[dict[str, Any]], member: int = 0) -> Figure:
    """Temperature, pressure, CO2 ice and the schedule over the years, with the events as markers."""
    figure, left, width = new_figure(1.0), 0.72, WIDTH - 1.72
    labels = place(figure, events, span(spec), left, width, room=WIDTH - 0.08, rows=MAX_ROWS)
    bars = spec.scenario.interventions[:MAX_BARS]
    schedule, strip = 0.34 * max(1, len(bars)), ROW * labels.rows
    height = 0.62 + schedule + 3 * (1.3 + 0.3) + 0.3 + strip + 0.4
    figure.set_size_inches(WIDTH, height)
    headline(figure, spec)
    bottom = height - 0.4 - strip - 0.3
    panels = []
    for fill in (temperature, pressure, _ice):
        panels.append(panel_in(figure, (left, bottom - 1.3, width, 1.3), spec))
        fill(panels[-1], tree, spec, member)
        bottom -= 1.6
    panels.append(panel_in(figure, (left, bottom - schedule, width, schedule), spec))
    _schedule(panels[-1], spec)
    year_axis(panels[-1])
    mark(figure, panels, labels)
    footnote(figure, _series_note(spec, labels.left_out))
    return figure


def span(spec: RunSpec) -> tuple[float, float]:
    """First and last year that the series show: the orbit before year 0 comes first."""
    return -spec.body.orbit.sidereal_year_s / YEAR, float(spec.years)


def series(tree: xr.DataTree, spec: RunSpec, name: str, member: int) -> tuple[Array, Array, Array]:
    """Years, values at each step from the orbit before year 0 on, and the means over the orbit to each."""
    data = tree["simulation_state"].to_dataset()
    names = (f"initial_{name}", name)
    values = np.concatenate([np.asarray(data[n].isel(member=member).values, dtype=float) for n in names])
    years = np.concatenate([data["initial_time_year"].values, data["series_time_year"].values])
    n = spec.steps_per_orbit
    total = np.concatenate([[0.0], np.cumsum(values - values[0])])
    return years, values, values[0] + (total[n:] - total[:-n]) / n


def panel_in(figure: Figure, box: Box, spec: RunSpec) -> Axes:
    """Axes over the years of a run."""
    axes = bare_axes(figure, box)
    axes.set_xlim(*span(spec))
    axes.tick_params(labelbottom=False)
    axes.xaxis.set_major_locator(MaxNLocator(int(2 * box[2]), steps=[1, 2, 5, 10]))
    return axes


def _heading(axes: Axes, words: str, *, legend: bool = True) -> None:
    panel_title(axes, words)
    if legend:
        axes.legend(
            loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=3, edgecolor="none", framealpha=1.0,
            fontsize=SMALL, labelcolor=INK, handlelength=1.6, columnspacing=1.2, borderaxespad=0.0,
            borderpad=0.2,
        )  # fmt: skip


def limits(axes: Axes, low: float, high: float, least: float) -> None:
    """Limits with a margin, at least so far apart, and never below 0 where the values are not."""
    middle, half = 0.5 * (low + high), max(0.5 * least, 0.56 * (high - low))
    axes.set_ylim(max(middle - half, 0.0 if low >= 0 else -np.inf), middle + half)
    set_ticks(axes.yaxis, low, high, logarithmic=False)


def _curve(axes: Axes, years: Array, values: Array, mean: Array, colours: tuple[str, str]) -> None:
    thin = 0.7 if len(years) < 20_000 else 0.25
    axes.axvspan(years[0], 0, color="#eeeeee", linewidth=0, zorder=0)
    axes.plot(years, values, color=colours[0], linewidth=thin, label="each step")
    axes.plot(years[len(values) - len(mean) :], mean, color=colours[1], linewidth=1.7, label="mean over an orbit")


def temperature(axes: Axes, tree: xr.DataTree, spec: RunSpec, member: int, *, short: bool = False) -> None:
    """Global mean temperature: thin at each step, bold over the last orbit."""
    years, values, mean = series(tree, spec, "global_surface_temperature", member)
    _curve(axes, years, values, mean, (FAINT, INK))
    limits(axes, float(values.min()), float(values.max()), 2.0)
    _heading(axes, "Temperature (K)" if short else "Surface temperature, global mean (K)")


def pressure(axes: Axes, tree: xr.DataTree, spec: RunSpec, member: int, *, short: bool = False) -> None:
    """Global mean pressure, with the lines that mean something to water and to people."""
    years, values, mean = series(tree, spec, "global_surface_pressure", member)
    _curve(axes, years, values, mean, (FAINT, INK))
    low, high = float(values.min()), float(values.max())
    logarithmic = low > 0 and high > 10 * low
    if logarithmic:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.2, high * 1.2)
        set_ticks(axes.yaxis, low, high, logarithmic=True)
    else:
        limits(axes, low, high, 0.02 * high)
    for value, words in REFERENCES:
        if axes.get_ylim()[0] < value < axes.get_ylim()[1]:
            axes.axhline(value, color=ORANGE, linewidth=0.8, linestyle=(0, (5, 2)), zorder=1.5)
            axes.annotate(
                words, (1.0, value), (4, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
                va="center", fontsize=SMALL, color=ORANGE, linespacing=1.1,
            )  # fmt: skip
    unit = "Pa, log scale" if logarithmic else "Pa"
    _heading(axes, f"Pressure ({unit})" if short else f"Surface pressure, global mean ({unit})", legend=not short)


def _ice(axes: Axes, tree: xr.DataTree, spec: RunSpec, member: int) -> None:
    highest = 0.0
    curves = []
    for side in ("north", "south"):
        curves.append((side, *series(tree, spec, f"co2_ice_mass_{side}", member)))
        highest = max(highest, float(curves[-1][2].max()))
    exponent = int(np.floor(np.log10(highest))) if highest > 0 else 0
    scale = 10.0**exponent
    looks = {"north": (BLUE, "solid"), "south": (ORANGE, (0, (3, 1)))}
    axes.axvspan(curves[0][1][0], 0, color="#eeeeee", linewidth=0, zorder=0)
    for side, years, values, mean in curves:
        colour, style = looks[side]
        thin = 0.6 if len(years) < 20_000 else 0.2
        axes.plot(years, values / scale, color=colour, linewidth=thin, alpha=0.5)
        axes.plot(
            years[len(values) - len(mean) :], mean / scale, color=colour, linewidth=1.7, linestyle=style,
            label=f"{side}, mean over an orbit",
        )  # fmt: skip
    limits(axes, 0.0, max(highest / scale, 1e-3), 0.0)
    unit = f"{number(scale).removeprefix('1×')} kg" if exponent else "kg"
    _heading(axes, f"CO₂ ice of each hemisphere ({unit})")


def _schedule(axes: Axes, spec: RunSpec) -> None:
    """A row for each intervention: words above, and below them a bar as high as the rate, with its ramp."""
    interventions, years = spec.scenario.interventions, float(spec.years)
    rows = max(1, min(len(interventions), MAX_BARS))
    axes.set_ylim(0, rows)
    axes.grid(visible=False)
    axes.yaxis.set_major_locator(NullLocator())
    more = len(interventions) - MAX_BARS
    _heading(axes, f"Interventions, and {more} more in the report" if more > 0 else "Interventions", legend=False)
    for row, item in zip(range(rows - 1, -1, -1), interventions, strict=False):
        schedule = item.schedule
        rise = schedule.ramp_years if schedule.shape == "ramp" else 0.0
        end = min(schedule.end_year, years)
        if schedule.start_year < end:
            full = min(schedule.start_year + rise, end)
            peak = (full - schedule.start_year) / rise if rise > 0 else 1.0
            low, high = row + 0.06, row + 0.06 + 0.4 * peak
            x, y = [schedule.start_year, full, end, end], [low, high, high, low]
            axes.fill(x, y, color=BAR_COLOURS.get(item.kind, GREY), linewidth=0, zorder=2)
        words = f"{intervention_name(item)}: {intervention_rate(item)} {schedule_words(schedule, years)}"
        _row_text(axes, row, words)
    if not interventions:
        _row_text(axes, 0, "none: the planet is left to itself")


def _row_text(axes: Axes, row: int, words: str) -> None:
    axes.text(
        0.008, row + 0.72, words, transform=axes.get_yaxis_transform(), va="center", fontsize=SMALL,
        color=INK, zorder=3, bbox={"facecolor": "white", "linewidth": 0, "pad": 0.6},
    )  # fmt: skip


def year_axis(axes: Axes) -> None:
    """Labels of the years, below the last panel."""
    axes.tick_params(labelbottom=True)
    axes.set_xlabel("Earth years since the start of the run", fontsize=NORMAL, color=INK, labelpad=2)


def _series_note(spec: RunSpec, left_out: int) -> str:
    orbit = number(spec.body.orbit.sidereal_year_s / YEAR, 3)
    words = f"Grey: the orbit before year 0; an orbit of {spec.body.name} takes {orbit} Earth years."
    return f"{words} Lines without a label: {left_out} more events." if left_out else words
