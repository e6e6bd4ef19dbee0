"""Pictures of a member of a run: maps at the start and the end, series with events, and one of both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from twinpipe.durable import disk
from twinpipe.plots.events import ROW, mark, place
from twinpipe.plots.frame import DPI, INK, NORMAL, WIDTH, headline, new_figure
from twinpipe.plots.maps import colour_bar, draw_map, last_window, maps_figure, shared_norm, start_and_end
from twinpipe.plots.series import panel_in, pressure, series_figure, span, temperature, year_axis
from twinpipe.spec import RunSpec
from twinpipe.wording import quantity

__all__ = ["draw", "hero_figure", "maps_figure", "series_figure"]

HERO_HEIGHT = 14 / 3  # inches; 700 pixels


def draw(
    tree: xr.DataTree, spec: RunSpec, events: Sequence[dict[str, Any]], folder: Path, member: int = 0
) -> dict[str, Path]:
    """Write maps.png, series.png and hero.png of a member into a folder; their paths by name.

    Raises StoreError when the folder cannot be written.
    """
    figures = {
        "maps": maps_figure(tree, spec, member),
        "series": series_figure(tree, spec, events, member),
        "hero": hero_figure(tree, spec, events, member),
    }
    paths = {name: folder / f"{name}.png" for name in figures}
    with disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in figures.items():
            title = {"Title": f"{spec.body.name}: {name}", "Software": "twinpipe"}
            figure.savefig(paths[name], dpi=DPI, metadata=title)
    return paths


def hero_figure(tree: xr.DataTree, spec: RunSpec, events: Sequence[dict[str, Any]], member: int = 0) -> Figure:
    """Temperature at the start and the end beside the series of temperature and pressure."""
    figure, left, width = new_figure(HERO_HEIGHT), 4.0, 3.1
    headline(figure, spec)
    start, end = start_and_end(tree, "atmosphere", "surface_temperature", member)
    norm = shared_norm(start, end)
    ending = "End (part of an orbit)" if "part" in last_window(tree, spec) else "End"
    for bottom, field, words in ((2.47, start, "Start"), (0.62, end, ending)):
        axes = draw_map(figure, tree, (0.15, bottom, 3.2, 1.6), field, norm, "inferno", labelled=False)
        mean = quantity(float(spec.grid_shape.mean(field)), "K")
        axes.set_title(f"{words}: surface temperature, mean {mean}", fontsize=NORMAL, color=INK, pad=3)
    colour_bar(figure, axes, (0.35, 0.46, 2.8, 0.09), "Surface temperature (K)", horizontal=True)
    labels = place(figure, events, span(spec), left, width, room=WIDTH - 0.08, rows=6)
    space = HERO_HEIGHT - 0.42 - ROW * labels.rows - 0.55 - 0.56
    panels = []
    for bottom, fill in ((0.56 + space / 2 + 0.29, temperature), (0.56, pressure)):
        panel = panel_in(figure, (left, bottom, width, space / 2), spec)
        fill(panel, tree, spec, member, short=True)
        panels.append(panel)
    year_axis(panels[-1])
    mark(figure, panels, labels)
    return figure
