"""The verbs of a sweep: offer, create, simulate with its results, resume; all members in one store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from typing import Any

from twinpipe.body import Body, load_body
from twinpipe.clock import usual_steps
from twinpipe.db import ledger
from twinpipe.db.rows import RunRow, SweepRow, TwinRow
from twinpipe.digest import digest
from twinpipe.engine import Executor, Token, prepare, run_plan
from twinpipe.errors import BudgetError, Cancelled, Conflict, SimulationError, TwinpipeError
from twinpipe.heartbeat import LEASE_SECONDS, Heartbeat
from twinpipe.isolation import apart, ended_of
from twinpipe.layout import run_layout
from twinpipe.lifecycle import DEFAULT_GRID, create_twin, run_path, twin_body
from twinpipe.makeup import versions
from twinpipe.members import Member, expand, spec_of
from twinpipe.physics.compiled import CODE_FINGERPRINT, MODULE_FINGERPRINTS
from twinpipe.plan import Plan, make_plan
from twinpipe.quantiles import write_quantiles
from twinpipe.quote import Quote, check_memory, quote
from twinpipe.result import build_result, read_outcomes
from twinpipe.spec import RunSpec
from twinpipe.store import RunStore, open_run
from twinpipe.sweep_places import kept
from twinpipe.sweep_spec import StopRule, SweepSpec
from twinpipe.workplace import Workplace

log = logging.getLogger("twinpipe")

BATCH = 64  # results of a transaction
ALIVE = ("ready", "completed", "running_simulation")
MOST_TWINS = 10_000  # among the newest of which a sweep without a twin finds its body
COMPUTED, COLLECTED = 0.95, 0.99  # of the progress, when all is sealed, and when all results are there


@dataclass(frozen=True)
class Offer:
    """A sweep before it is created: its members on a twin (which may not be there yet), and what they will take."""

    spec: SweepSpec
    body: Body
    grid: str
    twin: TwinRow | None
    members: tuple[Member, ...]
    known: dict[str, int]  # completed runs of the twin that stand for members, by their content
    quote: Quote


def offer(w: Workplace, spec: SweepSpec, twin_id: int | None = None) -> Offer:
    """Expand a sweep and quote it; nothing is written.

    Without a twin the body that the sweep names is meant, on the twin of it that lives or one that create_sweep
    makes.  Raises InvalidInput and NotFound for what cannot be, and for what needs more than the memory allowed.
    """
    twin = ledger.get_twin(w.engine, twin_id) if twin_id is not None else None
    body = twin_body(twin) if twin else load_body(spec.base.body, imported=w.bodies)
    grid, steps = spec.base.grid or DEFAULT_GRID, usual_steps(body.orbit.sidereal_year_s)
    if twin is None:
        wanted = {"grid": grid, "steps_per_orbit": steps}
        alive = (t for t in ledger.list_twins(w.engine, MOST_TWINS) if t.status in ALIVE)
        twin = next((t for t in alive if t.body_digest == body.digest and t.simulation_parameters == wanted), None)
    own = (twin.simulation_parameters or {}) if twin else {}
    members = expand(spec, body, own.get("grid", grid), own.get("steps_per_orbit", steps))
    known = ledger.completed_runs(w.engine, twin.id, [m.spec.digest for m in members]) if twin else {}
    new = [m.spec for m in members if m.spec.digest not in known]
    plan = sweep_plan(new, spec.stop) if new else None
    if plan is not None:
        check_memory(plan, w.settings)
    cost = ledger.core_seconds_per_cell_step(w.engine, members[0].spec.scenario.pattern)
    return Offer(spec, body, grid, twin, members, known, quote(plan, len(members), w.settings, cost, twin))


def sweep_plan(specs: Sequence[RunSpec], stops: tuple[StopRule, ...]) -> Plan:
    """The plan of the members that a sweep computes: by them alone, so that it can go on on any machine."""
    return make_plan(tuple(specs), 16 if len(specs) >= 64 else 8, stops=stops)


def create_sweep(w: Workplace, offered: Offer) -> tuple[SweepRow, bool]:
    """Queue a sweep with the runs of its new members, and whether that is new; makes its twin where there is none."""
    spec, members = offered.spec, offered.members
    twin = offered.twin or create_twin(w, offered.body, offered.body.name, grid=offered.grid)[0]
    new = [m for m in members if m.spec.digest not in offered.known]
    store = f"runs/{digest([[r.model_dump() for r in spec.stop], [m.spec.digest for m in new]])[:16]}.zarr"
    known = {m.spec.digest: {"run": run} for m in members if (run := offered.known.get(m.spec.digest)) is not None}
    return ledger.create_sweep(
        w.engine,
        twin_id=twin.id,
        name=spec.name,
        spec={
            "asked": spec.model_dump(mode="json"),
            "base": members[0].spec.model_dump(mode="json", exclude={"body"}),
            "members": [
                {"spec_digest": m.spec.digest, "values": m.values, **known.get(m.spec.digest, {})} for m in members
            ],
        },
        members=[
            {"spec": m.spec.model_dump(mode="json", exclude={"body"}), "store": store}
            | ({"varied": m.varied} if m.varied else {})
            for m in new
        ],
    )


def asked(sweep: SweepRow) -> SweepSpec:
    """The file that a sweep was made from; raises Conflict when it was scrubbed or made otherwise."""
    if sweep.spec is None or sweep.spec.get("asked") is None:
        raise Conflict(f"sweep {sweep.id} was scrubbed or not made from a sweep file.")
    return SweepSpec.model_validate(sweep.spec["asked"])


def requeue_sweep(w: Workplace, sweep_id: int) -> SweepRow:
    """The sweep that goes on with what a sweep has sealed: itself where it is queued or running, else a new row.

    Raises NotFound, and Conflict when it is completed, scrubbed, or was begun with other physics.
    """
    sweep = ledger.get_sweep(w.engine, sweep_id)
    if sweep.status == "completed":
        raise Conflict(f"sweep {sweep_id} is completed; there is nothing to resume.")
    asked(sweep)
    if sweep.spec is not None and sweep.spec["base"]["code_fingerprint"] != CODE_FINGERPRINT:
        raise Conflict(f"sweep {sweep_id} was begun with other physics, whose segments cannot be mixed; begin it anew.")
    if sweep.status in ("queued", "running"):
        return sweep
    members = [run.parameters or {} for run in ledger.list_members(w.engine, sweep_id)]
    return ledger.create_sweep(
        w.engine, twin_id=sweep.twin_id, name=sweep.name, spec=sweep.spec or {}, members=members
    )[0]


@dataclass(frozen=True)
class SweepReceipt:
    """What the simulation of a sweep did: ids and small numbers."""

    sweep_id: int
    status: str
    computed: int  # members whose segments the engine ran, now or before it was cut short
    segments: int  # of blocks that were run now
    seal_digest: str | None
    core_seconds: float


def simulate_sweep(
    w: Workplace,
    sweep_id: int,
    how: Executor,
    *,
    on_progress: Callable[[float], None] | None = None,
    flow_run_id: str | None = None,
) -> SweepReceipt:
    """Claim a sweep, simulate what its members owe, insert their results and finish it.

    What is sealed already is kept.  Members that fail or are lost end alone.  Raises Conflict, Cancelled,
    SimulationError, StoreError; the row then says so.
    """
    generation = ledger.claim_sweep(w.engine, sweep_id, LEASE_SECONDS, flow_run_id=flow_run_id)
    try:
        sweep = ledger.get_sweep(w.engine, sweep_id)
        runs = ledger.list_members(w.engine, sweep_id)
        if not runs:
            status = ledger.finish_sweep(w.engine, sweep_id, generation)
            return SweepReceipt(sweep_id, status, 0, 0, None, 0.0)
        twin = ledger.get_twin(w.engine, sweep.twin_id)
        plan, path = plan_of(runs, twin_body(twin), asked(sweep).stop), run_path(w, runs[0])
        store, writer = RunStore(path), sweep_id * 10_000 + generation
        check_memory(plan, w.settings)
        with Heartbeat(w.engine, sweep_id, generation, sweep.progress, report=ledger.report_sweep_progress) as heart:

            def progress(fraction: float) -> bool:
                if on_progress is not None:
                    on_progress(fraction)
                return heart.progress(fraction)

            prepare(plan, store, run_layout(plan, _attributes(twin, sweep, plan)))
            store.claim(writer)
            tokens = run_plan(plan, path, writer, how, lambda done: progress(COMPUTED * done))
            told = {"history": f"simulated by twinpipe {version('twinpipe')}", "sweep": sweep_id}
            sealed = store.finish(told | {"sweep_key": sweep.sweep_key})
            provenance = _provenance(plan, str(path), sealed, tokens)
            for done in _insert(w, plan, store, runs, generation, provenance):
                if not progress(COMPUTED + (COLLECTED - COMPUTED) * done):
                    raise Cancelled("the sweep was cancelled.")
            write_quantiles(store, plan, kept(w, sweep))
            if not progress(COLLECTED):
                raise Cancelled("the sweep was cancelled.")
        status = ledger.finish_sweep(w.engine, sweep_id, generation, store.seals.all())
    except BaseException as error:
        _note_failure(w, sweep_id, generation, error)
        raise
    if on_progress is not None:
        on_progress(1.0)
    return SweepReceipt(sweep_id, status, plan.n_members, len(tokens), sealed, sum(t.seconds for t in tokens))


def plan_of(runs: Sequence[RunRow], body: Body, stops: tuple[StopRule, ...]) -> Plan:
    """The plan of a sweep's own members, from their rows."""
    if any(run.parameters is None for run in runs):
        raise Conflict(f"members of sweep {runs[0].sweep_id} were scrubbed; their parameters are gone.")
    return sweep_plan([spec_of(run.parameters or {}, body) for run in runs], stops)


