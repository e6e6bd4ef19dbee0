"""Plants turn over what there is, their heat warms the ground, and what they make condenses; B16."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.laws.toy_bodies import MARS, slab_body
from tests.laws.toy_runs import Ran, garden
from twinpipe.body import Atmosphere, Body, Climate, LegendreInsolation, LinearLongwave, Slab
from twinpipe.constants import MOLAR_MASS, YEAR
from twinpipe.intervention import ChemicalPlant, Schedule, StoreRelease, VolatileImport
from twinpipe.physics.bulk_water import condensing
from twinpipe.physics.chemistry import equilibrium_pressure
from twinpipe.physics.longwave import saturation_log_pressure
from twinpipe.physics.plants import PLANTS
from twinpipe.physics.records import IMPORTED_HEAT, REACTION_HEAT
from twinpipe.reactions import REACTIONS, released_per_kg

MOMENT = Schedule(end_year=2)


def with_gas(body: Body, **kg: float) -> Body:
    air = body.atmosphere.model_copy(update={"mass_kg": {**body.atmosphere.mass_kg, **kg}})
    return body.model_copy(update={"atmosphere": air})


def test_bosch_ends_with_the_hydrogen_and_leaves_carbon_and_water() -> None:
    hydrogen = 1e15
    ran = Ran(with_gas(garden(), H2=hydrogen), ChemicalPlant(reaction="bosch", reactant="H2", rate_kg_s=1e8))
    ran.closes()
    extent = hydrogen / (2 * MOLAR_MASS["H2"])
    assert ran.gas("H2") <= 1e-15 * hydrogen
    assert ran.state.reacted[0, PLANTS.index("bosch")] == pytest.approx(extent, rel=1e-12)
    assert ran.store("carbon") == pytest.approx(extent * MOLAR_MASS["C"], rel=1e-12)
    water = ran.gained("H2O") + ran.store("ocean_water")
    assert water == pytest.approx(2 * extent * MOLAR_MASS["H2O"], rel=1e-9)
    released = ran.state.energy_flow[0, REACTION_HEAT] * ran.area
    assert released == pytest.approx(released_per_kg("bosch", "H2") * hydrogen, rel=1e-12)


def test_the_heat_of_reactions_warms_and_is_not_said_to_be_imported() -> None:
    body = with_gas(garden(), H2=1e16)
    warm = Ran(body, ChemicalPlant(reaction="sabatier", reactant="H2", rate_kg_s=1e7), years=8)
    control = Ran(body, years=8)
    flux = released_per_kg("sabatier", "H2") * 1e7 / warm.area  # W m-2
    assert flux > 1
    assert warm.series["global_surface_temperature"][-1] > control.series["global_surface_temperature"][-1]
    assert warm.state.energy_flow[0, REACTION_HEAT] == pytest.approx(flux * warm.plan.clock.year_of_step(102) * YEAR)
    assert abs(warm.state.energy_flow[0, IMPORTED_HEAT]) <= 1e-12 * warm.state.energy_flow[0, REACTION_HEAT]


def test_electrolysis_takes_its_energy_from_the_plant_and_loses_the_rest_as_heat() -> None:
    body, rate = with_gas(garden(), H2O=2e16), 1e6
    ran = Ran(body, ChemicalPlant(reaction="water_electrolysis", reactant="H2O", rate_kg_s=rate, schedule=MOMENT))
    ran.closes()
    taken = rate * 2 * YEAR * 241.8e3 / MOLAR_MASS["H2O"] / ran.area
    assert ran.state.energy_flow[0, REACTION_HEAT] == pytest.approx(-taken, rel=1e-9)
    assert ran.state.energy_flow[0, IMPORTED_HEAT] == pytest.approx(taken / 0.7, rel=1e-9)
    assert ran.gained("O2") + 1.14 * 12 * YEAR == pytest.approx(rate * 2 * YEAR * 0.888, rel=1e-2)


def test_vapour_condenses_into_an_ocean_until_the_air_is_saturated() -> None:
    """Bulk water of a body without a water cycle; its latent heat is exact, since the books close."""
    brings = VolatileImport(
        rate_kg_s=1e9, composition={"H2O": 1}, loss_fraction=0, arrival_speed_m_s=0, schedule=Schedule(end_year=4)
    )
    ran = Ran(garden(900.0), brings, years=20)
    ran.closes()
    assert ran.store("ocean_water") > 1e16
    t, moles = (
        ran.series["global_surface_temperature"][-24:],
        {g: ran.gas(g) / MOLAR_MASS[g] for g in ("CO2", "N2", "O2", "H2O")},
    )
    pressure = ran.state.gas[0].sum() * MARS.bulk.gravity_m_s2 / ran.area
    vapour = moles["H2O"] / sum(moles.values()) * pressure
    coldest, warmest = (math.exp(saturation_log_pressure(float(x))) for x in (t.min(), t.max()))
    assert coldest < vapour < warmest
    assert ran.gained("H2O") + ran.store("ocean_water") == pytest.approx(1e9 * 4 * YEAR, rel=1e-12)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e5), st.floats(1e-3, 10), st.floats(1e3, 1e10))
def test_a_condensing_step_never_overshoots(excess: float, slope: float, column: float, capacity: float) -> None:
    amount = condensing(excess, slope, column, capacity)
    left = excess - amount / column - slope * 2.501e6 * amount / capacity  # as far as the slope holds
    assert left == pytest.approx(0, abs=1e-9 * abs(excess) + 1e-300)
    assert abs(amount) <= abs(excess) * column


def oven(kelvin: float, co2: float) -> Body:
    """A body under CO2 (kg) that is as warm everywhere and always."""
    light = LegendreInsolation(kind="legendre", s2=0.0)
    longwave = LinearLongwave(kind="linear", a_w_m2=250.0 - 100.0 * (kelvin - 273.15), b_w_m2_k=100.0)
    slab = Slab(kind="slab", heat_capacity_j_m2_k=1e8)
    climate = Climate(longwave=longwave, insolation=light, column=slab)
    body = slab_body(climate, solar_constant=1000.0, albedo=0.0)
    return body.model_copy(update={"atmosphere": Atmosphere(mass_kg={"CO2": co2})})


def carbonating(reaction: str, mineral: str, rate: float) -> ChemicalPlant:
    return ChemicalPlant.model_validate(
        {"reaction": reaction, "reactant": "CO2", "rate_kg_s": rate, "supply_kg_s": {mineral: 2 * rate}}
    )


@pytest.mark.parametrize(
    ("reaction", "mineral", "kelvin"),
    [
        ("magnesia_carbonation", "MgO", 600.0),
        ("magnesia_carbonation", "MgO", 735.0),
        ("lime_carbonation", "CaO", 735.0),
        ("lime_carbonation", "CaO", 1000.0),
    ],
)
def test_carbonation_leaves_the_co2_that_stands_over_the_carbonate(reaction: str, mineral: str, kelvin: float) -> None:
    """B16: it stops above an equilibrium pressure; magnesite leaves 5.6 bar to Venus' 735 K, calcite 2 Pa."""
    made = REACTIONS[reaction]
    assert made.decomposes_k is not None
    least = equilibrium_pressure(kelvin, made.released_j_mol, made.decomposes_k)
    there = 1.4 * least / 9.82 * 5.1e14
    ran = Ran(oven(kelvin, there), carbonating(reaction, mineral, 0.4 * there / (10 * YEAR)), years=30)
    ran.closes()
    t = float(ran.state.mean_temperature[0])
    assert t == pytest.approx(kelvin, abs=5)  # its own heat warms it
    left = ran.gas("CO2") * 9.82 / ran.area
    assert left == pytest.approx(equilibrium_pressure(t, made.released_j_mol, made.decomposes_k), rel=0.05)


