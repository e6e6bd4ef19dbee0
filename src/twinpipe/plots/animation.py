"""A short film of a map over the years of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.animation import PillowWriter
from matplotlib.figure import Figure

from twinpipe.durable import disk
from twinpipe.plots.frame import INK, LARGE, title
from twinpipe.plots.maps import colour_bar, cuts, draw_map, shared_norm
from twinpipe.spec import RunSpec

FRAMES, SECONDS, DPI = 60, 6.0, 100
SIZE = (6.4, 3.9)  # inches


def write_animation(tree: xr.DataTree, spec: RunSpec, path: Path, member: int = 0) -> Path:
    """Write surface temperature over the years as a GIF, at most 60 frames in six seconds; the path.

    Raises StoreError when it cannot be written.
    """
    data = tree["atmosphere"].to_dataset().isel(member=member)
    maps = data["surface_temperature"]
    chosen = np.unique(np.linspace(0, maps.sizes["time"] - 1, FRAMES).round().astype(int))
    before = np.asarray(data["initial_surface_temperature"].values, dtype=float)
    fields = [before, *np.asarray(maps.isel(time=chosen).values, dtype=float)]
    labels = ["before year 0", *(f"year {year:.0f}" for year in maps["time_year"].values[chosen])]
    stacked = np.stack(fields)
    figure = Figure(figsize=SIZE, dpi=DPI, facecolor="white")
    norm = shared_norm(stacked.min(axis=0), stacked.max(axis=0))
    axes = draw_map(figure, tree, (0.35, 0.75, 5.7, 2.75), fields[0], norm, "inferno", labelled=False)
    colour_bar(figure, axes, (1.2, 0.5, 4.0, 0.11), "Surface temperature, mean of an orbit (K)", horizontal=True)
    figure.text(0.5, 0.95, title(spec), ha="center", va="center", fontsize=LARGE, weight="bold", color=INK)
    year = figure.text(0.98, 0.045, "", ha="right", va="center", fontsize=LARGE, color=INK)
    mesh = axes.collections[0]
    repeat = cuts(before)
    writer = PillowWriter(fps=max(4, round(len(fields) / SECONDS)))
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with writer.saving(figure, str(path), DPI):
            for field, words in zip(fields, labels, strict=True):
                mesh.set_array(np.repeat(field, repeat, axis=0))
                year.set_text(words)
                writer.grab_frame()
    return path
