"""Pressure over relief carries the mass of the air, whatever the relief; X15, B7."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.laws.toy_bodies import MARS, clock_of, drive
from twinpipe.grid import Array, Grid
from twinpipe.physics.model import build, first_guess
from twinpipe.physics.substances import GASES
from twinpipe.scenario import Scenario

GRID = Grid(6, 5)
SEALED = {"co2_ice": None, "regolith": None, "buried_co2": None}  # nothing joins or leaves the air
BODY = MARS.model_copy(update=SEALED | {"atmosphere": MARS.atmosphere.model_copy(update={"escape_kg_s": {}})})
MODEL = build((BODY,), (Scenario(),), GRID, clock_of(BODY, 96))


@given(
    arrays(float, (6, 5), elements=st.floats(-2e4, 3e4)),
    st.dictionaries(st.sampled_from(GASES), st.floats(1e10, 1e21), min_size=1),
    st.floats(40, 900),
)
@settings(max_examples=100, deadline=None)
def test_weight_of_the_air_is_the_mass_of_its_gases(relief: Array, gases: dict[str, float], temperature: float) -> None:
    model = replace(MODEL, static=MODEL.static._replace(altitude=relief))
    state = first_guess(model)
    state.gas[:, 0] = [gases.get(g, 0.0) for g in GASES]
    state.mean_temperature[0] = temperature
    drive(model, state, 0, 1)
    carried = math.fsum((GRID.area_weight * state.p).ravel()) * BODY.bulk.area_m2 / BODY.bulk.gravity_m_s2
    assert carried == pytest.approx(math.fsum(state.gas[:, 0]), rel=1e-14)


def test_pressure_falls_by_the_scale_height() -> None:
    height = np.zeros((6, 5))
    height[3:] = 8000.0
    model = replace(MODEL, static=MODEL.static._replace(altitude=height))
    state = first_guess(model)
    state.mean_temperature[0] = 210.0
    drive(model, state, 0, 1)
    scale_height = 8.314462 * 210.0 / (BODY.mean_molar_mass_kg_mol * BODY.bulk.gravity_m_s2)
    assert state.p[5, 0] / state.p[0, 0] == pytest.approx(math.exp(-8000 / scale_height), rel=1e-12)
    assert 10.5e3 < scale_height < 11.3e3  # published 10.8-11.1 km
