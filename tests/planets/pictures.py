"""The verification in pictures: what the rows of the tables compare, as curves beside published points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from tests.laws import ice_lines
from tests.planets import fillet, historic, mars_warmed, targets
from tests.planets.mars_today import LS_FINE, PA_PER_MBAR, Control, dry_temperature
from twinpipe.grid import Array
from twinpipe.physics.kadoya_tajika import WARMEST
from twinpipe.plots.frame import FAINT, GREY, INK, LARGE, NORMAL, SMALL, WIDTH, axes_in, new_figure, set_ticks
from twinpipe.plots.series import BLUE, ORANGE

GREEN, YELLOW = "#009e73", "#e69f00"  # Okabe and Ito, as in the pictures of a run
HEIGHT, LEFT, GAP = 3.3, 0.62, 0.72  # inches
PASCAL_PER_BAR = 1e5


@dataclass(frozen=True)
class Picture:
    """A figure with the words below it."""

    name: str
    caption: str
    figure: Figure


def pair(heading: str) -> tuple[Figure, Axes, Axes]:
    """A figure with two panels side by side."""
    figure, width = new_figure(HEIGHT), (WIDTH - LEFT - GAP - 0.15) / 2
    figure.text(0.5, 1 - 0.17 / HEIGHT, heading, ha="center", va="center", fontsize=LARGE, weight="bold", color=INK)
    boxes = [(left, 0.5, width, HEIGHT - 1.05) for left in (LEFT, LEFT + width + GAP)]
    left_axes, right_axes = (axes_in(figure, box) for box in boxes)
    return figure, left_axes, right_axes


def dress(axes: Axes, heading: str, x: str, y: str, place: Literal["best", "center right"] = "best") -> None:
    """Title, labels, legend and grid of a panel that is drawn."""
    axes.set_title(heading, fontsize=NORMAL, color=INK)
    axes.set_xlabel(x, fontsize=NORMAL, color=INK)
    axes.set_ylabel(y, fontsize=NORMAL, color=INK)
    axes.tick_params(labelsize=SMALL, colors=INK)
    axes.grid(color=FAINT, alpha=0.3, linewidth=0.5)
    axes.legend(fontsize=SMALL, frameon=False, loc=place)


def points(axes: Axes, x: Array, y: Array, colour: str, label: str) -> None:
    """Published numbers, as open circles."""
    axes.plot(x, y, "o", markersize=4, markerfacecolor="white", color=colour, label=label)


def logarithmic(axes: Axes, low: float, high: float) -> None:
    """A logarithmic horizontal axis with ticks in full."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    set_ticks(axes.xaxis, low, high, logarithmic=True)


def pressure_picture(c: Control) -> Picture:
    """Pressure against Ls: at Viking 1 over the fit, and the global mean; C2.1."""
    figure, viking, mean = pair("Mars: pressure through the seasons")
    viking.plot(LS_FINE, targets.vl1_pressure(LS_FINE), color=GREY, linewidth=3, alpha=0.5, label="fit to Viking 1")
    viking.plot(LS_FINE, c.at_ls(c.pressure_at_mbar(targets.VL1_ELEVATION_M), LS_FINE), color=BLUE, label="twinpipe")
    extremes = np.array([(ls, mbar) for ls, mbar, *_ in targets.VL1_EXTREMES.values()])
    points(viking, extremes[:, 0], extremes[:, 1], ORANGE, "its extremes")
    mean.plot(LS_FINE, c.at_ls(c.pressure_mbar, LS_FINE), color=BLUE, label="twinpipe")
    points(mean, targets.PRESSURE_LS, targets.PRESSURE_GCM, ORANGE, "NASA Ames GCM")
    points(mean, targets.PRESSURE_LS, targets.PRESSURE_MCD, GREEN, "Mars Climate Database")
    for axes, heading in ((viking, "Viking Lander 1"), (mean, "global mean")):
        axes.set_xlim(0, 360)
        axes.xaxis.set_major_locator(MultipleLocator(60))
        dress(axes, heading, "Ls (°)", "pressure (mbar)")
    return Picture(
        "pressure", "Surface pressure of the untouched twin over the season, beside the fit and models.", figure
    )


