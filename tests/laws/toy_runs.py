"""Runs of small bodies from their spin-up to their end, shared by the tests of plants, life, interior, controllers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.laws.toy_bodies import MARS
from twinpipe.block_state import BlockState
from twinpipe.body import Atmosphere, Body
from twinpipe.grid import Array
from twinpipe.intervention import Intervention
from twinpipe.physics.substances import GASES, LOCALS, STORES
from twinpipe.plan import make_plan
from twinpipe.scenario import Scenario
from twinpipe.simulation import run_segment, start
from twinpipe.spec import RunSpec
from twinpipe.spheres import Hydrosphere

STEPS = 24


def spec_of(
    body: Body, *interventions: Intervention, years: int = 12, grid: str = "4x6", spin_up_orbits: int = 2
) -> RunSpec:
    scenario = Scenario(interventions=interventions)
    how = {"years": years, "grid": grid, "spin_up_orbits": spin_up_orbits, "steps_per_orbit": STEPS}
    return RunSpec.model_validate({"body": body, "scenario": scenario, **how})


def garden(solar_constant: float = 1361.0, **changes: Any) -> Body:
    """Mars with half a bar of CO2 and N2, vapour enough to drink, the sunlight of Earth, and no ices."""
    orbit = MARS.orbit.model_copy(update={"solar_constant_w_m2": solar_constant})
    air = Atmosphere(mass_kg={"CO2": 1e18, "N2": 1e18, "O2": 1e15, "H2O": 2e16})
    none: dict[str, Any] = dict.fromkeys(("co2_ice", "water_cycle", "regolith", "buried_co2")) | {
        "hydrosphere": Hydrosphere(),
        "uncertainty": {},
    }
    return MARS.model_copy(update={"orbit": orbit, "atmosphere": air, **none, **changes})


class Ran:
    """One member's run: its first and last state, its series and its books."""

    def __init__(self, body: Body, *interventions: Intervention, **how: Any) -> None:
        self.plan = make_plan((spec_of(body, *interventions, **how),), 1)
        self.area = body.bulk.area_m2
        self.state, _ = start(self.plan, self.plan.blocks[0])
        self.first: BlockState = self.state
        parts: list[dict[str, Array]] = []
        for segment in self.plan.segments:
            done = run_segment(self.plan, self.plan.blocks[0], segment, self.state)
            self.state, self.record = done.state, done.record
            parts.append(done.arrays)
        self.series = {n: np.concatenate([p[n] for p in parts], axis=1)[0] for n in parts[0]}

    def gas(self, name: str, state: BlockState | None = None) -> float:
        return float((state or self.state).gas[0, GASES.index(name)])

    def gained(self, name: str) -> float:
        """kg of a gas that the air has more than at first."""
        return self.gas(name) - self.gas(name, self.first)

    def store(self, name: str) -> float:
        return float(self.state.store[0, list(STORES).index(name)])

    def ground(self, name: str) -> float:
        """kg of a field on the ground."""
        return float(self.plan.grid.mean(self.state.local[0, list(LOCALS).index(name)])) * self.area

    def closes(self) -> None:
        assert self.record["mass_error"][0] <= 1e-12
        assert self.record["energy_error"][0] <= 1e-9
        held = (self.state.gas, self.state.store, self.state.local, self.state.ice)
        assert all(float(a.min()) >= 0.0 for a in held)
