"""Cleanup: ends what nobody ended, deletes what expired, drops the bytes, proves it, keeps rows as long as promised.

The row goes first and owes its bytes to the outbox; the relay here drops them and writes the proof.  Whatever
is interrupted is taken up by the next cleanup; two at once share the work; a second one finds nothing to do.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from twinpipe import durable
from twinpipe.audit import check_understood
from twinpipe.db import ledger
from twinpipe.db.deletion import Begin, Ended, deferred_twins, expire_twins, unused_outputs
from twinpipe.db.foresight import foresee
from twinpipe.db.outbox import RUN_COMPLETED, RUN_PURGED, TWIN_DELETED, Message, forget, postpone, settle, take
from twinpipe.db.retention import Limits, in_batches, purge
from twinpipe.db.segments import forget_seals
from twinpipe.db.session import Connection, transaction
from twinpipe.db.statistics import repair_statistics
from twinpipe.errors import Conflict, InvalidInput, StoreError, TwinpipeError
from twinpipe.ownership import is_own_store
from twinpipe.place import Place, place
from twinpipe.settings import Settings
from twinpipe.store import drop
from twinpipe.workplace import Workplace

log = logging.getLogger("twinpipe")

TOPICS = (TWIN_DELETED, RUN_PURGED, RUN_COMPLETED)
PROOFS_KEPT = timedelta(days=30)
REPAIRED = timedelta(days=3)  # of the daily statistics
YEARS = range(2000, 2201)  # of a cleanup
RUN_FOLDER = re.compile(r"runs/[A-Za-z0-9_-]+\.zarr")


@dataclass
class Report:
    """What a cleanup did, or with dry_run would do."""

    as_of: datetime
    dry_run: bool
    reaped_runs: list[int] = field(default_factory=list)
    expired_twins: list[int] = field(default_factory=list)
    deferred_twins: dict[int, str] = field(default_factory=dict)  # expired too, but being made or simulated
    dropped_stores: dict[str, int] = field(default_factory=dict)  # bytes by path
    failures: list[str] = field(default_factory=list)
    rows: dict[str, dict[str, int]] = field(default_factory=dict)  # deleted and scrubbed by table
    forgotten_messages: int = 0
    repaired_statistics: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return sum(self.dropped_stores.values())

    @property
    def nothing(self) -> bool:
        """Whether there was nothing to do."""
        found = (self.reaped_runs, self.expired_twins, self.dropped_stores, self.failures, self.forgotten_messages)
        return not any(found) and not any(n for went in self.rows.values() for n in went.values())

    def sentences(self) -> list[str]:
        """The report for people."""
        would, were = ("would go", "would be") if self.dry_run else ("went", "were")
        lines = [f"as of {self.as_of:%Y-%m-%d %H:%M} UTC"] + ["nothing to do"] * self.nothing
        if self.reaped_runs:
            lines.append(f"runs that nobody ended: {len(self.reaped_runs):,} {were} ended")
        if self.expired_twins:
            lines.append(f"expired twins: {len(self.expired_twins):,} {would}")
        if self.dropped_stores:
            lines.append(f"stores: {len(self.dropped_stores):,} of {self.bytes:,} bytes {would}")
        for table, rows in self.rows.items():
            if any(rows.values()):
                lines.append(f"{table}: {rows['deleted']:,} rows {would}, {rows['scrubbed']:,} scrubbed to stubs")
        if self.repaired_statistics:
            lines.append(f"daily statistics: {self.repaired_statistics:,} repaired")
        for twin, status in self.deferred_twins.items():
            lines.append(f"twin {twin} has expired but is {status}: left for the next cleanup")
        return lines + [f"failed: {failure}" for failure in self.failures]

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        deferred = {str(twin): status for twin, status in self.deferred_twins.items()}
        return asdict(self) | {"as_of": self.as_of.isoformat(), "deferred_twins": deferred, "bytes": self.bytes}


def limits(settings: Settings) -> Limits:
    """How long rows are kept, from the settings."""
    return Limits(
        timedelta(days=settings.retention_results),
        timedelta(days=settings.retention_runs),
        timedelta(days=settings.retention_twins),
    )


def parse_time(text: str | None, field: str = "as-of") -> datetime | None:
    """A time of YEARS in ISO 8601, in UTC unless it says otherwise; raises InvalidInput."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(field, text, "it is a time such as 2027-01-31 or 2027-01-31T12:00:00+00:00") from None
    _check_year(moment, text, field)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _check_year(moment: datetime, text: str, field: str) -> None:
    if moment.year not in YEARS:
        raise InvalidInput(field, text, f"its year is from {YEARS[0]} to {YEARS[-1]}")


