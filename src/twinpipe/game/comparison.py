"""Completed runs side by side: the keys of the game's compare_scenarios, a ranking and a Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twinpipe.documents import Comparison
from twinpipe.errors import InvalidInput
from twinpipe.game.completed import METRICS, Completed
from twinpipe.pareto import pareto_front


def compare(runs: Sequence[Completed]) -> Comparison:
    """Two or more runs; raises InvalidInput for fewer."""
    given = {run.run_id: run for run in runs}
    if len(given) < 2:
        raise InvalidInput("runs", ", ".join(map(str, given)) or None, "at least two different runs are compared")
    ranked = sorted(given.values(), key=lambda run: (-run.score, run.cost_gcc, run.run_id))
    front = _front(ranked)
    return Comparison(
        total_costs={run.name: run.cost_gcc for run in ranked},
        player_revenue={run.name: run.contracts_gcc + run.product_revenue_gcc for run in ranked},
        efficiency_scores={run.name: run.score for run in ranked},
        recommendations=_recommendations(ranked),
        ranking=[_row(place, run, run in front) for place, run in enumerate(ranked, 1)],
        pareto_front=[run.name for run in front],
    )


def _front(runs: Sequence[Completed]) -> list[Completed]:
    """Runs that no other beats in both score and cost, cheapest first."""
    return pareto_front(runs, lambda run: (run.score, run.cost_gcc))


def _row(place: int, run: Completed, on_front: bool) -> dict[str, Any]:
    metrics = run.result["success_metrics"]
    return {
        "rank": place,
        "run": run.name,
        "run_id": run.run_id,
        "body": run.spec.body.name,
        "pattern": run.spec.scenario.pattern,
        "years": run.spec.years,
        "score": run.score,
        **{name: metrics[name] for name in METRICS},
        "goals_reached": len(metrics["goals"]) - len(run.unmet_goals),
        "goals": len(metrics["goals"]),
        "events": [event["event"] for event in run.result["key_events"]],
        "cost_gcc": run.cost_gcc,
        "cost_log10_gcc": run.cost_range,
        "contracts_gcc": run.contracts_gcc,
        "product_revenue_gcc": run.product_revenue_gcc,
        "on_pareto_front": on_front,
    }


def _uncertain(cheap: Completed, dear: Completed) -> list[str]:
    """A sentence where the ranges of two costs overlap."""
    least, most = dear.cost_range, cheap.cost_range
    if least is None or most is None or least["least"] > most["most"]:
        return []
    within = " and ".join(
        f"{run.name} costs 10^{span['least']:.1f} to 10^{span['most']:.1f} GCC"
        for run, span in ((cheap, most), (dear, least))
    )
    return [f"Which is cheaper is sure only as far as prices and energies err alike for both: {within}."]


def _recommendations(ranked: Sequence[Completed]) -> list[str]:
    """What is recommended; of runs without goals, of which nothing is asked, only where there are no others."""
    idle = [run for run in ranked if not run.spec.scenario.goals]
    judged = [run for run in ranked if run not in idle] or ranked
    best, front = judged[0], _front(judged)
    lines = [f"{best.name} has the best overall score ({best.score:.2f}) for {best.cost_gcc:.3g} GCC."]
    cheapest = front[0]
    if cheapest is not best:
        share = f"{100 * cheapest.cost_gcc / best.cost_gcc:.3g} % of the cost of {best.name}"
        lines.append(f"{cheapest.name} takes {share} and scores {best.score - cheapest.score:.2f} less.")
        lines += _uncertain(cheapest, best)
    if beaten := [run.name for run in judged if run not in front]:
        lines.append(f"Do without {', '.join(beaten)}: another run scores at least as much for no more.")
    if idle and judged is not ranked:
        names = ", ".join(run.name for run in idle)
        lines.append(f"Without goals, timeline and cost say nothing: {names} cannot be held against plans.")
    lines += [f"{run.name} has not reached {', '.join(run.unmet_goals)}." for run in ranked if run.unmet_goals]
    for what, values in (
        ("bodies", {run.spec.body.name for run in ranked}),
        ("durations", {f"{run.spec.years} years" for run in ranked}),
        ("formulas of the scores", {f"version {r.result['success_metrics']['metrics_version']}" for r in ranked}),
    ):
        if len(values) > 1:
            lines.append(f"The runs are of different {what}: {', '.join(sorted(values))}.")
    return lines
