"""The audit: what the ledger says, what is on disk and what Prefect says, compared; every difference is a drift.

The stores are listed before the ledger is read, so that a folder made meanwhile has its row; what looks lost is
looked at twice.  The ledger is the truth: repairs make the disk agree with it, or make the ledger say what was
lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from twinpipe.db.census import FLOW_RUN, Census, RunEntry, SweepEntry, TwinEntry, deleted_twins, take_census
from twinpipe.durable import folders, touched
from twinpipe.errors import Conflict, StoreError
from twinpipe.ownership import is_own_store, twin_key_of
from twinpipe.place import Place, place
from twinpipe.prefect_runs import TERMINAL, flow_states, simulating_flow_runs
from twinpipe.store import RunStore
from twinpipe.workplace import Workplace

GRACE = timedelta(days=1)  # what is younger may belong to work that is under way, or to a resume to come
LAST_WORDS = timedelta(minutes=10)  # in which a flow whose run has ended says so and ends too
STORE = re.compile(r"twin-([1-9][0-9]{0,17})\.zarr")
CUT_SHORT = "is what a deletion that was cut short left"
ELSEWHERE = ": is TWINPIPE_STORE_URL or TWINPIPE_DATABASE_URL another than before?"
ASIDE = re.compile(r"\.(twin-[1-9][0-9]{0,17}\.zarr|[0-9a-f-]+\.zarr)\.[0-9a-f]{32}\.dropped")


class Kind(StrEnum):
    """What can drift apart."""

    ORPHAN_STORE = "orphan_store"  # a folder without a row
    GHOST_ROW = "ghost_row"  # a row whose store is missing or damaged
    ZOMBIE_RUN = "zombie_run"  # a row that says running, while nobody runs it
    ZOMBIE_SWEEP = "zombie_sweep"  # the same of a sweep with its members
    ORPHAN_FLOW_RUN = "orphan_flow_run"  # Prefect says running, though its run or sweep has ended long ago
    UNSEALED_SEGMENT = "unsealed_segment"  # a completed run whose seals or sealed files are missing
    BYTES_WITHOUT_LEASE = "bytes_without_lease"  # unfinished outputs that nobody holds


class Action(StrEnum):
    """What a repair does."""

    DROP = "drop the folder"
    RESTORE = "write the twin's store again from its snapshot"
    REAP = "end it as failed and give its twin back"
    CANCEL = "cancel it and give its twin back"
    CRASH = "tell Prefect that the flow run has crashed"
    GIVE_UP = "drop what is left of the outputs and note that they are lost; the result stays"
    NONE = "nothing that a program may decide: look at it"


@dataclass(frozen=True)
class Drift:
    """A difference: what, of whom, in one sentence, what would repair it, and whether --repair may do so.

    understood: its cause is known and nothing that is kept can be lost by it, so that cleanup may go on.
    """

    kind: Kind
    subject: str
    sentence: str
    repair: Action
    safe: bool
    understood: bool = True
    path: str | None = None


@dataclass(frozen=True)
class Report:
    """What was compared, how Prefect was asked, and every drift."""

    moment: datetime
    twins: int
    runs: int
    stores: int
    prefect: str
    drifts: tuple[Drift, ...]

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "moment": self.moment.isoformat(), "drifts": [asdict(d) for d in self.drifts]}


def understood(drift: Drift) -> bool:
    """Whether cleanup may run in spite of a drift."""
    return drift.understood


def check_understood(w: Workplace) -> None:
    """What cleanup asks before it deletes: raises Conflict where there is drift that nobody understands."""
    strange = [drift for drift in audit(w).drifts if not understood(drift)]
    if strange:
        what = f"{len(strange)} drifts" if len(strange) > 1 else "a drift"
        raise Conflict(f"twinpipe audit finds {what} to be looked at before anything is deleted: {strange[0].sentence}")


def audit(w: Workplace, *, now: datetime | None = None, grace: timedelta = GRACE, contents: bool = False) -> Report:
    """Compare ledger, stores and Prefect.  contents: read every sealed file, and not just its size."""
    stored = w.settings.store_path
    found = folders(stored)
    census = take_census(w.engine, now)
    held = {e.flow_run_id for e in _undertaken(census) if e.status == "running" and e.flow_run_id}
    states, prefect = flow_states(sorted(held))
    begun = simulating_flow_runs()
    look = _Look(w, census, grace, contents)
    drifts = [
        *look.strays(found),
        *look.twins(),
        *look.runs(),
        *look.zombies(states),
        *look.flow_runs(begun),
        *look.bytes(),
    ]
    stores = sum(STORE.fullmatch(f.name) is not None for f in found)
    return Report(census.moment, len(census.twins), len(census.runs), stores, prefect, tuple(drifts))


def _undertaken(census: Census) -> list[RunEntry | SweepEntry]:
    """What is held under a lease of its own: runs that are no member of a running sweep, and sweeps."""
    return [*(run for run in census.runs.values() if run.held_by is None), *census.sweeps.values()]


def _called(entry: RunEntry | SweepEntry) -> tuple[Kind, str]:
    if isinstance(entry, SweepEntry):
        return Kind.ZOMBIE_SWEEP, f"sweep {entry.id}"
    return Kind.ZOMBIE_RUN, f"run {entry.id}"


@dataclass(frozen=True)
class _Look:
    w: Workplace
    census: Census
    grace: timedelta
    contents: bool
    seals: dict[Place, set[tuple[int, int]] | str] = field(default_factory=dict)  # of stores that were looked at

    def strays(self, found: list[Place]) -> Iterator[Drift]:
        """Folders of stores that no living twin owns."""
        for folder in found:
            old = self._old(folder)
            match = STORE.fullmatch(folder.name)
            if ASIDE.fullmatch(folder.name):
                if old:  # a deletion may be under way
                    yield self._orphan(folder, CUT_SHORT, safe=True)
            elif match is None:
                text = f"{folder.name} is not the name of a twin's store."
                subject = f"store {folder.name}"
                yield Drift(Kind.ORPHAN_STORE, subject, text, Action.NONE, False, False, str(folder))
            else:
                yield from self._store(folder, self.census.twins.get(int(match[1])), old=old)

    def _store(self, folder: Place, twin: TwinEntry | None, *, old: bool) -> Iterator[Drift]:
        """The folder of a twin's number, whose row says that it has none, or that is not its own."""
        own = twin is not None and self._own(twin)
        if twin is None:
            # rows outlive their bytes, so it is another ledger's, or this one has lost rows: never ours to drop
            yield self._foreign(folder, "belongs to no twin of this ledger")
        elif not own and twin.status in ("failed", "deleted"):
            yield self._foreign(folder, f"was not made for twin {twin.id}, which is {twin.status}")
        elif own and twin.status == "deleted" and not twin.drop_owed:
            yield self._orphan(folder, "belongs to a twin that is deleted", safe=old)
        elif own and twin.status == "failed" and old:
            text = f"{folder} is unfinished, and nobody holds it: twin {twin.id} is failed."
            name = f"store {folder.name}"
            yield Drift(Kind.BYTES_WITHOUT_LEASE, name, text, Action.DROP, safe=True, path=str(folder))

    def twins(self) -> Iterator[Drift]:
        """Twins that are ready or completed, and whose own store is not whole."""
        alive = (t for t in self.census.twins.values() if t.status in ("ready", "running_simulation", "completed"))
        found = [(t, trouble) for t in alive if (trouble := self._trouble_of_twin(t)) is not None]
        deleted = deleted_twins(self.w.engine, [t.id for t, _ in found])  # since the census; its store went rightly
        for twin, trouble in found:
            if twin.id in deleted:
                continue
            foreign = trouble.endswith(ELSEWHERE)
            yield Drift(
                *(Kind.GHOST_ROW, f"twin {twin.id}", f"twin {twin.id} is {twin.status}, but {trouble}"),
                Action.NONE if foreign else Action.RESTORE,
                safe=not foreign and twin.status != "running_simulation",
                understood=not foreign,
                path=str(self.w.twin_path(twin.id)),
            )

    def runs(self) -> Iterator[Drift]:
        """Completed runs whose result or outputs are not there; without a result for as long as that is kept."""
        kept_since = self.census.moment - timedelta(days=self.w.settings.retention_results)
        for run in self.census.runs.values():
            if run.status != "completed" or run.given_up or (run.twin_id, run.folder) in self.census.owed:
                continue
            if not run.has_result and run.completed_at is not None and run.completed_at < kept_since:
                continue  # cleanup removed its result, and removes the run next
            subject = f"run {run.id}"
            if not run.has_result:
                text = f"run {run.id} is completed, but has no result; its outputs are the only copy."
                yield Drift(Kind.GHOST_ROW, subject, text, Action.NONE, safe=False, understood=False)
            if run.folder is None:
                continue
            path = self._path(run)
            missing = not path.is_dir()
            trouble = f"{path} is missing." if missing else self._trouble_of_run(run, path)
            if trouble is not None:
                # where the twin's own store is missing too, the disk itself may be
                twin = self.census.twins[run.twin_id]
                mounted = self.w.twin_path(run.twin_id).is_dir() and not self._displaced(twin) and self._own(twin)
                yield Drift(
                    *(Kind.GHOST_ROW if missing else Kind.UNSEALED_SEGMENT, subject),
                    *(f"run {run.id} is completed, but {trouble}", Action.GIVE_UP),
                    safe=run.has_result and mounted and not self._in_use(run),
                    understood=run.has_result,
                    path=str(path),
                )

    def zombies(self, states: dict[str, str]) -> Iterator[Drift]:
        """Runs and sweeps that say running, though their lease is over or Prefect says that their flow run ended."""
        for entry in _undertaken(self.census):
            if entry.status != "running" or entry.lease_until is None:
                continue
            kind, subject = _called(entry)
            said = states.get(entry.flow_run_id or "")
            if entry.lease_until < self.census.moment:
                text = f"{subject} says running, but its lease ended at {entry.lease_until:%Y-%m-%d %H:%M:%S}."
                yield Drift(kind, subject, text, Action.REAP, safe=True)
            elif said in TERMINAL:
                text = f"{subject} says running, but Prefect says that its flow run is {said.lower()}."
                done = said == "COMPLETED"  # whoever holds the lease may be about to insert the result
                action = Action.NONE if done else Action.CANCEL
                yield Drift(kind, subject, text, action, safe=not done)

    def flow_runs(self, begun: dict[str, tuple[str, datetime]]) -> Iterator[Drift]:
        """Flow runs that simulate, as Prefect says, though the run or sweep that they held failed or was cancelled.

        One without a row is none: it waits for its twin, as one does that was tried again after its row had ended.
        One whose run is completed may be drawing its report.
        """
        rows = [e for e in _undertaken(self.census) if e.flow_run_id in begun]
        busy = {e.flow_run_id for e in rows if e.status not in ("failed", "cancelled")}
        for entry in rows:
            if entry.flow_run_id in busy or entry.flow_run_id is None or entry.completed_at is None:
                continue
            name, since = begun[entry.flow_run_id]
            if since < entry.completed_at and self.census.moment - entry.completed_at > LAST_WORDS:
                ended = f"{_called(entry)[1]} is {entry.status} since {entry.completed_at:%Y-%m-%d %H:%M:%S}"
                text = f"Prefect says that flow run {name!r} is running, but its {ended}."
                subject = f"{FLOW_RUN} {entry.flow_run_id}"
                yield Drift(Kind.ORPHAN_FLOW_RUN, subject, text, Action.CRASH, safe=True)

    def bytes(self) -> Iterator[Drift]:
        """Outputs below living twins that no run holds or has finished."""
        users: dict[Place, list[RunEntry]] = {}
        for run in self.census.runs.values():
            if run.folder:
                users.setdefault(self._path(run), []).append(run)
        for twin in self.census.twins.values():
            if twin.status in ("creating", "failed", "deleted") or not self._own(twin):
                continue
            for path in folders(self.w.twin_path(twin.id) / "runs"):
                if (twin.id, f"runs/{path.name}") not in self.census.owed:
                    yield from self._outputs(path, users.get(path, []), swept=twin.id in self.census.swept)

    def _outputs(self, path: Place, users: list[RunEntry], *, swept: bool) -> Iterator[Drift]:
        name = f"store {path.parent.parent.name}/runs/{path.name}"
        waiting = any(run.status == "queued" for run in users)
        held = any(run.status == "running" and (run.lease_until or _LONG_AGO) >= self.census.moment for run in users)
        kept = any(run.status == "completed" and not run.given_up for run in users)
        if waiting or held or kept:
            return
        if ASIDE.fullmatch(path.name):
            if self._old(path):
                yield self._orphan(path, CUT_SHORT, safe=True)
        elif not users and swept:
            return  # a sweep's, perhaps: its members say where it is when they have begun
        elif not users:
            yield self._orphan(path, "belongs to no run", safe=self._old(path))
        elif self._old(path):
            ended = ", ".join(f"run {run.id} is {run.status}" for run in users)
            text = f"{path} is unfinished, and nobody holds it: {ended}."
            yield Drift(Kind.BYTES_WITHOUT_LEASE, name, text, Action.DROP, safe=True, path=str(path))

    def _foreign(self, path: Place, what: str) -> Drift:
        text = f"{path} {what}: it may be another ledger's, so that it is left alone."
        return Drift(Kind.ORPHAN_STORE, f"store {path.name}", text, Action.NONE, safe=False, path=str(path))

    def _orphan(self, path: Place, what: str, *, safe: bool) -> Drift:
        young = "" if safe else f"; it is younger than {self.grace}, so that it is left alone"
        name = path.name if path.parent.name != "runs" else f"{path.parent.parent.name}/runs/{path.name}"
        text = f"{path} {what}{young}."
        return Drift(Kind.ORPHAN_STORE, f"store {name}", text, Action.DROP, safe, path=str(path))

    def _trouble_of_twin(self, twin: TwinEntry) -> str | None:
        path = self.w.twin_path(twin.id)
        if self._displaced(twin):
            return f"its store is {twin.store_path}, and stores are looked for in {path.parent}{ELSEWHERE}"
        try:
            key = twin_key_of(path)
            if key not in (None, twin.twin_key):
                return f"{path} is the store of another twin{ELSEWHERE}"
            RunStore(path).verify(contents=self.contents)
        except StoreError as error:
            return str(error)
        return None if key else f"the root of {path} does not say whose it is."

    def _trouble_of_run(self, run: RunEntry, path: Place) -> str | None:
        if path not in self.seals:  # which the members of a sweep have in common
            self.seals[path] = self._sealed(path)
        if isinstance(sealed := self.seals[path], str):
            return sealed
        lacking = [place for place in run.seals if place not in sealed]
        return f"the ledger names a seal of block and segment {lacking[0]} that is not there." if lacking else None

    def _sealed(self, path: Place) -> set[tuple[int, int]] | str:
        """What is sealed in a store that is whole, else what its trouble is."""
        try:
            store = RunStore(path)
            store.verify(contents=self.contents)
            return {(seal["block"], seal["segment"]) for seal in store.seals.all()}
        except StoreError as error:
            return str(error)

    def _displaced(self, twin: TwinEntry) -> bool:
        """Whether the twin's store was made in another folder than the one that is set now."""
        recorded = place(twin.store_path) if twin.store_path else self.w.twin_path(twin.id)
        return recorded != self.w.twin_path(twin.id).absolute()

    def _own(self, twin: TwinEntry) -> bool:
        return is_own_store(self.w.twin_path(twin.id), twin.twin_key, twin.store_path)

    def _in_use(self, run: RunEntry) -> bool:
        others = (o for o in self.census.runs.values() if o.twin_id == run.twin_id and o.folder == run.folder)
        return any(o.status in ("queued", "running") for o in others)

    def _path(self, run: RunEntry) -> Place:
        return self.w.twin_path(run.twin_id) / (run.folder or "")

    def _old(self, path: Place) -> bool:
        """Whether the folder has stood as it is for longer than the grace period."""
        try:
            since = datetime.fromtimestamp(touched(path), UTC)
        except OSError:
            return False
        return self.census.moment - since > self.grace


_LONG_AGO = datetime.min.replace(tzinfo=UTC)
