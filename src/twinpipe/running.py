"""One run from the command line to its result, straight through the lifecycle."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from twinpipe import lifecycle
from twinpipe.assembly import body_values
from twinpipe.body import Body, read_table
from twinpipe.cluster import executor
from twinpipe.db import ledger
from twinpipe.db.rows import RunRow
from twinpipe.errors import Busy, Conflict, InvalidInput
from twinpipe.game.interventions import expanded
from twinpipe.heartbeat import LEASE_SECONDS
from twinpipe.scenario import Scenario, load_pattern, scenario_of, with_usual_events
from twinpipe.workplace import Workplace, open_workplace

Outcome = TypeVar("Outcome")

log = logging.getLogger("twinpipe")


@contextmanager
def progress_bar(text: str, *, quiet: bool) -> Iterator[Any]:
    """A function that takes 0..1 and moves a bar on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(40), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task(text, total=1.0)
        yield lambda fraction: bar.update(task, completed=fraction)


def waiting(text: str, *, quiet: bool) -> AbstractContextManager[Any]:
    """Say at a terminal what is waited for, and that the first time takes longer."""
    told = f"preparing: {text} (the first time on a machine, the kernel is compiled too, for a minute or two)"
    return nullcontext() if quiet else Console(stderr=True, highlight=False).status(told)


def read_scenario(path: Path, body: Body, *, years: int, seed: int = 0) -> Scenario:
    """Scenario from a JSON or TOML file, for a body and a run of so many years; raises InvalidInput, NotFound.

    Its interventions are kinds of the model or ids of the game; where it lists no events, the usual ones are told.
    """
    table = read_table(path, "scenario file")
    if not isinstance(table, dict):
        raise InvalidInput("scenario file", str(path), "it must be a table")
    made = expanded(with_usual_events(table), years=years, seed=seed)
    return scenario_of(made, body_values(body), path.name)


def await_lease(w: Workplace, twin_id: int, *, quiet: bool) -> None:
    """Wait out the lease of a run on the twin whose process died; at once when there is none or it lives."""
    seen, until = None, time.monotonic() + LEASE_SECONDS + 1
    while time.monotonic() < until:
        ledger.reap(w.engine)
        held = ledger.holder(w.engine, twin_id)
        if held is None or (seen is not None and held[1] != seen):  # a living process renews it
            return
        if seen is None and not quiet:
            print(f"{held[0]} holds twin {twin_id}; waiting for a sign of life", file=sys.stderr)
        seen = held[1]
        time.sleep(2.5)  # more than two heartbeats


def await_twin(w: Workplace, twin_id: int, patience: float = 86_400.0) -> None:
    """Wait until nothing runs on a twin, one run at a time; a run whose process died is ended when its lease is over.

    Raises Conflict when the twin is busy for longer than the patience.
    """
    until, told = time.monotonic() + patience, False
    while True:
        ledger.reap(w.engine)
        held = ledger.holder(w.engine, twin_id)
        if held is None:
            return
        if time.monotonic() > until:
            raise Conflict(f"{held[0]} still holds twin {twin_id}, which was waited for long enough.")
        if not told:
            log.warning("%s holds twin %d; waiting until it ends", held[0], twin_id)
        told = True
        time.sleep(2.0)


def in_turn(w: Workplace, twin_id: int, simulate: Callable[[], Outcome], patience: float = 86_400.0) -> Outcome:
    """What a simulation comes to that begins when nothing runs on its twin; raises as await_twin and it do.

    Of several that wait for a twin one is first; the others wait again.
    """
    until = time.monotonic() + patience
    while True:
        await_twin(w, twin_id, until - time.monotonic())
        try:
            return simulate()
        except Busy as busy:
            log.info("%s", busy)


