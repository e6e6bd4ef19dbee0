"""Mars with vapour, super-greenhouse gases or particles beside published warmings; C2.3, C2.4, C2.5 of physics.md."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from tests.planets import targets
from tests.planets.bodies_today import near, within
from tests.planets.mars_today import PA_PER_MBAR, Row
from tests.planets.worlds import World, add_gas, course, world
from twinpipe.constants import STEFAN_BOLTZMANN, YEAR
from twinpipe.grid import Array
from twinpipe.physics.aerosol import ALBEDO, DEPTH, aerosol_effect
from twinpipe.physics.emissivity import co2_emissivity
from twinpipe.physics.longwave import super_gas_depth, water_depth
from twinpipe.physics.records import Forcing
from twinpipe.physics.substances import AEROSOLS, SUPER_GASES

TODAY_PA: Final = 610.0
ABSORBED_W_M2: Final = targets.CO2_COLUMN_ABSORBED_W_M2

# Warming (K) by partial pressure of C3F8 (Pa), well mixed; C2.4 [S12].
C3F8_WARMING: Final = {1e-3: 0.56, 1.0: 33.5}
C3F8_BETWEEN: Final = {0.01: 2.2, 0.1: 8.6, 0.4: 19.5}  # calculated from those two; B3.3 (c)
# Warming by other gases over that by C3F8, mean over 0.01-1 Pa; C2.4 [S12].
RESIDUAL_ALBEDO: Final = 0.88  # of southern CO2 ice, with which polar CO2 would end between 0.1 and 0.4 Pa of C3F8
GAS_RATIO: Final = {"CF4": 0.17, "C2F6": 0.49, "SF6": 0.48}
BEST_MIX: Final = 1.16  # of the four gases at the same pressure

# Surface temperature (K) by visible optical depth of particles; without any 218.9 K; C2.5 [S25].
TERRASCREEN_BASE_K: Final = 218.9
TERRASCREEN: Final = {
    "aluminium_nanorods": {0.05: 231.7, 0.1: 239.6, 0.2: 250.1, 0.5: 268.2, 1.0: 282.8, 2.0: 293.2},
    "nanorings": {0.05: 232.9, 0.2: 246.9, 0.5: 259.2, 1.0: 269.2},
    "graphene": {0.05: 229.6, 0.2: 243.7, 0.5: 252.0, 1.0: 253.2, 2.0: 249.0},
    "natural_dust": {0.2: 218.0, 0.5: 216.5, 1.0: 214.5},
    "silica_rods": {0.2: 217.7, 1.0: 213.5},
}
DEPOSIT_KG_M2: Final = 5000.0  # of CO2 ice, laid on both poles: more than three seasons' worth
RODS_KG_S: Final = 81.0  # 30 L/s of aluminium; C2.5 [S13]
RODS_YEARS: Final = 20.0


def column_temperature(absorbed: float, depth: Callable[[float], float], pascal: float = TODAY_PA) -> float:
    """Temperature (K) of a CO2 column with other optical depths that sends out what it absorbs (W m-2); B3.3."""
    low, high = 150.0, 399.0
    while high - low > 1e-6:  # the flux grows with temperature
        t = 0.5 * (low + high)
        inverse = 1 / float(co2_emissivity(np.array(pascal), np.array(t))) + 0.75 * depth(t)
        low, high = (t, high) if STEFAN_BOLTZMANN * t**4 / inverse < absorbed else (low, t)
    return low


def humid_temperature(pascal: float) -> float:
    """Temperature (K) of a column of CO2 with vapour at a relative humidity of 0.5; C2.3."""
    return column_temperature(ABSORBED_W_M2, lambda t: water_depth(t, 0.5, float(np.log(pascal))), pascal)


def humid_rows() -> Iterator[Row]:
    """Temperature under thicker CO2 with vapour at a relative humidity of 0.5; C2.3."""
    for pascal, kelvin in targets.CO2_COLUMN_HUMID.items():
        ours = humid_temperature(pascal)
        band = 2.0 if pascal <= 3e4 else 4.0
        dry = f"dry {targets.CO2_COLUMN[pascal]:.1f} K"
        yield near(f"T under {pascal / PA_PER_MBAR:g} mbar of CO2, RH 0.5", kelvin, ours, band, "K", dry)


def gas_warming(gas: str, pascal: float) -> float:
    """Warming (K) of today's column by a super-greenhouse gas."""
    return mix_warming(np.array([pascal if g == gas else 0.0 for g in SUPER_GASES]))


def mix_warming(pascals: Array) -> float:
    """Warming (K) of today's column by super-greenhouse gases at these partial pressures (Pa)."""
    depth = super_gas_depth(pascals)
    return column_temperature(ABSORBED_W_M2, lambda _: depth) - column_temperature(ABSORBED_W_M2, lambda _: 0.0)


def gas_rows() -> Iterator[Row]:
    """Warming by super-greenhouse gases and their ratios; C2.4."""
    for pascal, kelvin in (C3F8_WARMING | C3F8_BETWEEN).items():
        ours = gas_warming("C3F8", pascal)
        yield Row(
            f"C3F8 at {pascal:g} Pa: warming",
            "%",
            f"{kelvin} K",
            f"{ours:.2f} K",
            100 * abs(ours / kelvin - 1),
            10.0,
            "x2",
        )
    pressures = np.geomspace(0.01, 1.0, 9)
    for gas, ratio in GAS_RATIO.items():
        ours = float(np.mean([gas_warming(gas, p) / gas_warming("C3F8", p) for p in pressures]))
        yield Row(f"{gas} over C3F8", "%", f"{ratio}", f"{ours:.2f}", 100 * abs(ours / ratio - 1), 10.0, "x2")


