"""The commands below `sweep`; without the name of one, `sweep FILE` runs the sweep of a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from twinpipe.cli_options import LARGEST, Json, Limit, tell_more
from twinpipe.cli_runs import START
from twinpipe.sweep_tables import (
    Record,
    counts_line,
    difference_lines,
    ended_lines,
    index_records,
    member_records,
    quote_lines,
    sensitivity_title,
)

SweepId = Annotated[int, typer.Argument(metavar="SWEEP", min=1, max=LARGEST)]


def register(sweeps: typer.Typer, emit: Callable[[Any], None]) -> None:
    """Add the commands to `twinpipe sweep`."""
    console = Console(highlight=False)

    @sweeps.command(START)
    def sweep(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="Sweep file: TOML, YAML or JSON.")],
        twin: Annotated[
            int | None, typer.Option(min=1, max=LARGEST, help="Twin to run on; one of the file's body when not given.")
        ] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would take.")] = False,
        as_json: Json = False,
    ) -> None:
        """Run the sweep of a file, of which only members that the twin does not have yet are computed."""
        from twinpipe.sweep_running import quote_here, sweep_here

        if dry_run:
            told = quote_here(file, twin)
            if as_json:
                emit(told)
            else:
                _show_quote(console, told)
            return
        _tell(sweep_here(file, twin, quiet=as_json), as_json)

    def _tell(summary: dict[str, Any], as_json: bool) -> None:
        if as_json:
            emit(summary)
        else:
            _show_summary(console, summary)

    @sweeps.command("list")
    def sweep_list(
        twin: Annotated[int | None, typer.Option(min=1, max=LARGEST, help="Only of this twin.")] = None,
        limit: Limit = 50,
        as_json: Json = False,
    ) -> None:
        """List the newest sweeps."""
        from twinpipe.db.counts import count_listed
        from twinpipe.db.ledger import list_sweeps
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            rows, total = list_sweeps(w.engine, twin, limit), count_listed(w.engine, "sweeps", twin)
        tell_more(total, len(rows), "sweeps")
        if as_json:
            emit([{k: v for k, v in r.as_dict().items() if k != "spec"} for r in rows])
            return
        made = Table(title="Sweeps", title_justify="left")
        for heading in ("id", "twin", "name", "members", "status", "done", "created"):
            made.add_column(heading)
        for r in rows:
            done, created = f"{100 * r.progress:.0f} %", f"{r.created_at:%Y-%m-%d %H:%M}"
            made.add_row(str(r.id), str(r.twin_id), r.name, f"{r.members:,}", r.status, done, created)
        console.print(made)

    @sweeps.command("show")
    def sweep_show(sweep: SweepId, as_json: Json = False) -> None:
        """Show what a sweep came to: ranking, Pareto front, sensitivity, paired differences, members that ended."""
        from twinpipe.sweep_running import summary
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            found = summary(w, sweep)
        _tell(found, as_json)

    @sweeps.command("resume")
    def sweep_resume(sweep: SweepId, as_json: Json = False) -> None:
        """Go on with a sweep that failed, was cancelled or lost its process, from its last sealed segments."""
        from twinpipe.sweep_running import resume_sweep_here

        _tell(resume_sweep_here(sweep, quiet=as_json), as_json)

    @sweeps.command("cancel")
    def sweep_cancel(sweep: SweepId, as_json: Json = False) -> None:
        """Cancel a queued or running sweep; what is sealed stays, and `sweep resume` goes on from there."""
        from twinpipe.db.ledger import cancel_sweep, get_sweep
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            changed = cancel_sweep(w.engine, sweep)
            status = get_sweep(w.engine, sweep).status
        if as_json:
            emit({"sweep": sweep, "changed": changed, "status": status})
        else:
            console.print(f"sweep {sweep} is cancelled" if changed else f"sweep {sweep} has ended already: {status}")


def _show_quote(console: Console, quoted: dict[str, Any]) -> None:
    for line in quote_lines(quoted):
        console.print(line)


def _show_summary(console: Console, found: dict[str, Any]) -> None:
    def told(lines: Sequence[str]) -> None:
        for line in lines:
            console.print(line, soft_wrap=True, markup=False)

    told([counts_line(found)])
    for title, members in (("Best members", found["ranking"]), ("Pareto front", found["pareto"])):
        if members:
            console.print(_table(title, member_records(members)))
    told(ended_lines(found))
    for s in found["sensitivity"]:
        console.print(_table(sensitivity_title(s), index_records(s)))
    told(difference_lines(found))
    if found["statistics"]:
        told([f"quantiles: {found['statistics']}"])


def _table(title: str, records: Sequence[Record]) -> Table:
    made = Table(*records[0], title=title, title_justify="left")
    for record in records:
        made.add_row(*record.values())
    return made
