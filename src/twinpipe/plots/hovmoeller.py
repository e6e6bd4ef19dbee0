"""Hovmöller diagrams: zonal means over latitude and years, or over latitude and the seasons."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter
from numpy.typing import NDArray

from twinpipe.grid import Array
from twinpipe.plots.frame import (
    INK,
    NORMAL,
    SMALL,
    Box,
    axes_in,
    bare_axes,
    footnote,
    headline,
    new_figure,
    panel_title,
)
from twinpipe.plots.maps import colour_bar, shared_norm
from twinpipe.plots.series import limits, series, year_axis
from twinpipe.spec import RunSpec

PANELS = (
    ("atmosphere", "zonal_surface_temperature", "Surface temperature, zonal mean", "K", "inferno"),
    ("hydrosphere", "zonal_co2_ice_amount", "CO₂ ice, zonal mean", "kg/m²", "cividis"),
    ("atmosphere", "zonal_diurnal_amplitude", "Amplitude of the daily cycle, zonal mean", "K", "viridis"),
)
SEASONAL_ORBITS = 60  # of a run that is drawn with its seasons; they would be thinner than a pixel in a longer one
FIRST, LAST = "#0072b2", "#d55e00"


def hovmoeller_figure(tree: xr.DataTree, spec: RunSpec, member: int = 0) -> Figure:
    """Zonal means of temperature, CO2 ice and the daily cycle over the years; of orbits when there are many."""
    figure = new_figure(6.6)
    headline(figure, spec)
    every_orbit = False
    for row, (group, name, words, unit, colours) in enumerate(PANELS):
        bottom = 4.62 - row * 2.02
        zonal = tree[group].to_dataset()[name].isel(member=member)
        orbits = np.unique(zonal["zonal_time_orbit"].values)
        years, field = zonal["zonal_time_year"].values, np.asarray(zonal.values, dtype=float)
        if every_orbit := orbits.size > SEASONAL_ORBITS:
            whole = zonal.groupby("zonal_time_orbit").mean()
            years = zonal["zonal_time_year"].groupby("zonal_time_orbit").mean().values
            field = np.asarray(whole.values, dtype=float)
        axes = axes_in(figure, (0.72, bottom, 6.3, 1.5))
        _over_latitude(axes, zonal, _edges(years, float(spec.years)), field, shared_norm(field, field), colours)
        axes.set_xlim(0, spec.years)
        axes.tick_params(labelbottom=row == len(PANELS) - 1)
        panel_title(axes, words)
        colour_bar(figure, axes, (7.16, bottom, 0.11, 1.5), unit)
    year_axis(axes)
    footnote(figure, "Each column is the mean of an orbit." if every_orbit else "Seasons are resolved.")
    return figure


def seasons_figure(tree: xr.DataTree, spec: RunSpec, member: int = 0) -> Figure:
    """The seasonal cycle of the first and of the last orbit: zonal temperature, and global means, over Ls."""
    figure = new_figure(5.2)
    headline(figure, spec)
    zonal = tree["atmosphere"].to_dataset()["zonal_surface_temperature"].isel(member=member)
    per_orbit = round(spec.steps_per_orbit / spec.output.zonal_every_steps)
    first, last = zonal[:per_orbit], zonal[-per_orbit:]
    norm = shared_norm(np.asarray(first.values, dtype=float), np.asarray(last.values, dtype=float))
    for left, part, words in ((0.72, first, "First orbit"), (3.98, last, "Last orbit")):
        axes = axes_in(figure, (left, 2.85, 2.95, 1.75))
        ls, order = _sorted(part["zonal_time_ls"].values)
        _over_latitude(axes, part, _edges(ls, 360.0), np.asarray(part.values, dtype=float)[order], norm, "inferno")
        _season_axis(axes)
        panel_title(axes, f"{words}: surface temperature, zonal mean")
        axes.tick_params(labelleft=left < 1)
    colour_bar(figure, axes, (7.1, 2.85, 0.11, 1.75), "K")
    for left, name, words in (
        (0.72, "global_surface_temperature", "Surface temperature, global mean (K)"),
        (4.6, "global_surface_pressure", "Surface pressure, global mean (Pa)"),
    ):
        _cycles(figure, (left, 0.62, 2.95, 1.45), tree, spec, name, member)
        panel_title(figure.axes[-1], words)
    footnote(figure, "Solar longitude 0° is the northern spring equinox.")
    return figure


def _cycles(figure: Figure, box: Box, tree: xr.DataTree, spec: RunSpec, name: str, member: int) -> None:
    """A global mean over the seasons of the orbit before year 0 and of the last one."""
    axes = bare_axes(figure, box)
    _, values, _ = series(tree, spec, name, member)
    data = tree["simulation_state"].to_dataset()
    n = spec.steps_per_orbit
    parts = (
        ("before year 0", data["initial_time_ls"].values, values[:n], FIRST),
        ("last orbit", data["series_time_ls"].values[-n:], values[n:][-n:], LAST),
    )
    for words, ls, cycle, colour in parts:
        ordered, order = _sorted(ls)
        axes.plot(ordered, cycle[order], color=colour, linewidth=1.6, label=words)
    drawn = np.concatenate([part[2] for part in parts])
    limits(axes, float(drawn.min()), float(drawn.max()), 1.0)
    _season_axis(axes)
    axes.legend(loc="best", edgecolor="none", fontsize=SMALL, labelcolor=INK, handlelength=1.6)


def _over_latitude(axes: Axes, zonal: xr.DataArray, edges: Array, field: Array, norm: Normalize, colours: str) -> None:
    """A field (time, lat) with latitude upwards."""
    lat = zonal["lat"].values
    half = 0.5 * (lat[1] - lat[0])
    axes.pcolormesh(edges, np.append(lat - half, lat[-1] + half), field.T, norm=norm, cmap=colours, rasterized=True)
    axes.yaxis.set_major_locator(FixedLocator([-90, -60, -30, 0, 30, 60, 90]))
    axes.yaxis.set_major_formatter(FuncFormatter(_latitude))
    axes.tick_params(labelsize=SMALL + 0.5, colors=INK, width=0.5, length=2.5)


def _latitude(degree: float, _: object = None) -> str:
    return f"{abs(degree):.0f}°" + ("" if degree == 0 else "S" if degree < 0 else "N")


def _season_axis(axes: Axes) -> None:
    axes.set_xlim(0, 360)
    axes.xaxis.set_major_locator(FixedLocator([0, 90, 180, 270, 360]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}°"))
    axes.set_xlabel("Solar longitude", fontsize=NORMAL, color=INK, labelpad=2)


def _sorted(ls: Array) -> tuple[Array, NDArray[np.intp]]:
    """Solar longitudes in order, and the order."""
    order = np.argsort(ls)
    return ls[order], order


def _edges(centres: Array, last: float) -> Array:
    """Edges of the columns, from 0 to the end, half way between what they are of."""
    if centres.size < 2:
        return np.array([0.0, last])
    return np.concatenate([[0.0], 0.5 * (centres[1:] + centres[:-1]), [last]])
