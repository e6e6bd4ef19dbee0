"""Patterns: parameters with units and bounds, and the bodies that they refuse."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpipe.body import Body, builtin_body
from twinpipe.errors import InvalidInput, NotFound
from twinpipe.intervention import OrbitalMirror
from twinpipe.scenario import load_pattern, pattern_names, quantity

MARS = builtin_body("mars")
TERRAFORM = load_pattern("mars_terraform")


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("125 km", "m", 125e3),
        ("125km", "m", 125e3),
        ("0.4 Pa", "Pa", 0.4),
        ("6.1 mbar", "Pa", 610.0),
        ("1 year", "s", 365.25 * 86400),
        ("1 t/s", "kg/s", 1000.0),
        ("4.9e4 km**2", "m**2", 4.9e10),
        ("1e5", "kg/s", 1e5),
        ("  7 ", "m", 7.0),
        (3, "m", 3.0),
        (2.5, "m", 2.5),
    ],
)
def test_quantities_convert_to_their_unit(text: float | str, unit: str, value: float) -> None:
    assert quantity(text, unit, "x") == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "125 furlongz", "5 kg", "5 s", "", "  ", "five", "5 5", "1/0 m", "nan", "inf", "-inf", "nan km",
        "1e999", "m; import os", "(", "2 **", "[1]", math.nan, math.inf, -math.inf,
    ],
)  # fmt: skip
def test_what_is_no_length_is_refused_by_name(text: float | str) -> None:
    with pytest.raises(InvalidInput) as refused:
        quantity(text, "m", "mirror_radius")
    assert refused.value.field == "mirror_radius"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_taken_as_they_are(value: float) -> None:
    assert quantity(value, "kg", "x") == value
    assert quantity(repr(value), "kg", "x") == value


@given(st.text(max_size=12))
@settings(max_examples=12, deadline=None)
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        value = quantity(text, "m", "x")
    except InvalidInput:
        return
    assert math.isfinite(value)


@pytest.mark.parametrize("name", pattern_names())
def test_every_pattern_makes_a_scenario_with_its_defaults(name: str) -> None:
    pattern = load_pattern(name)
    scenario = pattern.scenario(MARS)
    assert scenario.pattern == name
    assert scenario.parameters == {k: p.default for k, p in pattern.parameters.items()}
    for parameter in pattern.parameters.values():
        assert parameter.minimum <= parameter.default <= parameter.maximum


@pytest.mark.parametrize("name", ["mars_terraform", "mars-terraform", " Mars_Terraform ", "MARS-TERRAFORM"])
def test_pattern_names_forgive_hyphens_and_case(name: str) -> None:
    assert load_pattern(name) is not None
    assert load_pattern(name) == TERRAFORM


def test_an_unknown_pattern_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(NotFound, match="mars_terraform"):
        load_pattern("mars_terrafrom")


def test_an_unknown_parameter_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(NotFound, match="factory_rate"):
        TERRAFORM.scenario(MARS, {"factory_rat": 1.0})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("factory_rate", -1.0),
        ("factory_rate", 1.1e6),
        ("mirror_area", "2e14 m**2"),
        ("mirror_area", "125 km"),
        ("import_start", "1000 year"),
        ("import_rate", "much"),
        ("import_rate", math.nan),
    ],
)
def test_values_out_of_bounds_are_refused_by_name(name: str, value: float | str) -> None:
    with pytest.raises(InvalidInput) as refused:
        TERRAFORM.scenario(MARS, {name: value})
    assert refused.value.field == name


def test_bounds_themselves_are_allowed() -> None:
    for name, parameter in TERRAFORM.parameters.items():
        for bound in (parameter.minimum, parameter.maximum):
            assert TERRAFORM.values({name: bound})[name] == bound


def test_parameters_reach_their_interventions() -> None:
    scenario = TERRAFORM.scenario(MARS, {"mirror_area": "4.9e4 km**2", "import_start": "40 year"})
    mirrors = [i for i in scenario.interventions if isinstance(i, OrbitalMirror)]
    assert [m.area_m2 for m in mirrors] == [pytest.approx(4.9e10)]
    assert scenario.interventions[2].schedule.start_year == pytest.approx(40.0)


def test_terraforming_needs_seasonal_ice() -> None:
    bare = MARS.model_copy(update={"co2_ice": None})
    with pytest.raises(InvalidInput, match="seasonal CO2 ice"):
        TERRAFORM.scenario(bare)


def airless(co2: float) -> Body:
    return MARS.model_copy(
        update={"atmosphere": MARS.atmosphere.model_copy(update={"mass_kg": {"CO2": co2} if co2 else {}})}
    )


@pytest.mark.parametrize("co2", [0.0, 9.9e14])
def test_terraforming_needs_carbon_dioxide(co2: float) -> None:
    with pytest.raises(InvalidInput, match="1e\\+15 kg of CO2"):
        TERRAFORM.scenario(airless(co2))


def test_terraforming_takes_a_body_with_just_enough() -> None:
    assert TERRAFORM.scenario(airless(1e15)).interventions


def test_the_custom_pattern_takes_any_body() -> None:
    assert load_pattern("custom").scenario(airless(0.0)).interventions == ()


def test_the_pattern_of_mars_is_refused_where_co2_would_rain() -> None:
    with pytest.raises(InvalidInput, match="seasonal CO2 ice"):
        load_pattern("mars_terraform").scenario(builtin_body("venus"))
