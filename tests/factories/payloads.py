"""Valid values of every JSON column, with overrides that merge into them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from tests.factories.specs import a_body, a_run_spec
from twinpipe.schemas import example, schema_name

RESULT = {
    "start_state": "planet_state",
    "end_state": "planet_state",
    **{n: n for n in ("key_events", "resource_consumption", "success_metrics", "performance_data")},
}


def merged(value: Any, change: Any) -> Any:
    """A copy of a value with tables merged key by key, and everything else replaced."""
    if isinstance(value, dict) and isinstance(change, dict):
        return {**deepcopy(value), **{key: merged(value.get(key), new) for key, new in change.items()}}
    return deepcopy(change)


def a_result(**changes: Any) -> dict[str, Any]:
    """The six payloads of a result; a change of a table merges into it."""
    made: dict[str, Any] = merged({column: example(name) for column, name in RESULT.items()}, changes)
    return made


def run_parameters(**changes: Any) -> dict[str, Any]:
    """Parameters of a run's row; change spec={...} and store=...."""
    spec = a_run_spec().model_dump(mode="json", exclude={"body"})
    made: dict[str, Any] = merged({"spec": spec, "store": "runs/0000000000000000.zarr"}, changes)
    return made


def sweep_design(number: int = 3, **changes: Any) -> dict[str, Any]:
    """The design of a sweep of a number of members that vary the seed; change base={...}, or members as a whole."""
    names = [{"spec_digest": f"{seed:064x}", "values": {"seed": float(seed)}} for seed in range(number)]
    made: dict[str, Any] = merged({"base": run_parameters()["spec"], "members": names}, changes)
    return made


def simulation_parameters(**changes: Any) -> dict[str, Any]:
    """How a twin's runs are simulated."""
    return {"grid": "6x8", "steps_per_orbit": 96, **changes}


def a_payload(table: str, column: str) -> Any:
    """A valid value of a JSON column."""
    made = {
        "simulation_parameters": simulation_parameters,
        "initial_state_snapshot": lambda: a_body().model_dump(mode="json"),
        "parameters": run_parameters,
        "spec": sweep_design,
    }
    return made[column]() if column in made else example(schema_name(table, column))
