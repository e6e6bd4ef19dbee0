"""Learned patterns: learn from a run or the best of a sweep, tell how well a body is fit, apply to a twin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from twinpipe import lifecycle
from twinpipe.body import Body
from twinpipe.clock import check_years
from twinpipe.db import ledger
from twinpipe.db.learned import PatternRow, apply_pattern, get_pattern, learn_pattern
from twinpipe.db.rows import RunRow
from twinpipe.errors import Conflict, InvalidInput, NotFound, SimulationError
from twinpipe.exporting import completed_run
from twinpipe.learning.adaptation import Adapted, adapt
from twinpipe.learning.applicability import APPLIES, Applicability, applicability
from twinpipe.learning.extract import Trial, learn_from
from twinpipe.lesson import DeploymentPhase, RequiredConditions
from twinpipe.running import run_scenario
from twinpipe.workplace import Workplace

PHASES = TypeAdapter(list[DeploymentPhase])
MOST_OTHERS = 200  # runs on the same twin that a lesson is held against


def learn_run(w: Workplace, run_id: int, name: str | None = None) -> PatternRow:
    """Learn from a completed run, held against others of its pattern on its twin; the same again is the same row.

    Raises NotFound, InvalidInput, Conflict when the run is not completed or the name is another pattern's.
    """
    run = ledger.get_run(w.engine, run_id)
    others = [
        r
        for r in ledger.list_runs(w.engine, run.twin_id, MOST_OTHERS)
        if r.id < run_id and (r.pattern, r.duration_years, r.sweep_id) == (run.pattern, run.duration_years, None)
    ]
    return _learn(w, run_id, others, name)


def learn_sweep(w: Workplace, sweep_id: int, name: str | None = None) -> PatternRow:
    """Learn from the member of a sweep that scores best; raises NotFound, Conflict when none is completed."""
    listed = (ledger.get_sweep(w.engine, sweep_id).spec or {}).get("members", ())
    before = [ledger.get_run(w.engine, m["run"]) for m in listed if m.get("run")]  # taken from earlier sweeps and runs
    known = [m for m in (*before, *ledger.list_members(w.engine, sweep_id)) if m.status == "completed"]
    scores = {run: x.overall_score for run, x in ledger.measure_runs(w.engine, [m.id for m in known]).items()}
    members = [m for m in known if m.id in scores]  # some may be past their retention
    if not members:
        raise Conflict(f"sweep {sweep_id} has no completed member to learn from.")
    best = max(members, key=lambda m: (scores[m.id], -m.id))
    return _learn(w, best.id, [m for m in members if m.id != best.id], name)


def _learn(w: Workplace, run_id: int, others: Sequence[RunRow], name: str | None) -> PatternRow:
    run = completed_run(w, run_id)
    lesson = learn_from(run, _trials(w, others))
    chosen = (
        name if name is not None else f"{run.spec.scenario.pattern}-{run.spec.body.identifier.lower()}-run-{run_id}"
    )
    return learn_pattern(
        w.engine,
        chosen,
        required_conditions=lesson.required_conditions.model_dump(mode="json", exclude_none=True),
        deployment_sequence=PHASES.dump_python(lesson.deployment_sequence, mode="json"),
        optimizations=[o.model_dump(mode="json") for o in lesson.optimizations],
        success_score=lesson.success_score,
    )


def _trials(w: Workplace, runs: Sequence[RunRow]) -> list[Trial]:
    """What runs chose and how they did, of those that still have both."""
    found = []
    for run in runs:
        if run.status == "completed" and run.parameters is not None:
            try:
                score = ledger.get_result(w.engine, run.id).overall_score
            except NotFound:  # past its retention
                continue
            found.append(Trial(run.parameters["spec"]["scenario"].get("parameters", {}), score))
    return found


def fits(pattern: PatternRow, body: Body) -> Applicability:
    """How well a learned pattern fits a body."""
    return applicability(RequiredConditions.model_validate(pattern.required_conditions), body)


def adapted(pattern: PatternRow, body: Body, *, force: bool = False) -> Adapted:
    """A learned pattern on a body; raises InvalidInput with the reasons when it does not fit, unless forced."""
    fit = fits(pattern, body)
    if not fit.applies and not force:
        reasons = "; ".join(fit.against)
        allowed = f"learned pattern {pattern.pattern_id} fits it to {fit.score:.2f} of at least {APPLIES}: {reasons}"
        raise InvalidInput("body", body.name, allowed)
    conditions = RequiredConditions.model_validate(pattern.required_conditions)
    return adapt(pattern.pattern_id, PHASES.validate_python(pattern.deployment_sequence), conditions.source, body)


def planned_years(pattern: PatternRow) -> int:
    """How long the run was that a pattern was learned from."""
    ends = [p["start_year"] + p["duration_days"] / 365.25 for p in pattern.deployment_sequence]
    return check_years(str(max(1, round(max(ends)))))


def apply_to_twin(
    w: Workplace, pattern_id: str, twin_id: int, years: int | None = None, *, force: bool = False, quiet: bool = False
) -> dict[str, Any]:
    """Run a learned pattern on a twin of another body; the result row.  Its outcome counts for the pattern.

    A planet that leaves the range in which the simulation means anything is a failure of the pattern.  Raises NotFound,
    InvalidInput when it does not fit, and what running raises.
    """
    pattern = get_pattern(w.engine, pattern_id)
    body = lifecycle.twin_body(ledger.get_twin(w.engine, twin_id))
    scenario = adapted(pattern, body, force=force).scenario
    try:
        return run_scenario(w, twin_id, scenario, years or planned_years(pattern), quiet=quiet)
    except SimulationError:
        runs = ledger.list_runs(w.engine, twin_id)  # newest first
        failed = next((run.id for run in runs if run.status == "failed" and _is_of(run, pattern_id)), None)
        if failed is not None:
            apply_pattern(w.engine, pattern_id, failed, succeeded=False, score=0.0)
        raise


def _is_of(run: RunRow, pattern_id: str) -> bool:
    return bool((run.parameters or {}).get("spec", {}).get("scenario", {}).get("learned_pattern") == pattern_id)
