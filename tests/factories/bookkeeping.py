"""Rows of the tables beside twins, runs and results, as values: valid by default, with overrides."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert

from tests.factories.payloads import a_payload, sweep_design
from tests.factories.rows import make_ready_twin, make_run
from twinpipe.db.models import AuditLog, Base, LearnedPattern, Outbox, PatternApplication, RunStatsDaily, Segment, Sweep
from twinpipe.db.rows import RunRow, TwinRow

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def insert_row(engine: Engine, model: type[Base], values: dict[str, Any]) -> int:
    """Insert a row; its id, or 0 in a table without one."""
    key = getattr(model, "id", None)
    with engine.begin() as connection:
        if key is None:
            connection.execute(insert(model).values(values))
            return 0
        return int(connection.execute(insert(model).values(values).returning(key)).scalar_one())


def insert_sweep(engine: Engine, twin: TwinRow | None = None, **changes: Any) -> int:
    """The bare row of a queued sweep, for what the verbs would refuse, on a twin of its own unless given; its id."""
    values: dict[str, Any] = {
        "digital_twin_id": (twin or make_ready_twin(engine)).id,
        "sweep_key": uuid4(),
        "name": "factories by rate",
        "spec": sweep_design(4),
        "spec_digest": "0" * 64,
        "members": 4,
    }
    return insert_row(engine, Sweep, values | changes)


def make_segment(engine: Engine, run: RunRow | None = None, **changes: Any) -> int:
    """The seal of the first segment of a run; its id."""
    run = run or make_run(engine)
    values: dict[str, Any] = {
        "digital_twin_id": run.twin_id,
        "simulation_run_id": run.id,
        "block": 0,
        "segment": 0,
        "generation": run.id * 10_000 + 1,
        "digest": "5" * 64,
        "files": 12,
        "bytes": 34_567,
    }
    return insert_row(engine, Segment, values | changes)


def make_outbox(engine: Engine, message: tuple[str, Any] | None = None, **changes: Any) -> int:
    """An effect, of a topic with its payload, that is owed or with an outcome is proved; its id."""
    topic, payload = message or ("run.purged", a_payload("outbox", "payload"))
    values = {"topic": topic, "dedup_key": f"{topic}:{uuid4()}", "payload": payload}
    if changes.get("outcome") is not None:
        values["done_at"] = DAY
    return insert_row(engine, Outbox, values | changes)


def make_audit_entry(engine: Engine, deed: tuple[str, Any] | None = None, **changes: Any) -> int:
    """Who did what, as an action with its detail; the id."""
    action, detail = deed or ("purge", a_payload("audit_log", "detail"))
    values = {"actor": "system", "action": action, "entity": "digital_twins", "entity_id": 1, "detail": detail}
    return insert_row(engine, AuditLog, values | changes)


def make_stats(engine: Engine, **changes: Any) -> int:
    """The sums of a day of a system of its own."""
    twin = make_ready_twin(engine, solar_system=f"SYS-{uuid4()}", body_identifier=f"BODY-{uuid4()}")
    with engine.connect() as connection:
        system = connection.exec_driver_sql(f"SELECT solar_system_id FROM digital_twins WHERE id = {twin.id}").scalar()
    values = {"solar_system_id": system, "pattern": "mars_terraform", "day": DAY.date(), "n": 2}
    sums = {"sum_overall": 0.9, "sum_habitability": 0.5, "best_overall": 0.9}
    return insert_row(engine, RunStatsDaily, values | sums | changes)


def make_learned_pattern(engine: Engine, **changes: Any) -> int:
    """A pattern that did well once; its id."""
    values = {"pattern_id": f"mirrors-{uuid4()}", "source_mission_id": 7, "success_score": 0.8}
    json = ("required_conditions", "deployment_sequence", "optimizations")
    return insert_row(engine, LearnedPattern, values | {c: a_payload("learned_patterns", c) for c in json} | changes)


def make_application(engine: Engine, **changes: Any) -> int:
    """A learned pattern applied in a run; its id."""
    run = make_run(engine)
    values = {"learned_pattern_id": make_learned_pattern(engine), "simulation_run_id": run.id, "run_key": run.run_key}
    return insert_row(engine, PatternApplication, values | {"succeeded": True, "score": 0.8} | changes)
