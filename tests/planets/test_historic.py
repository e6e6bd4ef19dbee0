"""The formulas of the 1990s as written here give the numbers that were published with them; X17, X18."""

from __future__ import annotations

import pytest

from tests.planets.historic import cap_equilibria, terrasim, zubrin_mckay_mean

CAPS = {0: (2.22, 59.5), 1: (2.78, 53.3), 2: (3.52, 47.0), 3: (4.54, 40.6), 4: (6.05, 33.9), 5: (8.69, 26.2)}
TERRASIM = {6: 218.7, 20: 221.3, 50: 224.7, 100: 228.6, 300: 238.0, 500: 244.2, 1000: 255.0, 2000: 268.7}
ZUBRIN_MCKAY = {6.1: 216.6, 10: 217.5, 20: 219.2, 50: 222.4, 100: 226.1, 300: 235.4, 1000: 253.5, 2000: 270.1}


@pytest.mark.parametrize("warming", list(CAPS))
def test_caps_balance_the_air_twice(warming: int) -> None:
    assert cap_equilibria(warming) == pytest.approx(CAPS[warming], abs=0.1)


@pytest.mark.parametrize("warming", [6.0, 10.0])
def test_caps_run_away_when_warmed_by_more_than_five_kelvin(warming: float) -> None:
    assert cap_equilibria(warming) == []


@pytest.mark.parametrize("mbar", list(TERRASIM))
def test_terrasim_warms_as_published(mbar: int) -> None:
    assert terrasim(mbar / 1e3) == pytest.approx(TERRASIM[mbar], abs=0.1)


@pytest.mark.parametrize("mbar", list(ZUBRIN_MCKAY))
def test_zubrin_and_mckay_warm_as_published(mbar: float) -> None:
    assert zubrin_mckay_mean(mbar / 1e3) == pytest.approx(ZUBRIN_MCKAY[mbar], abs=0.1)
