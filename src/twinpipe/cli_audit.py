"""The command `audit`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console

from twinpipe.cli_options import Json


def register(app: typer.Typer, emit: Callable[[Any], None]) -> None:
    """Add the command to `twinpipe`."""
    console = Console(highlight=False, soft_wrap=True)

    @app.command("audit")
    def audit_command(
        repair: Annotated[bool, typer.Option("--repair", help="Do the repairs that are safe.")] = False,
        contents: Annotated[bool, typer.Option("--contents", help="Read every sealed file whole.")] = False,
        as_json: Json = False,
    ) -> None:
        """Compare the ledger, the stores and Prefect; exit code 1 when they differ and nothing repaired that."""
        from twinpipe.audit import audit
        from twinpipe.repairs import repair as mend
        from twinpipe.workplace import open_workplace

        with open_workplace(reap=False) as w:
            report = audit(w, contents=contents)
            done, failed = mend(w, report) if repair else ([], [])
            left = audit(w, contents=contents) if done else report
        if as_json:
            emit(
                {**report.as_dict(), "repaired": [asdict(d) for d in done], "failed": failed, "left": len(left.drifts)}
            )
        else:
            console.print(
                f"{report.twins} twins, {report.runs} runs, {report.stores} stores; Prefect: {report.prefect}",
                markup=False,
            )
            for drift in report.drifts:
                mark = "repaired" if drift in done else "safe to repair" if drift.safe else "for you"
                console.print(f"{drift.kind}: {drift.sentence} [{mark}: {drift.repair}]", markup=False)
            for sentence in failed:
                console.print(f"not repaired: {sentence}", markup=False)
            console.print("no drift" if not left.drifts else f"{len(left.drifts)} drifts")
        if left.drifts:
            raise typer.Exit(1)
