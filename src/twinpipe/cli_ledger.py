"""The commands `cleanup`, `twin expire` and `twin delete`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console

from twinpipe.cli_options import Json, TwinId


def register(app: typer.Typer, twins: typer.Typer, emit: Callable[[Any], None]) -> None:
    """Add the commands to `twinpipe` and `twinpipe twin`."""
    console = Console(highlight=False)

    @app.command("cleanup")
    def cleanup(
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
        as_of: Annotated[str | None, typer.Option("--as-of", help="Clean up as if it were then (ISO 8601).")] = None,
        as_json: Json = False,
    ) -> None:
        """End dead runs, delete expired twins with their stores, and rows past their retention."""
        from twinpipe.cleanup import clean, parse_time
        from twinpipe.workplace import open_workplace

        moment = parse_time(as_of)
        with open_workplace(reap=False) as w:  # clean tells whom it ends
            report = clean(w, as_of=moment, dry_run=dry_run)
        if as_json:
            emit(report.as_dict())
        else:
            for line in report.sentences():
                console.print(line, soft_wrap=True, markup=False)
        if report.failures:
            raise typer.Exit(1)

    @twins.command("expire")
    def twin_expire(twin: TwinId, as_json: Json = False) -> None:
        """Let a twin expire now; the next cleanup deletes it."""
        from twinpipe.db.ledger import expire_twin, get_twin
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            changed = expire_twin(w.engine, twin)
            row = get_twin(w.engine, twin)
        if as_json:
            emit({"twin": twin, "changed": changed, "expires_at": row.as_dict()["expires_at"]})
        else:
            console.print(f"twin {twin} {'expires now' if changed else 'has expired already'}")

    @twins.command("delete")
    def twin_delete(twin: TwinId, as_json: Json = False) -> None:
        """Delete a twin and drop its store; results and runs are kept as long as promised."""
        from datetime import UTC, datetime

        from twinpipe.cleanup import Report, limits, relay
        from twinpipe.db.ledger import delete_twin
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            changed = delete_twin(w.engine, twin, results_kept=limits(w.settings).results)
            report = Report(datetime.now(UTC), False)
            relay(w, report)
        if as_json:
            emit({"twin": twin, "changed": changed, "bytes": report.bytes, "failures": report.failures})
        elif changed:
            console.print(f"twin {twin} is deleted; {report.bytes:,} bytes went")
        else:
            console.print(f"twin {twin} was deleted before")
        if report.failures:
            raise typer.Exit(1)
