"""Rows of the ledger, made by its own verbs; each has a valid default and takes overrides."""

from __future__ import annotations

from itertools import count
from typing import Any

from sqlalchemy import Engine

from tests.factories.payloads import a_result, run_parameters, simulation_parameters, sweep_design
from tests.factories.specs import a_body
from twinpipe.db import ledger
from twinpipe.db.rows import ResultRow, RunRow, SweepRow, TwinRow

LEASE = 60.0
_number = count(1)


def make_twin(engine: Engine, name: str = "Mars, what if", **changes: Any) -> TwinRow:
    """A twin in status creating, another one each time unless again is false."""
    body = a_body()
    values: dict[str, Any] = {
        "name": name,
        "description": None,
        "body_identifier": body.identifier,
        "body_name": body.name,
        "solar_system": body.solar_system,
        "body_digest": body.digest,
        "simulation_parameters": simulation_parameters(),
        "initial_state_snapshot": body.model_dump(mode="json"),
        "ttl_days": 30,
        "again": True,
    }
    return ledger.create_twin(engine, **(values | changes))[0]


def make_ready_twin(engine: Engine, name: str = "Mars, what if", **changes: Any) -> TwinRow:
    """A twin that runs can be made on; it says that it has a store, but there is none."""
    twin = make_twin(engine, name, **changes)
    ledger.mark_twin_ready(engine, twin.id, f"stores/twin-{twin.id}.zarr")
    return ledger.get_twin(engine, twin.id)


def make_run(engine: Engine, twin: TwinRow | None = None, **changes: Any) -> RunRow:
    """A queued run, on a twin of its own unless given; each has another spec_digest unless given."""
    twin = twin or make_ready_twin(engine)
    values: dict[str, Any] = {
        "twin_id": twin.id,
        "pattern": "mars_terraform",
        "years": 100,
        "parameters": run_parameters(),
        "spec_digest": f"{next(_number):064x}",
    }
    return ledger.create_run(engine, **(values | changes))[0]


def make_running(engine: Engine, twin: TwinRow | None = None, lease: float = LEASE, **changes: Any) -> RunRow:
    """A run that is claimed; its lease_generation is what to write under."""
    run = make_run(engine, twin, **changes)
    ledger.claim_run(engine, run.id, lease)
    return ledger.get_run(engine, run.id)


def make_sweep(engine: Engine, twin: TwinRow | None = None, number: int = 3, **changes: Any) -> SweepRow:
    """A queued sweep, another one each time, on a twin of its own unless given; its members vary the seed."""
    spec = changes.pop("spec", None) or sweep_design(number)
    seeds = range(len(spec["members"]))
    values: dict[str, Any] = {
        "twin_id": (twin or make_ready_twin(engine)).id,
        "name": "replicates",
        "spec": spec,
        "members": [run_parameters(spec={"seed": seed}) for seed in seeds],
        "again": True,
    }
    return ledger.create_sweep(engine, **(values | changes))[0]


def make_running_sweep(
    engine: Engine, twin: TwinRow | None = None, number: int = 3, lease: float = LEASE, **changes: Any
) -> SweepRow:
    """A sweep that is claimed; its lease_generation is what to write under for it and its members."""
    sweep = make_sweep(engine, twin, number, **changes)
    ledger.claim_sweep(engine, sweep.id, lease)
    return ledger.get_sweep(engine, sweep.id)


def make_result(engine: Engine, run: RunRow | None = None, **changes: Any) -> ResultRow:
    """The result of a running run (a new one unless given), which completes it."""
    run = run or make_running(engine)
    ledger.complete_run(engine, run.id, run.lease_generation, a_result(**changes))
    return ledger.get_result(engine, run.id)


def make_whole_result(engine: Engine, **payloads: Any) -> ResultRow:
    """The result of a new run, with whole payloads in place of the defaults."""
    run = make_running(engine)
    ledger.complete_run(engine, run.id, run.lease_generation, {**a_result(), **payloads})
    return ledger.get_result(engine, run.id)
