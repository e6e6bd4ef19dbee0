"""The verbs: create a twin, prepare, simulate and insert a run."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from twinpipe.body import Body
from twinpipe.clock import Clock, usual_steps
from twinpipe.db import ledger
from twinpipe.db.rows import RunRow, TwinRow
from twinpipe.engine import Executor, Token, prepare, run_plan
from twinpipe.errors import Cancelled, Conflict, InvalidInput, StoreError, TwinpipeError
from twinpipe.fields import MAPS, SERIES_FIELDS, active
from twinpipe.grid import Grid
from twinpipe.heartbeat import HANDOVER_SECONDS, LEASE_SECONDS, Heartbeat
from twinpipe.layout import run_layout, twin_layout
from twinpipe.makeup import versions
from twinpipe.measures import gas_by_name
from twinpipe.members import spec_of
from twinpipe.ownership import is_own_store
from twinpipe.physics.compiled import CODE_FINGERPRINT, MODULE_FINGERPRINTS
from twinpipe.physics.processes import processes
from twinpipe.place import Place, place
from twinpipe.plan import Plan, make_plan
from twinpipe.quote import check_memory
from twinpipe.result import build_result, read_outcome
from twinpipe.scenario import Scenario
from twinpipe.simulation import climate
from twinpipe.spec import LONGEST, OutputPolicy, RunSpec
from twinpipe.store import RunStore, create_twin_store, drop, drop_own
from twinpipe.workplace import Workplace

log = logging.getLogger("twinpipe")

DEFAULT_GRID = "36x72"
MAKER_PATIENCE = 600.0  # seconds, of which compiling the kernel for the first time may take some


def create_twin(
    w: Workplace,
    body: Body,
    name: str,
    *,
    ttl_days: int | None = None,
    description: str | None = None,
    grid: str = DEFAULT_GRID,
    steps_per_orbit: int | None = None,
    again: bool = False,
) -> tuple[TwinRow, bool]:
    """Clone a body, and whether that is new: a row, an immutable snapshot, a store with the climate it starts from.

    The same content is the same twin unless again is set.  One that another process is making is waited for, and
    given as it is when that takes long; one whose maker died is failed, and made anew.  Raises InvalidInput,
    StoreError, SimulationError; a twin that cannot be made is left as failed.
    """
    steps = usual_steps(body.orbit.sidereal_year_s) if steps_per_orbit is None else steps_per_orbit
    shape, clock = Grid.parse(grid), Clock(body.orbit.sidereal_year_s, steps)
    while True:
        key = uuid.uuid4()
        with ledger.making(w.engine, key):
            twin, new = ledger.create_twin(
                w.engine,
                name=name,
                description=description,
                body_identifier=body.identifier,
                body_name=body.name,
                solar_system=body.solar_system,
                body_digest=body.digest,
                simulation_parameters={"grid": str(shape), "steps_per_orbit": steps},
                initial_state_snapshot=body.model_dump(mode="json"),
                ttl_days=w.settings.twin_ttl if ttl_days is None else ttl_days,
                again=again,
                key=key,
            )
            if new:
                _make_store(w, twin, body, shape, clock)
                return ledger.get_twin(w.engine, twin.id), True
        if twin.status == "creating":
            twin = ledger.await_maker(w.engine, twin, MAKER_PATIENCE)
        if twin.status not in ("failed", "deleted"):
            return twin, False


def _make_store(w: Workplace, twin: TwinRow, body: Body, grid: Grid, clock: Clock) -> None:
    path = w.twin_path(twin.id)
    if path.exists():  # ids are never used again, so it is not ours to touch
        ledger.mark_twin_failed(w.engine, twin.id)
        raise StoreError(f"{path} exists already: another ledger uses this folder, so set TWINPIPE_STORE_URL.")
    try:
        _write_twin(path, twin, body, grid, clock)
        ledger.mark_twin_ready(w.engine, twin.id, str(path))
    except BaseException:
        try:
            ledger.mark_twin_failed(w.engine, twin.id)
            if is_own_store(path, twin.twin_key, None):  # another ledger may have been a moment faster
                drop(path)
        except TwinpipeError as second:  # which must not hide the first
            log.warning("twin %d was not cleared away: %s", twin.id, second)
        raise


def _write_twin(path: Place, twin: TwinRow, body: Body, grid: Grid, clock: Clock) -> None:
    calm = climate(body, grid, clock, RunSpec.model_fields["spin_up_orbits"].default)
    running = frozenset(processes(body, Scenario()))
    create_twin_store(
        path,
        twin_layout(
            body,
            grid,
            {f.name: calm.maps[i] for i, f in enumerate(MAPS) if f in active(MAPS, running)},
            {f.name: calm.series[i] for i, f in enumerate(SERIES_FIELDS) if f in active(SERIES_FIELDS, running)},
            gas_by_name(calm.state.gas[:, 0]),
            calm.state.T.reshape(-1, grid.n_lat, grid.n_lon),
            {"title": f"Digital twin of {body.name}", **_identity(twin), "body_digest": body.digest},
        ),
    )


def _identity(twin: TwinRow) -> dict[str, Any]:
    """What says in the root of a store whose it is: the twin's number here, and its key anywhere."""
    return {"twin": twin.id, "twin_key": twin.twin_key}


