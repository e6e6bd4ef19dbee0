"""Spaces of valid rows: what each factory may be given instead of its defaults."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Engine

from tests.factories import bookkeeping, rows
from tests.factories.spaces import NAMES, SHARES, TEXT, columns, values_of
from twinpipe.db.models import PATTERNS
from twinpipe.db.outbox import PAYLOADS
from twinpipe.db.trail import DETAILS
from twinpipe.payloads import COLUMNS

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
SMALL, BIG = st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)


def _of_a_kind(kinds: dict[str, Any]) -> st.SearchStrategy[tuple[str, Any]]:
    """A topic or action with what belongs to it."""
    return st.one_of([st.tuples(st.just(word), values_of(kind)) for word, kind in kinds.items()])


def _payloads(table: str) -> dict[str, st.SearchStrategy[Any]]:
    return {column: columns(t, column) for t, column in COLUMNS if t == table}


SPACES: dict[str, tuple[Callable[..., Any], dict[str, st.SearchStrategy[Any]]]] = {
    "digital_twins": (
        rows.make_twin,
        {"name": NAMES, "description": st.none() | TEXT, "ttl_days": st.none() | st.integers(0, 36_525)}
        | _payloads("digital_twins"),
    ),
    "simulation_runs": (
        rows.make_run,
        {"pattern": st.sampled_from(PATTERNS), "years": st.integers(1, 1000), "spec_digest": DIGESTS}
        | _payloads("simulation_runs"),
    ),
    "simulation_results": (rows.make_whole_result, _payloads("simulation_results")),
    "sweeps": (rows.make_sweep, {"name": NAMES, "number": st.integers(1, 20)} | _payloads("sweeps")),
    "segments": (
        bookkeeping.make_segment,
        {"block": SMALL, "segment": SMALL, "generation": BIG, "digest": DIGESTS, "files": SMALL, "bytes": BIG},
    ),
    "outbox": (
        bookkeeping.make_outbox,
        {
            "message": _of_a_kind(PAYLOADS),
            "attempts": SMALL,
            "available_at": TIMES,
            "error": st.none() | TEXT,
            "outcome": st.none() | columns("outbox", "outcome"),
        },
    ),
    "audit_log": (
        bookkeeping.make_audit_entry,
        {"actor": TEXT, "deed": _of_a_kind(DETAILS), "entity": TEXT, "entity_id": st.none() | BIG},
    ),
    "run_stats_daily": (
        bookkeeping.make_stats,
        {
            "pattern": st.sampled_from(PATTERNS),
            "day": st.dates(date(2000, 1, 1), date(2100, 1, 1)),
            "n": st.integers(1, 2**31),
            "sum_overall": SHARES,
            "sum_habitability": SHARES,
            "best_overall": SHARES,
        },
    ),
    "learned_patterns": (
        bookkeeping.make_learned_pattern,
        {"success_score": SHARES, "success_rate": SHARES, "times_applied": SMALL} | _payloads("learned_patterns"),
    ),
    "pattern_applications": (
        bookkeeping.make_application,
        {"succeeded": st.booleans(), "score": SHARES, "applied_at": TIMES},
    ),
}


def rows_of(table: str) -> st.SearchStrategy[Callable[[Engine], Any]]:
    """Functions that insert a generated row into a database."""
    make, space = SPACES[table]
    return st.fixed_dictionaries({}, optional=space).map(lambda values: lambda engine: make(engine, **values))
