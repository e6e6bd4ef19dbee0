"""The command line; every command has --json, and bad input ends in one sentence and exit code 2."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from twinpipe import (
    cli_analysis,
    cli_audit,
    cli_learned,
    cli_ledger,
    cli_patterns,
    cli_results,
    cli_rollback,
    cli_runs,
    cli_sweeps,
    cli_up,
)
from twinpipe.cli_options import LARGEST, Commands, Json, Limit, RunId, TwinId, tell_more
from twinpipe.errors import InvalidInput, TwinpipeError
from twinpipe.settings import load_settings

app = typer.Typer(cls=Commands, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
bodies = typer.Typer(help="Celestial bodies.", cls=Commands)
twins = typer.Typer(help="Digital twins.", cls=Commands)
runs = typer.Typer(help="Runs; `run TWIN` runs a pattern on a twin.", cls=cli_runs.RunGroup)
sweeps = typer.Typer(help="Sweeps; `sweep FILE` runs that of a file.", cls=cli_runs.RunGroup)
results = typer.Typer(help="Results of runs.", cls=Commands)
database = typer.Typer(help="The ledger's schema.", cls=Commands)
app.add_typer(bodies, name="body")
app.add_typer(twins, name="twin")
app.add_typer(runs, name="run")
app.add_typer(sweeps, name="sweep")
app.add_typer(results, name="result")
app.add_typer(database, name="db")

console = Console(highlight=False)


@app.callback()
def root() -> None:
    """A what-if laboratory for planets: clone a body, terraform the twin, keep the result."""
    ours, handler = logging.getLogger("twinpipe"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    ours.handlers[:] = [handler]  # not the root's, which Prefect would take for its own messages
    ours.setLevel(load_settings().log_level)


def emit(value: Any) -> None:
    """Print JSON."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def table(title: str, columns: dict[str, list[str]]) -> Table:
    """A table of columns by heading."""
    made = Table(title=title, title_justify="left")
    for heading in columns:
        made.add_column(heading, overflow="fold")
    for row in zip(*columns.values(), strict=True):
        made.add_row(*row)
    return made


@app.command()
def demo(
    years: Annotated[str, typer.Option(help="Years to simulate, 1 to 1000.")] = "100",
    grid: Annotated[str, typer.Option(help="Latitudes x longitudes.")] = "36x72",
    as_json: Json = False,
) -> None:
    """Clone Mars, terraform the twin for a century through the Prefect flow, keep the result and a report."""
    from twinpipe.clock import check_years
    from twinpipe.demo import run_demo
    from twinpipe.grid import Grid

    outcome = run_demo(check_years(years), str(Grid.parse(grid)), quiet=as_json)
    if as_json:
        emit(outcome)


@bodies.command("list")
def body_list(as_json: Json = False) -> None:
    """List built-in and imported bodies."""
    from twinpipe.body import builtin_body, builtin_names, imported_bodies

    rows = [("built-in", name, builtin_body(name)) for name in builtin_names()]
    rows += [("imported", b.identifier, b) for b in imported_bodies(load_settings().home / "bodies")]
    if as_json:
        emit([{"name": n, "identifier": b.identifier, "origin": o, "digest": b.digest} for o, n, b in rows])
        return
    columns = {
        "name": [n for _, n, _ in rows],
        "identifier": [b.identifier for _, _, b in rows],
        "origin": [o for o, _, _ in rows],
        "radius": [f"{b.bulk.mean_radius_m / 1e3:,.1f} km" for _, _, b in rows],
        "pressure if nothing froze": [f"{b.surface_pressure_pa:,.0f} Pa" for _, _, b in rows],
    }
    console.print(table("Bodies", columns))


@bodies.command("show")
def body_show(name: Annotated[str, typer.Argument(metavar="NAME")], as_json: Json = False) -> None:
    """Show a body's numbers and where they come from."""
    from twinpipe.body import load_body
    from twinpipe.show import show_body

    body = load_body(name, imported=load_settings().home / "bodies")
    if as_json:
        emit(body.model_dump(mode="json"))
    else:
        show_body(console, body)


