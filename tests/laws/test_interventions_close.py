"""Every intervention acts as it says, its failure included, and leaves the books of mass and energy closed; B16."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.laws.toy_bodies import MARS, SERIES, clock_of, drive
from twinpipe.block_state import BlockState
from twinpipe.constants import YEAR
from twinpipe.grid import Grid
from twinpipe.intervention import (
    AerosolFactory,
    AlbedoPaint,
    GasExport,
    Heater,
    Intervention,
    OrbitalMirror,
    Region,
    Schedule,
    StoreRelease,
    Sunshade,
)
from twinpipe.physics.model import build, first_guess
from twinpipe.plan import make_plan
from twinpipe.scenario import Scenario
from twinpipe.simulation import run_segment, start
from twinpipe.spec import RunSpec

YEARS = 12
SOUTH = Region(south_degree=-90, north_degree=-45)
EARLY = Schedule(start_year=1, end_year=5)


class Ran:
    """A scenario on a coarse Mars: its last state, its series, its books."""

    def __init__(self, *interventions: Intervention, years: int = YEARS) -> None:
        scenario = Scenario(interventions=interventions)
        spec = RunSpec(body=MARS, scenario=scenario, years=years, grid="6x8", steps_per_orbit=24, spin_up_orbits=2)
        self.plan = make_plan((spec,))
        self.state, _ = start(self.plan, self.plan.blocks[0])
        self.first: BlockState = self.state
        parts: list[dict[str, Any]] = []
        for segment in self.plan.segments:
            done = run_segment(self.plan, self.plan.blocks[0], segment, self.state)
            self.state, self.record = done.state, done.record
            parts.append(done.arrays)
        self.series = {n: np.concatenate([p[n] for p in parts], axis=1)[0] for n in parts[0]}

    def closes(self) -> None:
        assert self.record["mass_error"][0] <= 1e-12
        assert self.record["energy_error"][0] <= 1e-9

    def warmth(self, year: float) -> float:
        """Mean temperature over the orbit that ends in a year."""
        step = self.plan.clock.step_at_year(year)
        return float(self.series["global_surface_temperature"][step - 24 : step].mean())


@pytest.fixture(scope="module")
def control() -> Ran:
    return Ran()


@pytest.mark.parametrize(
    "intervention",
    [
        OrbitalMirror(area_m2=1e12, target=SOUTH, schedule=EARLY),
        Sunshade(fraction=0.1, schedule=EARLY),
        AlbedoPaint(change=-0.1, target=SOUTH, schedule=EARLY),
        Heater(power_w=1e15, target=SOUTH, schedule=EARLY),
        AerosolFactory(rate_kg_s=200.0, lifetime_years=1.0, schedule=EARLY),
        GasExport(gas="N2", rate_kg_s=1e6, schedule=EARLY),
        StoreRelease(store="buried_co2", rate_kg_s=1e6, schedule=EARLY),
    ],
    ids=lambda i: i.kind,
)
def test_the_books_close_under_each(intervention: Intervention) -> None:
    Ran(intervention).closes()


def test_what_heats_warms_and_what_shades_cools_while_it_acts(control: Ran) -> None:
    for warming in (
        OrbitalMirror(area_m2=3e12, schedule=EARLY),
        Heater(power_w=1.5e15, schedule=EARLY),
        AlbedoPaint(change=-0.1, schedule=EARLY),
        AerosolFactory(rate_kg_s=300.0, lifetime_years=1.0, schedule=EARLY),
    ):
        ran = Ran(warming)
        assert ran.warmth(5) > control.warmth(5) + 1, warming.kind
        assert abs(ran.warmth(YEARS) - control.warmth(YEARS)) < 1.0, warming.kind  # and is over when it is over
    shaded = Ran(Sunshade(fraction=0.1, schedule=EARLY))
    assert shaded.warmth(5) < control.warmth(5) - 2


def test_a_tenth_of_the_sunlight_kept_away_is_a_tenth_less_absorbed() -> None:
    """With nothing else changed yet: the first step."""
    absorbed = []
    for interventions in ((), (Sunshade(fraction=0.1),)):
        model = build((MARS,), (Scenario(interventions=interventions),), Grid.parse("6x8"), clock_of(MARS, 96))
        step = drive(model, first_guess(model), 0, 1)
        absorbed.append(float(step.series[SERIES.index("global_absorbed_shortwave_flux"), 0, 0]))
    assert absorbed[1] == pytest.approx(0.9 * absorbed[0], rel=1e-12)


def test_particles_fall_out_exactly_as_fast_as_they_should() -> None:
    """M = E tau (1 - exp(-t / tau)) while they are made, exp(-t / tau) afterwards; what fell lies below; X16."""
    made, tau = 100.0, 2.0 * YEAR
    ran = Ran(AerosolFactory(rate_kg_s=made, lifetime_years=2.0))
    mass = ran.series["aluminium_nanorod_mass"]
    seconds = np.arange(1, len(mass) + 1) * ran.plan.clock.step_seconds
    assert np.allclose(mass, made * tau * -np.expm1(-seconds / tau), rtol=1e-12)
    fallen = ran.series["fallen_particle_mass"]
    assert np.allclose(mass + fallen, made * seconds, rtol=1e-12)
    short = Ran(AerosolFactory(rate_kg_s=made, lifetime_years=2.0, schedule=Schedule(end_year=4)))
    n = short.plan.clock.step_at_year(6)
    later = short.series["aluminium_nanorod_mass"]
    assert later[n + 10] / later[n] == pytest.approx(math.exp(-10 * short.plan.clock.step_seconds / tau), rel=1e-12)


def test_exports_and_releases_end_when_there_is_no_more(control: Ran) -> None:
    gone = Ran(GasExport(gas="Ar", rate_kg_s=1e12))
    assert gone.state.gas[0, 3] == 0
    gone.closes()
    assert control.state.gas[0, 3] > 0
    empty = Ran(StoreRelease(store="ocean_water", rate_kg_s=1e6))  # Mars has no ocean
    assert empty.state.gas[0, 10] == control.state.gas[0, 10]


def test_a_pulse_is_on_for_its_years_of_each_period() -> None:
    pulses = Schedule(shape="pulse", pulse_years=1, period_years=3, end_year=9)
    steady = Ran(AerosolFactory(rate_kg_s=1.0, lifetime_years=1e9, schedule=Schedule(end_year=9)))
    pulsed = Ran(AerosolFactory(rate_kg_s=1.0, lifetime_years=1e9, schedule=pulses))
    assert pulsed.state.made[0, 0] == pytest.approx(3 * YEAR, rel=1e-9)
    assert steady.state.made[0, 0] == pytest.approx(9 * YEAR, rel=1e-9)


@pytest.mark.parametrize(
    "wrong",
    [
        {"shape": "pulse"},
        {"shape": "pulse", "pulse_years": 2, "period_years": 1},
        {"shape": "hold", "pulse_years": 1, "period_years": 2},
        {"shape": "feedback"},
        {"shape": "ramp", "feedback": {"target": 240.0}},
        {"start_year": 5, "end_year": 5},
    ],
)
def test_a_schedule_that_contradicts_itself_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"pulse|feedback|end_year"):
        Schedule.model_validate(wrong)


def test_two_factories_of_one_particle_agree_on_its_life() -> None:
    two = (AerosolFactory(rate_kg_s=1, lifetime_years=1), AerosolFactory(rate_kg_s=1, lifetime_years=2))
    with pytest.raises(ValueError, match="lifetime_years"):
        Scenario(interventions=two)
