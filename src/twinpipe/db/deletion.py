"""The end of twins: by hand or by expiry, the row first; its bytes are owed to the outbox in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, func, select, text, update

from twinpipe.db.models import DigitalTwin, SimulationRun, Sweep
from twinpipe.db.outbox import TWIN_DELETED, check_owed, owe
from twinpipe.db.session import retried, transaction
from twinpipe.db.trail import note
from twinpipe.db.twins import held_twin, lock_twin, set_twin
from twinpipe.errors import Conflict, NotFound

Begin = Callable[[], AbstractContextManager[Connection]]

RESULTS_KEPT = timedelta(days=730)

# A twin that is being made or simulated is left alone, and so is one with a run whose result should be here but
# is not: its store is the only copy.
RUNNING = "SELECT r.id FROM simulation_runs r WHERE r.digital_twin_id = t.id AND r.status = 'running'"
SWEEPING = "SELECT s.id FROM sweeps s WHERE s.digital_twin_id = t.id AND s.status = 'running'"
ONLY_COPY = """
    SELECT r.id FROM simulation_runs r
    WHERE r.digital_twin_id = t.id AND r.status = 'completed' AND r.purged_at IS NULL AND r.completed_at > :kept
        AND NOT EXISTS (SELECT FROM simulation_results s WHERE s.simulation_run_id = r.id)"""
KEEPERS = f"""
    SELECT ({RUNNING} LIMIT 1) AS run, ({SWEEPING} LIMIT 1) AS sweep, ({ONLY_COPY} LIMIT 1) AS lost
    FROM digital_twins t WHERE t.id = :twin"""
EXPIRE = f"""
    WITH v AS MATERIALIZED (
        SELECT t.id, t.store_path FROM digital_twins t
        WHERE t.expires_at < :now AND t.deleted_at IS NULL AND t.status IN ('ready', 'completed', 'failed')
            AND NOT EXISTS ({RUNNING}) AND NOT EXISTS ({SWEEPING}) AND NOT EXISTS ({ONLY_COPY})
        ORDER BY t.expires_at LIMIT :batch FOR UPDATE OF t SKIP LOCKED
    ), ended AS (
        UPDATE digital_twins t SET status = 'deleted', deleted_at = :now FROM v WHERE t.id = v.id
        RETURNING t.id, t.store_path
    ), owed AS (
        INSERT INTO outbox (topic, dedup_key, payload)
        SELECT '{TWIN_DELETED}', '{TWIN_DELETED}:' || id, jsonb_build_object('twin_id', id, 'store', store_path)
        FROM ended ON CONFLICT (dedup_key) DO NOTHING RETURNING dedup_key, payload
    )
    SELECT e.id, e.store_path, o.payload
    FROM ended e LEFT JOIN owed o ON o.dedup_key = '{TWIN_DELETED}:' || e.id ORDER BY e.id
