"""What a real run writes into its rows is what the models of the payloads declare, no more and no less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import Engine, text

from twinpipe import lifecycle, schemas
from twinpipe.body import builtin_body
from twinpipe.digest import canonical_json
from twinpipe.engine import Serial
from twinpipe.payloads import COLUMNS, PlanetState, Sphere, adapter
from twinpipe.scenario import load_pattern
from twinpipe.settings import Settings
from twinpipe.workplace import Workplace

TABLES = {"digital_twins", "simulation_runs", "simulation_results"}


@pytest.fixture(params=["mars_terraform", "custom"])
def rows(tmp_path: Path, server: str, engine: Engine, request: pytest.FixtureRequest) -> dict[str, Any]:
    """The JSON columns of a twin, its run and its result, as Postgres holds them."""
    w = Workplace(Settings(home=tmp_path), engine, server)
    mars, pattern = builtin_body("mars"), load_pattern(request.param)
    strong = {"factory_rate": 1e6, "mirror_area": 2e12} if pattern.parameters else {}
    twin, _ = lifecycle.create_twin(w, mars, "Mars", grid="6x8")
    run, _ = lifecycle.prepare_run(w, twin.id, pattern.scenario(mars, dict(strong)), 60)
    lifecycle.insert_result(w, lifecycle.simulate_run(w, run.id, Serial()))
    found: dict[str, Any] = {}
    with engine.connect() as connection:
        for table, column in COLUMNS:
            if table in TABLES:
                found[f"{table}.{column}"] = connection.scalar(text(f"SELECT {column} FROM {table}"))
    return found


def test_every_column_of_a_real_run_is_valid_by_model_and_schema(rows: dict[str, Any]) -> None:
    for (table, column), _ in COLUMNS.items():
        if table in TABLES:
            value = rows[f"{table}.{column}"]
            adapter(table, column).validate_json(canonical_json(value), strict=True)
            Draft202012Validator(schemas.schema(schemas.schema_name(table, column))).validate(value)
    for state in ("start_state", "end_state"):
        model = PlanetState.model_validate(rows[f"simulation_results.{state}"])
        spheres = [getattr(model, name) for name in type(model).model_fields]
        undeclared = [sphere.model_extra for sphere in spheres if isinstance(sphere, Sphere) and sphere.model_extra]
        assert not undeclared, "a measure that states hold is to be declared in twinpipe.payloads"


def test_a_strong_deployment_writes_events(rows: dict[str, Any]) -> None:
    interventions = rows["simulation_runs.parameters"]["spec"]["scenario"]["interventions"]
    assert bool(rows["simulation_results.key_events"]) == bool(interventions)
