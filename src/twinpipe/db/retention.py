"""Retention: results two years, runs one year, twins 90 days after they expired.

Results live longest, yet they refer to runs, and runs to twins.  So a row is deleted when its own limit has
passed and nothing refers to it; when something still does, it is scrubbed to a stub, which goes with the last
row that refers to it.  Work is done in batches, each a transaction that skips rows which others hold: several
cleaners may work at once, and whatever one of them skips is found the next time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, text

from twinpipe.db.deletion import RESULTS_KEPT, Begin
from twinpipe.db.outbox import RUN_PURGED, TWIN_DELETED, check_owed
from twinpipe.db.session import retried, transaction
from twinpipe.db.trail import note


@dataclass(frozen=True)
class Limits:
    """How long rows are kept: results and runs after they were made, twins after they expired."""

    results: timedelta = RESULTS_KEPT
    runs: timedelta = timedelta(days=365)
    twins: timedelta = timedelta(days=90)


@dataclass(frozen=True)
class _Table:
    """When rows of a table x are due, in which order they are found, what keeps them, what a stub gives up."""

    name: str
    limit: str  # a field of Limits
    due: str
    order: str
    unused: str = "true"
    blank: tuple[str, ...] = ()
    before: tuple[str, ...] = ()  # statements on :ids ahead of the deletion


# The outputs of a run whose twin lives on, unless another run of the same content still uses them.
OWE_OUTPUTS = f"""
    INSERT INTO outbox (topic, dedup_key, payload)
    SELECT '{RUN_PURGED}', '{RUN_PURGED}:' || r.id,
        jsonb_build_object('run_id', r.id, 'twin_id', t.id, 'store', t.store_path, 'folder', r.parameters ->> 'store')
    FROM simulation_runs r JOIN digital_twins t ON t.id = r.digital_twin_id
    WHERE r.id = ANY(:ids) AND t.deleted_at IS NULL AND r.parameters ->> 'store' IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM simulation_runs o
            WHERE o.digital_twin_id = r.digital_twin_id AND o.spec_digest = r.spec_digest AND o.id <> ALL(:ids)
                AND o.parameters ->> 'store' = r.parameters ->> 'store')
    ON CONFLICT (dedup_key) DO NOTHING RETURNING payload
"""

ENDED = "x.status NOT IN ('queued', 'running')"

TABLES = (
    _Table("simulation_results", "results", "x.created_at < :due", "x.id"),
    _Table(
        "simulation_runs",
        "runs",
        f"coalesce(x.completed_at, x.created_at) < :due AND {ENDED}",
        "coalesce(x.completed_at, x.created_at)",
        unused="NOT EXISTS (SELECT FROM simulation_results c WHERE c.simulation_run_id = x.id)",
        blank=("parameters", "error_message", "initiated_by_id", "flow_run_id", "lease_holder"),
        before=(OWE_OUTPUTS, "DELETE FROM segments WHERE simulation_run_id = ANY(:ids)"),
    ),
    _Table(
        "sweeps",
        "runs",
        f"coalesce(x.completed_at, x.created_at) < :due AND {ENDED}",
        "x.id",
        unused="NOT EXISTS (SELECT FROM simulation_runs c WHERE c.sweep_id = x.id)",
        blank=("spec", "error_message", "initiated_by_id", "flow_run_id", "lease_holder"),
        before=("DELETE FROM segments WHERE sweep_id = ANY(:ids)",),
    ),
    _Table(
        "digital_twins",
        "twins",
        # not before the bytes are proved gone
        "x.deleted_at IS NOT NULL AND x.expires_at < :due AND NOT EXISTS ("
        f"SELECT FROM outbox o WHERE o.dedup_key = '{TWIN_DELETED}:' || x.id AND o.done_at IS NULL)",
        "x.expires_at",
        unused="NOT EXISTS (SELECT FROM simulation_runs c WHERE c.digital_twin_id = x.id) "
        "AND NOT EXISTS (SELECT FROM sweeps c WHERE c.digital_twin_id = x.id)",
        blank=("simulation_parameters", "initial_state_snapshot", "description", "created_by_id", "store_path"),
        before=("DELETE FROM segments WHERE digital_twin_id = ANY(:ids)",),
    ),
)


@dataclass
class Purged:
    """Rows of a table that went, and rows of which a stub is left."""

    deleted: int = 0
    scrubbed: int = 0


def purge(begin: Begin, now: datetime, limits: Limits, batch: int = 5000) -> dict[str, Purged]:
    """Delete and scrub what is past its limit; what went, by table.  A second time there is nothing to do."""
    went = {}
    for table in TABLES:
        went[table.name] = total = Purged()
        due = now - getattr(limits, table.limit)
        for stubs in (False, True)[: 2 if table.blank else 1]:
            after = 0
            while found := _batch(begin, table, now, due, batch, after if stubs else None):
                after = found[0]
                total.deleted += found[1]
                total.scrubbed += found[2]
    return went


@retried
def _batch(
    begin: Begin, table: _Table, now: datetime, due: datetime, batch: int, after: int | None
) -> tuple[int, int, int] | None:
    """One batch of what is due, or with after of stubs that nothing needs; last id, deleted, scrubbed."""
    if after is None:
        which = table.due + (" AND x.purged_at IS NULL" if table.blank else "")
        order = table.order
    else:
        which, order = f"x.purged_at IS NOT NULL AND x.id > :after AND {table.unused}", "x.id"
    locked = text(
        f"SELECT x.id FROM {table.name} x WHERE {which} ORDER BY {order} LIMIT :batch FOR UPDATE OF x SKIP LOCKED"
    )
    with begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = '10min'"))
        ids = sorted(connection.scalars(locked, {"due": due, "after": after, "batch": batch}))
        if not ids:
            return None
        for statement in table.before:
            did = connection.execute(text(statement), {"ids": ids})
            for payload in did.scalars() if did.returns_rows else ():
                check_owed(RUN_PURGED, payload)
        gone = connection.execute(
            # looked at again: what refers to them may have changed before they were locked
            text(f"DELETE FROM {table.name} x WHERE x.id = ANY(:ids) AND {table.unused}"),
            {"ids": ids},
        ).rowcount
        scrubbed = 0
        if after is None and gone < len(ids):
            blanks = ", ".join(f"{column} = NULL" for column in table.blank)
            stub = text(f"UPDATE {table.name} SET purged_at = :now, {blanks} WHERE id = ANY(:ids)")
            scrubbed = connection.execute(stub, {"ids": ids, "now": now}).rowcount
        note(
            *(connection, "cleanup", "purge", table.name, None),
            **{"deleted": gone, "scrubbed": scrubbed, "first": ids[0], "last": ids[-1]},
        )
        return ids[-1], gone, scrubbed


def in_batches(engine: Engine) -> Begin:
    """Transactions of their own for each batch."""
    return lambda: transaction(engine)