def clean(w: Workplace, *, as_of: datetime | None = None, dry_run: bool = False) -> Report:
    """Clean up as if it were as_of, now unless given; with dry_run only tell what would go.

    Leases and messages go by the real clock, so that nothing which lives is taken for dead.  A twin that is
    being made or simulated is deferred, whatever the time.  Raises Conflict where ledger and stores differ in a
    way that nobody understands, a dry run tells that as a failure; InvalidInput when as_of is not of YEARS.
    """
    moment = as_of or datetime.now(UTC)
    _check_year(moment, moment.isoformat(), "as_of")
    report = Report(moment, dry_run)
    alive = min(moment, datetime.now(UTC))
    if dry_run:
        try:
            check_understood(w)
        except Conflict as error:
            report.failures.append(str(error))
        return _foretell(w, report, alive)
    with _timed(report, "audit"):
        check_understood(w)
    with _timed(report, "reap"):
        report.reaped_runs += ledger.reap(w.engine, alive)
    with _timed(report, "expire"):
        report.expired_twins += [t.twin_id for t in _expire(in_batches(w.engine), w, moment)]
        report.reaped_runs += ledger.reap(w.engine, alive)  # what waited for a twin that is now deleted
        report.deferred_twins = deferred_twins(w.engine, moment)
    with _timed(report, "stores"):
        relay(w, report)
    with _timed(report, "rows"):
        went = purge(in_batches(w.engine), moment, limits(w.settings))
        report.rows = {table: asdict(rows) for table, rows in went.items()}
        while gone := forget(w.engine, alive - PROOFS_KEPT):
            report.forgotten_messages += gone
    with _timed(report, "outputs"):
        relay(w, report)  # outputs of runs that have just been purged
    with _timed(report, "statistics"):
        since = max(moment - REPAIRED, moment - limits(w.settings).results + timedelta(days=1))
        report.repaired_statistics = repair_statistics(w.engine, since.date())
    return report


def relay(w: Workplace, report: Report) -> None:
    """Do the effects that the outbox owes, and prove each."""
    while messages := take(w.engine, TOPICS, limit=20):
        for message in messages:
            try:
                _deliver(w, message, report)
            except (OSError, TwinpipeError) as error:
                report.failures.append(f"{message.dedup_key}: {error}")
                postpone(w.engine, message, str(error))


def _deliver(w: Workplace, message: Message, report: Report) -> None:
    if message.topic == TWIN_DELETED:
        twin = int(message.payload["twin_id"])
        gone = {str(path): _drop(path) for path in _twin_stores(w, twin, message.payload.get("store"))}
        with transaction(w.engine) as connection:
            forget_seals(connection, twin_id=twin)
            _prove(connection, message, gone)
    elif message.topic == RUN_PURGED:
        twin, folder = int(message.payload["twin_id"]), str(message.payload["folder"])
        gone = {}
        with unused_outputs(w.engine, twin, folder) as (held, unused):
            if unused:
                gone = {str(path): _drop(path) for path in _run_stores(w, twin, message.payload)}
            _prove(held, message, gone)
    else:
        gone = {}
        log.info("run %s is completed", message.payload.get("run_id"))
        with transaction(w.engine) as connection:
            _prove(connection, message, gone)
    report.dropped_stores |= {path: size for path, size in gone.items() if size}


def _prove(connection: Connection, message: Message, gone: dict[str, int]) -> None:
    settle(connection, message.id, bytes=sum(gone.values()), stores=sorted(gone))


def _twin_stores(w: Workplace, twin_id: int, recorded: str | None) -> list[Place]:
    """Where a twin's store is, of where its row said and where stores are now; raises NotFound, StoreError."""
    usual = w.twin_path(twin_id)
    path = place(recorded) if recorded else usual  # without a record, it never was ready
    if path.name != usual.name:
        raise StoreError(f"{recorded} is not the store of twin {twin_id}.")
    if recorded and not durable.is_mounted(path.parent):
        raise StoreError(f"{path.parent} is not there, so that nobody knows whether {path.name} is: mount its disk.")
    key = ledger.get_twin(w.engine, twin_id).twin_key
    return sorted((p for p in {usual, path} if is_own_store(p, key, recorded)), key=str)


def _run_stores(w: Workplace, twin_id: int, payload: dict[str, Any]) -> list[Place]:
    folder = str(payload["folder"])
    if not RUN_FOLDER.fullmatch(folder):
        raise StoreError(f"{folder} is not the folder of a run.")
    return [path / folder for path in _twin_stores(w, twin_id, payload.get("store"))]


def _drop(path: Place) -> int:
    """Drop a store and look that it is gone; its bytes."""
    size = stored_bytes(path)
    if durable.is_mounted(path.parent):
        drop(path)
    if path.exists():
        raise StoreError(f"{path} is still there after it was dropped: somebody writes to it.")
    return size


def stored_bytes(path: Place) -> int:
    """Bytes of the files below a folder, which may be going meanwhile; 0 when there is none."""
    return sum(durable.sizes(path).values())


def _expire(begin: Begin, w: Workplace, moment: datetime, batch: int = 500) -> Iterator[Ended]:
    while ended := expire_twins(begin, moment, limits(w.settings).results, batch):
        yield from ended


def _foretell(w: Workplace, report: Report, alive: datetime) -> Report:
    """What would go, without touching anything; the repair of statistics is not foretold."""
    with _timed(report, "foresight"):
        seen = foresee(w.engine, report.as_of, alive, limits(w.settings), alive - PROOFS_KEPT)
    report.reaped_runs, report.expired_twins = seen.reaped_runs, seen.expired_twins
    report.rows = {table: asdict(rows) for table, rows in seen.rows.items()}
    report.forgotten_messages = seen.forgotten_messages
    late = deferred_twins(w.engine, report.as_of)
    report.deferred_twins = {twin: status for twin, status in late.items() if twin not in set(seen.expired_twins)}
    for twin, store, folder in seen.stores:
        try:
            paths = _run_stores(w, twin, {"store": store, "folder": folder}) if folder else _twin_stores(w, twin, store)
            sizes = {str(path): stored_bytes(path) for path in paths}
            report.dropped_stores |= {path: size for path, size in sizes.items() if size}
        except TwinpipeError as error:
            report.failures.append(str(error))
    return report


class _timed:  # noqa: N801  (reads as a statement)
    def __init__(self, report: Report, part: str) -> None:
        self._report, self._part = report, part

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._report.seconds[self._part] = round(time.perf_counter() - self._began, 3)
