"""The commands `result compare`, `result export`, `result manifest` and `result body`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from twinpipe.cli_options import LARGEST, Json, RunId

RunIds = Annotated[list[int], typer.Argument(metavar="RUN...", min=1, max=LARGEST)]


def register(results: typer.Typer, emit: Callable[[Any], None]) -> None:
    """Add the commands to `twinpipe result`."""
    console = Console(highlight=False, soft_wrap=True)

    @results.command("compare")
    def result_compare(run_ids: RunIds, as_json: Json = False) -> None:
        """Compare completed runs: costs, revenue, scores, who beats whom, and what is recommended."""
        from twinpipe.exporting import compare_runs
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            found = compare_runs(w, run_ids)
        if as_json:
            emit(found.model_dump(mode="json"))
            return
        made = Table(title="Runs by overall score; * none beats it in both score and cost", title_justify="left")
        headings = ("", "run", "pattern", "years", "score", "habitable", "goals")
        for heading in (*headings, "cost (GCC)", "log10 of it", "revenue (GCC)"):
            made.add_column(heading, justify="left" if heading in ("", "pattern") else "right")
        for row in found.ranking:
            made.add_row(
                "*" if row["on_pareto_front"] else "",
                str(row["run_id"]),
                row["pattern"],
                str(row["years"]),
                f"{row['score']:.3f}",
                f"{row['habitability_score']:.3f}",
                f"{row['goals_reached']}/{row['goals']}",
                f"{row['cost_gcc']:.3g}",
                " to ".join(f"{x:.1f}" for x in (row["cost_log10_gcc"] or {}).values()),
                f"{found.player_revenue[row['run']]:.3g}",
            )
        console.print(made)
        for line in found.recommendations:
            console.print(line, markup=False)

    @results.command("export")
    def result_export(
        run_ids: RunIds,
        to: Annotated[Path | None, typer.Option("--to", help="Folder for a file for each run.")] = None,
        as_json: Json = False,
    ) -> None:
        """Give out results as JSON, a line for each run, or a file for each in a folder."""
        from twinpipe.exporting import export_results
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            made = export_results(w, run_ids, to)
        if as_json:
            emit(made)
        elif to is None:
            for value in made:
                typer.echo(orjson.dumps(value).decode())
        else:
            for value in made:
                console.print(str(to / f"run-{value['simulation_run_id']}.json"), markup=False)

    @results.command("manifest")
    def result_manifest(
        run_id: RunId,
        to: Annotated[Path | None, typer.Option("--to", help="Folder of missions; HOME/exports if not given.")] = None,
        as_json: Json = False,
    ) -> None:
        """Give out a completed run as a mission of the game: profile, phases and manifest in a folder of their own."""
        from twinpipe.exporting import export_manifest
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            bundle = export_manifest(w, run_id, to)
        if as_json:
            emit(bundle.as_dict())
            return
        console.print(f"{bundle.folder}{'' if bundle.new else ' was there already'}", markup=False)
        for name in bundle.files:
            console.print(f"  {name}", markup=False)

    @results.command("body")
    def result_body(
        run_id: RunId,
        to: Annotated[Path | None, typer.Option("--to", help="File to write; printed if not given.")] = None,
        as_json: Json = False,
    ) -> None:
        """Give out the end state of a completed run as a body file of the game, which can be imported again."""
        from twinpipe.exporting import body_text, export_body
        from twinpipe.workplace import open_workplace

        with open_workplace() as w:
            made = export_body(w, run_id, to)
        if to is None or as_json:
            typer.echo(body_text(made).decode(), nl=False)
            return
        console.print(str(to), markup=False)
        for name, kg in made.metadata.left_out_kg.items():
            console.print(
                f"left out: {kg:.4g} kg of {name.replace('_', ' ')}, which a body of the game cannot have", markup=False
            )
