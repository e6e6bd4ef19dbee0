"""The commands `pattern list` and `pattern show`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from twinpipe.cli_options import Commands, Json


def register(app: typer.Typer, emit: Callable[[Any], None]) -> None:
    """Add the group to `twinpipe`."""
    patterns = typer.Typer(help="Deployment patterns.", cls=Commands)
    app.add_typer(patterns, name="pattern")
    console = Console(highlight=False)

    @patterns.command("list")
    def pattern_list(as_json: Json = False) -> None:
        """List the patterns and their variants."""
        from twinpipe.scenario import load_pattern, pattern_names

        found = [load_pattern(name) for name in pattern_names()]
        if as_json:
            emit([{"name": p.name, "title": p.title, "variants": sorted(p.variants)} for p in found])
            return
        made = Table(title="Patterns", title_justify="left")
        for heading in ("name", "title", "variants"):
            made.add_column(heading, overflow="fold")
        for p in found:
            made.add_row(p.name, p.title, ", ".join(sorted(p.variants)))
        console.print(made)

    @patterns.command("interventions")
    def pattern_interventions(as_json: Json = False) -> None:
        """List the ids of the game's interventions, which scenario files may use, and what each is here."""
        from twinpipe.game.interventions import costs_told, game_interventions

        known = game_interventions()
        if as_json:
            emit({n: {**entry.model_dump(mode="json"), "costs": costs_told(entry)} for n, entry in known.items()})
            return
        made = Table(title="Interventions of the game", title_justify="left", show_lines=True)
        made.add_column("id", no_wrap=True)
        made.add_column("what it does, takes and costs", overflow="fold")
        for name, entry in known.items():
            takes = [
                f"{k} ({'' if p.unit == '1' else f'{p.unit}, '}{p.minimum:g} to {p.maximum:g})"
                for k, p in entry.parameters.items()
            ]
            takes += [f"{k} ({', '.join(words)})" for k, words in entry.choices.items()]
            felt = f"booked: {entry.booked}" if entry.booked else ", ".join(i["kind"] for i in entry.interventions)
            told = [entry.does, f"takes: {'; '.join(takes)}" if takes else "", f"debits: {entry.debits}"]
            told += [f"costs: {costs_told(entry)}", f"physics: {felt}"]
            made.add_row("\n".join((name, *entry.aliases)), "\n".join(filter(None, told)))
        console.print(made)

    @patterns.command("show")
    def pattern_show(name: Annotated[str, typer.Argument(metavar="NAME")], as_json: Json = False) -> None:
        """Show a pattern: what it does and needs, its parameters with units and bounds, variants, phases and goals."""
        from twinpipe.scenario import load_pattern

        p = load_pattern(name)
        if as_json:
            emit(p.model_dump(mode="json"))
            return
        console.print(f"{p.name}: {p.title}", markup=False)
        console.print(p.description, markup=False)
        console.print(f"needs of a body: {', '.join(p.requires.told()) or 'nothing'}", markup=False)
        made = Table(title="Parameters", title_justify="left")
        for heading in ("name", "unit", "default", "from", "to", "what it is"):
            made.add_column(heading, overflow="fold")
        for key, q in p.parameters.items():
            made.add_row(key, q.unit, f"{q.default:g}", f"{q.minimum:g}", f"{q.maximum:g}", q.description)
        if p.parameters:
            console.print(made)
        for key, variant in p.variants.items():
            values = ", ".join(f"{k} {v:g}" for k, v in variant.parameters.items())
            console.print(f"variant {key}: {variant.title}. {variant.description} ({values})", markup=False)
        for phase in p.phases:
            console.print(f"phase {phase['id']}: {phase.get('title', '')}", markup=False)
        for goal in p.goals:
            console.print(f"goal {goal['id']}: planned for year {goal['planned_year']}", markup=False)