def best_mix() -> float:
    """Largest warming by a mixture of the four gases over that by C3F8 alone, mean over 0.01-1 Pa, by fifths."""
    pressures = (0.01, 0.1, 1.0)
    alone = [gas_warming("C3F8", p) for p in pressures]
    mixtures = [np.array(n) / 5 for n in itertools.product(range(6), repeat=4) if sum(n) == 5]
    return max(
        float(np.mean([mix_warming(p * x) / a for p, a in zip(pressures, alone, strict=True)])) for x in mixtures
    )


def mix_row() -> Row:
    """The best mixture of the four gases; C2.4."""
    ours = best_mix()
    return Row(
        *("best mixture over C3F8", "%", f"{BEST_MIX}", f"{ours:.2f}", 100 * abs(ours / BEST_MIX - 1), 10.0, "x2"),
        "gases are summed as (sum s_k^(1/0.628) p_k)^0.628 (B3.3 c), as if all took the same bands: by that no mixture"
        " warms more than its strongest gas alone. The published mixture fills bands that C3F8 leaves open.",
    )


def perennial_ice(w: World, pascal: float, orbits: int = 6) -> float:
    """Least CO2 ice (kg m-2) in a year at either pole after a deposit of 5 t m-2 lay under C3F8 for some orbits."""
    state = w.state()
    add_gas(w, state, "C3F8", pascal)
    state.ice[0] += DEPOSIT_KG_M2
    state.ice[-1] += DEPOSIT_KG_M2
    course(w, state, orbits)
    last = course(w, state, 1)
    south, north = last.of("co2_ice_mass_south").min(), last.of("co2_ice_mass_north").min()
    least = float(max(south, north))
    return least / (w.grid.n_lon * float(w.grid.row_weight[0]) * w.body.bulk.area_m2)


def with_residual_albedo(w: World, grid: str = "36x2", steps: int = 96) -> World:
    """The same planet whose southern frost is as bright as a residual cap would have to be."""
    assert w.body.co2_ice is not None
    bright = w.body.co2_ice.model_copy(update={"albedo_south": RESIDUAL_ALBEDO})
    return world(w.body.model_copy(update={"co2_ice": bright}), grid, steps, 12)


def cap_rows(grid: str = "36x2", steps: int = 96) -> Iterator[Row]:
    """Perennial CO2 at the poles goes with 0.4 Pa of C3F8 and stays with 0.1 Pa; C2.4."""
    w = world("mars", grid, steps, 12)
    gone, kept = perennial_ice(w, 0.4), perennial_ice(w, 0.1)
    yield Row("polar CO2 under 0.4 Pa of C3F8, left", "kg m-2", "0", f"{gone:.0f}", gone, 1.0, "x2 in pressure")
    lost = DEPOSIT_KG_M2 - kept
    yield Row(
        "polar CO2 under 0.1 Pa of C3F8, lost",
        "kg m-2",
        "< 5000",
        f"{lost:.0f}",
        lost,
        DEPOSIT_KG_M2 - 1,
        "x2 in pressure",
        "no perennial CO2 outlasts even today's summers here. A deposit in the southernmost row takes up 28.6 W m-2 of"
        " sunlight with the albedo that fits the seasonal caps (0.643) and 26 W m-2 from air coupled by the 1 W m-2 K-1"
        " that fits A5, and sends out 23.8: it loses 3.1 t m-2 a year. With an albedo of 0.9 it would gain 0.5. What"
        " 0.4 Pa destroys is gone before, for want of a residual cap that is brighter than the seasonal ones: with an"
        f" albedo of {RESIDUAL_ALBEDO} in the south, polar CO2 grows under 0.1 Pa and shrinks under 0.4 Pa (a test).",
    )


def particle_temperature(kind: str, visible: float) -> float:
    """Temperature (K) of today's column under particles of a visible optical depth; C2.5."""
    depth, darker = aerosol_effect(kind, visible)
    absorbed = column_temperature_absorbing(TERRASCREEN_BASE_K) * (1 - 0.219 - darker) / (1 - 0.219)
    return column_temperature(absorbed, lambda _: depth)


def aerosol_rows() -> Iterator[Row]:
    """Temperature under particles of a visible optical depth: 2 K, 4 K where a table of B3.3 (d) has no node; C2.5."""
    for kind, table in TERRASCREEN.items():
        for visible, kelvin in table.items():
            ours = particle_temperature(kind, visible)
            on_node = visible in ALBEDO[kind] and (visible in DEPTH[kind] or len(DEPTH[kind]) == 1)
            yield near(
                f"T under {kind.replace('_', ' ')}, {visible:g}", kelvin, ours, 2.0 if on_node else 4.0, "K", "-"
            )


def column_temperature_absorbing(kelvin: float) -> float:
    """What today's column sends out (W m-2) at a temperature."""
    return float(co2_emissivity(np.array(TODAY_PA), np.array(kelvin))) * STEFAN_BOLTZMANN * kelvin**4


def rods_warming(grid: str = "18x2", steps: int = 96) -> float:
    """Warming (K) after 20 years of 30 L/s of aluminium rods let go into the air of the whole model."""
    w = world("mars", grid, steps, 12)
    orbits = round(RODS_YEARS * YEAR / w.clock.orbit_seconds)

    def let_go(f: Forcing) -> None:
        f.particles[:, AEROSOLS.index("aluminium_nanorods")] = RODS_KG_S

    warm = course(w, w.state(), orbits, let_go)
    return warm.orbit_mean("global_surface_temperature", -1, steps) - w.mean("global_surface_temperature")


def rods_rows(grid: str = "18x2", steps: int = 96) -> Iterator[Row]:
    """End to end; C2.5."""
    yield within("30 L/s of rods for 20 years: warming", 25, 45, rods_warming(grid, steps), "K", ">= 30 in two GCMs")
