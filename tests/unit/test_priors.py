"""Priors are distributions over quantiles, and every built-in body may be drawn from its own."""

from __future__ import annotations

from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from twinpipe.body import builtin_body, builtin_names
from twinpipe.errors import InvalidInput, NotFound
from twinpipe.prior import Prior

PRIOR: TypeAdapter[Prior] = TypeAdapter(Prior)
KINDS = [
    {"kind": "uniform", "low": 20.0, "high": 40.0},
    {"kind": "loguniform", "low": 0.0075, "high": 0.03},
    {"kind": "normal", "mean": 5.0, "standard_deviation": 1.0},
    {"kind": "lognormal", "median": 35.0, "low_68": 22.0, "high_68": 62.0},
]


@pytest.mark.parametrize("given_prior", KINDS, ids=lambda p: p["kind"])
@given(a=st.floats(0, 1), b=st.floats(0, 1))
def test_values_rise_with_their_quantile(given_prior: dict[str, float], a: float, b: float) -> None:
    prior = PRIOR.validate_python(given_prior)
    low, high = sorted((a, b))
    assert prior.at(low) <= prior.at(high) * (1 + 1e-12)


def test_quantiles_are_those_of_the_distribution() -> None:
    uniform, log, normal, regolith = (PRIOR.validate_python(k) for k in KINDS)
    assert [uniform.at(q) for q in (0, 0.5, 1)] == [20, 30, 40]
    assert log.at(0.5) == pytest.approx((0.0075 * 0.03) ** 0.5)
    assert normal.at(NormalDist().cdf(1.0)) == pytest.approx(6.0)
    assert [regolith.at(q) for q in (0.16, 0.5, 0.84)] == pytest.approx([22, 35, 62])
    assert normal.at(0) == pytest.approx(1.0)  # cut off at four standard deviations
    assert normal.at(1) == pytest.approx(9.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "uniform", "low": 2, "high": 1},
        {"kind": "loguniform", "low": 0, "high": 1},
        {"kind": "normal", "mean": 1, "standard_deviation": 0},
        {"kind": "lognormal", "median": 3, "low_68": 4, "high_68": 5},
    ],
    ids=lambda p: p["kind"],
)
def test_a_distribution_that_is_none_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"low|high|median|greater"):
        PRIOR.validate_python(wrong)


@pytest.mark.parametrize("name", builtin_names())
def test_every_built_in_body_has_priors_with_sources_and_can_be_drawn(name: str) -> None:
    body = builtin_body(name)
    assert body.uncertainty
    assert all(prior.source for prior in body.uncertainty.values())
    for quantile in (0.0, 0.16, 0.5, 0.84, 1.0):
        drawn = body.drawn(dict.fromkeys(body.uncertainty, quantile))
        assert drawn.digest != body.digest or quantile == 0.5
    assert body.drawn({}) == body


def test_marss_regolith_is_drawn_as_published() -> None:
    mars = builtin_body("mars").drawn({"regolith.inventory_kg": 0.5, "regolith.temperature_scale_k": 1.0})
    assert mars.regolith is not None
    assert mars.regolith.inventory_kg == pytest.approx(1.36e17)  # 35 mbar [S7]
    assert mars.regolith.temperature_scale_k == 40


def test_only_uncertain_numbers_can_be_drawn() -> None:
    mars = builtin_body("mars")
    with pytest.raises(NotFound, match=r"orbit\.eccentricity"):
        mars.drawn({"orbit.eccentricity": 0.5})
    table = mars.model_dump(mode="json")
    table["uncertainty"] = {"surface.colour": KINDS[0]}
    with pytest.raises(ValueError, match=r"surface\.colour"):
        type(mars).model_validate(table)
    table["uncertainty"] = {"orbit.eccentricity": {"kind": "uniform", "low": 2.0, "high": 3.0}}
    with pytest.raises(InvalidInput, match="eccentricity"):
        type(mars).model_validate(table).drawn({"orbit.eccentricity": 0.5})
