"""The commands below `run`; without the name of one, `run TWIN` runs a pattern on a twin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from twinpipe.cli_options import LARGEST, Commands, Json, Limit, RunId, tell_more

START = "start"  # the command that `run TWIN` means


class RunGroup(Commands):
    """A group whose first argument may also be a twin."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = [START, *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


def register(runs: typer.Typer, emit: Callable[[Any], None]) -> None:
    """Add the commands to `twinpipe run`."""
    console = Console(highlight=False)

    @runs.command("list")
    def run_list(
        twin: Annotated[int | None, typer.Option(min=1, max=LARGEST, help="Only of this twin.")] = None,
        limit: Limit = 50,
        as_json: Json = False,
    ) -> None:
        """List the newest runs."""
        from twinpipe.db.counts import count_listed
        from twinpipe.db.ledger import list_runs
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            rows, total = list_runs(w.engine, twin, limit), count_listed(w.engine, "runs", twin)
        tell_more(total, len(rows), "runs")
        if as_json:
            emit([r.as_dict() for r in rows])
            return
        made = Table(title="Runs", title_justify="left")
        for heading in ("id", "twin", "pattern", "years", "status", "done", "created"):
            made.add_column(heading)
        for r in rows:
            done = f"{100 * r.progress:.0f} %"
            created = f"{r.created_at:%Y-%m-%d %H:%M}"
            made.add_row(str(r.id), str(r.twin_id), r.pattern, str(r.duration_years), r.status, done, created)
        console.print(made)

    @runs.command("show")
    def run_show(run: RunId, as_json: Json = False) -> None:
        """Show a run's row."""
        from twinpipe.db.ledger import get_run
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            row = get_run(w.engine, run).as_dict()
        if as_json:
            emit(row)
            return
        for name, value in row.items():
            if value is not None and name != "parameters":
                console.print(f"{name}: {value}", soft_wrap=True, markup=False)

    @runs.command("why")
    def run_why(run: RunId, as_json: Json = False) -> None:
        """Say in words how a run stands or why it ended, and what can be done."""
        from twinpipe.db.ledger import get_run
        from twinpipe.running import why
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            row = get_run(w.engine, run)
        if as_json:
            emit({"run": run, "status": row.status, "why": why(row)})
        else:
            console.print(why(row), soft_wrap=True, markup=False)

    @runs.command("cancel")
    def run_cancel(run: RunId, as_json: Json = False) -> None:
        """Cancel a queued or running run; what is sealed stays, and `run resume` goes on from there."""
        from twinpipe.db.ledger import cancel_run, get_run
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            changed = cancel_run(w.engine, run)
            status = get_run(w.engine, run).status
        if as_json:
            emit({"run": run, "changed": changed, "status": status})
        else:
            console.print(f"run {run} is cancelled" if changed else f"run {run} has ended already: {status}")

    @runs.command("resume")
    def run_resume(run: RunId, as_json: Json = False) -> None:
        """Go on with a run that failed, was cancelled or lost its process, from its last sealed segment."""
        from twinpipe.running import resume_here
        from twinpipe.show import show_result

        outcome = resume_here(run, quiet=as_json)
        if as_json:
            emit(outcome)
        else:
            show_result(console, outcome)

    @runs.command("extend")
    def run_extend(
        run: RunId, years: Annotated[int, typer.Option(min=1, max=1000, help="So many more.")], as_json: Json = False
    ) -> None:
        """Go on with a completed run for more years: a new run that begins with its segments."""
        from twinpipe.running import extend_here
        from twinpipe.show import show_result

        outcome = extend_here(run, years, quiet=as_json)
        if as_json:
            emit(outcome)
        else:
            show_result(console, outcome)

    @runs.command("verify")
    def run_verify(run: RunId, as_json: Json = False) -> None:
        """Replay a completed run from its row alone and compare it with its seals, bit for bit."""
        from twinpipe.db.ledger import get_run
        from twinpipe.replay import verify_run
        from twinpipe.running import progress_bar
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            quiet = as_json or get_run(w.engine, run).status != "completed"
            with progress_bar(f"run {run}, again", quiet=quiet) as show:
                found = verify_run(w, run, show)
        if as_json:
            emit(found.as_dict())
        else:
            for line in found.sentences():
                console.print(line, soft_wrap=True, markup=False)
        if not found.identical:
            raise typer.Exit(1)
