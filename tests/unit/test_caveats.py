"""A warm end state is never told without its caveats."""

from __future__ import annotations

from typing import Any

import pytest
from tests.factories.outcomes import made_up

from twinpipe.caveats import caveats, cross_check
from twinpipe.constants import MOLAR_MASS
from twinpipe.physics.kadoya_tajika import outgoing_longwave
from twinpipe.scenario import Scenario


def told(temperature: float, pressure: float = 600.0, absorbed: float = 240.0) -> dict[str, dict[str, Any]]:
    outcome = made_up(
        Scenario(),
        gas={g: x * MOLAR_MASS[g] * 1e20 for g, x in {"N2": 0.78, "CO2": 2.8e-4}.items()},
        surface_temperature=temperature,
        surface_air_pressure=pressure,
        absorbed_shortwave_flux=absorbed,
    )
    return {c["id"]: c for c in caveats(outcome)}


def test_a_cold_end_has_none() -> None:
    assert told(210.0) == {}
    assert told(249.9) == {}


def test_ground_on_which_thin_nitrogen_would_freeze_is_told() -> None:
    assert set(told(36.0, 2.0)) == {"nitrogen_ice"}
    assert told(60.0, 2.0) == {}


def test_a_warm_end_says_that_clouds_are_missing_and_what_another_column_would_be() -> None:
    found = told(288.0, 101325.0)
    assert set(found) == {"clouds", "kadoya_tajika"}
    assert found["clouds"]["data"]["uncertainty_k"] == 10
    data = found["kadoya_tajika"]["data"]
    assert float(outgoing_longwave(data["temperature_k"], data["co2_pressure_pa"])) == pytest.approx(240, abs=0.5)
    assert f"{data['temperature_k']:.1f} K instead of 288.0 K" in found["kadoya_tajika"]["text"]


def test_a_column_that_cannot_emit_so_much_runs_away() -> None:
    assert "runs away" in told(320.0, 101325.0, absorbed=400.0)["kadoya_tajika"]["text"]


def test_the_column_is_silent_beyond_what_it_is_made_for() -> None:
    assert "kadoya_tajika" not in told(737.0, 1e11)  # of which 40 MPa are CO2


def test_ground_beyond_the_longwave_table_is_named() -> None:
    assert "beyond_longwave_table" in told(332.0, 101325.0)


def test_the_cross_check_is_the_spot_value_of_the_specification() -> None:
    assert cross_check(235.0, 28.0) == pytest.approx(288.0, abs=0.3)  # B3.2: (288 K, 2.8e-4 bar) 235.0 W m-2
