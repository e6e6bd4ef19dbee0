"""The interior's gases are booked, weathering holds the air as it is today, the crust rusts; B15."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.laws.toy_bodies import MARS, slab_body
from tests.laws.toy_runs import Ran
from twinpipe.body import Atmosphere, Body, builtin_body
from twinpipe.constants import YEAR
from twinpipe.physics.geosphere import liquid_is_stable, weathering
from twinpipe.physics.substances import GASES
from twinpipe.spheres import Interior

VOLCANOES = 3.3e11 / YEAR  # kg/s of CO2; B15 [S20]
TODAY = {"CO2": 3.2849e15, "N2": 3.8873e18, "O2": 1.1914e18}


def earth(interior: Interior, co2: float = TODAY["CO2"], **changes: object) -> Body:
    """North's Earth with air, whose mean temperature is 288 K, and water that is liquid on nine tenths of it."""
    return slab_body().model_copy(
        update={"atmosphere": Atmosphere(mass_kg={**TODAY, "CO2": co2}), "interior": interior, **changes}
    )


def interior(today: Ran, **changes: float) -> Interior:
    """Volcanoes and weathering that balance in the climate of a run without them."""
    t = today.series["global_surface_temperature"][-24:].mean()
    p = today.series["carbon_dioxide_pressure"][-24:].mean()
    numbers = {"temperature_today_k": float(t), "co2_today_pa": float(p), "weathering_kg_s": VOLCANOES, **changes}
    return Interior.model_validate({"outgassing_kg_s": {"CO2": VOLCANOES}, **numbers})


@pytest.fixture(scope="module")
def today() -> Ran:
    return Ran(earth(Interior()), years=12)


def wet_share(ran: Ran) -> float:
    """Share of the surface on which water is liquid at the end of a run."""
    t, p = ran.state.T[0, 0], ran.state.p[0]
    wet = [[liquid_is_stable(float(a), float(b)) for a, b in zip(x, y, strict=True)] for x, y in zip(t, p, strict=True)]
    return float(ran.plan.grid.mean(np.array(wet, dtype=float)))


def test_outgassing_comes_from_beyond_the_books() -> None:
    gases = Interior.model_validate({"outgassing_kg_s": {"CO2": 1e6, "SO2": 1e3, "H2O": 1e5}})
    ran = Ran(MARS.model_copy(update={"interior": gases}), years=10)
    ran.closes()
    seconds = ran.state.step * ran.plan.clock.step_seconds
    for gas, rate in (("CO2", 1e6), ("SO2", 1e3), ("H2O", 1e5)):
        assert ran.state.imported[0, GASES.index(gas)] == pytest.approx(rate * seconds, rel=1e-9)


def test_an_earth_that_weathers_what_its_volcanoes_give_keeps_its_air(today: Ran) -> None:
    numbers = interior(today, wet_share_today=wet_share(today))
    ran = Ran(earth(numbers), years=100)
    ran.closes()
    given_off = VOLCANOES * ran.state.step * ran.plan.clock.step_seconds
    assert ran.store("weathered_co2") == pytest.approx(given_off, rel=0.05)  # wetness has seasons
    assert abs(ran.gained("CO2")) < 1e-3 * TODAY["CO2"]


def test_more_co2_weathers_faster_by_its_law(today: Ran) -> None:
    numbers = interior(today)
    once, fourfold = Ran(earth(numbers), years=4), Ran(earth(numbers, 4 * TODAY["CO2"]), years=4)
    assert fourfold.store("weathered_co2") / once.store("weathered_co2") == pytest.approx(4**0.3, rel=0.01)


def test_nothing_weathers_on_frozen_ground(today: Ran) -> None:
    far = slab_body().orbit.model_copy(update={"solar_constant_w_m2": 700.0})
    assert Ran(earth(interior(today), orbit=far), years=4).store("weathered_co2") == 0


def test_the_crust_takes_oxygen_as_long_as_there_is_any() -> None:
    rusty = MARS.model_copy(update={"interior": Interior(oxidation_kg_s=1e6)})
    ran = Ran(rusty, years=4)
    ran.closes()
    assert ran.gas("O2") <= 1e-9 * MARS.atmosphere.mass_kg["O2"]
    assert ran.store("oxidised_crust") == pytest.approx(ran.gas("O2", ran.first), rel=1e-4)
    slow = Ran(MARS.model_copy(update={"interior": Interior(oxidation_kg_s=1e3)}), years=4)
    assert slow.store("oxidised_crust") == pytest.approx(1e3 * slow.state.step * slow.plan.clock.step_seconds)


def test_a_body_whose_interior_does_nothing_is_the_body_without() -> None:
    still, without = Ran(MARS.model_copy(update={"interior": Interior()}), years=4), Ran(MARS, years=4)
    for name in ("T", "gas", "energy_flow"):
        assert (getattr(still.state, name) == getattr(without.state, name)).all()


@given(st.floats(0, 1), st.floats(0, 100), st.floats(-100, 100))
def test_weathering_grows_with_water_co2_and_warmth(wet: float, ratio: float, warming: float) -> None:
    rate = weathering(1.0, wet, ratio, 0.3, warming, 13.7)
    assert rate >= 0
    assert weathering(1.0, wet, 2 * ratio, 0.3, warming + 1, 13.7) >= rate
    assert weathering(1.0, 1.0, 1.0, 0.3, 13.7, 13.7) == pytest.approx(2.718281828)


def test_the_earth_that_ships_weathers_what_its_volcanoes_give() -> None:
    ran = Ran(builtin_body("earth"), years=10, grid="24x1", spin_up_orbits=30)
    ran.closes()
    given_off = 1.0457e4 * ran.state.step * ran.plan.clock.step_seconds
    assert ran.store("weathered_co2") == pytest.approx(given_off, rel=0.03)
    assert abs(ran.gained("CO2")) < 1e-4 * ran.gas("CO2")
