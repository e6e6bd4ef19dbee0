"""Atoms and heat close over a century in which plants, life, interior and controllers all run; X22, B16."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.laws.toy_runs import Ran, garden
from twinpipe.block_state import kernel_state
from twinpipe.intervention import (
    AerogelCover,
    AerosolFactory,
    ChemicalPlant,
    DarkDust,
    Feedback,
    GasExport,
    Heater,
    Inoculation,
    Schedule,
    SuperGreenhouseGasFactory,
    VolatileImport,
)
from twinpipe.physics import budget
from twinpipe.physics.records import REACTION_HEAT
from twinpipe.physics.substances import CARBON, STORES
from twinpipe.simulation import _model
from twinpipe.spheres import Biosphere, Interior

INTERIOR = Interior.model_validate(
    {
        "outgassing_kg_s": {"CO2": 1e4, "SO2": 1e2},
        "weathering_kg_s": 1e4,
        "oxidation_kg_s": 10.0,
        "temperature_today_k": 280.0,
        "co2_today_pa": 2e4,
    }
)
EVERYTHING = (
    VolatileImport(rate_kg_s=1e6, composition={"H2": 0.5, "H2O": 0.5}, schedule=Schedule(end_year=60)),
    ChemicalPlant(reaction="bosch", reactant="H2", rate_kg_s=1e5, schedule=Schedule(shape="ramp", ramp_years=9)),
    ChemicalPlant(reaction="sabatier", reactant="CO2", rate_kg_s=3e5),
    ChemicalPlant(reaction="water_electrolysis", reactant="H2O", rate_kg_s=1e5, schedule=Schedule(start_year=20)),
    ChemicalPlant(reaction="co2_electrolysis", reactant="CO2", rate_kg_s=1e5),
    ChemicalPlant(reaction="lime_carbonation", reactant="CaO", rate_kg_s=2e6, supply_kg_s={"CaO": 1.5e6}),
    ChemicalPlant(reaction="magnesia_carbonation", reactant="MgO", rate_kg_s=1e6, supply_kg_s={"MgO": 2e6}),
    Inoculation(rate_kg_s=1e3, schedule=Schedule(end_year=3)),
    Heater(power_w=5e15, schedule=Schedule(shape="feedback", feedback=Feedback(target=306.0, gain=0.1), start_year=10)),
    SuperGreenhouseGasFactory(rate_kg_s=1e3, pessimistic_photolysis=True),
    AerosolFactory(rate_kg_s=10.0),
    DarkDust(rate_kg_s=0.0),
    GasExport(gas="CO", rate_kg_s=1e3),
    AerogelCover(share=0.1),
)


@pytest.fixture(scope="module")
def century() -> Ran:
    return Ran(garden(1150.0, biosphere=Biosphere(), interior=INTERIOR), *EVERYTHING, years=100)


def test_a_century_with_everything_on_closes(century: Ran) -> None:
    century.closes()
    for store in ("carbon", "CaCO3", "MgCO3", "organic_matter", "weathered_co2", "oxidised_crust", "fallen_aerosol"):
        assert century.store(store) > 0, store
    assert (century.state.reacted > 0).all()
    assert century.ground("living_matter") > 0
    assert century.state.decayed.max() > 0
    assert century.state.control[0, 8, 1] > 0
    assert century.state.energy_flow[0, REACTION_HEAT] != 0


def test_a_reaction_that_loses_an_atom_or_its_heat_is_caught(century: Ran) -> None:
    model, state = _model(century.plan, (0,), (0, century.plan.grid.n_lat)), century.state
    start = state.contents_at_start(model.options.area)

    def errors(store: np.ndarray, flow: np.ndarray) -> budget.Closure:
        s, ledger = kernel_state(replace(state, store=store, energy_flow=flow))
        return budget.closure(start, budget.contents(model, s), ledger)

    assert errors(state.store, state.energy_flow).closes
    fewer = state.store.copy()
    fewer[0, CARBON] *= 1 - 1e-6
    assert not errors(fewer, state.energy_flow).closes
    cooler = state.energy_flow.copy()
    cooler[0, REACTION_HEAT] += 1e-7 * cooler[0, 0]
    assert not errors(state.store, cooler).closes
    wetter = state.store.copy()  # an ocean whose water kept its latent heat
    wetter[0, list(STORES).index("ocean_water")] += 1e15
    assert float(errors(wetter, state.energy_flow).energy[0]) > budget.ENERGY_TOLERANCE
