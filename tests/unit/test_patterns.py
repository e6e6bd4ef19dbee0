"""Patterns: parameters with units and bounds, and the bodies that they refuse."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpipe.assembly import body_values
from twinpipe.body import Body, builtin_body
from twinpipe.errors import InvalidInput, NotFound
from twinpipe.intervention import GasExport, OrbitalMirror, VolatileImport
from twinpipe.scenario import load_pattern, pattern_names, quantity, scenario_of

MARS = builtin_body("mars")
TERRAFORM = load_pattern("mars_terraform")
HOME = {"mars_terraform": "mars", "venus_industrial": "venus", "titan_fuel": "titan", "europa_ocean": "europa"}


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
    pattern, body = load_pattern(name), builtin_body(HOME.get(name, "earth"))
    scenario = pattern.scenario(body)
    assert scenario.pattern == name
    assert scenario.forced == ()
    assert scenario.parameters == {k: p.default for k, p in pattern.parameters.items()}
    assert all(p.description and p.unit for p in pattern.parameters.values())
    for variant in pattern.variants:
        assert pattern.scenario(body, variant=variant).variant == variant


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
        ("shield_years", "1000 year"),
        ("cycler_capacity", "much"),
        ("cycler_capacity", math.nan),
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
    scenario = TERRAFORM.scenario(MARS, {"mirror_area": "4.9e4 km**2", "shield_years": "60 year"})
    mirrors = [i for i in scenario.interventions if isinstance(i, OrbitalMirror)]
    assert [m.area_m2 for m in mirrors] == [pytest.approx(4.9e10)]
    assert next(i.schedule.start_year for i in scenario.interventions if isinstance(i, VolatileImport)) == 60.0
    assert scenario.phases[1].start_year == 60.0


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


@pytest.mark.parametrize(
    ("name", "body", "lacking"),
    [
        ("venus_industrial", "mars", r"1e\+19 kg of CO2 in the air \(Mars has 2.65e\+16\), and a pressure of at least"),
        ("titan_fuel", "mars", r"1e\+15 kg of CH4 in the air \(Mars has 0\)"),
        ("europa_ocean", "titan", "at most 100 Pa .*, and a shell of ice over an ocean; --force runs it"),
        ("mars_terraform", "europa", "CO2 in the air"),
        ("mars_terraform", "earth", "seasonal CO2 ice"),
    ],
)
def test_a_body_that_lacks_what_a_pattern_needs_is_refused_unless_forced(name: str, body: str, lacking: str) -> None:
    with pytest.raises(InvalidInput, match=lacking):
        load_pattern(name).scenario(builtin_body(body))
    assert load_pattern(name).scenario(builtin_body(body), force=True).forced


@pytest.mark.parametrize("alias", ["mars-terraforming", "venus_pattern", "titan-fuel", "europa-water"])
def test_the_names_of_the_game_are_known(alias: str) -> None:
    assert load_pattern(alias).title


def test_a_variant_is_a_set_of_parameters_that_what_is_given_outdoes() -> None:
    wet = TERRAFORM.scenario(MARS, variant="warm_wet")
    assert wet.parameters["factory_rate"] == 2e5
    assert TERRAFORM.scenario(MARS, {"factory_rate": 1.0}, variant="warm_wet").parameters["factory_rate"] == 1.0
    assert len(wet.goals) == len(TERRAFORM.goals) + 1
    with pytest.raises(NotFound, match="warm_wet"):
        TERRAFORM.scenario(MARS, variant="warm_dry")


def test_what_does_nothing_is_left_out() -> None:
    alone = TERRAFORM.scenario(MARS, variant="imports_only")
    assert {i.kind for i in alone.interventions} == {"volatile_import"}


@pytest.mark.parametrize("rate", [1e14, 1e15, 1e17])
def test_the_harvest_of_titan_ends_when_a_twentieth_is_taken(rate: float) -> None:
    (harvest,) = load_pattern("titan_fuel").scenario(builtin_body("titan"), {"harvest_rate": rate}).interventions
    assert isinstance(harvest, GasExport)
    assert harvest.capped
    taken = rate * (harvest.schedule.end_year - 10)
    assert taken == pytest.approx(0.05 * 3.0014e17)


def test_a_small_harvest_is_not_capped() -> None:
    (harvest,) = load_pattern("titan_fuel").scenario(builtin_body("titan")).interventions
    assert isinstance(harvest, GasExport)
    assert not harvest.capped
    assert harvest.schedule.end_year == 1000.0


def test_an_ocean_that_might_be_contaminated_is_left_alone() -> None:
    pattern, europa = load_pattern("europa_ocean"), builtin_body("europa")
    clean, dirty = (pattern.scenario(europa, {"sterilisation": x}) for x in (6.0, 5.0))
    assert clean.gate is not None
    assert clean.gate.index < 1
    assert {u.id for u in clean.undertakings} > {u.id for u in dirty.undertakings} >= {"survey_craft", "shaft_station"}
    assert [p.id for p in dirty.phases] == ["survey", "drilling"]
    assert clean.shaft is not None
    assert clean.shaft.end_year == pytest.approx(8 + 15e3 * 10 * 5.42e8 / 0.5 / 1e6 / (365.25 * 86400))


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"phases": [{"id": "a", "start_year": 5, "end_year": 4}]}, "phase a ends in year 4"),
        (
            {"phases": [{"id": "a", "start_year": 0, "end_year": 4}, {"id": "b", "start_year": 3, "end_year": 9}]},
            r"phases a \(to year 4\) and b \(from year 3\) overlap",
        ),
        ({"interventions": [{"kind": "gas_export", "gas": "N2", "rate_kg_s": -1}]}, "greater than or equal to 0"),
        ({"interventions": [{"kind": "gas_export", "gas": "N2", "rate_kg_s": 1, "phase": "x"}]}, "no phase named 'x'"),
        ({"interventions": [{"kind": "gas_export", "gas": "N2", "rate_kg_s": "$body.N2"}]}, r"body.N2_kg"),
        ({"fleets": [{"id": "f", "origin": "x", "composition": {"N2": 1}, "first": -1}]}, "fleets.first"),
        ({"phases": [{"id": "a", "start_year": 5, "end_year": 5}]}, "phase a ends in year 5"),
        ({"phases": [{"id": "a", "start_year": 0, "end_year": 1}] * 2}, "overlap"),
        ({"interventions": 5}, "interventions: 5 is not allowed; it is a list of tables"),
        ({"fleets": [3]}, "it is a list of tables"),
        ({"shaft": 3}, "shaft: .* it is a list of tables"),
        ({"economy": {"prices": "free", "budget_gcc": 1}}, "price table named 'free'; known: game, retail"),
        ({"economy": {"prices": "game"}}, "budget_gcc"),
        ({"interventions": [{"kind": "heater", "power_w": "$body.area_m2 * two"}]}, "a sum of products"),
        ({"interventions": [{"kind": "heater", "power_w": "1e308 * $body.area_m2 + -1e308 * $body.area_m2"}]}, "sum"),
        (
            {
                "interventions": [{"kind": "heater", "power_w": 1, "phase": "a", "schedule": 3}],
                "phases": [{"id": "a", "start_year": 0, "end_year": 1}],
            },
            "schedule: 3",
        ),
        ({"goals": [{"id": "g", "measure": "production_kg_a", "target": 1, "planned_year": 1}]}, "names its product"),
    ],
)
def test_what_cannot_be_a_plan_is_refused_in_one_sentence(table: dict[str, Any], complaint: str) -> None:
    with pytest.raises((InvalidInput, NotFound), match=complaint):
        scenario_of(table, body_values(MARS), "plan.toml")


def test_a_scenario_that_was_written_down_is_the_same_when_it_is_read() -> None:
    made = TERRAFORM.scenario(MARS, variant="warm_wet")
    assert scenario_of(made.model_dump(mode="json"), body_values(MARS), "x") == made