def _attributes(twin: TwinRow, sweep: SweepRow, plan: Plan) -> dict[str, Any]:
    first = plan.specs[0]
    return {
        "twin": twin.id,
        "twin_key": twin.twin_key,
        "title": f"Sweep of {first.body.name}: {first.scenario.pattern}, {first.years} years",
        "source": f"twinpipe {version('twinpipe')}, physics {first.code_fingerprint[:16]}",
        "spec_digest": digest([s.digest for s in plan.specs]),
        "code_fingerprint": first.code_fingerprint,
        "seed": first.seed,
        "planet_mean_radius_m": first.body.bulk.mean_radius_m,
        "time_origin": "northern spring equinox (solar longitude 0) of year 0",
    }


def _provenance(plan: Plan, path: str, sealed: str, tokens: Sequence[Token]) -> dict[str, Any]:
    """What the performance data of every member says; times are a member's share of what was run now."""
    steps = sum(
        (plan.blocks[t.block].members[1] - plan.blocks[t.block].members[0])
        * (plan.segments[t.segment].steps[1] - plan.segments[t.segment].steps[0])
        for t in tokens
    )
    share = plan.n_steps / steps if steps else 0.0
    return {
        "store": path,
        "seal_digest": sealed,
        "code_fingerprint": plan.specs[0].code_fingerprint,
        "modules": MODULE_FINGERPRINTS,
        "versions": versions(),
        "seconds": share * sum(t.seconds for t in tokens),
        "kernel_seconds": share * sum(t.kernel_seconds for t in tokens),
        "cell_steps": plan.cell_steps // plan.n_members,  # with a share of the orbits before, as the seconds have
    }


