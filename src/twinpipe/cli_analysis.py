"""Commands of analysts: pictures and reports, and copies for other tools."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from twinpipe.cli_options import LARGEST, Commands, Json, RunId

Emit = Callable[[Any], None]
Number = Annotated[int, typer.Argument(metavar="ID", min=1, max=LARGEST, help="Its number in the ledger.")]
To = Annotated[Path, typer.Option("--to", metavar="FILE", help="FILE.nc for NetCDF, or FOLDER.zarr.")]

console = Console(highlight=False)


class Kind(StrEnum):
    """Pictures of a run."""

    HERO = "hero"
    MAPS = "maps"
    SERIES = "series"
    HOVMOELLER = "hovmoeller"
    SEASONS = "seasons"
    EVENTS = "events"
    ANIMATION = "animation"


class ReadBy(StrEnum):
    """What the chunks of a Zarr copy are for."""

    SERIES = "series"
    ENSEMBLE = "ensemble"


Chunks = Annotated[
    ReadBy, typer.Option(help="What a Zarr copy is read for: whole series at places, or all members at times.")
]


def register(app: typer.Typer, emit: Emit) -> None:
    """Add the commands to `twinpipe`."""
    export = typer.Typer(help="Copies of outputs for other tools.", cls=Commands)
    app.add_typer(export, name="export")

    @app.command()
    def plot(
        run: RunId,
        kind: Annotated[
            list[Kind] | None, typer.Option(help="One picture, or several; the report with its own when not given.")
        ] = None,
        against: Annotated[
            int | None, typer.Option(min=1, max=LARGEST, help="Compare with this run, on the same grid.")
        ] = None,
        as_json: Json = False,
    ) -> None:
        """Draw pictures of a completed run; without --kind and --against, its report."""
        from twinpipe import drawing
        from twinpipe.reporting import write_run_report
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            if not kind and against is None:
                written = write_run_report(w, run)
                files = {"report": written.html, **written.pictures}
            else:
                files = drawing.draw_pictures(w, run, [k.value for k in kind or []])
                if against is not None:
                    files["comparison"] = drawing.draw_comparison(w, run, against)
        _told({name: str(path) for name, path in files.items()}, as_json)

    @export.command("run")
    def export_run(run: Number, to: To, chunks: Chunks = ReadBy.SERIES, as_json: Json = False) -> None:
        """Copy the outputs of a completed run to NetCDF or to a Zarr store with other chunks."""
        _export("run", run, to, chunks, as_json)

    @export.command("twin")
    def export_twin(twin: Number, to: To, chunks: Chunks = ReadBy.SERIES, as_json: Json = False) -> None:
        """Copy the climate that a twin's runs start from to NetCDF or Zarr."""
        _export("twin", twin, to, chunks, as_json)

    @export.command("sweep")
    def export_sweep(sweep: Number, to: To, chunks: Chunks = ReadBy.ENSEMBLE, as_json: Json = False) -> None:
        """Copy the outputs of a completed sweep to NetCDF or to a Zarr store with other chunks."""
        _export("sweep", sweep, to, chunks, as_json)

    report = typer.Typer(help="Reports: one HTML file each, which needs nothing else.", cls=Commands)
    app.add_typer(report, name="report")

    @report.command("run")
    def report_run(run: Number, as_json: Json = False) -> None:
        """Write the report of a completed run."""
        from twinpipe.reporting import write_run_report
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            _told({"report": str(write_run_report(w, run).html)}, as_json)

    @report.command("sweep")
    def report_sweep(sweep: Number, as_json: Json = False) -> None:
        """Write the report of a completed sweep: spread, events, what answers to what was varied, every member."""
        from twinpipe import drawing
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            _told({"report": str(drawing.report_sweep(w, sweep))}, as_json)

    def _export(what: Literal["run", "twin", "sweep"], number: int, to: Path, chunks: ReadBy, as_json: bool) -> None:
        from twinpipe import lookup
        from twinpipe.export import export
        from twinpipe.workplace import open_workplace

        opener = {"run": lookup.run_tree, "twin": lookup.twin_tree, "sweep": lookup.sweep_tree}[what]
        with open_workplace() as w, opener(w, number) as tree:
            export(tree, to, chunks.value)
        _told({"exported": str(to.absolute())}, as_json)

    def _told(files: dict[str, str], as_json: bool) -> None:
        if as_json:
            emit(files)
            return
        for name, path in files.items():
            console.print(f"{name}: {path}", soft_wrap=True)