def zonal_picture(c: Control) -> Picture:
    """Zonal mean temperature at Ls 0 and 180; C2.2."""
    figure, *panels = pair("Mars: zonal mean surface temperature")
    degrees = np.degrees(c.grid.latitude)
    for axes, (ls, kelvin) in zip(panels, targets.ZONAL_TEMPERATURE.items(), strict=True):
        axes.plot(degrees, c.zonal_at("zonal_surface_temperature", ls, degrees), color=BLUE, label="twinpipe")
        printed = ~np.isin(kelvin, targets.ONE_SIDED_K)
        latitude = targets.ZONAL_LATITUDE[printed]
        axes.errorbar(
            latitude,
            kelvin[printed],
            3.0,
            fmt="o",
            markersize=4,
            color=ORANGE,
            elinewidth=1,
            label="NASA Ames GCM ±3 K",
        )
        axes.set_xlim(-90, 90)
        axes.xaxis.set_major_locator(MultipleLocator(30))
        dress(axes, f"Ls {ls:.0f}°", "latitude (°)", "temperature (K)")
    return Picture("zonal", "Numbers printed as at most or at least are left out, as in the table.", figure)


def column_picture() -> Picture:
    """Temperature against CO2 pressure with the published columns and the formulas of the 1990s; C2.3, X17, X18."""
    figure, dry, humid = pair("Mars: temperature under thicker CO2, today's sun")
    pascal = np.geomspace(610.0, 2e5, 80)
    for axes, ours, table, air in (
        (dry, dry_temperature, targets.CO2_COLUMN, "dry"),
        (humid, mars_warmed.humid_temperature, targets.CO2_COLUMN_HUMID, "relative humidity 0.5"),
    ):
        mbar, bar = pascal / PA_PER_MBAR, pascal / PASCAL_PER_BAR
        axes.plot(mbar, [ours(float(p)) for p in pascal], color=BLUE, label="twinpipe")
        points(
            axes, np.array(list(table)) / PA_PER_MBAR, np.array(list(table.values())), ORANGE, "radiative-convective"
        )
        axes.plot(mbar, [historic.zubrin_mckay_mean(p) for p in bar], "--", color=GREY, label="Zubrin and McKay")
        axes.plot(mbar, [historic.terrasim(p) for p in bar], ":", color=INK, label="TerraSim")
        logarithmic(axes, 5.0, 2500.0)
        dress(axes, air, "CO2 (mbar)", "temperature (K)")
    words = (
        "The formulas of the 1990s are 10 to 15 K warmer at 1 bar than radiative-convective columns: never a target."
    )
    return Picture("columns", words, figure)


def warming_picture() -> Picture:
    """Warming by super-greenhouse gases and temperature under particles; C2.4, C2.5."""
    figure, gases, particles = pair("Mars: super-greenhouse gases and particles in today's column")
    pascal = np.geomspace(1e-3, 1.0, 40)
    looks = ((BLUE, "-"), (GREEN, "-"), (YELLOW, "-"), (INK, ":"))  # C2F6 and SF6 lie on each other
    for gas, (colour, dashes) in zip(("C3F8", *mars_warmed.GAS_RATIO), looks, strict=True):
        gases.plot(pascal, [mars_warmed.gas_warming(gas, float(p)) for p in pascal], dashes, color=colour, label=gas)
    table = mars_warmed.C3F8_WARMING
    points(gases, np.array(list(table)), np.array(list(table.values())), ORANGE, "C3F8, published")
    logarithmic(gases, 8e-4, 1.25)
    dress(gases, "warming by gases", "partial pressure (Pa)", "warming (K)")
    for (kind, nodes), colour in zip(mars_warmed.TERRASCREEN.items(), (BLUE, GREEN, YELLOW, GREY, INK), strict=True):
        depth, kelvin = np.array(list(nodes)), np.array(list(nodes.values()))
        ours = [mars_warmed.particle_temperature(kind, float(d)) for d in np.linspace(0.0, depth.max(), 81)]
        particles.plot(np.linspace(0.0, depth.max(), 81), ours, color=colour, label=kind.replace("_", " "))
        points(particles, depth, kelvin, colour, "_")
    dress(particles, "particles; circles TerraScreen", "visible optical depth", "temperature (K)")
    return Picture("warming", "Curves are twinpipe's column; circles are the published numbers of the table.", figure)


