"""The greenhouse of CO2, water, super gases and aerosols; B3.3."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from twinpipe.constants import STEFAN_BOLTZMANN
from twinpipe.physics import emissivity as table_of
from twinpipe.physics.aerosol import ALBEDO, DEPTH, aerosol_effect
from twinpipe.physics.emissivity import co2_emissivity, inverse_emissivity_table, optical_depth
from twinpipe.physics.longwave import emissivity, saturation_log_pressure, super_gas_depth, water_depth
from twinpipe.physics.substances import SUPER_GASES

ABSORBED = 110.6  # W m-2, of the radiative-convective calculations; C2.3


def looked_up(pressure: float, temperature: float, depth: float = 0.0, co2_share: float = 1.0) -> float:
    """The emissivity that the kernel uses."""
    out = np.zeros(1)
    emissivity(
        np.array([temperature]), np.array([math.log(pressure)]), np.array([0.5 * math.log(co2_share)]),
        np.array([depth]), inverse_emissivity_table().ravel(), out,
        np.empty(1), np.empty(1), np.empty(1, dtype=np.int64),
    )  # fmt: skip
    return float(out[0])


def test_nodes_of_the_source_table_are_reproduced_exactly() -> None:
    rows = table_of.PRESSURE <= table_of.THICK_PRESSURE
    p, t = table_of.PRESSURE[rows], table_of.TEMPERATURE
    assert co2_emissivity(p[:, None], t[None, :]) == pytest.approx(table_of.DRY[rows], rel=1e-14)


@pytest.mark.parametrize(
    ("pressure", "temperature", "printed"),
    [(100, 180, 0.967), (610, 215, 0.906), (1e4, 250, 0.771), (1e5, 310, 0.470), (2e5, 200, 0.730)],
)
def test_table_is_the_printed_one(pressure: float, temperature: float, printed: float) -> None:
    assert float(co2_emissivity(np.array(pressure), np.array(temperature))) == pytest.approx(printed)


@given(st.floats(math.log(100), math.log(2e5)), st.floats(150, 310))
@settings(max_examples=300, deadline=None)
def test_kernel_looks_up_what_the_table_says(log_p: float, temperature: float) -> None:
    p = math.exp(log_p)
    exact = float(co2_emissivity(np.array(p), np.array(temperature)))
    assert looked_up(p, temperature) == pytest.approx(exact, abs=2e-3)


@given(st.floats(-60, math.log(1e6)), st.floats(100, 400))
@settings(max_examples=300, deadline=None)
def test_emissivity_is_between_nothing_and_black(log_p: float, temperature: float) -> None:
    assert 0 < looked_up(math.exp(log_p), temperature) <= 1


def test_a_vacuum_is_transparent() -> None:
    assert looked_up(1e-30, 215.0) == 1.0
    assert looked_up(610.0, 215.0, co2_share=1e-30) == 1.0
    assert looked_up(1e-3, 215.0) == pytest.approx(1.0, abs=2e-4)


@given(st.floats(math.log(1), math.log(1e6)), st.floats(180, 310), st.floats(0, 5), st.floats(0, 5))
@settings(max_examples=200, deadline=None)
def test_more_absorber_is_a_darker_sky(log_p: float, temperature: float, less: float, more: float) -> None:
    less, more = min(less, more), max(less, more)
    p = math.exp(log_p)
    assert looked_up(p, temperature, more) <= looked_up(p, temperature, less)


def test_optical_depth_continues_beyond_the_table() -> None:
    t = np.array(290.0)
    edge = float(optical_depth(co2_emissivity(np.array(2e5), t)))
    thick = float(optical_depth(co2_emissivity(np.array(9.2e6), t)))
    assert thick == pytest.approx(edge * 46**table_of.THICK_EXPONENT)
    thin = float(optical_depth(co2_emissivity(np.array(1.0), t)))
    assert thin == pytest.approx(float(optical_depth(co2_emissivity(np.array(100.0), t))) * 0.1)


def test_venus_is_as_opaque_as_its_heat_says() -> None:
    """159.3 W m-2 leave Venus at 737 K: what the exponent of thick air is made for; B3.3 (a)."""
    eps = float(co2_emissivity(np.array(9.2e6 * math.sqrt(0.965)), np.array(737.0)))
    assert eps * STEFAN_BOLTZMANN * 737**4 == pytest.approx(159.3, rel=2e-3)


def test_water_adds_what_the_humid_table_says() -> None:
    errors = np.zeros_like(table_of.HUMID)
    for i, p in enumerate(table_of.HUMID_PRESSURE):
        for j, t in enumerate(table_of.HUMID_TEMPERATURE):
            k, m = list(table_of.PRESSURE).index(p), list(table_of.TEMPERATURE).index(t)
            dry = float(optical_depth(table_of.DRY[k, m]))
            seen = 1 / (1 + 0.75 * (dry + water_depth(float(t), 0.5, math.log(p))))
            errors[i, j] = seen / table_of.HUMID[i, j] - 1
    # At 5 bar, beyond the table that the model uses, the bands overlap too much for depths that add.
    used = errors[table_of.HUMID_PRESSURE <= table_of.THICK_PRESSURE]
    assert math.sqrt(np.mean(used**2)) <= 0.025
    assert np.abs(used).max() <= 0.12
    assert np.abs(errors).max() <= 0.16


def test_saturation_pressure_is_continuous_at_the_triple_point() -> None:
    assert math.exp(saturation_log_pressure(273.16)) == pytest.approx(611.657, rel=1e-4)
    assert math.exp(saturation_log_pressure(273.159)) == pytest.approx(611.657, rel=0.01)
    assert math.exp(saturation_log_pressure(373.15)) == pytest.approx(101325, rel=0.03)


def super_depth(**pressures: float) -> float:
    return super_gas_depth(np.array([pressures.get(g, 0.0) for g in SUPER_GASES]))


@pytest.mark.parametrize(("pressure", "depth"), [(1e-3, 0.0148), (1.0, 1.132)])
def test_perfluoropropane_has_the_depths_of_its_published_warmings(pressure: float, depth: float) -> None:
    assert super_depth(C3F8=pressure) == pytest.approx(depth, rel=5e-3)


@pytest.mark.parametrize(("pressure", "warming"), [(1e-3, 0.56), (0.01, 2.2), (0.1, 8.6), (0.4, 19.5), (1.0, 33.5)])
def test_perfluoropropane_warms_as_published(pressure: float, warming: float) -> None:
    def temperature(depth: float) -> float:
        return float(brentq(lambda t: looked_up(610.0, t, depth) * STEFAN_BOLTZMANN * t**4 - ABSORBED, 180, 320))

    assert temperature(0.0) == pytest.approx(215.4, abs=0.1)
    rise = temperature(super_depth(C3F8=pressure)) - temperature(0.0)
    assert rise == pytest.approx(warming, rel=0.1)


@pytest.mark.parametrize(("gas", "ratio"), [("CF4", 0.17), ("C2F6", 0.49), ("SF6", 0.48)])
@pytest.mark.parametrize("pressure", [0.01, 0.1, 1.0])
def test_other_super_gases_have_their_published_ratios(gas: str, ratio: float, pressure: float) -> None:
    assert super_depth(**{gas: pressure}) == pytest.approx(ratio * super_depth(C3F8=pressure), rel=1e-12)


@given(st.lists(st.floats(0, 10), min_size=4, max_size=4))
def test_super_gases_add_up_as_one_law(pressures: list[float]) -> None:
    seen = super_gas_depth(np.array(pressures))
    alone = [super_gas_depth(np.array([p if i == k else 0.0 for i in range(4)])) for k, p in enumerate(pressures)]
    assert max(alone) * (1 - 1e-12) <= seen <= sum(alone) * (1 + 1e-12)


def test_no_super_gas_has_no_depth() -> None:
    assert super_depth() == 0.0


@pytest.mark.parametrize("kind", list(DEPTH))
def test_aerosols_have_the_values_of_their_nodes(kind: str) -> None:
    for visible, depth in DEPTH[kind].items():
        assert aerosol_effect(kind, visible)[0] == pytest.approx(depth)
    for visible, albedo in ALBEDO[kind].items():
        assert aerosol_effect(kind, visible)[1] == pytest.approx(albedo - ALBEDO[kind][0])
    assert aerosol_effect(kind, 0.0) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("kind", "visible", "depth", "darkening"),
    [
        ("aluminium_nanorods", 0.2, 0.992, -0.023),
        ("aluminium_nanorods", 1.0, 2.38, -0.061),
        ("nanorings", 0.2, 1.17, 0.068),
        ("nanorings", 1.0, 3.09, 0.205),
        ("graphene", 0.2, 0.507, -0.118),
        ("graphene", 1.0, 0.616, -0.210),
        ("silica_rods", 1.0, 0.0, 0.077),
    ],
)
def test_aerosols_are_the_printed_ones(kind: str, visible: float, depth: float, darkening: float) -> None:
    tau, albedo = aerosol_effect(kind, visible)
    assert tau == pytest.approx(depth)
    assert albedo == pytest.approx(darkening)


def test_what_is_no_number_finds_a_place_in_the_table() -> None:
    """A state that broke is told afterwards; it must not read beyond the table."""
    wrong = np.array([np.nan, np.inf, -np.inf, 1e300, -1e300])
    out, table = np.empty(5), inverse_emissivity_table().ravel()
    for t, log_p in ((wrong, np.full(5, 6.0)), (np.full(5, 200.0), wrong)):
        along, across, places = np.empty(5), np.empty(5), np.empty(5, dtype=np.int64)
        emissivity(t, log_p, np.zeros(5), np.zeros(5), table, out, along, across, places)
        assert np.isfinite(out[1:]).all()
