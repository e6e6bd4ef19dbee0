"""Queries of the dashboard: the statements of sql/queries as typed functions, each one round trip.

Lists are paged by key: pass the key of the last row to get what comes after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Engine

from twinpipe.db.rows import PlainRow
from twinpipe.db.session import driver_cursor, reading, retried
from twinpipe.errors import InvalidInput
from twinpipe.shared import shared_folder

TimeKey = tuple[datetime, int]
ScoreKey = tuple[float, int]

R = TypeVar("R", bound=PlainRow)

LARGEST = 2**63 - 1
FIRST, LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
MOST = 1000  # rows of a page


@dataclass(frozen=True)
class ActiveTwin(PlainRow):
    """A twin that is not deleted, with its body and latest run, if any."""

    id: int
    name: str
    body: str
    body_name: str
    status: str
    created_at: datetime
    expires_at: datetime | None
    run_id: int | None
    run_status: str | None
    pattern: str | None
    duration_years: int | None
    progress: float | None
    run_created_at: datetime | None

    @property
    def key(self) -> TimeKey:
        return self.created_at, self.id


@dataclass(frozen=True)
class LiveRun(PlainRow):
    """A run that is queued or running; a running member of a sweep has the progress and the lease of its sweep."""

    id: int
    twin_id: int
    twin_name: str
    sweep_id: int | None
    status: str
    pattern: str
    duration_years: int
    progress: float
    attempt: int
    created_at: datetime
    started_at: datetime | None
    lease_until: datetime | None

    @property
    def key(self) -> TimeKey:
        return self.created_at, self.id


@dataclass(frozen=True)
class RankedResult(PlainRow):
    """A result in the order of its overall score."""

    id: int
    run_id: int
    twin_id: int
    twin_name: str
    pattern: str
    duration_years: int
    overall_score: float
    success_metrics: dict[str, Any]
    created_at: datetime

    @property
    def key(self) -> ScoreKey:
        return self.overall_score, self.id


@dataclass(frozen=True)
class DayStatistics(PlainRow):
    """Completed runs of a pattern on a day of UTC."""

    day: date
    pattern: str
    runs: int
    mean_overall: float
    mean_habitability: float
    best_overall: float

    def as_dict(self) -> dict[str, Any]:
        return super().as_dict() | {"day": self.day.isoformat()}


@dataclass(frozen=True)
class CataloguedRun(PlainRow):
    """A run with its twin and what its result says; gone: its outputs were scrubbed or its twin is deleted."""

    run_id: int
    twin_id: int
    twin_name: str
    body: str
    sweep_id: int | None
    member: int | None
    status: str
    pattern: str
    duration_years: int
    parameters: dict[str, Any] | None
    created_at: datetime
    completed_at: datetime | None
    gone: bool
    overall_score: float | None
    success_metrics: dict[str, Any] | None
    start_temperature_k: float | None
    end_temperature_k: float | None
    start_pressure_pa: float | None
    end_pressure_pa: float | None


@cache
def statement(name: str) -> str:
    """A statement of sql/queries, its parameters as the driver writes them."""
    found = (shared_folder("sql") / "queries" / f"{name}.sql").read_text(encoding="utf-8")
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", found.replace("%", "%%"))


def active_twins(engine: Engine, system: str, after: TimeKey | None = None, count: int = 50) -> list[ActiveTwin]:
    """Active twins of a system by its identifier, newest first; none when there is no such system."""
    time, key = after or (LAST, LARGEST)
    given = {"system": system, "after_time": time, "after_id": key, "count": _page(count)}
    return _rows(engine, ActiveTwin, "active_twins", given)


def live_runs(engine: Engine, after: TimeKey | None = None, count: int = 50) -> list[LiveRun]:
    """Queued and running runs, oldest first."""
    time, key = after or (FIRST, 0)
    given = {"after_time": time, "after_id": key, "count": _page(count)}
    return _rows(engine, LiveRun, "live_runs", given)


def best_results(engine: Engine, after: ScoreKey | None = None, count: int = 20) -> list[RankedResult]:
    """Results by overall score, best first."""
    score, key = after or (2.0, LARGEST)
    given = {"after_score": score, "after_id": key, "count": _page(count)}
    return _rows(engine, RankedResult, "best_results", given)


def catalogue(engine: Engine, before: int | None = None, count: int = MOST) -> list[CataloguedRun]:
    """Runs with their twins and results, newest first, from the run before one on."""
    given = {"before_id": LARGEST if before is None else before, "count": _page(count)}
    return _rows(engine, CataloguedRun, "catalogue", given)


def daily_statistics(engine: Engine, first: date, last: date, system: str | None = None) -> list[DayStatistics]:
    """Completed runs per day and pattern from first to last, of one system or of all."""
    given = {"first": first, "last": last}
    if system is None:
        return _rows(engine, DayStatistics, "daily_statistics", given)
    return _rows(engine, DayStatistics, "daily_statistics_of_system", given | {"system": system})


@retried
def _rows(engine: Engine, kind: type[R], name: str, given: dict[str, Any]) -> list[R]:
    with reading(engine) as connection, driver_cursor(connection, statement(name), binary=True) as cursor:
        cursor.execute(statement(name), given)
        columns = [column.name for column in cursor.description or ()]
        assert columns == [field.name for field in fields(kind)], f"{name}.sql has other columns"
        return [kind(*row) for row in cursor.fetchall()]


def _page(count: int) -> int:
    if not 1 <= count <= MOST:
        raise InvalidInput("count", count, f"it is 1 to {MOST}")
    return count