def run_here(
    twin_id: int,
    pattern: str,
    years: int,
    parameters: dict[str, float | str],
    *,
    variant: str | None = None,
    force: bool = False,
    scenario_file: Path | None = None,
    grid: str | None = None,
    seed: int = 0,
    again: bool = False,
    quiet: bool = False,
) -> dict[str, Any]:
    """Prepare, simulate and insert; the result row.  A request that was completed before gives that row."""
    if scenario_file is not None and (parameters or variant):
        given = variant or ", ".join(parameters)
        option = "--variant" if variant else "--set"
        raise InvalidInput(option, given, "it goes with a pattern, not with a scenario file")
    if scenario_file is not None:
        read_table(scenario_file, "scenario file")  # better refused before anything is opened
    else:
        load_pattern(pattern)
    with open_workplace() as w:
        body = lifecycle.twin_body(ledger.get_twin(w.engine, twin_id))
        if scenario_file is not None:
            scenario = read_scenario(scenario_file, body, years=years, seed=seed)
        else:
            scenario = load_pattern(pattern).scenario(body, parameters, variant=variant, force=force)

        def queue() -> RunRow:
            return lifecycle.prepare_run(w, twin_id, scenario, years, grid=grid, seed=seed, again=again)[0]

        return _to_its_result(w, twin_id, queue, f"{body.name}, {years} years", quiet=quiet)


def run_scenario(w: Workplace, twin_id: int, scenario: Scenario, years: int, *, quiet: bool = False) -> dict[str, Any]:
    """Run a scenario that is made already to its result row."""

    def queue() -> RunRow:
        return lifecycle.prepare_run(w, twin_id, scenario, years)[0]

    return _to_its_result(w, twin_id, queue, f"twin {twin_id}, {years} years", quiet=quiet)


def resume_here(run_id: int, *, quiet: bool = False) -> dict[str, Any]:
    """Go on with a run that ended or lost its process, from its last seals; the result row.

    Raises NotFound, and Conflict when it is completed, running, a member of a sweep, of other physics, or scrubbed.
    """
    with open_workplace() as w:
        run = ledger.get_run(w.engine, run_id)
        lifecycle.check_resumable(run)
        spec = lifecycle.run_spec(w, run)
        text = f"{spec.body.name}, {spec.years} years"
        return _to_its_result(w, run.twin_id, lambda: lifecycle.requeue(w, run_id), text, quiet=quiet)


def extend_here(run_id: int, years: int, *, quiet: bool = False) -> dict[str, Any]:
    """Go on with a completed run for more years as a new run; its result row.

    Raises what extend_run raises.
    """
    with open_workplace() as w:
        row = ledger.get_run(w.engine, run_id)
        text = f"run {run_id}, {years} more years"
        return _to_its_result(w, row.twin_id, lambda: lifecycle.extend_run(w, run_id, years)[0], text, quiet=quiet)


def _to_its_result(
    w: Workplace, twin_id: int, queue: Callable[[], RunRow], text: str, *, quiet: bool
) -> dict[str, Any]:
    await_lease(w, twin_id, quiet=quiet)
    with executor(w.settings) as how:  # before anything is queued
        run = queue()
        if run.status != "completed":
            with progress_bar(text, quiet=quiet) as show:
                receipt = lifecycle.simulate_run(w, run.id, how, on_progress=show)
            lifecycle.insert_result(w, receipt)
    return ledger.get_result(w.engine, run.id).as_dict()


def why(run: RunRow) -> str:
    """How a run stands or why it ended, and what can be done, in one sentence or two."""
    done = f"{100 * run.progress:.0f} % were done"
    again = f"run resume {run.id}" if run.sweep_id is None else f"sweep resume {run.sweep_id}"
    match run.status:
        case "completed":
            return f"run {run.id} is completed; `twinpipe result show {run.id}` shows its result."
        case "queued":
            return f"run {run.id} waits to be started; `twinpipe {again}` starts it."
        case "running":
            return f"run {run.id} is running; {done}, and its process last wrote at {run.updated_at:%H:%M:%S}."
        case "cancelled":
            return f"run {run.id} was cancelled when {done}; `twinpipe {again}` goes on from there."
        case _:
            cause = (run.error_message or "no message was left").rstrip(".")
            return f"run {run.id} failed when {done}: {cause}. `twinpipe {again}` tries to go on from there."
