"""The commands `db rollback` and `db import`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from twinpipe.cli_options import Json
from twinpipe.settings import load_settings


def register(database: typer.Typer, emit: Callable[[Any], None]) -> None:
    """Add the commands to `twinpipe db`."""
    console = Console(highlight=False)

    @database.command("rollback")
    def db_rollback(
        to: Annotated[str, typer.Option(help="Revision to go back to.")] = "base",
        export: Annotated[
            Path | None, typer.Option(help="New or empty folder for the rows; in HOME/exports when not given.")
        ] = None,
        keep_stores: Annotated[bool, typer.Option("--keep-stores", help="Leave the stores of the twins.")] = False,
        as_json: Json = False,
    ) -> None:
        """Stop jobs, export all rows as JSON lines, reverse migrations, clear stores, look for orphans."""
        from twinpipe.rollback import roll_back

        done = roll_back(load_settings(), to, export, keep_stores=keep_stores)
        if as_json:
            emit(done)
        else:
            rows = sum(f["rows"] for f in done["fingerprints"].values())
            console.print(f"{len(done['cancelled_runs'])} running runs cancelled")
            console.print(f"{rows} rows exported to {done['export']}", soft_wrap=True)
            console.print(f"schema from {done['from']} to {done['to']}, {len(done['dropped_tables'])} tables gone")
            console.print(f"{done['cleared_stores']} stores deleted, {len(done['stores_left'])} could not be")
            console.print(f"{sum(done['orphans'].values())} orphans")
            for sentence in done["stores_left"]:
                console.print(sentence, soft_wrap=True)
        if done["stores_left"] or done["orphans"]:
            raise typer.Exit(1)

    @database.command("import")
    def db_import(folder: Path, as_json: Json = False) -> None:
        """Bring exported rows back, all of them or none, and prove it by their fingerprints."""
        from twinpipe.rollback import bring_back

        done = bring_back(load_settings(), folder)
        if as_json:
            emit(done)
        else:
            rows = sum(f["rows"] for f in done["fingerprints"].values())
            console.print(f"{rows} rows of {done['exported_at']} are back, every fingerprint as it was")
