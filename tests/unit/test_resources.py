"""What plants, covers, microbes and controllers drew and cost, as a result row tells it; D3."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from tests.factories.outcomes import made_up

from twinpipe.constants import MOLAR_MASS, YEAR
from twinpipe.digest import canonical_json
from twinpipe.economy import load_prices
from twinpipe.intervention import AerogelCover, ChemicalPlant, Feedback, Heater, Inoculation, Region, Schedule
from twinpipe.measures import Outcome
from twinpipe.payloads import ResourceConsumption
from twinpipe.resources import resource_consumption
from twinpipe.scenario import Scenario

TWO_YEARS = Schedule(end_year=2)
LIME = ChemicalPlant(
    reaction="lime_carbonation", reactant="CO2", rate_kg_s=10.0, supply_kg_s={"CaO": 5.0}, schedule=TWO_YEARS
)
SPLIT = ChemicalPlant(reaction="water_electrolysis", reactant="H2O", rate_kg_s=1.0, schedule=TWO_YEARS)
COVER = AerogelCover(share=0.5, target=Region(south_degree=-30, north_degree=30))
HELD = Heater(power_w=1e12, schedule=Schedule(shape="feedback", feedback=Feedback(target=220.0)))


def accounts(outcome: Outcome) -> list[dict[str, Any]]:
    found = resource_consumption(outcome)
    ResourceConsumption.model_validate_json(canonical_json(found), strict=True)
    return list(found["interventions"])


def test_a_plant_that_lacked_half_its_reactants_drew_half() -> None:
    outcome = made_up(Scenario(interventions=(LIME, SPLIT)))
    outcome.books["reacted_mol"]["lime_carbonation"] = 0.5 * 10.0 * 2 * YEAR / MOLAR_MASS["CO2"]
    lime, split = accounts(outcome)
    assert lime["turned_over_fraction"] == pytest.approx(0.5, rel=0.01)
    assert lime["drawn_kg"] == pytest.approx((5.0 + 5.0) * 2 * YEAR, rel=0.01)
    assert lime["supplied_kg"] == pytest.approx(5.0 * 2 * YEAR, rel=0.01)
    assert lime["energy_j"] == 0  # sets heat free
    assert split["energy_j"] == split["drawn_kg"] == 0  # no water
    assert split["peak_power_w"] == pytest.approx(241.8e3 / MOLAR_MASS["H2O"] / 0.7)


def test_a_controlled_heater_pays_for_the_seconds_that_it_ran() -> None:
    outcome = made_up(Scenario(interventions=(HELD,)))
    outcome.books["seconds_at_full_rate"] = [123.0]
    assert accounts(outcome)[0]["energy_j"] == pytest.approx(123e12)


def test_a_cover_tells_how_warm_it_is_below() -> None:
    warm = np.full((6, 8), 210.0)
    warm[2:4] = 230.0  # the rows within 30 degrees
    (account,) = accounts(made_up(Scenario(interventions=(COVER,)), surface_temperature=warm))
    assert account["outside_temperature_k"] == pytest.approx(230.0)
    assert account["under_cover_temperature_k"] == pytest.approx(230.0 + 0.65 * 1.0 * 2.5)  # 1 W m-2 of light
    assert account["covered_m2"] == pytest.approx(0.25 * 1.4437e14, rel=1e-3)
    assert account["drawn_kg"] == pytest.approx(account["covered_m2"] * 2.5)


def test_microbes_count_by_their_mass() -> None:
    (account,) = accounts(made_up(Scenario(interventions=(Inoculation(rate_kg_s=2.0, schedule=TWO_YEARS),))))
    assert account["drawn_kg"] == pytest.approx(4.0 * YEAR, rel=0.01)
    assert account["energy_j"] == pytest.approx(account["drawn_kg"] * 1e8)


def test_ranges_hold_what_is_booked_and_are_as_wide_as_what_is_known() -> None:
    """A gas factory's energy lies within D3's, no energy below what physics asks, all prices within a factor of ten."""
    when = {"start_year": 1.0, "end_year": 11.0}
    gas = {"kind": "super_greenhouse_gas", "gas": "C3F8", "rate_kg_s": 1e4, "schedule": when}
    mirror = {"kind": "orbital_mirror", "area_m2": 1e12, "schedule": when}
    prices = {"budget_gcc": 1e9, **load_prices("game")}
    heater = {"kind": "heater", "power_w": 1e12, "schedule": when}
    split = {
        "kind": "reaction",
        "reaction": "water_electrolysis",
        "reactant": "H2O",
        "rate_kg_s": 1e3,
        "schedule": when,
    }
    away = {"kind": "gas_export", "gas": "CO2", "rate_kg_s": 1e3, "schedule": when}
    least = math.log10(0.7)  # of what the reaction needs, which no plant goes below
    for items, low, high in (
        ([gas], math.log10(6e6 / 3e7), 0.0),
        ([gas | {"energy_j_kg": 6e6}], 0.0, math.log10(3e7 / 6e6)),
        ([heater], 0.0, 0.0),
        ([split], least, 0.5),
        ([away], 0.0, 0.5),
        ([mirror], -0.5, 0.5),
    ):
        outcome = made_up(Scenario.model_validate({"interventions": items, "economy": prices}))
        outcome.books["reacted_mol"]["water_electrolysis"] = 1e30  # as much as there was to split
        found = resource_consumption(outcome)
        for name in ("energy_j", "peak_power_w"):
            booked = math.log10(found["total"][name])
            assert found["log10"][name] == pytest.approx({"least": booked + low, "most": booked + high})
        cost = math.log10(found["total"]["cost_gcc"])
        if found["total"]["drawn_kg"] > 0:
            mass = math.log10(found["total"]["drawn_kg"])
            assert found["log10"]["mass_kg"] == pytest.approx({"least": mass, "most": mass})
        assert cost - 1.0 + low - 1e-9 <= found["log10"]["cost_gcc"]["least"] <= cost - 1.0 + 1e-9
        assert cost + 1.0 - 1e-9 <= found["log10"]["cost_gcc"]["most"] <= cost + 1.0 + high + 1e-9
    assert found["of_the_world"]["aluminium_years"] == pytest.approx(found["total"]["drawn_kg"] / 7e10)
    assert found["of_the_world"]["power"] == pytest.approx(found["total"]["peak_power_w"] / 1.9e13)
    idle = resource_consumption(made_up(Scenario()))
    assert set(idle["log10"].values()) == {None}