def ice_line_picture() -> Picture:
    """Every equilibrium of climlab's energy-balance model by solar constant: two folds, three climates; X5."""
    figure, whole, cap = pair("Ice lines of the classic energy-balance model")
    lines = np.r_[0.25, np.arange(1.0, 89.75, 0.75), 90.0]
    sun = np.array([ice_lines.of_series(float(line)) for line in lines])
    stable = np.gradient(sun, lines) > 0
    rows = np.arange(2.0, 90.0, 4.0)
    today = ice_lines.lines_at(ice_lines.SUN)
    melts, freezes = ice_lines.ENDS
    for axes in (whole, cap):
        axes.plot(np.where(stable, sun, np.nan), lines, color=BLUE, label="stable")
        axes.plot(np.where(stable, np.nan, sun), lines, "--", color=BLUE, linewidth=1, label="unstable")
        axes.plot(
            [ice_lines.of_rows(float(x)) for x in rows], rows, ".", color=INK, label="rows of the model's transport"
        )
        axes.plot([sun.min() - 60, melts], [0, 0], color=BLUE)
        axes.plot([freezes, sun.max() + 60], [90, 90], color=BLUE)
        axes.axvline(ice_lines.SUN, color=YELLOW, linewidth=1, label="today's sun")
        axes.plot([ice_lines.SUN] * len(today), today, "s", markersize=3, color=YELLOW)
        published = np.array([(s, line) for line, s in ice_lines.FOLDS] + [(melts, 0.0), (freezes, 90.0)])
        points(axes, published[:, 0], published[:, 1], ORANGE, "published folds and ends")
    whole.set_xlim(sun.min() - 60, sun.max() + 60)
    cap.set_xlim(1340, 1380)
    cap.set_ylim(68, 91)
    dress(whole, "from snowball to no ice", "solar constant (W m-2)", "ice line (°)", "center right")
    dress(cap, "small ice caps", "solar constant (W m-2)", "ice line (°)", "center right")
    return Picture(
        "ice_lines", "The curve is a series of Legendre polynomials; the dots are the grid's fluxes.", figure
    )


def snowball_picture(grid: str = "18x6", steps: int = 24, suns: int = 56) -> Picture:
    """Climates of FILLET's planet by solar constant from a warm and from a cold start; C2.6."""
    figure = new_figure(HEIGHT)
    axes = axes_in(figure, (LEFT, 0.5, WIDTH - LEFT - 0.15, HEIGHT - 0.8))
    sun = np.linspace(0.85, 1.45, suns)
    for start, colour, label in ((fillet.WARM, ORANGE, "from a warm start"), (fillet.COLD, BLUE, "from a cold start")):
        kelvin = np.array([fillet.mean_temperature(float(s), start, grid=grid, steps=steps) for s in sun])
        axes.plot(sun, np.where(kelvin <= WARMEST, kelvin, np.nan), ".", color=colour, label=label)
    for (low, high), codes, colour, label in (
        (fillet.FREEZING_BAND, fillet.FREEZES, ORANGE, "freeze over"),
        (fillet.THAWING_BAND, fillet.THAWS, BLUE, "thaw"),
    ):
        axes.axvspan(low, high, color=FAINT, alpha=0.25, linewidth=0)
        points(axes, np.array(codes), np.full(len(codes), fillet.FROZEN_K), colour, f"codes {label}")
    dress(axes, "FILLET's planet freezes over and thaws", "solar constant (of today's)", "mean temperature (K)")
    words = (
        "Circles are HEXTOR, POISE and ESTM, bands what is accepted. Nothing is drawn above 350 K, where the longwave"
        " law ends: a snowball that thaws runs away."
    )
    return Picture("snowball", words, figure)


def mars_pictures(c: Control) -> list[Picture]:
    """Every picture of Mars; the control run is that of the tables."""
    return [pressure_picture(c), zonal_picture(c), column_picture(), warming_picture()]