@bodies.command("import")
def body_import(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    body: Annotated[
        str | None, typer.Option(help="Identifier or name of one body; all that can be when not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Import bodies from the game's JSON; lists what was assumed and what is inconsistent."""
    from twinpipe.game.importer import import_bodies, save_import
    from twinpipe.show import show_import

    report = import_bodies(file, body)
    paths = [str(save_import(b, load_settings().home / "bodies")) for b in report.bodies]
    if as_json:
        emit(
            {
                "imported": [
                    {
                        "identifier": b.body.identifier,
                        "file": path,
                        "assumptions": b.assumptions,
                        "inconsistencies": b.inconsistencies,
                    }
                    for b, path in zip(report.bodies, paths, strict=True)
                ],
                "dialect": report.dialect,
                "skipped": [{"identifier": s.identifier, "why": s.why} for s in report.skipped],
            }
        )
    else:
        show_import(console, report)


@twins.command("create")
def twin_create(
    body: Annotated[str, typer.Argument(metavar="BODY")],
    name: Annotated[str | None, typer.Option(help="Name of the twin; that of the body when not given.")] = None,
    ttl: Annotated[str | None, typer.Option(help="Time to live, such as 30d; 0 means for ever.")] = None,
    source: Annotated[Path | None, typer.Option("--from", help="Game file to import the body from.")] = None,
    grid: Annotated[str, typer.Option(help="Latitudes x longitudes.")] = "36x72",
    again: Annotated[bool, typer.Option(help="Make another twin although one of the same content lives.")] = False,
    as_json: Json = False,
) -> None:
    """Clone a body into a twin: a row, a snapshot and a store; the same request is the same twin while it lives."""
    from twinpipe import lifecycle
    from twinpipe.body import load_body
    from twinpipe.game.importer import import_bodies
    from twinpipe.grid import Grid
    from twinpipe.running import waiting
    from twinpipe.show import show_created
    from twinpipe.workplace import open_workplace

    days, _ = parse_days(ttl), Grid.parse(grid)
    if source is not None:
        cloned = import_bodies(source, body).bodies[0].body
    else:
        cloned = load_body(body, imported=load_settings().home / "bodies")
    called = name if name is not None else cloned.name
    with waiting(f"the climate of {cloned.name} today", quiet=as_json), open_workplace() as w:
        twin, new = lifecycle.create_twin(w, cloned, called, ttl_days=days, grid=grid, again=again)
    if as_json:
        emit({**twin.as_dict(), "new": new})
    else:
        show_created(console, twin, new)


def parse_days(text: str | None) -> int | None:
    """Days from text such as 30d, 12 weeks or 0; raises InvalidInput."""
    from twinpipe.scenario import quantity

    if text is None:
        return None
    days = quantity(text, "day", "ttl")
    if days < 0 or days != int(days) or days > 36_525:
        raise InvalidInput("ttl", text, "it is a whole number of days from 0 (for ever) to 36525")
    return int(days)


@twins.command("list")
def twin_list(limit: Limit = 50, as_json: Json = False) -> None:
    """List the newest twins."""
    from twinpipe.db.counts import count_listed
    from twinpipe.db.ledger import list_twins
    from twinpipe.workplace import open_workplace

    with open_workplace() as w:
        rows, total = list_twins(w.engine, limit), count_listed(w.engine, "twins")
    tell_more(total, len(rows), "twins")
    if as_json:
        emit([{k: v for k, v in t.as_dict().items() if k != "initial_state_snapshot"} for t in rows])
        return
    columns = {
        "id": [str(t.id) for t in rows],
        "name": [t.name for t in rows],
        "body": [t.body for t in rows],
        "status": [t.status for t in rows],
        "created": [f"{t.created_at:%Y-%m-%d %H:%M}" for t in rows],
        "expires": [f"{t.expires_at:%Y-%m-%d}" if t.expires_at else "never" for t in rows],
    }
    console.print(table("Twins", columns))


@twins.command("show")
def twin_show(twin: TwinId, as_json: Json = False) -> None:
    """Show a twin and its runs."""
    from twinpipe.db.counts import count_listed
    from twinpipe.db.ledger import get_twin, list_runs
    from twinpipe.show import show_twin
    from twinpipe.workplace import open_workplace

    with open_workplace() as w:
        row, runs = get_twin(w.engine, twin), list_runs(w.engine, twin)
        tell_more(count_listed(w.engine, "runs", twin), len(runs), "runs", f"`run list --twin {twin}` with ")
    if as_json:
        emit({**row.as_dict(), "runs": [r.as_dict() for r in runs]})
    else:
        show_twin(console, row, runs)


@runs.command(cli_runs.START)
def run(
    twin: TwinId,
    pattern: Annotated[str, typer.Option(help="Deployment pattern.")] = "mars_terraform",
    years: Annotated[str, typer.Option(help="Years to simulate, 1 to 1000.")] = "100",
    given: Annotated[
        list[str] | None, typer.Option("--set", help="key=value of a pattern's parameter, with a unit if you like.")
    ] = None,
    variant: Annotated[str | None, typer.Option(help="Named set of the pattern's parameters.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Run a pattern on a body that lacks what it needs.")] = False,
    scenario: Annotated[Path | None, typer.Option(help="Scenario file (JSON or TOML) instead of a pattern.")] = None,
    grid: Annotated[str | None, typer.Option(help="Latitudes x longitudes; that of the twin when not given.")] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST, help="Of what is random, which is disasters; part of the run's name.")
    ] = 0,
    again: Annotated[bool, typer.Option(help="Run again what has been run already.")] = False,
    as_json: Json = False,
) -> None:
    """Run a pattern on a twin to its result; the same request is the same run."""
    from twinpipe.clock import check_years
    from twinpipe.grid import Grid
    from twinpipe.running import run_here
    from twinpipe.show import show_result

    duration = check_years(years)
    if grid is not None:
        Grid.parse(grid)
    outcome = run_here(
        twin,
        pattern,
        duration,
        parse_pairs(given or []),
        variant=variant,
        force=force,
        scenario_file=scenario,
        grid=grid,
        seed=seed,
        again=again,
        quiet=as_json,
    )
    if as_json:
        emit(outcome)
    else:
        show_result(console, outcome)


def parse_pairs(pairs: list[str]) -> dict[str, float | str]:
    """Parameters from key=value texts; raises InvalidInput."""
    result: dict[str, float | str] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not key.strip() or not value.strip():
            raise InvalidInput("--set", pair, "it is key=value, such as mirror_area=4.9e10")
        result[key.strip()] = value.strip()
    return result


@results.command("show")
def result_show(run_id: RunId, as_json: Json = False) -> None:
    """Show the result of a run."""
    from twinpipe.db.ledger import get_result
    from twinpipe.show import show_result
    from twinpipe.workplace import open_workplace

    with open_workplace() as w:
        row = get_result(w.engine, run_id).as_dict()
    if as_json:
        emit(row)
    else:
        show_result(console, row)


@database.command("migrate")
def db_migrate(as_json: Json = False) -> None:
    """Bring the schema to the newest revision."""
    _status(as_json, migrate_first=True)


@database.command("status")
def db_status(as_json: Json = False) -> None:
    """Show the schema's revision."""
    _status(as_json, migrate_first=False)


def _status(as_json: bool, *, migrate_first: bool) -> None:
    from twinpipe.db.migrate import migrate, status
    from twinpipe.db.session import close, database_url

    with database_url(load_settings()) as url:
        try:
            if migrate_first:
                migrate(url)
            found = status(url)
        finally:
            close(url)
    if as_json:
        emit(found)
    else:
        state = "up to date" if found["up_to_date"] else f"behind {found['head']}: run twinpipe db migrate"
        console.print(f"revision {found['current']}, {state}")


cli_rollback.register(database, emit)
cli_runs.register(runs, emit)
cli_results.register(results, emit)
cli_learned.register(app, emit)
cli_sweeps.register(sweeps, emit)
cli_audit.register(app, emit)
cli_patterns.register(app, emit)
cli_ledger.register(app, twins, emit)
cli_up.register(app, emit)
cli_analysis.register(app, emit)


def main() -> None:
    """Entry point: usage errors exit with 2, failures with 1, each with one sentence on standard error."""
    arguments = sys.argv[1:] or ["--help"]
    for name in ("SIGTERM", "SIGHUP"):  # a closed terminal or a stopped service ends in order, as Ctrl-C does
        if hasattr(signal, name) and threading.current_thread() is threading.main_thread():
            signal.signal(getattr(signal, name), _interrupt)
    try:
        for argument in arguments:
            if not argument.isascii() and any("\ud800" <= c <= "\udfff" for c in argument):
                raise InvalidInput("argument", argument, "it must be UTF-8 text")
        code = app(arguments, standalone_mode=False)
        if code == 130:
            _say("interrupted", code)
    except typer.Abort:
        code = _say("interrupted", 130)
    except typer.TyperException as error:
        message = error.format_message()
        code = _say(message[:1].lower() + message[1:], 2)
    except TwinpipeError as error:
        code = _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = _say("interrupted", 130)
    sys.exit(code or 0)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _say(sentence: str, code: int) -> int:
    print(f"twinpipe: {' '.join(sentence.split()).rstrip('.')}.", file=sys.stderr)
    return code
