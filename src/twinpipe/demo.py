"""The demo: the main job through the Prefect flow on the embedded default, told as a story."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from threading import Event, Thread
from typing import Any

from rich.console import Console

from twinpipe import lifecycle
from twinpipe.body import builtin_body
from twinpipe.clock import Clock
from twinpipe.cluster import check_scheduler
from twinpipe.db import ledger
from twinpipe.errors import Failure, TwinpipeError
from twinpipe.grid import Grid
from twinpipe.prefect_server import PrefectServer, answers
from twinpipe.running import progress_bar
from twinpipe.settings import load_settings
from twinpipe.shared import shared_folder
from twinpipe.show import show_result
from twinpipe.simulation import climate
from twinpipe.spec import RunSpec
from twinpipe.workplace import Workplace, open_workplace


def run_demo(years: int = 100, grid: str = lifecycle.DEFAULT_GRID, *, quiet: bool = False) -> dict[str, Any]:
    """Clone Mars, terraform the twin through the flow, and tell what happened; the result row."""
    console = Console(quiet=quiet, highlight=False)
    took: dict[str, float] = {}
    settings = load_settings()
    check_scheduler(settings)  # better known before a twin is made
    with open_workplace(settings, migrate_first=True) as w, _server(w) as server:
        told = "preparing: the climate of Mars today (the first time on a machine, the kernel is compiled too)"
        with _timed(took, "kernel and climate of Mars"), console.status(told):
            mars = builtin_body("mars")
            clock = Clock(mars.orbit.sidereal_year_s, RunSpec.model_fields["steps_per_orbit"].default)
            climate(mars, Grid.parse(grid), clock, RunSpec.model_fields["spin_up_orbits"].default)
        with _timed(took, "waiting for the Prefect server"), console.status("waiting for the Prefect server"):
            if server is not None:
                os.environ.update(server.environment)
                server.ready()
        name = f"Mars, demo of {time.strftime('%Y-%m-%d %H:%M:%S')} ({os.getpid()})"
        with _timed(took, "flow"), progress_bar(f"Mars, {years} years", quiet=quiet) as show, _watched(w, name, show):
            outcome = _flow_module().simulate_twin(
                {"body": "mars", "name": name, "pattern": "mars_terraform", "years": years, "grid": grid}
            )
        result = ledger.get_result(w.engine, outcome["run_id"]).as_dict()
    show_result(console, result)
    console.print(f"report: {outcome['report']}", soft_wrap=True)
    console.print("seconds: " + ", ".join(f"{what} {seconds:.1f}" for what, seconds in took.items()))
    return {**result, "report": outcome["report"], "seconds": took}


@contextmanager
def _timed(took: dict[str, float], what: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    took[what] = time.perf_counter() - began


def _server(w: Workplace) -> Any:
    """A Prefect server of our own, unless the environment names one; it boots while we prepare."""
    if url := os.environ.get("PREFECT_API_URL"):
        if not answers(url):
            raise Failure(f"the Prefect server at {url} (PREFECT_API_URL) does not answer.")
        return nullcontext()
    return PrefectServer(w.settings.home / "prefect")


def _flow_module() -> Any:
    """The package of flows, imported where it lies: only flows know Prefect."""
    root = str(shared_folder("flows").parent)
    if root not in sys.path:
        sys.path.append(root)
    return importlib.import_module("flows.simulate_twin")


@contextmanager
def _watched(w: Workplace, twin_name: str, show: Any) -> Iterator[None]:
    """Show the progress of the flow's run from its row, which is the truth about it."""
    done = Event()

    def watch() -> None:
        while not done.wait(0.2):
            with suppress(TwinpipeError):  # the flow will say what ails the ledger
                twins = [t for t in ledger.list_twins(w.engine, limit=5) if t.name == twin_name]
                for run in ledger.list_runs(w.engine, twins[0].id, limit=1) if twins else []:
                    show(run.progress)

    thread = Thread(target=watch, name="progress", daemon=True)
    thread.start()
    try:
        yield
        show(1.0)
    finally:
        done.set()
        thread.join()
