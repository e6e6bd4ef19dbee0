"""Habitability is a vector with hard definitions: today's Mars, today's Earth, and the edges between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories.outcomes import made_up

from twinpipe.constants import MOLAR_MASS
from twinpipe.habitability import boiling_point, carbon_dioxide_score, dose, habitability_vector, oxygen_score
from twinpipe.physics.longwave import saturation_log_pressure
from twinpipe.scenario import Scenario

AIR = {"N2": 0.7808, "O2": 0.2095, "Ar": 0.0093, "CO2": 4e-4}  # shares of the volume
EARTH = {g: x * MOLAR_MASS[g] * 1e20 for g, x in AIR.items()}


def vector(temperature: float, pressure: float, gas: dict[str, float] | None = None) -> dict[str, float]:
    outcome = made_up(
        Scenario(),
        gas=gas,
        surface_temperature=temperature,
        surface_air_pressure=pressure,
        global_surface_pressure=lambda plan: np.full(plan.n_steps, pressure),
    )
    made = habitability_vector(outcome)
    return {**made["values"], "rung": float(made["end_state"][1])}


def test_mars_today_is_uninhabitable() -> None:
    today = vector(210.0, 610.0)
    assert today["rung"] == 0
    for name in ("liquid_water", "h050", "temperature_human", "above_armstrong_limit", "oxygen", "open_air_human"):
        assert today[name] == 0, name
    assert today["dose_msv_a"] == pytest.approx(270, rel=0.01)


def test_earths_air_at_earths_temperature_is_the_top_of_the_ladder() -> None:
    earth = vector(288.0, 101325.0, EARTH)
    assert earth["rung"] == 4
    ones = ("liquid_water", "h050", "temperature_human", "temperature_plants", "oxygen", "oxygen_breathable")
    for name in (*ones, "buffer_gas", "carbon_dioxide", "toxic_gases_absent", "plant_pressure", "low_dose"):
        assert earth[name] == pytest.approx(1), name
    assert earth["open_air_human"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("temperature", "pressure", "rung"), [(260.0, 600.0, 0), (275.0, 700.0, 1), (275.0, 12e3, 3), (240.0, 12e3, 0)]
)
def test_each_rung_of_the_ladder_needs_what_it_says(temperature: float, pressure: float, rung: float) -> None:
    assert vector(temperature, pressure)["rung"] == rung


def test_water_boils_where_its_vapour_pressure_is_that_of_the_air() -> None:
    for pressure in (612.0, 6270.0, 101325.0):
        boils = float(boiling_point(np.array(pressure)))
        assert np.exp(saturation_log_pressure(boils)) == pytest.approx(pressure, rel=1e-4)
    assert float(boiling_point(np.array(101325.0))) == pytest.approx(373.15, abs=1.0)
    assert float(boiling_point(np.array(6270.0))) == pytest.approx(310.15, abs=0.5)  # Armstrong's limit


def test_water_that_boils_is_not_stable() -> None:
    assert vector(280.0, 700.0)["liquid_water"] == 0
    assert vector(280.0, 2e3)["liquid_water"] == 1


def test_scores_are_those_of_the_table() -> None:
    assert oxygen_score(np.array([12e3, 13e3, 16e3, 25e3, 50e3, 60e3])).tolist() == [0, 0, 1, 1, 0, 0]
    assert carbon_dioxide_score(np.array([400.0, 500.0, 501.0, 2930.0, 2931.0])).tolist() == [1, 1, 0.5, 0.5, 0]
    assert dose(np.array([1.03e4]))[0] < 1.0


@given(
    temperature=st.floats(30, 700),
    pressure=st.floats(0, 1e7),
    gas=st.dictionaries(st.sampled_from(sorted(AIR)), st.floats(0, 1e20), max_size=4),
)
def test_every_share_lies_between_nothing_and_everything(
    temperature: float, pressure: float, gas: dict[str, float]
) -> None:
    for name, value in vector(temperature, pressure, gas or {"CO2": 1.0}).items():
        assert np.isfinite(value), name
        if not name.endswith(("_k", "_a", "rung")):
            assert 0 <= value <= 1 + 1e-12, name


@pytest.mark.parametrize("lacking", ["liquid_water", "oxygen", "carbon_dioxide"])
def test_one_zero_kills_the_composite(lacking: str) -> None:
    cold = {"liquid_water": (250.0, EARTH), "oxygen": (288.0, {"N2": 1.0}), "carbon_dioxide": (288.0, {"CO2": 1.0})}
    temperature, gas = cold[lacking]
    made = vector(temperature, 101325.0, gas)
    assert made[lacking] == 0
    assert made["open_air_human"] == 0
