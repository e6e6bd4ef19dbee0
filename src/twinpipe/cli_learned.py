"""The command `learn` and those below `learned`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from twinpipe.cli_options import LARGEST, MOST, Commands, Json, tell_more
from twinpipe.settings import load_settings

PatternId = Annotated[str, typer.Argument(metavar="PATTERN")]


def register(app: typer.Typer, emit: Callable[[Any], None]) -> None:
    """Add the commands to `twinpipe`."""
    console = Console(highlight=False, soft_wrap=True)
    learned = typer.Typer(help="Patterns that were learned from runs.", cls=Commands)
    app.add_typer(learned, name="learned")

    @app.command("learn")
    def learn(
        run: Annotated[int | None, typer.Argument(metavar="RUN", min=1, max=LARGEST)] = None,
        sweep: Annotated[int | None, typer.Option(min=1, max=LARGEST, help="The best of this sweep instead.")] = None,
        name: Annotated[str | None, typer.Option(help="Name of the pattern; after its run when not given.")] = None,
        as_json: Json = False,
    ) -> None:
        """Learn a pattern from a completed run, or from the best of a sweep."""
        from twinpipe.errors import InvalidInput
        from twinpipe.teaching import learn_run, learn_sweep
        from twinpipe.workplace import open_workplace

        if (run is None) == (sweep is None):
            raise InvalidInput("RUN", run, "either a run or a sweep is named")
        with open_workplace() as w:
            row = learn_run(w, run, name) if run is not None else learn_sweep(w, sweep or 0, name)
        if as_json:
            emit(row.as_dict())
            return
        console.print(f"{row.pattern_id}: success score {row.success_score:.3f}", markup=False)
        _tell(console, row)

    @learned.command("list")
    def learned_list(
        limit: Annotated[int, typer.Option(min=1, max=MOST, help="The best so many.")] = 50, as_json: Json = False
    ) -> None:
        """List learned patterns, best first."""
        from twinpipe.db.counts import count_listed
        from twinpipe.db.learned import list_patterns
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            rows, total = list_patterns(w.engine, limit=limit), count_listed(w.engine, "patterns")
        tell_more(total, len(rows), "learned patterns")
        if as_json:
            emit([row.as_dict() for row in rows])
            return
        made = Table(title="Learned patterns", title_justify="left")
        for heading in ("pattern", "success score", "phases", "applied", "success rate"):
            made.add_column(heading)
        for row in rows:
            rate = f"{row.success_rate:.0%}" if row.times_applied else "-"
            phases = str(len(row.deployment_sequence))
            made.add_row(row.pattern_id, f"{row.success_score:.3f}", phases, str(row.times_applied), rate)
        console.print(made)

    @learned.command("show")
    def learned_show(
        pattern: PatternId,
        body: Annotated[str | None, typer.Option(help="Tell too how well it fits this body.")] = None,
        as_json: Json = False,
    ) -> None:
        """Show a learned pattern: what it needs, its phases, what paid, and how it did since."""
        from twinpipe.body import load_body
        from twinpipe.db.learned import get_pattern
        from twinpipe.teaching import fits
        from twinpipe.workplace import open_workplace

        other = load_body(body, imported=load_settings().home / "bodies") if body is not None else None
        with open_workplace() as w:
            row = get_pattern(w.engine, pattern)
        fit = fits(row, other) if other is not None else None
        if as_json:
            emit(row.as_dict() | ({"applicability": fit.as_dict()} if fit is not None else {}))
            return
        applied = f"applied {row.times_applied} times" + (f", {row.success_rate:.0%} well" if row.times_applied else "")
        console.print(f"{row.pattern_id}: success score {row.success_score:.3f}, {applied}", markup=False)
        _tell(console, row)
        if fit is not None and other is not None:
            verdict = "may be applied" if fit.applies else "does not fit"
            console.print(f"{other.name}: {fit.score:.2f}, it {verdict}", markup=False)
            for match in fit.matches:
                console.print(f"  {match.share:.2f} {match.condition}: {match.reason}", markup=False)

    @learned.command("apply")
    def learned_apply(
        pattern: PatternId,
        twin: Annotated[int, typer.Option(min=1, max=LARGEST, help="Twin to run it on.")],
        years: Annotated[str | None, typer.Option(help="Years to simulate; as learned when not given.")] = None,
        force: Annotated[bool, typer.Option("--force", help="Apply it although it does not fit.")] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")] = False,
        as_json: Json = False,
    ) -> None:
        """Run a learned pattern on a twin, its amounts adapted to the twin's body; how it does counts for it."""
        from twinpipe import lifecycle
        from twinpipe.clock import check_years
        from twinpipe.db.learned import get_pattern
        from twinpipe.db.ledger import get_twin
        from twinpipe.show import show_result
        from twinpipe.teaching import adapted, apply_to_twin
        from twinpipe.workplace import open_workplace

        duration = check_years(years) if years is not None else None
        with open_workplace() as w:
            body = lifecycle.twin_body(get_twin(w.engine, twin))
            plan = adapted(get_pattern(w.engine, pattern), body, force=force)
            if not as_json:
                for line in plan.changes or ("nothing is changed for this body",):
                    console.print(line, markup=False)
            if dry_run:
                if as_json:
                    emit({"scenario": plan.scenario.model_dump(mode="json"), "changes": list(plan.changes)})
                return
            outcome = apply_to_twin(w, pattern, twin, duration, force=force, quiet=as_json)
        if as_json:
            emit(outcome)
        else:
            show_result(console, outcome)


def _tell(console: Console, row: Any) -> None:
    for phase in row.deployment_sequence:
        years = phase["duration_days"] / 365.25
        equipment = ", ".join(phase["equipment"]) or "nothing new"
        start = phase["start_year"]
        console.print(f"  {phase['phase']}, from year {start:g} for {years:g} years: {equipment}", markup=False)
    for item in row.optimizations:
        console.print(f"  paid: {item['description']} (+{item['gain'] or 0:.3f})", markup=False)
