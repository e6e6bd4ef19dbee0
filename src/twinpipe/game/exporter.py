"""A completed run in the game's words: its result, and its end state as a body file; domain 1.7 and 3.12.

What import_bodies makes of the body file has the masses, the temperature and the pressure of the end state.
"""

from __future__ import annotations

import math
import re
from typing import Any, Literal

from twinpipe.body import Body
from twinpipe.constants import (
    ASTRONOMICAL_UNIT,
    DAY,
    GRAVITATIONAL_CONSTANT,
    MOLAR_MASS,
    SOLAR_CONSTANT_EARTH,
    SOLAR_LUMINOSITY,
    SOLAR_MASS,
    TRIPLE_POINT_WATER_TEMPERATURE,
)
from twinpipe.documents import (
    BodyFile,
    BodyFileNotes,
    ExportedResult,
    GameAtmosphere,
    GameBodies,
    GameBody,
    GameDistance,
    GameGeosphere,
    GameHydrosphere,
    GameOrbit,
    GameStar,
    Named,
    Share,
    StateDistribution,
)
from twinpipe.game.completed import Completed
from twinpipe.game.inconsistency import BAR, EARTH_RADIUS
from twinpipe.game.inventory import GASES, ICE_SHELL, SEAS, SEASONAL_CAPS
from twinpipe.game.words import TWIN, original

SOL = "SOL-01"
PARENTS = {"LUNA-01": "Earth", "TITAN-01": "Saturn", "EUROPA-01": "Jupiter"}  # which a Body does not keep


def exported_result(run: Completed) -> ExportedResult:
    """The result as the game's table and API have it, with the states in the game's field names too."""
    payloads = {**run.result, **{key: _state(run, run.result[key]) for key in ("start_state", "end_state")}}
    return ExportedResult.model_validate(
        {
            "simulation_run_id": run.run_id,
            "digital_twin_id": run.twin_id,
            "pattern": run.spec.scenario.pattern,
            "duration_years": run.spec.years,
            **payloads,
            "payload_sha256": run.payload_sha256,
            "created_at": run.created_at,
        }
    )


def _state(run: Completed, state: dict[str, Any]) -> dict[str, Any]:
    """A state with K, bar, kg and % under the names of the game's columns too."""
    air, water = state["atmosphere"], state["hydrosphere"]
    return {
        **state,
        "atmosphere": {
            **air,
            "temperature": air["surface_temperature_k"],
            "pressure": air["surface_pressure_pa"] / BAR,
            "composition": air["composition_percent"],
            "total_atmospheric_mass": math.fsum(air["gas_mass_kg"].values()),
        },
        "hydrosphere": {
            **water,
            "total_hydrosphere_mass": water["total_water_kg"],
            "state_distribution": _water_states(run.spec.body, state).model_dump(),
        },
        "geosphere": {**state["geosphere"], "stored_volatiles": state["geosphere"]["stored_volatiles_kg"]},
    }


def body_file(run: Completed) -> BodyFile:
    """The end state of a run as a file of one body, under an identifier of its own.

    The masses are those at the end, the temperature and the pressure means over the last orbit.
    """
    body, air = run.spec.body, run.end["atmosphere"]
    left_out = {gas: kg for gas, kg in air["gas_mass_kg"].items() if gas not in GASES}
    if (carbon := run.end["biosphere"]["vegetation_carbon_kg"]) > 0:
        left_out["living_matter"] = carbon * MOLAR_MASS["CH2O"] / MOLAR_MASS["C"]
    kind = _kind(body)
    group = {"terrestrial_planet": "terrestrial_planets", "moon": "major_moons", "dwarf_planet": "dwarf_planets"}[kind]
    system = Named(name="Sol" if body.solar_system == SOL else body.solar_system, identifier=body.solar_system)
    star = _star(body)
    return BodyFile(
        id=system.name,
        name=system.name,
        identifier=system.identifier,
        solar_system=system,
        stars=[star],
        celestial_bodies=GameBodies.model_validate({group: [_body(run, kind, star)]}),
        metadata=BodyFileNotes(twinpipe=run.provenance, year=run.spec.years, left_out_kg=left_out),
    )


def twin_identifier(run: Completed) -> str:
    """Identifier of a twin's end state: that of its body, the twin and the year, MARS-01-TWIN-7-Y100."""
    suffix = f"{TWIN}{run.twin_id}-Y{run.spec.years}"
    return original(run.spec.body.identifier)[: 64 - len(suffix)] + suffix


def _kind(body: Body) -> Literal["terrestrial_planet", "moon", "dwarf_planet"]:
    return "terrestrial_planet" if body.kind == "custom" else body.kind


