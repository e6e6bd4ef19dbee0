"""`python -m twinpipe.profiling FOLDER`: where an ensemble's time goes: Dask's report and a flame graph."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import orjson
import typer

from twinpipe.body import load_body
from twinpipe.clock import usual_steps
from twinpipe.cluster import executor, performance_report_of
from twinpipe.engine import prepare, run_plan
from twinpipe.errors import Failure, TwinpipeError
from twinpipe.grid import Grid
from twinpipe.layout import run_layout
from twinpipe.plan import Plan, make_plan
from twinpipe.scenario import load_pattern
from twinpipe.spec import RunSpec
from twinpipe.store import RunStore

REPORT, FLAMES = "dask-performance.html", "flame.svg"


def plan_of(body: str, pattern: str, years: int, members: int, grid: str) -> Plan:
    """Members of a pattern that differ by nothing; raises InvalidInput, NotFound."""
    chosen = load_body(body)
    scenario, steps = load_pattern(pattern).scenario(chosen), usual_steps(chosen.orbit.sidereal_year_s)
    Grid.parse(grid)
    spec = RunSpec(body=chosen, scenario=scenario, years=years, grid=grid, steps_per_orbit=steps)
    return make_plan((spec,) * members)


def observe(folder: Path, plan: Plan) -> None:
    """Run a plan on a local cluster into a store that is dropped, and write Dask's report."""
    with TemporaryDirectory() as aside, executor() as how:
        store = RunStore(Path(aside, "profile.zarr"))
        with performance_report_of(how, folder / REPORT):
            prepare(plan, store, run_layout(plan, {"title": "profile"}))
            run_plan(plan, store.path, 0, how)
            store.finish({})


def profile(folder: Path, **choices: str | int) -> None:
    """Observe a run in a process of its own under py-spy; raises InvalidInput, NotFound, Failure."""
    plan_of(**choices)  # type: ignore[arg-type]  # as the command line has checked them
    program = Path(sys.executable).with_name("py-spy")
    if not program.exists():
        raise Failure("py-spy is not installed: pip install 'twinpipe[profile]'.")
    folder.mkdir(parents=True, exist_ok=True)
    inside = "import sys; from twinpipe.profiling import inside; inside(*sys.argv[1:])"
    told = orjson.dumps(choices).decode()
    record = [str(program), "record", "--output", str(folder / FLAMES)]
    command = [*record, "--", sys.executable, "-c", inside, str(folder), told]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not (folder / REPORT).exists():
        raise Failure(f"py-spy could not watch: {(done.stderr.strip() or 'it said nothing').splitlines()[-1]}.")


def inside(folder: str, choices: str) -> None:
    """What runs under py-spy."""
    observe(Path(folder), plan_of(**orjson.loads(choices)))


def main(
    folder: Annotated[Path, typer.Argument(help="Where the two files go.")],
    body: str = "mars",
    pattern: str = "mars_terraform",
    years: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    members: Annotated[int, typer.Option(min=1, max=10_000)] = 16,
    grid: str = "36x72",
) -> None:
    """Write Dask's performance report and a flame graph of an ensemble."""
    try:
        profile(folder, body=body, pattern=pattern, years=years, members=members, grid=grid)
    except TwinpipeError as error:
        typer.echo(f"twinpipe: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    for name in (REPORT, FLAMES):
        print(folder / name)


if __name__ == "__main__":
    typer.run(main)