def restore_twin_store(w: Workplace, twin: TwinRow) -> None:
    """Write a twin's own store again from its snapshot; outputs of its runs are left as they are.

    Raises StoreError, SimulationError.
    """
    body, parameters = twin_body(twin), twin.simulation_parameters or {}
    grid = Grid.parse(parameters.get("grid", DEFAULT_GRID))
    clock = Clock(body.orbit.sidereal_year_s, parameters.get("steps_per_orbit", 96))
    path = w.twin_path(twin.id)
    drop_own(path)
    _write_twin(path, twin, body, grid, clock)


def twin_body(twin: TwinRow) -> Body:
    """The body that a twin was cloned from, from its snapshot; raises Conflict when that was scrubbed."""
    return Body.model_validate(_snapshot(twin))


def _snapshot(twin: TwinRow) -> dict[str, Any]:
    if twin.initial_state_snapshot is None:
        raise Conflict(f"twin {twin.id} was scrubbed; its snapshot is gone.")
    return twin.initial_state_snapshot


def prepare_run(
    w: Workplace,
    twin_id: int,
    scenario: Scenario,
    years: int,
    *,
    grid: str | None = None,
    output: OutputPolicy | None = None,
    seed: int = 0,
    again: bool = False,
) -> tuple[RunRow, bool]:
    """Queue a scenario on a twin, and whether that is new: the same spec on the same twin is the same run."""
    twin = ledger.get_twin(w.engine, twin_id)
    parameters = twin.simulation_parameters or {}
    spec = RunSpec(
        body=twin_body(twin),
        scenario=scenario,
        years=years,
        grid=grid or parameters.get("grid", DEFAULT_GRID),
        steps_per_orbit=parameters.get("steps_per_orbit", 96),
        output=output or OutputPolicy(),
        seed=seed,
        code_fingerprint=CODE_FINGERPRINT,
    )
    return queue_spec(w, twin_id, spec, again=again)


def queue_spec(
    w: Workplace, twin_id: int, spec: RunSpec, *, again: bool = False, extends: int | None = None
) -> tuple[RunRow, bool]:
    """Queue a spec on a twin, and whether that is new; extends: the run with whose segments it begins."""
    check_memory(run_plan_of(spec), w.settings)
    folder = spec.digest[:16] + (f"-{uuid.uuid4().hex[:8]}" if again else "")
    parameters = {"spec": spec.model_dump(mode="json", exclude={"body"}), "store": f"runs/{folder}.zarr"}
    return ledger.create_run(
        w.engine,
        twin_id=twin_id,
        pattern=spec.scenario.pattern,
        years=spec.years,
        parameters=parameters | ({"extends": extends} if extends else {}),
        spec_digest=spec.digest,
        again=again,
    )