def _insert(
    w: Workplace, plan: Plan, store: RunStore, runs: Sequence[RunRow], generation: int, provenance: dict[str, Any]
) -> Iterator[float]:
    """Insert the results of members that are owed, some in each transaction, and end the others; the share done."""
    results = _results(w, plan, store, runs, generation, provenance)
    done = 0
    while batch := dict(islice(results, BATCH)):
        ledger.complete_members(w.engine, generation, batch)
        done += len(batch)
        yield min(1.0, done / len(runs))


def _results(
    w: Workplace, plan: Plan, store: RunStore, runs: Sequence[RunRow], generation: int, provenance: dict[str, Any]
) -> Iterator[tuple[int, dict[str, Any]]]:
    last = len(plan.segments) - 1
    with open_run(store.path) as tree:
        for slab in plan.slabs:
            block = slab[0]
            why = ended_of(store.seals.read(block.index, last) if apart(plan) else None, block)
            owed = []
            for member, reason in zip(range(*block.members), why, strict=True):
                if runs[member].status != "running":
                    continue
                if reason is None:
                    owed.append(member)
                else:
                    _end(w, runs[member].id, generation, reason)
            if not owed:
                continue
            for member, outcome in read_outcomes(plan, store, tree, slab, owed).items():
                try:
                    result = build_result(outcome)
                except (SimulationError, BudgetError) as error:
                    _end(w, runs[member].id, generation, str(error))
                    continue
                result["performance_data"] |= provenance | {"spec_digest": plan.specs[member].digest}
                yield runs[member].id, result


def _end(w: Workplace, run_id: int, generation: int, reason: str) -> None:
    if reason.startswith("lost in year"):
        ledger.stop_member(w.engine, run_id, generation, reason)
    else:
        ledger.fail_run(w.engine, run_id, generation, reason)


def _note_failure(w: Workplace, sweep_id: int, generation: int, error: BaseException) -> None:
    """Write into the row how a sweep ended; never hide the error that ended it."""
    try:
        if isinstance(error, Cancelled):
            pass  # the row says so already, or belongs to another process that took it over
        elif isinstance(error, TwinpipeError):
            ledger.fail_sweep(w.engine, sweep_id, generation, str(error))
        elif isinstance(error, Exception):
            ledger.fail_sweep(w.engine, sweep_id, generation, f"{type(error).__name__}: {error}")
        elif ledger.get_sweep(w.engine, sweep_id).lease_generation == generation:
            ledger.cancel_sweep(w.engine, sweep_id)  # an interrupt
    except TwinpipeError as second:
        log.warning("the end of sweep %d could not be noted: %s", sweep_id, second)
