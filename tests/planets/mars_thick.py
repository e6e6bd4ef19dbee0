"""Mars under thick CO2, today's and an early one, and what its own CO2 can come to; C2.3 and C2.8 of physics.md."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np

from tests.planets.bodies_today import below, near, within
from tests.planets.mars_today import PA_PER_MBAR, Row, dry_temperature
from tests.planets.mars_warmed import column_temperature
from tests.planets.worlds import World, course, with_climate, with_gas, world
from twinpipe.body import Body, builtin_body
from twinpipe.grid import Array
from twinpipe.physics.longwave import water_depth
from twinpipe.physics.substances import BURIED_CO2
from twinpipe.plan import make_plan
from twinpipe.prior import LogNormal
from twinpipe.scenario import Scenario
from twinpipe.simulation import run_segment, start
from twinpipe.spec import RunSpec

SUNLIGHT: Final = 590.1  # W m-2, of the columns with their own albedo
# Temperature (K) by pressure (Pa) of columns whose albedo grows with pressure, dry and at a relative humidity of 0.5.
OWN_ALBEDO: Final = {
    610.0: (215.3, 215.5),
    1e3: (216.2, 216.4),
    2e3: (217.5, 217.8),
    5e3: (219.4, 220.0),
    1e4: (221.4, 222.2),
    3e4: (226.2, 228.1),
    1e5: (233.9, 238.4),
    2e5: (240.0, 247.9),
}
# Absorbed flux (W m-2) -> temperature (K) under 610 Pa, under 1 bar dry, under 1 bar at a relative humidity of 0.5.
OTHER_SUNLIGHT: Final = {90.0: (204.2, 223.2, 225.3), 100.0: (209.9, 231.4, 235.3), 118.0: (219.1, 244.5, 252.9)}
SANDBOX_1_BAR_K: Final = 273.15 - 37.0  # under pure CO2 [S35]
EARLY_SUN: Final = 0.75  # of today's
MELTING_K: Final = 273.15
THICKEST_BAR: Final = 5.0  # of the calculated columns
THIN_COLLAPSE_BAR: Final = 0.5  # below ~1 bar at low obliquity CO2 does not stay in the air [S15]
LOW_OBLIQUITY: Final = 10.0  # degree
MBAR_KG: Final = 100 * builtin_body("mars").bulk.area_m2 / builtin_body("mars").bulk.gravity_m_s2
ACCESSIBLE_MBAR: Final = 20.0  # [S16]
EXCHANGEABLE_MBAR: Final = (37.0, 49.0, 75.0)  # 49 +26 -12 [S7]
NATIVE_LIMIT_MBAR: Final = 100.0


def own_albedo(bar: float) -> float:
    """Planetary albedo of Mars under CO2, 0.25 + 0.05 p^0.7; B2."""
    return float(0.25 + 0.05 * bar**0.7)


def column(absorbed: float, pascal: float, humidity: float) -> float:
    """Temperature (K) of a column of CO2 with vapour that sends out what it absorbs (W m-2); B3.3."""
    if humidity == 0.0:
        return column_temperature(absorbed, lambda _: 0.0, pascal)
    return column_temperature(absorbed, lambda t: water_depth(t, humidity, float(np.log(pascal))), pascal)


def column_rows() -> Iterator[Row]:
    """Columns with an albedo of their own, and under other sunlight, 2 K up to 300 mbar and 4 K beyond; C2.3."""
    for pascal, (dry, humid) in OWN_ALBEDO.items():
        absorbed, band = SUNLIGHT / 4 * (1 - own_albedo(pascal / 1e5)), 2.0 if pascal <= 3e4 else 4.0
        what = f"own albedo, {pascal / PA_PER_MBAR:g} mbar"
        yield near(what, dry, column(absorbed, pascal, 0.0), band, "K", f"with RH 0.5 {humid:.1f} K")
        yield near(f"{what}, RH 0.5", humid, column(absorbed, pascal, 0.5), band, "K", f"dry {dry:.1f} K")
    for absorbed, (thin, dry, humid) in OTHER_SUNLIGHT.items():
        for what, kelvin, pascal, humidity, band in (
            ("610 Pa", thin, 610.0, 0.0, 2.0),
            ("1 bar", dry, 1e5, 0.0, 4.0),
            ("1 bar, RH 0.5", humid, 1e5, 0.5, 4.0),
        ):
            yield near(
                f"{absorbed:.0f} W m-2 absorbed, {what}", kelvin, column(absorbed, pascal, humidity), band, "K", "-"
            )


def early_column(bar: float, humidity: float) -> float:
    """Temperature (K) of a column under the early Sun; C2.3."""
    sunlight = EARLY_SUN * builtin_body("mars").orbit.solar_constant_w_m2
    return column(sunlight / 4 * (1 - own_albedo(bar)), bar * 1e5, humidity)


def warmest_early(humidity: float) -> float:
    """Temperature (K) of the warmest column under the early Sun, from 10 mbar to the last of the calculated ones."""
    return max(early_column(float(bar), humidity) for bar in np.geomspace(0.01, THICKEST_BAR, 50))


def early_mars(bar: float, obliquity: float, grid: str = "18x1", **laws: object) -> World:
    """The whole model's Mars under the early Sun and so much CO2, without ground that gives or takes any."""
    mars = builtin_body("mars").model_copy(update={"regolith": None, "buried_co2": None, "water_cycle": None})
    mars = with_gas(with_climate(mars, **laws), CO2=1e3 * bar * MBAR_KG)
    orbit = {"solar_constant_w_m2": EARLY_SUN * mars.orbit.solar_constant_w_m2, "obliquity_degree": obliquity}
    return world(mars.model_copy(update={"orbit": mars.orbit.model_copy(update=orbit)}), grid, 96, 60)


