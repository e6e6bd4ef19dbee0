"""The commands below `sweep`; without the name of one, `sweep FILE` runs the sweep of a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from twinpipe.cli_options import LARGEST, Json
from twinpipe.cli_runs import START

SweepId = Annotated[int, typer.Argument(metavar="SWEEP", min=1, max=LARGEST)]
SHOWN = 10  # members of a table


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
        limit: Annotated[int, typer.Option(min=1, max=10_000, help="The newest so many.")] = 50,
        as_json: Json = False,
    ) -> None:
        """List the newest sweeps."""
        from twinpipe.db.ledger import list_sweeps
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            rows = list_sweeps(w.engine, twin, limit)
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


def _show_quote(console: Console, q: dict[str, Any]) -> None:
    how = "as measured in sweeps before" if q["measured"] else "assumed, since no sweep was measured yet"
    console.print(f"members: {q['members']:,}, of which {q['new']:,} are new and {q['reused']:,} are there already")
    state = f"{q['restart_bytes'] / 1e9:.3g} GB of restart state"
    console.print(f"store: {q['stored_bytes'] / 1e9:.3g} GB before compression, {state}")
    console.print(f"memory: {q['worker_bytes'] / 1e9:.3g} GB at most for a worker of {q['threads']} threads")
    console.print(f"time: {q['core_hours']:.3g} core-hours, {how}")
    console.print(f"rows: {q['rows']:,}; they expire with the twin: {q['expires_at'] or 'as new twins do'}")


def _show_summary(console: Console, found: dict[str, Any]) -> None:
    row, counts = found["sweep"], found["counts"]
    told = ", ".join(f"{number:,} {what}" for what, number in counts.items())
    console.print(f"sweep {row['id']} ({row['name']}) is {row['status']}: {told}", soft_wrap=True, markup=False)
    for title, members in (("Best members", found["ranking"]), ("Pareto front", found["pareto"])):
        if members:
            console.print(_member_table(title, members[:SHOWN]))
    for m in found["ended"][:SHOWN]:
        console.print(
            f"member {m['member']} (run {m['run']}) is {m['status']}: {m['why']}", soft_wrap=True, markup=False
        )
    for s in found["sensitivity"]:
        console.print(_sensitivity_table(s))
    for d in found["differences"]:
        interval = "" if d["interval"] is None else f" ({d['interval'][0]:.4g} to {d['interval'][1]:.4g})"
        text = f"{d['measure']}: {d['variant']} less {d['to']} is {d['mean']:.4g}{interval} over {d['pairs']} pairs"
        console.print(text, soft_wrap=True, markup=False)
    if found["statistics"]:
        console.print(f"quantiles: {found['statistics']}", soft_wrap=True, markup=False)


def _member_table(title: str, members: list[dict[str, Any]]) -> Table:
    made = Table(title=title, title_justify="left")
    names = list(members[0]["values"])
    for heading in ("member", "run", "score", "cost (GCC)", "temperature (K)", *names):
        made.add_column(heading)
    for m in members:
        x = m["measures"]
        numbers = (f"{x['overall_score']:.4f}", f"{x['cost_gcc']:.4g}", f"{x['surface_temperature_k']:.2f}")
        made.add_row(str(m["member"]), str(m["run"]), *numbers, *(f"{m['values'][n]:.6g}" for n in names))
    return made


def _sensitivity_table(s: dict[str, Any]) -> Table:
    where = "".join(f", {k} {v:g}" for k, v in s.get("at", {}).items())
    where += f", {s['variant']}" if "variant" in s else ""
    title = f"Sensitivity of {s['measure']}{where}: {s['points']} points, {100 * s['explained']:.1f} % explained"
    made = Table(title=title, title_justify="left")
    for heading in ("axis", "first order", "total"):
        made.add_column(heading)
    for name, x in s["axes"].items():
        cells = []
        for kind in ("first_order", "total"):
            low, high = x[f"{kind}_interval"]
            cells.append(f"{x[kind]:.3f} ({low:.3f} to {high:.3f})")
        made.add_row(name, *cells)
    return made