def extend_run(w: Workplace, run_id: int, years: int) -> tuple[RunRow, bool]:
    """Queue a completed run again with more years, and whether that is new: it begins with the run's own segments.

    Raises NotFound, InvalidInput, and Conflict when the run is not completed, a member of a sweep, scrubbed, or of
    other physics.
    """
    run = ledger.get_run(w.engine, run_id)
    if run.status != "completed":
        raise Conflict(f"run {run_id} is {run.status}; only a completed run can be extended.")
    check_same_physics(run)
    if not 1 <= years <= LONGEST - run.duration_years:
        allowed = f"run {run_id} has {run.duration_years} of at most {LONGEST} years"
        raise InvalidInput("years", years, allowed)
    spec = run_spec(w, run)
    longer = RunSpec.model_validate({**spec.model_dump(mode="json"), "years": spec.years + years})
    return queue_spec(w, run.twin_id, longer, extends=run_id)


def run_spec(w: Workplace, run: RunRow) -> RunSpec:
    """The spec of a run, from its row and its twin's snapshot alone; raises Conflict when they were scrubbed."""
    if run.parameters is None:
        raise Conflict(f"run {run.id} was scrubbed; its parameters are gone.")
    return spec_of(run.parameters, twin_body(ledger.get_twin(w.engine, run.twin_id)))


def check_resumable(run: RunRow) -> None:
    """Conflict when there is nothing to go on with: see requeue."""
    if run.status == "completed":
        raise Conflict(f"run {run.id} is completed; there is nothing to resume.")
    check_same_physics(run)


def check_same_physics(run: RunRow) -> None:
    """Conflict when what a run has sealed is no beginning for another: see requeue and extend_run."""
    if run.sweep_id is not None:
        raise Conflict(f"run {run.id} is a member of sweep {run.sweep_id}, which runs its members together.")
    if run.parameters is None:
        raise Conflict(f"run {run.id} was scrubbed; its parameters are gone.")
    if run.parameters["spec"]["code_fingerprint"] != CODE_FINGERPRINT:
        raise Conflict(f"run {run.id} was begun with other physics, whose segments cannot be mixed; run it anew.")


def requeue(w: Workplace, run_id: int) -> RunRow:
    """The run that goes on with what a run has sealed: itself where it is queued or running, else a new row.

    Raises NotFound, and Conflict when it is completed, a member of a sweep, scrubbed, or was begun with other physics.
    """
    run = ledger.get_run(w.engine, run_id)
    check_resumable(run)
    if run.status in ("queued", "running"):
        return run
    return ledger.create_run(
        w.engine,
        twin_id=run.twin_id,
        pattern=run.pattern,
        years=run.duration_years,
        parameters=run.parameters or {},
        spec_digest=run.spec_digest,
    )[0]


def run_path(w: Workplace, run: RunRow) -> Place:
    """Folder of a run's outputs."""
    folder: str = (run.parameters or {})["store"]
    return w.twin_path(run.twin_id) / folder


@dataclass(frozen=True)
class Receipt:
    """What a simulation hands to the insertion: ids and small numbers."""

    run_id: int
    generation: int
    path: str
    seal_digest: str
    seconds: float
    kernel_seconds: float
    segments: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def run_plan_of(spec: RunSpec) -> Plan:
    """The plan of a single run."""
    return make_plan((spec,), members_per_block=1)


