"""Learned patterns: deployments that did well, and counters of how they did when they were applied again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Integer, Select, cast, func, select, update
from sqlalchemy.dialects.postgresql import insert

from twinpipe.db.models import LearnedPattern, PatternApplication, SimulationRun, User
from twinpipe.db.refusals import explained
from twinpipe.db.rows import PlainRow
from twinpipe.db.session import check_json, retried, transaction
from twinpipe.db.twins import user_id
from twinpipe.db.validations import check_name, check_share
from twinpipe.errors import Conflict, InvalidInput, NotFound
from twinpipe.payloads import adapter, check_payload

AS_GOOD = 0.9  # of a pattern's own score, which an application of it has to reach to count as a success
CONTENT = ("required_conditions", "deployment_sequence", "optimizations")


@dataclass(frozen=True)
class PatternRow(PlainRow):
    """A learned pattern; times_applied and success_rate tell of its applications."""

    id: int
    pattern_id: str
    source_mission_id: int | None
    created_by: str | None
    success_score: float
    required_conditions: dict[str, Any]
    deployment_sequence: list[Any]
    optimizations: list[Any]
    times_applied: int
    success_rate: float
    created_at: datetime
    updated_at: datetime


@retried
def learn_pattern(
    engine: Engine,
    pattern_id: str,
    *,
    required_conditions: dict[str, Any],
    deployment_sequence: list[Any],
    optimizations: list[Any],
    success_score: float,
    source_mission_id: int | None = None,
    created_by: str = "system",
) -> PatternRow:
    """Keep a pattern under a name of its own; the same content again is the same pattern.

    Raises InvalidInput, Conflict when the name is that of another pattern.
    """
    check_name(pattern_id, "pattern_id")
    check_share(success_score, "success_score")
    content = dict(zip(CONTENT, (required_conditions, deployment_sequence, optimizations), strict=True))
    for column, value in content.items():
        check_json(value, column)
        check_payload("learned_patterns", column, value)
    with transaction(engine) as connection, explained():
        new = insert(LearnedPattern).values(
            pattern_id=pattern_id,
            success_score=success_score,
            source_mission_id=source_mission_id,
            created_by_id=user_id(connection, created_by),
            **content,
        )
        connection.execute(new.on_conflict_do_nothing(index_elements=["pattern_id"]))
        row = _get(connection, pattern_id)
    if any(_read(column, getattr(row, column)) != _read(column, value) for column, value in content.items()):
        raise Conflict(f"pattern_id: {pattern_id} is that of a pattern with other content.")
    return row


def _read(column: str, value: Any) -> Any:
    """What a column's JSON means: a large float comes back as a whole number with other digits."""
    return adapter("learned_patterns", column).validate_python(value)


@retried
def apply_pattern(engine: Engine, pattern_id: str, run_id: int, *, succeeded: bool, score: float) -> bool:
    """Count an application of a pattern in a run that has ended; False when it was counted before.

    Raises NotFound, InvalidInput, Conflict when the run has not ended or another outcome was counted.
    """
    check_share(score, "score")
    p, r = LearnedPattern, SimulationRun
    with transaction(engine) as connection, explained():
        number = connection.scalar(select(p.id).where(p.pattern_id == pattern_id).with_for_update())
        if number is None:
            raise NotFound("learned pattern", pattern_id)
        run = connection.execute(select(r.run_key, r.status).where(r.id == run_id)).one_or_none()
        if run is None:
            raise NotFound("run", run_id)
        if run.status in ("queued", "running"):
            raise Conflict(f"run {run_id} is {run.status}; a pattern is judged when its run has ended.")
        if succeeded and run.status != "completed":
            raise InvalidInput("succeeded", succeeded, f"run {run_id} is {run.status}")
        return _count(connection, number, pattern_id, run_id, run.run_key, succeeded, score)


def count_outcome(connection: Connection, pattern_id: str, run_id: int, run_key: UUID, score: float) -> None:
    """Count a run that a pattern made, as it is completed: a success when it does nearly as well as the pattern did.

    Nothing when there is no such pattern in this ledger, as where the scenario came from another.
    """
    p = LearnedPattern
    wanted = select(p.id, p.success_score).where(p.pattern_id == pattern_id).with_for_update()
    row = connection.execute(wanted).one_or_none()
    if row is not None:
        _count(connection, row.id, pattern_id, run_id, run_key, score >= AS_GOOD * row.success_score, score)


def _count(
    connection: Connection, number: int, pattern_id: str, run_id: int, run_key: UUID, succeeded: bool, score: float
) -> bool:
    """Count an application of a locked pattern, once; raises Conflict when another outcome was counted."""
    p, a = LearnedPattern, PatternApplication
    row = {"learned_pattern_id": number, "simulation_run_id": run_id, "run_key": run_key}
    new = insert(a).values(row | {"succeeded": succeeded, "score": score}).on_conflict_do_nothing().returning(a.id)
    if connection.scalar(new) is None:
        here = (a.learned_pattern_id == number, a.run_key == run_key)
        if connection.execute(select(a.succeeded, a.score).where(*here)).one() != (succeeded, score):
            raise Conflict(f"run {run_id} was counted for {pattern_id} with another outcome.")
        return False
    applied = select(func.count(), func.avg(cast(a.succeeded, Integer))).where(a.learned_pattern_id == number)
    times, rate = connection.execute(applied).one()
    connection.execute(update(p).where(p.id == number).values(times_applied=times, success_rate=float(rate)))
    return True


@retried
def get_pattern(engine: Engine, pattern_id: str) -> PatternRow:
    """The pattern; raises NotFound."""
    with transaction(engine) as connection:
        return _get(connection, pattern_id)


@retried
def list_patterns(engine: Engine, conditions: dict[str, Any] | None = None, limit: int = 50) -> list[PatternRow]:
    """The best patterns; with conditions those that require these at least."""
    wanted = _patterns().order_by(LearnedPattern.success_score.desc(), LearnedPattern.id).limit(limit)
    if conditions:
        wanted = wanted.where(LearnedPattern.required_conditions.contains(conditions))
    with transaction(engine) as connection:
        return [PatternRow.of(row) for row in connection.execute(wanted)]


def _get(connection: Connection, pattern_id: str) -> PatternRow:
    row = connection.execute(_patterns().where(LearnedPattern.pattern_id == pattern_id)).one_or_none()
    if row is None:
        raise NotFound("learned pattern", pattern_id)
    return PatternRow.of(row)


def _patterns() -> Select[Any]:
    p = LearnedPattern
    return select(
        *(p.id, p.pattern_id, p.source_mission_id, User.name.label("created_by"), p.success_score),
        *(p.required_conditions, p.deployment_sequence, p.optimizations, p.times_applied, p.success_rate),
        *(p.created_at, p.updated_at),
    ).outerjoin(User, User.id == p.created_by_id)
