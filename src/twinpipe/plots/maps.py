"""Maps of the planet at the start and at the end, on one scale."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

from twinpipe.constants import DAY, YEAR
from twinpipe.grid import Array
from twinpipe.plots.frame import (
    GREY,
    INK,
    NORMAL,
    SMALL,
    WIDTH,
    Box,
    axes_in,
    footnote,
    headline,
    new_figure,
    set_ticks,
)
from twinpipe.spec import RunSpec
from twinpipe.wording import quantity

PANELS = (
    ("atmosphere", "surface_temperature", "Surface temperature", "K", "inferno"),
    ("hydrosphere", "co2_ice_amount", "CO₂ ice", "kg/m²", "cividis"),
    ("atmosphere", "surface_air_pressure", "Surface pressure", "Pa", "viridis"),
)
MAP_NOTE = "Equal-area (Mollweide) maps of longitudes 180° W to 180° E, 0° in the middle."


def maps_figure(tree: xr.DataTree, spec: RunSpec, member: int = 0) -> Figure:
    """Temperature, CO2 ice and pressure, means of the orbit before year 0 and of the run's last window."""
    figure = new_figure(6.7)
    headline(figure, spec)
    for left, words in ((0.35, "Start: the orbit before year 0"), (3.8, f"End: {last_window(tree, spec)}")):
        figure.text((left + 1.65) / WIDTH, 0.935, words, ha="center", va="center", fontsize=NORMAL + 1, color=INK)
    for row, (group, name, words, unit, colours) in enumerate(PANELS):
        bottom = 4.32 - row * 2.0
        start, end = start_and_end(tree, group, name, member)
        norm = shared_norm(start, end, logarithmic=name == "surface_air_pressure")
        for left, field in ((0.35, start), (3.8, end)):
            axes = draw_map(figure, tree, (left, bottom, 3.3, 1.65), field, norm, colours, labelled=left < 1)
            mean = quantity(float(spec.grid_shape.mean(field)), unit)
            axes.set_title(f"{words}, area mean {mean}", fontsize=NORMAL, color=INK, pad=3)
        label = f"{words} ({unit}, log scale)" if isinstance(norm, LogNorm) else f"{words} ({unit})"
        colour_bar(figure, axes, (7.22, bottom + 0.05, 0.11, 1.55), label)
    footnote(figure, f"{MAP_NOTE} {_altitude_note(tree)}")
    return figure


def start_and_end(tree: xr.DataTree, group: str, name: str, member: int) -> tuple[Array, Array]:
    """A member's map (lat, lon) of the orbit before year 0, and its last one."""
    data = tree[group].to_dataset()
    start = np.asarray(data[f"initial_{name}"].isel(member=member).values, dtype=float)
    return start, np.asarray(data[name].isel(member=member, time=-1).values, dtype=float)


def last_window(tree: xr.DataTree, spec: RunSpec) -> str:
    """The years that the last map is the mean of."""
    bounds = np.asarray(tree["atmosphere"].to_dataset()["time_bnds"].values[-1], dtype=float) * DAY / YEAR
    whole = bounds[1] - bounds[0] > 0.99 * spec.body.orbit.sidereal_year_s / YEAR
    return f"years {bounds[0]:.1f} to {bounds[1]:.1f}" + ("" if whole else ", part of an orbit")


def shared_norm(start: Array, end: Array, *, logarithmic: bool = False) -> Normalize:
    """One scale for both maps; logarithmic where that is asked for and they span more than a decade."""
    low, high = float(min(start.min(), end.min())), float(max(start.max(), end.max()))
    if logarithmic and low > 0 and high > 10 * low:
        return LogNorm(low, high)
    if high - low <= 1e-6 * abs(high):
        high = low + max(1e-3 * abs(low), 1.0)
    return Normalize(low, high)