def test_carbonation_stands_still_where_the_carbonate_would_burn() -> None:
    ran = Ran(oven(900.0, 1e18), carbonating("magnesia_carbonation", "MgO", 1e12), years=2)
    ran.closes()
    assert ran.store("MgCO3") == 0
    assert ran.store("MgO") == pytest.approx(2e12 * ran.plan.clock.year_of_step(ran.state.step) * YEAR)


def test_ice_in_the_ground_feeds_electrolysis_and_its_latent_heat_is_paid() -> None:
    """An ocean first filled by hand: what is drawn from it costs its heat of vaporisation; the books close."""
    brings = VolatileImport(
        rate_kg_s=1e9, composition={"H2O": 1}, loss_fraction=0, arrival_speed_m_s=0, schedule=Schedule(end_year=4)
    )
    late = Schedule(start_year=10, end_year=11)
    plant = ChemicalPlant(reaction="water_electrolysis", reactant="H2O", rate_kg_s=2e9, schedule=late)
    boil = StoreRelease(store="ocean_water", rate_kg_s=1e8, schedule=late)
    ran, control = Ran(garden(700.0), brings, plant, boil), Ran(garden(700.0), brings)
    ran.closes()
    assert ran.store("ocean_water") < control.store("ocean_water")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"reactant": "CaO"}, "consumes H2O, and no CaO"),
        ({"reactant": "H2O", "energy_j_kg": 1e6}, "must be at least 1.34"),
        ({"reactant": "H2O", "efficiency": 0.0}, "greater than 0"),
    ],
)
def test_a_plant_that_cannot_be_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ChemicalPlant.model_validate({"reaction": "water_electrolysis", "rate_kg_s": 1.0, **wrong})


plants = st.builds(
    lambda reaction, rate, end: ChemicalPlant(
        reaction=reaction,
        reactant=REACTIONS[reaction].reactants[0],
        rate_kg_s=10.0**rate,
        supply_kg_s={"CaO": 10.0**rate, "MgO": 10.0 ** (rate - 1)},
        schedule=Schedule(end_year=end),
    ),
    st.sampled_from(PLANTS),
    st.floats(3, 12),
    st.floats(0.1, 5),
)


@given(
    st.lists(plants, min_size=1, max_size=4),
    st.fixed_dictionaries({g: st.floats(0, 1e17) for g in ("CO2", "H2", "H2O", "N2")}),
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_atoms_and_heat_are_conserved_whatever_is_built(built: list[ChemicalPlant], gases: dict[str, float]) -> None:
    body = with_gas(garden(), **{"CO2": 1e14, **gases})
    Ran(body, *built, years=4).closes()