def _body(run: Completed, kind: Literal["terrestrial_planet", "moon", "dwarf_planet"], star: GameStar) -> GameBody:
    body, end = run.spec.body, run.end
    orbit, bulk, air = body.orbit, body.bulk, end["atmosphere"]
    rotation = 1 / (1 / orbit.solar_day_s + 1 / orbit.sidereal_year_s) / DAY
    # a moon is taken to be locked to its planet
    period = rotation if kind == "moon" else orbit.sidereal_year_s / DAY
    volume = bulk.area_m2 * bulk.mean_radius_m / 3
    return GameBody(
        identifier=twin_identifier(run),
        name=f"{re.sub(r' [(]twin .*[)]$', '', body.name)} (twin {run.twin_id}, year {run.spec.years})",
        type=kind,
        parent_body=PARENTS.get(original(body.identifier)) if kind == "moon" else None,
        mass=repr(bulk.mass_kg).replace("e+", "e"),
        radius=bulk.mean_radius_m,
        density=bulk.mass_kg / volume / 1000,
        size=bulk.mean_radius_m / EARTH_RADIUS,
        gravity=bulk.gravity_m_s2,
        orbital_period=period,
        rotational_period=rotation,
        axial_tilt=orbit.obliquity_degree,
        surface_temperature=air["surface_temperature_k"],
        albedo=_albedo(body, air["absorbed_shortwave_w_m2"]),
        insolation=orbit.solar_constant_w_m2,
        known_pressure=air["surface_pressure_pa"] / BAR,
        star_distances=[GameDistance(star_name=star.name, distance=orbit.semi_major_axis_m / 1000)],
        orbital_elements=GameOrbit(eccentricity=orbit.eccentricity),
        atmosphere_attributes=_air(air),
        hydrosphere_attributes=GameHydrosphere(
            total_hydrosphere_mass=end["hydrosphere"]["total_water_kg"],
            liquid_bodies={},
            composition={"H2O": 100.0},
            state_distribution=_water_states(body, end),
        ),
        geosphere_attributes=GameGeosphere(stored_volatiles=_stored(end)),
    )


def _air(air: dict[str, Any]) -> GameAtmosphere:
    """The gases that a body can have; others, such as super-greenhouse gases, are told beside the file."""
    masses = {gas: kg for gas, kg in air["gas_mass_kg"].items() if gas in GASES}
    shares = air["composition_percent"]
    whole = math.fsum(shares.get(gas, 0.0) for gas in masses)
    return GameAtmosphere(
        composition={gas: Share(percentage=100 * shares[gas] / whole) for gas in masses if whole > 0},
        pressure=air["surface_pressure_pa"] / BAR,
        total_atmospheric_mass=math.fsum(masses.values()),
    )


def _stored(end: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Volatiles of the ground with what lies on it: CO2 of the seasonal caps, water of polar caps and shell, seas."""
    stored = {compound: dict(places) for compound, places in end["geosphere"]["stored_volatiles_kg"].items()}
    water = end["hydrosphere"]
    seasonal = water.get("co2_ice_kg")
    seasonal = water["co2_ice_mean_kg"] if seasonal is None else seasonal  # of a result without it
    if seasonal > 0:
        stored.setdefault("CO2", {})[SEASONAL_CAPS] = seasonal
    if water["water_ice_surface_kg"] > 0:
        stored.setdefault("H2O", {})["polar_caps"] = water["water_ice_surface_kg"]
    for compound, place, key in (
        ("H2O", ICE_SHELL, "shell_ice_kg"),
        ("CH4", SEAS, "liquid_methane_kg"),
        ("C2H6", SEAS, "liquid_ethane_kg"),
    ):
        if water.get(key) is not None:
            stored.setdefault(compound, {})[place] = water[key]
    return stored


def _water_states(body: Body, state: dict[str, Any]) -> StateDistribution:
    """Percent of the mass: vapour as there is in the air, below an ice shell what is no shell, else by temperature."""
    total = state["hydrosphere"]["total_water_kg"]
    vapour = min(state["atmosphere"]["gas_mass_kg"].get("H2O", 0.0) / total, 1.0) if total > 0 else 0.0
    warm = state["atmosphere"]["surface_temperature_k"] > TRIPLE_POINT_WATER_TEMPERATURE
    liquid = (1 - vapour) if warm else 0.0
    if body.ice_shell is not None:
        liquid = min(state["hydrosphere"]["ocean_water_kg"] / total, 1 - vapour) if total > 0 else 1 - vapour
    return StateDistribution(liquid=100 * liquid, solid=100 * (1 - vapour - liquid), gas=100 * vapour)


def _albedo(body: Body, absorbed_w_m2: float) -> float:
    """What the planet reflects of its mean sunlight, S (1 - eclipses) / (4 sqrt(1 - e^2))."""
    orbit = body.orbit
    mean = orbit.solar_constant_w_m2 * (1 - orbit.eclipse_fraction) / 4 / math.sqrt(1 - orbit.eccentricity**2)
    return min(max(1 - absorbed_w_m2 / mean, 0.0), 1.0)


def _star(body: Body) -> GameStar:
    """The Sun, or elsewhere one star that gives the body its year and its sunlight."""
    if body.solar_system == SOL:
        return GameStar(name="Sol", identifier="SOL", mass=SOLAR_MASS, luminosity=SOLAR_LUMINOSITY)
    a, year = body.orbit.semi_major_axis_m, body.orbit.sidereal_year_s
    name = f"{body.solar_system} star"
    return GameStar(
        name=name,
        identifier=f"{body.solar_system}-STAR",
        mass=4 * math.pi**2 * a**3 / (GRAVITATIONAL_CONSTANT * year**2),
        luminosity=SOLAR_LUMINOSITY
        * body.orbit.solar_constant_w_m2
        / SOLAR_CONSTANT_EARTH
        * (a / ASTRONOMICAL_UNIT) ** 2,
    )
