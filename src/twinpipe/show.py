"""How rows and results are shown to people at a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table

from twinpipe.body import Body
from twinpipe.db.rows import RunRow, TwinRow
from twinpipe.game.importer import ImportReport


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def show_body(console: Console, body: Body) -> None:
    """Every number of a body with its source."""
    made = Table(title=f"{body.name} ({body.identifier})", title_justify="left")
    for heading in ("field", "value", "source"):
        made.add_column(heading, overflow="fold")
    for path, value in _leaves(body.model_dump(mode="json", exclude={"sources", "assumptions"})):
        if value not in (None, [], {}):
            made.add_row(path, f"{value:g}" if isinstance(value, float) else str(value), body.sources.get(path, ""))
    console.print(made)
    for line in body.assumptions:
        console.print(f"assumed: {line}")


def show_import(console: Console, report: ImportReport) -> None:
    """What was imported, assumed, and found inconsistent."""
    console.print(f"dialect: {report.dialect}")
    for item in report.bodies:
        console.print(f"imported {item.body.name} as {item.body.identifier}")
        for line in item.assumptions:
            console.print(f"  assumed: {line}")
        for line in item.inconsistencies:
            console.print(f"  inconsistent: {line}")
    for body in report.skipped:
        console.print(f"skipped {body.identifier}: {body.why}")


def show_created(console: Console, twin: TwinRow, new: bool) -> None:
    """A twin that was asked for, whether it was there already, and until when it lives."""
    said = f"twin {twin.id} of {twin.body_name}: {twin.status}, {twin.store_path or 'no store yet'}"
    if not new:
        expiry = f"expires {twin.expires_at:%Y-%m-%d}" if twin.expires_at else "never expires"
        said += f"; it was there already and {expiry}, as before (--again makes another)"
    console.print(said, soft_wrap=True)


def show_twin(console: Console, twin: TwinRow, runs: list[RunRow]) -> None:
    """A twin and its runs."""
    expiry = f"expires {twin.expires_at:%Y-%m-%d}" if twin.expires_at else "never expires"
    console.print(f"twin {twin.id} {twin.name!r}: {twin.body_name} ({twin.body}), {twin.status}, {expiry}")
    console.print(f"store: {twin.store_path}", soft_wrap=True)
    made = Table(title="Runs", title_justify="left")
    for heading in ("id", "pattern", "years", "status", "progress", "message"):
        made.add_column(heading)
    for run in runs:
        progress = f"{run.progress:.0%}"
        made.add_row(str(run.id), run.pattern, str(run.duration_years), run.status, progress, run.error_message or "")
    console.print(made)


def story_table(rows: list[dict[str, float]]) -> Table:
    """The planet at a few years."""
    made = Table(title="The planet, means over the orbit before", title_justify="left")
    for heading in ("year", "temperature (K)", "pressure (Pa)", "CO2 ice (kg)"):
        made.add_column(heading, justify="right")
    for row in rows:
        made.add_row(
            f"{row['year']:g}",
            f"{row['surface_temperature_k']:.2f}",
            f"{row['surface_pressure_pa']:,.1f}",
            f"{row['co2_ice_kg']:.3g}",
        )
    return made


def goals_table(goals: list[dict[str, Any]]) -> Table:
    """Goals with the years in which they were planned and reached."""
    made = Table(title="Goals", title_justify="left")
    for heading in ("goal", "target", "at the end", "planned", "reached"):
        made.add_column(heading)
    for goal in goals:
        reached = f"{goal['achieved_year']:.1f}" if goal["achieved_year"] is not None else f"{goal['progress']:.0%}"
        numbers = (f"{goal['target']:.4g}", f"{goal['value']:.4g}", f"{goal['planned_year']:g}", reached)
        made.add_row(goal["id"], *numbers)
    return made


def bill(resources: dict[str, Any]) -> str:
    """What a plan cost and what bound it, in a sentence; products too."""
    said = f"cost {resources['total']['cost_gcc']:.3g} GCC, energy {resources['total']['energy_j']:.3g} J"
    made = ", ".join(f"{mass:.3g} kg of {name}" for name, mass in resources.get("products_kg", {}).items())
    said += f"; made {made}" if made else ""
    if resources.get("log10") and resources["log10"]["cost_gcc"]:
        low, high = (10 ** resources["log10"]["cost_gcc"][end] for end in ("least", "most"))
        said = said.replace(" GCC,", f" GCC ({low:.1g} to {high:.1g}),", 1)
    limits = ", ".join(f"{share:.2g} times the {name}" for name, share in resources.get("limits", {}).items())
    if limits:
        said += f"; bound by {resources['binding_limit'] or 'nothing'}: it asked for {limits} that there was"
    return said


def show_result(console: Console, result: dict[str, Any]) -> None:
    """The story of a run: table, events, scores, budgets, store."""
    performance, metrics = result["performance_data"], result["success_metrics"]
    console.print(f"twin {result['twin_id']}, run {result['run_id']}")
    console.print(story_table(performance["story"]))
    events = Table(title="Events", title_justify="left")
    for heading in ("year", "event", "what happened"):
        events.add_column(heading)
    for event in result["key_events"]:
        events.add_row(f"{event['year']:.2f}", event["event"], event["description"])
    console.print(events if result["key_events"] else "No events.")
    if metrics["goals"]:
        console.print(goals_table(metrics["goals"]))
    scores = Table(title=f"Scores, formula version {metrics['metrics_version']}", title_justify="left")
    scores.add_column("metric")
    scores.add_column("score", justify="right")
    for name in ("habitability_score", "timeline_efficiency", "resource_efficiency", "cost_efficiency"):
        scores.add_row(name, f"{metrics[name]:.3f}")
    if metrics.get("goal_attainment") is not None:
        scores.add_row("goal_attainment", f"{metrics['goal_attainment']:.3f}")
    console.print(scores)
    console.print(bill(result["resource_consumption"]), soft_wrap=True)
    mass, energy = performance["mass_error"], performance["energy_error"]
    console.print(f"books close: mass to {mass:.1e}, energy to {energy:.1e} of what moved")
    for caveat in performance.get("caveats", []):
        console.print(f"caveat: {caveat['text']}", soft_wrap=True)
    console.print(f"store: {performance['store']}", soft_wrap=True)
