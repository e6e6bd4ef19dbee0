"""Pictures of runs: maps, series, Hovmöller diagrams, seasons, events, films; and of many members at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from twinpipe.durable import disk
from twinpipe.plots.animation import write_animation
from twinpipe.plots.ensemble import events_figure
from twinpipe.plots.events import ROW, mark, place
from twinpipe.plots.frame import DPI, INK, NORMAL, WIDTH, headline, new_figure, title
from twinpipe.plots.hovmoeller import hovmoeller_figure, seasons_figure
from twinpipe.plots.maps import colour_bar, draw_map, last_window, maps_figure, shared_norm, start_and_end
from twinpipe.plots.series import panel_in, pressure, series_figure, span, temperature, year_axis
from twinpipe.spec import RunSpec
from twinpipe.wording import quantity

__all__ = ["draw", "draw_kinds", "hero_figure", "maps_figure", "save", "series_figure"]

HERO_HEIGHT = 14 / 3  # inches; 700 pixels


def draw(
    tree: xr.DataTree, spec: RunSpec, events: Sequence[dict[str, Any]], folder: Path, member: int = 0
) -> dict[str, Path]:
    """Write maps.png, series.png and hero.png of a member into a folder; their paths by name.

    Raises StoreError when the folder cannot be written.
    """
    return draw_kinds(tree, spec, events, folder, ("maps", "series", "hero"), member)


def draw_kinds(
    tree: xr.DataTree, spec: RunSpec, events: Sequence[dict[str, Any]], folder: Path, kinds: Sequence[str],
    member: int = 0,
) -> dict[str, Path]:  # fmt: skip
    """Write pictures of a member by their kinds into a folder; their paths by kind.

    kinds: hero, maps, series, hovmoeller, seasons, events, animation.  Raises StoreError when it cannot be written.
    """
    figures: dict[str, Callable[[], Figure]] = {
        "maps": lambda: maps_figure(tree, spec, member),
        "series": lambda: series_figure(tree, spec, events, member),
        "hero": lambda: hero_figure(tree, spec, events, member),
        "hovmoeller": lambda: hovmoeller_figure(tree, spec, member),
        "seasons": lambda: seasons_figure(tree, spec, member),
        "events": lambda: events_figure(events, spec.years, title(spec)),
    }
    paths = {}
    for kind in kinds:
        if kind == "animation":
            paths[kind] = write_animation(tree, spec, folder / "animation.gif", member)
        else:
            paths[kind] = save(figures[kind](), folder / f"{kind}.png", f"{spec.body.name}: {kind}")
    return paths


def save(figure: Figure, path: Path, words: str) -> Path:
    """Write a figure as a PNG; its path.  Raises StoreError when it cannot be written."""
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=DPI, metadata={"Title": words, "Software": "twinpipe"})
    return path


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