"""


@dataclass(frozen=True)
class Ended:
    """A twin whose row says deleted, and the store that goes next."""

    twin_id: int
    store: str | None


@retried
def delete_twin(
    engine: Engine,
    twin_id: int,
    actor: str = "system",
    now: datetime | None = None,
    results_kept: timedelta = RESULTS_KEPT,
) -> bool:
    """Delete a twin and cancel what waits for it; False when it was deleted before.

    Raises NotFound, and Conflict while it is being made or simulated, or when its store is the only copy of a
    result: one younger than results_kept that is not in the ledger.
    """
    t, r, s = DigitalTwin, SimulationRun, Sweep
    with transaction(engine) as connection:
        status = lock_twin(connection, twin_id)
        if status == "deleted":
            return False
        moment = now or connection.scalars(select(func.clock_timestamp())).one()
        _check_free(connection, twin_id, status, moment - results_kept)
        for table in (r, s):
            waiting = update(table).where(table.digital_twin_id == twin_id, table.status == "queued")
            connection.execute(waiting.values(status="cancelled", completed_at=moment))
        store = connection.scalar(select(t.store_path).where(t.id == twin_id))
        # its retention begins now, and not at the end of a life that it will not have
        expires = func.greatest(func.least(t.expires_at, moment), t.created_at)
        set_twin(connection, twin_id, "deleted", deleted_at=moment, expires_at=expires)
        owe(connection, TWIN_DELETED, twin_id, twin_id=twin_id, store=store)
        note(connection, actor, "delete", "digital_twins", twin_id, was=status)
        return True


def _check_free(connection: Connection, twin_id: int, status: str, kept: datetime) -> None:
    """Raise Conflict when a locked twin is one that an expiry would leave alone."""
    keeper = connection.execute(text(KEEPERS), {"twin": twin_id, "kept": kept}).one()
    if keeper.sweep is not None:
        raise Conflict(f"sweep {keeper.sweep} is running on twin {twin_id}; wait for its end before deleting it.")
    if status in ("creating", "running_simulation") or keeper.run is not None:
        raise Conflict(f"twin {twin_id} is {status}; cancel its run, or wait, before deleting it.")
    if keeper.lost is not None:
        raise Conflict(
            f"run {keeper.lost} is completed and its result is not in the ledger; "
            f"the store of twin {twin_id} is the only copy, and stays."
        )


@retried
def expire_twin(engine: Engine, twin_id: int, actor: str = "system", now: datetime | None = None) -> bool:
    """Let a twin expire now, so that the next cleanup deletes it; False when it has expired already.

    Raises NotFound, Conflict when it is deleted.
    """
    t = DigitalTwin
    with transaction(engine) as connection:
        if lock_twin(connection, twin_id) == "deleted":
            raise Conflict(f"twin {twin_id} is deleted.")
        moment = now or connection.scalars(select(func.clock_timestamp())).one()
        coming = update(t).where(t.id == twin_id, (t.expires_at > moment) | t.expires_at.is_(None))
        if connection.execute(coming.values(expires_at=func.greatest(moment, t.created_at))).rowcount == 0:
            return False
        note(connection, actor, "expire", "digital_twins", twin_id)
        return True


@retried
def expire_twins(begin: Begin, now: datetime, results_kept: timedelta, batch: int = 500) -> list[Ended]:
    """Delete a batch of the twins that expired before now, and owe their stores to the outbox.

    Twins that are being made or simulated are left for another time.
    """
    with begin() as connection:
        values = {"now": now, "kept": now - results_kept, "batch": batch}
        ended = []
        for twin_id, store, owed in connection.execute(text(EXPIRE), values):
            if owed is not None:  # it was not owed before
                check_owed(TWIN_DELETED, owed)
            ended.append(Ended(twin_id, store))
        if ended:
            ids = [twin.twin_id for twin in ended]
            note(connection, "cleanup", "expire", "digital_twins", None, count=len(ids), first=ids[0], last=ids[-1])
        return ended


@retried
def deferred_twins(engine: Engine, now: datetime) -> dict[int, str]:
    """Twins that expired before now and are not deleted, with their status; after an expiry those it left."""
    t = DigitalTwin
    with transaction(engine) as connection:
        late = t.active().where(t.expires_at < now).with_only_columns(t.id, t.status).order_by(t.id)
        return {int(number): status for number, status in connection.execute(late)}


@contextmanager
def unused_outputs(engine: Engine, twin_id: int, folder: str) -> Iterator[tuple[Connection, bool]]:
    """A transaction in which no run can begin to use a folder of a twin, and whether none does; not without a twin.

    For as long as the bytes go: see held_twin.  Raises DatabaseUnavailable.
    """
    r = SimulationRun
    with ExitStack() as stack:
        try:
            held = stack.enter_context(held_twin(engine, twin_id))
        except NotFound:  # its whole store has gone
            yield stack.enter_context(transaction(engine)), False
            return
        using = select(r.id).where(
            r.digital_twin_id == twin_id, r.purged_at.is_(None), r.parameters["store"].astext == folder
        )
        yield held, held.scalar(using.limit(1)) is None
