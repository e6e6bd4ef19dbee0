"""Two runs side by side: their maps at the end and the difference, and their series."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.colors import CenteredNorm
from matplotlib.figure import Figure

from twinpipe.errors import InvalidInput
from twinpipe.plots.ensemble import FANS, orbit_means
from twinpipe.plots.frame import INK, NORMAL, SMALL, WIDTH, bare_axes, footnote, heading, new_figure, panel_title
from twinpipe.plots.maps import MAP_NOTE, colour_bar, draw_map, shared_norm, start_and_end
from twinpipe.plots.series import BLUE, ORANGE, limits, year_axis
from twinpipe.spec import RunSpec
from twinpipe.wording import quantity


def comparison_figure(
    trees: tuple[xr.DataTree, xr.DataTree],
    specs: tuple[RunSpec, RunSpec],
    names: tuple[str, str],
    members: tuple[int, int] = (0, 0),
) -> Figure:
    """Temperature at the end of two runs, the second less the first, and their series over an orbit.

    Raises InvalidInput when the grids differ.
    """
    if specs[0].grid != specs[1].grid:
        raise InvalidInput("--against", f"a run on {specs[1].grid}", f"it is a run on the same grid, {specs[0].grid}")
    figure = new_figure(6.75)
    heading(figure, f"{specs[0].body.name}: {names[0]} and {names[1]}")
    ends = [
        start_and_end(tree, "atmosphere", "surface_temperature", member)[1]
        for tree, member in zip(trees, members, strict=True)
    ]
    norm = shared_norm(*ends)
    places = ((0.1, ends[0], names[0]), (2.7, ends[1], names[1]))
    for left, field, words in places:
        axes = draw_map(figure, trees[0], (left, 4.85, 2.5, 1.25), field, norm, "inferno", labelled=False)
        mean = quantity(float(specs[0].grid_shape.mean(field)), "K")
        axes.set_title(f"{words}: {mean}", fontsize=NORMAL, color=INK, pad=3)
    colour_bar(figure, axes, (1.1, 4.7, 3.1, 0.09), "Surface temperature at the end (K)", horizontal=True)
    change = ends[1] - ends[0]
    widest = max(float(np.abs(change).max()), 1e-3)
    axes = draw_map(
        figure, trees[0], (5.35, 4.85, 2.5, 1.25), change, CenteredNorm(0.0, widest), "RdBu_r", labelled=False
    )
    mean = quantity(float(specs[0].grid_shape.mean(change)), "K")
    axes.set_title(f"{names[1]} less {names[0]}: {mean}", fontsize=NORMAL, color=INK, pad=3)
    colour_bar(figure, axes, (5.7, 4.7, 1.8, 0.09), "Difference (K)", horizontal=True)
    for row, (series, title) in enumerate(FANS):
        axes = bare_axes(figure, (0.72, 3.05 - 1.25 * row, WIDTH - 1.0, 0.92))
        drawn = []
        for tree, spec, name, member, colour, style in zip(
            trees, specs, names, members, (BLUE, ORANGE), ("solid", (0, (4, 1))), strict=True
        ):
            years, values = orbit_means(tree["simulation_state"].to_dataset().isel(member=[member]), spec, series)
            axes.plot(years, values[0], color=colour, linestyle=style, linewidth=1.5, label=name)
            drawn.append(values[0])
        joined = np.concatenate(drawn)
        limits(axes, float(joined.min()), float(joined.max()), 1e-9)
        axes.set_xlim(0, max(spec.years for spec in specs))
        axes.tick_params(labelbottom=row == len(FANS) - 1)
        panel_title(axes, title)
        if row == 0:
            axes.legend(
                loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, edgecolor="none", fontsize=SMALL,
                labelcolor=INK, borderaxespad=0.0,
            )  # fmt: skip
    year_axis(axes)
    footnote(figure, f"Series are means over the orbit that ends then. {MAP_NOTE}")
    return figure