def simulate_run(
    w: Workplace,
    run_id: int,
    how: Executor,
    *,
    on_progress: Callable[[float], None] | None = None,
    flow_run_id: str | None = None,
) -> Receipt:
    """Claim a run and simulate what it owes; segments that are sealed already are kept.

    on_progress gets 0..1, at most once a segment.  Raises Conflict, Cancelled, SimulationError, BudgetError,
    StoreError; the row then says so.
    """
    generation = ledger.claim_run(w.engine, run_id, LEASE_SECONDS, flow_run_id=flow_run_id)
    began = time.perf_counter()
    try:
        run = ledger.get_run(w.engine, run_id)
        spec, path = run_spec(w, run), run_path(w, run)
        plan, store = run_plan_of(spec), RunStore(path)
        with Heartbeat(w.engine, run_id, generation, run.progress) as heart:
            identity = _identity(ledger.get_twin(w.engine, run.twin_id))
            prepare(plan, store, run_layout(plan, identity | _provenance(spec)))
            store.claim(_writer(run_id, generation))
            if (shorter := (run.parameters or {}).get("extends")) is not None:
                _share(w, shorter, store, _writer(run_id, generation))

            def progress(fraction: float) -> bool:
                if on_progress is not None:
                    on_progress(fraction)
                return heart.progress(fraction)

            tokens = run_plan(plan, path, _writer(run_id, generation), how, progress)
            # the run that ended it: one that another began may have been taken over
            ended = {"run": run.id, "run_key": run.run_key}
            sealed = store.finish(ended | {"history": f"simulated by twinpipe {version('twinpipe')}"})
        if not ledger.report_progress(w.engine, run_id, generation, 0.999, HANDOVER_SECONDS):
            raise Cancelled("the run was cancelled.")
    except BaseException as error:
        _note_failure(w, run_id, generation, error)
        raise
    seconds = time.perf_counter() - began
    return Receipt(run_id, generation, str(path), sealed, seconds, _kernel(tokens), len(tokens))


def _share(w: Workplace, shorter: int, store: RunStore, generation: int) -> None:
    """Begin with the segments of a run of fewer years."""
    run = ledger.get_run(w.engine, shorter)
    segments = run_plan_of(run_spec(w, run)).shareable_segments
    if segments:  # else it ended within its first, whose chunks may be smaller
        store.share(RunStore(run_path(w, run)), segments, generation)


def insert_result(w: Workplace, receipt: Receipt) -> dict[str, Any]:
    """Measure a simulated run and insert its result, once, in the transaction that completes the run."""
    try:
        run = ledger.get_run(w.engine, receipt.run_id)
        spec, path = run_spec(w, run), place(receipt.path)
        with Heartbeat(w.engine, run.id, receipt.generation, run.progress):
            result = build_result(read_outcome(run_plan_of(spec), path, 0))
        result["performance_data"] |= {
            "store": str(path),
            "seal_digest": receipt.seal_digest,
            "spec_digest": spec.digest,
            "code_fingerprint": spec.code_fingerprint,
            "modules": MODULE_FINGERPRINTS,
            "versions": versions(),
            "seconds": receipt.seconds,
            "kernel_seconds": receipt.kernel_seconds,
        }
        ledger.complete_run(w.engine, run.id, receipt.generation, result, RunStore(path).seals.all())
    except BaseException as error:
        _note_failure(w, receipt.run_id, receipt.generation, error)
        raise
    return result


def _writer(run_id: int, generation: int) -> int:
    """Generation in the store: grows with the run too, since a later run of the same spec takes over its store."""
    return run_id * 10_000 + generation


def _kernel(tokens: list[Token]) -> float:
    return sum(t.kernel_seconds for t in tokens)


def _provenance(spec: RunSpec) -> dict[str, Any]:
    return {
        "title": f"{spec.body.name}: {spec.scenario.pattern}, {spec.years} years",
        "source": f"twinpipe {version('twinpipe')}, physics {spec.code_fingerprint[:16]}",
        "spec_digest": spec.digest,
        "body_digest": spec.body.digest,
        "code_fingerprint": spec.code_fingerprint,
        "seed": spec.seed,
        "planet_mean_radius_m": spec.body.bulk.mean_radius_m,
        "time_origin": "northern spring equinox (solar longitude 0) of year 0",
    }


def _note_failure(w: Workplace, run_id: int, generation: int, error: BaseException) -> None:
    """Write into the row how a run ended; never hide the error that ended it."""
    try:
        if isinstance(error, Cancelled):
            pass  # the row says so already, or belongs to another process that took it over
        elif isinstance(error, TwinpipeError):
            ledger.fail_run(w.engine, run_id, generation, str(error))
        elif isinstance(error, Exception):
            ledger.fail_run(w.engine, run_id, generation, f"{type(error).__name__}: {error}")
        elif ledger.get_run(w.engine, run_id).lease_generation == generation:
            ledger.cancel_run(w.engine, run_id)  # an interrupt, or Prefect ending the process
    except TwinpipeError as second:
        log.warning("the end of run %d could not be noted: %s", run_id, second)