def frozen_all_year(w: World) -> float:
    """Least CO2 ice of a year (mbar, if it were air)."""
    year = course(w, w.state(), 1)
    return float((year.of("co2_ice_mass_north") + year.of("co2_ice_mass_south")).min()) / MBAR_KG


def constraint_rows() -> Iterator[Row]:
    """What warmed and early Marses of others do; C2.3."""
    rise = dry_temperature(2e3) - dry_temperature(610.0)
    yield below("20 mbar of CO2: warming", 10.0, rise, "K", "[S16]; columns 2.3-2.6 K")
    today = builtin_body("mars").orbit.solar_constant_w_m2 / 4 * (1 - own_albedo(1.0))
    yield near("1 bar of CO2", SANDBOX_1_BAR_K, column(today, 1e5, 0.0), 4.0, "K", "a sandbox [S35]")
    yield below("early Mars, 0.75 S, dry: warmest up to 5 bar", MELTING_K, warmest_early(0.0), "K", "GCM [S15]")
    yield below(
        *("early Mars, 0.75 S, RH 0.5: warmest up to 5 bar", MELTING_K, warmest_early(0.5), "K", "GCM [S15]"),
        why=f"above 2 bar the optical depth is continued to Venus, as B3.3 (a) wants it, and not by the calculated row"
        f" of 5 bar, under which a column takes up less than it sends out at 200 K and its CO2 condenses. Up to 3 bar,"
        f" where CO2 collapses in GCMs, the warmest is {max(early_column(b, 0.5) for b in (0.5, 1, 2, 3)):.0f} K.",
    )
    kept = frozen_all_year(early_mars(THIN_COLLAPSE_BAR, LOW_OBLIQUITY))
    in_air = 1e3 * THIN_COLLAPSE_BAR - kept
    yield Row(
        f"early Mars, {THIN_COLLAPSE_BAR} bar at an obliquity of {LOW_OBLIQUITY:.0f}°: CO2 that stays in the air",
        *("mbar", f"< {1e3 * THIN_COLLAPSE_BAR:g}", f"{in_air:.0f}", in_air, 1e3 * THIN_COLLAPSE_BAR - 1, "GCM [S15]"),
        "heat is carried to the poles in proportion to pressure (B6): 2.2 W m-2 K-1 at 0.5 bar, against 0.03 today, so"
        " that no pole comes down to the frost point from a start in balance. With today's diffusivity nearly all of"
        " it freezes (a test).",
    )


def native_ensemble() -> tuple[Body, ...]:
    """Mars with little, likely and much CO2 in its regolith, bound weakly and strongly; E."""
    mars = builtin_body("mars")
    assert mars.regolith is not None
    return tuple(
        mars.model_copy(
            update={
                "regolith": mars.regolith.model_copy(update={"inventory_kg": i * MBAR_KG, "temperature_scale_k": t})
            }
        )
        for i in (22, 35, 62)
        for t in (20, 40)
    )


@cache
def native_co2(steps: int = 24) -> tuple[Array, Array]:
    """(member) mbar that the regolith gives, and it with the buried ice, when rods warm Mars for 900 years."""
    warmed = Scenario(aerosol_optical_depth={"aluminium_nanorods": 1.0})
    specs = [
        RunSpec(body=b, scenario=warmed, years=900, grid="6x8", steps_per_orbit=steps, spin_up_orbits=10)
        for b in native_ensemble()
    ]
    plan = make_plan(tuple(specs), 8, 40)
    state, initial = start(plan, plan.blocks[0])
    for segment in plan.segments:
        state = run_segment(plan, plan.blocks[0], segment, state).state
    area = specs[0].body.bulk.area_m2
    left = np.array([float(plan.grid.mean(a.sum(axis=0))) * area for a in state.adsorbed])
    desorbed = initial["initial_adsorbed_co2_mass"][:, -1] - left
    sublimed = initial["initial_buried_co2_mass"][:, -1] - state.store[:, BURIED_CO2]
    return desorbed / MBAR_KG, (desorbed + sublimed) / MBAR_KG


def exchangeable(quantile: float) -> float:
    """CO2 (mbar) of air, caps, regolith and buried ice, the regolith at a quantile of what is believed of it."""
    mars = builtin_body("mars")
    prior = mars.uncertainty["regolith.inventory_kg"]
    assert isinstance(prior, LogNormal)
    assert mars.buried_co2 is not None
    held = mars.atmosphere.mass_kg["CO2"] + mars.buried_co2.mass_kg
    return float((held + prior.at(quantile)) / MBAR_KG)


def native_rows() -> Iterator[Row]:
    """What Mars can give of its own CO2 lies around the published amounts, and is not enough; C2.8."""
    _, given = native_co2()
    first, last = float(given.min()), float(given.max())
    yield below("own CO2, 900 years under rods: least", ACCESSIBLE_MBAR, first, "mbar", "accessible 20 [S16]")
    yield within("own CO2: most", ACCESSIBLE_MBAR, EXCHANGEABLE_MBAR[2], last, "mbar", "49 +26 -12 [S7]")
    low, likely, high = EXCHANGEABLE_MBAR
    yield within("exchangeable CO2, median of the priors", low, high, exchangeable(0.5), "mbar", "49 +26 -12 [S7]")
    yield below("the same, 16th percentile", likely, exchangeable(0.16), "mbar", "is to bracket 49")
    yield below("49 over the 84th percentile", 1.0, likely / exchangeable(0.84), "1", "is to bracket 49", 2)
    most = float((given + builtin_body("mars").surface_pressure_pa / PA_PER_MBAR).max())
    yield below("own CO2 in air and caps: most", NATIVE_LIMIT_MBAR, most, "mbar", "not enough CO2 [S8]")