def draw_map(
    figure: Figure, tree: xr.DataTree, box: Box, field: Array, norm: Normalize, colours: str, *, labelled: bool
) -> Axes:
    """An equal-area map of a field (lat, lon) with contours of the altitude."""
    axes = axes_in(figure, box, projection="mollweide")
    data = tree["geosphere"].to_dataset()
    edges = {
        dim: np.radians(np.append(data[f"{dim}_bnds"].values[:, 0], data[f"{dim}_bnds"].values[-1, 1]))
        for dim in ("lat", "lon")
    }
    # rows cut into thinner ones: the map's curved edge is drawn with a straight piece for each
    thinner = cuts(field)
    rows = np.linspace(edges["lat"][:-1], edges["lat"][1:], thinner, endpoint=False, axis=1).ravel()
    fine = np.append(rows, edges["lat"][-1])
    axes.pcolormesh(edges["lon"], fine, np.repeat(field, thinner, axis=0), norm=norm, cmap=colours)
    levels = _altitude_levels(tree)
    if levels.size:
        # carried round the globe, so that contours reach the edge of the map
        lon = np.radians(data["lon"].values)
        lon = np.concatenate([lon[-1:] - 2 * np.pi, lon, lon[:1] + 2 * np.pi]).clip(-np.pi, np.pi)
        altitude = np.pad(data["surface_altitude"].values, ((0, 0), (1, 1)), mode="wrap")
        lat = np.radians(data["lat"].values)
        for colour, linewidth, alpha in (("black", 0.7, 0.3), ("white", 0.35, 0.8)):  # seen on light and dark
            axes.contour(
                lon, lat, altitude, levels, colors=colour, linewidths=linewidth, alpha=alpha, linestyles="solid"
            )
    axes.grid(visible=True, color="white", linewidth=0.3, alpha=0.35)
    axes.xaxis.set_major_locator(FixedLocator(list(np.radians([-90.0, 0.0, 90.0]))))
    axes.yaxis.set_major_locator(FixedLocator(list(np.radians([-60.0, -30.0, 0.0, 30.0, 60.0]))))
    axes.xaxis.set_major_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(_latitude) if labelled else NullFormatter())
    axes.tick_params(labelsize=SMALL, colors=GREY)
    return axes


def cuts(field: Array) -> int:
    """How many thinner rows draw_map makes of each row of a field."""
    return -(-144 // len(field))


def _latitude(radians: float, _: object = None) -> str:
    degree = round(float(np.degrees(radians)))
    return f"{abs(degree)}°" + ("" if degree == 0 else "S" if degree < 0 else "N")


def _altitude_levels(tree: xr.DataTree) -> Array:
    altitude = tree["geosphere"].to_dataset()["surface_altitude"].values
    low, high = float(altitude.min()), float(altitude.max())
    if high - low < 1.0 or min(altitude.shape) < 2:
        return np.array([])
    levels = np.asarray(MaxNLocator(7).tick_values(low, high))
    return levels[(levels > low) & (levels < high)]


def _altitude_note(tree: xr.DataTree) -> str:
    levels = _altitude_levels(tree)
    return f"Thin lines: altitude every {quantity(levels[1] - levels[0], 'm')}." if levels.size > 1 else ""


def colour_bar(figure: Figure, axes: Axes, box: Box, label: str, *, horizontal: bool = False) -> None:
    """The scale of a map, with its label."""
    mesh = axes.collections[0]
    low, high = mesh.get_clim()
    bar = figure.colorbar(mesh, cax=axes_in(figure, box), orientation="horizontal" if horizontal else "vertical")
    bar.outline.set_linewidth(0.4)
    bar.set_label(label, fontsize=SMALL + 0.5, color=INK, labelpad=3)
    axis = bar.ax.xaxis if horizontal else bar.ax.yaxis
    set_ticks(axis, low or 0.0, high or 1.0, logarithmic=isinstance(mesh.norm, LogNorm))
    bar.ax.tick_params(labelsize=SMALL, colors=INK, width=0.5, length=2.5)
