"""Laws of the payloads: what the models generate is accepted, and any single thing wrong is refused and named."""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.factories import a_payload, a_result
from tests.factories.spaces import columns

from twinpipe import schemas
from twinpipe.db.encoding import encode_result
from twinpipe.db.session import check_json
from twinpipe.digest import digest
from twinpipe.errors import BudgetError, InvalidInput
from twinpipe.payloads import COLUMNS, check_payload, check_result

Path = tuple[str | int, ...]
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
RESULTS = [column for table, column in COLUMNS if table == "simulation_results"]


def paths(value: Any, at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every place in a JSON value, and what is there."""
    yield at, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*at, key))


def changed(value: Any, at: Path, new: Any) -> Any:
    """A copy with one thing changed."""
    if not at:
        return new
    copy = deepcopy(value)
    inner = copy
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = new
    return copy


def check(table: str, column: str, value: Any) -> None:
    check_json(value, column)
    check_payload(table, column, value)


@pytest.mark.parametrize("place", COLUMNS)
@SLOW
@given(data=st.data())
def test_what_the_models_generate_is_accepted_by_model_and_schema(data: st.DataObject, place: tuple[str, str]) -> None:
    value = data.draw(columns(*place))
    check(*place, value)
    Draft202012Validator(schemas.schema(schemas.schema_name(*place))).validate(value)


@pytest.mark.parametrize("place", COLUMNS)
@SLOW
@given(data=st.data())
def test_any_single_wrong_thing_is_refused_and_named(data: st.DataObject, place: tuple[str, str]) -> None:
    value = data.draw(columns(*place) | st.just(a_payload(*place)))
    numbers = [at for at, item in paths(value) if isinstance(item, int | float) and not isinstance(item, bool)]
    tables = [at for at, item in paths(value) if isinstance(item, dict)]
    wrong = st.sampled_from([float("nan"), float("inf"), -float("inf"), "1", True, [], 2**70])
    mutations: list[tuple[st.SearchStrategy[Path], st.SearchStrategy[Any]]] = []
    if tables:
        mutations.append((st.sampled_from(tables).map(lambda at: (*at, "unknown")), st.just([])))
    if numbers:
        mutations.append((st.sampled_from(numbers), wrong))
    where, what = data.draw(st.sampled_from(mutations or [(st.just(()), st.just("no list"))]))
    at, new = data.draw(where), data.draw(what)
    with pytest.raises(InvalidInput) as caught:
        check(*place, changed(value, at, new))
    # of a union, such as a number or a map, pydantic may name the whole
    assert not at or any(str(key) in caught.value.field for key in at[-2:])


@pytest.mark.parametrize("place", COLUMNS)
def test_a_key_that_is_needed_is_missed(place: tuple[str, str]) -> None:
    value = a_payload(*place)
    model = schemas.schema(schemas.schema_name(*place))
    for key in model.get("required", []):
        with pytest.raises(InvalidInput, match=key):
            check(*place, {k: v for k, v in value.items() if k != key})


@pytest.mark.parametrize(
    ("column", "at", "value"),
    [
        ("success_metrics", ("habitability_score",), 1.2),
        ("success_metrics", ("cost_efficiency",), -0.1),
        ("success_metrics", ("goals", 0, "progress"), 1.01),
        ("success_metrics", ("metrics_version",), 0),
        ("start_state", ("atmosphere", "surface_temperature_k"), 0.0),
        ("start_state", ("atmosphere", "gas_mass_kg", "CO2"), -1.0),
        ("end_state", ("atmosphere", "composition_percent", "N2"), 101.0),
        ("end_state", ("years",), [1.0]),
        ("end_state", ("biosphere", "trees"), "many"),
        ("key_events", (0, "year"), 1001.0),
        ("key_events", (0, "year"), -1.0),
        ("key_events", (0, "event"), "no such name"),
        ("key_events", (0, "description"), "a\0b"),
        ("key_events", (0, "description"), "\ud800"),
        ("key_events", (0, "description"), "x" * 10_000),
        ("resource_consumption", ("total", "energy_j"), -1.0),
        ("performance_data", ("seal_digest",), "5" * 63),
        ("performance_data", ("seal_digest",), "5" * 64 + "\n"),
        ("performance_data", ("cell_steps",), 1.5),
        ("performance_data", ("mass_error",), None),
    ],
)
def test_what_is_out_of_range_is_refused_and_named(column: str, at: Path, value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        check("simulation_results", column, changed(a_payload("simulation_results", column), at, value))
    assert str(at[-1]) in caught.value.field


@pytest.mark.parametrize("column", RESULTS)
def test_a_result_has_exactly_six_payloads(column: str) -> None:
    check_result(a_result())
    with pytest.raises(InvalidInput, match=column):
        check_result({k: v for k, v in a_result().items() if k != column})
    with pytest.raises(InvalidInput, match="seventh"):
        check_result({**a_result(), "seventh": {}})
    with pytest.raises(InvalidInput, match=f"result.{column}"):
        check_result({**a_result(), column: "text"})


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("column", RESULTS)
def test_no_number_of_a_result_is_encoded_when_it_is_not_finite(column: str, wrong: float) -> None:
    value = a_payload("simulation_results", column)
    numbers = [at for at, found in paths(value) if isinstance(found, float) and at]
    assert numbers
    for at in numbers:
        with pytest.raises(InvalidInput) as caught:
            encode_result({**a_result(), column: changed(value, at, wrong)})
        assert caught.value.field.startswith(f"result.{column}")


@pytest.mark.parametrize("name", ["a\0b", "\0", "\ud800"])
def test_names_that_jsonb_refuses_are_refused_before_the_database(name: str) -> None:
    for change in ({"versions": {name: "1"}}, {"versions": {"numpy": name}}):
        with pytest.raises(InvalidInput, match=r"result\.performance_data"):
            encode_result(a_result(performance_data=change))
    assert encode_result(a_result(performance_data={"versions": {"back\\slash": "\\u0000"}})).columns


def test_the_digest_of_a_result_is_that_of_its_canonical_json() -> None:
    made = encode_result(a_result())
    assert made.payload_sha256.hex() == digest(a_result())
    assert {name: orjson.loads(value) for name, value in made.columns.items()} == a_result()


@pytest.mark.parametrize("value", [False, None, "true", 1])
def test_books_that_do_not_close_are_an_error_of_their_own(value: object) -> None:
    with pytest.raises(BudgetError):
        check_result(a_result(performance_data={"budget_closes": value}))
