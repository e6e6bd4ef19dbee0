"""Milestones: what a plan itself dates, its phases, interventions, caps, gate and goals; each once, to the step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from twinpipe.constants import YEAR
from twinpipe.costs import spent
from twinpipe.goals import assess_goal, production
from twinpipe.intervention import GasExport, Schedule, is_natural
from twinpipe.measures import Outcome
from twinpipe.physics.interventions import activity
from twinpipe.undertaking import Undertaking

MILESTONES = frozenset(
    {
        "phase_started",
        "phase_complete",
        "intervention_started",
        "intervention_ended",
        "biosphere_seeded",
        "depletion_warning",
        "preservation_cap_reached",
        "magnetosphere_shield_activated",
        "contamination_gate_opened",
        "contamination_gate_closed",
        "depot_full",
        "disaster",
        "target_reached",
        "budget_exceeded",
    }
)
WARNING = 0.8  # of a cap, from which on it is told

Found = tuple[str, float, str, str, dict[str, float]]  # name in the scenario, year, id, description, data


def milestones(outcome: Outcome, resources: dict[str, Any]) -> list[dict[str, Any]]:
    """The milestones that the scenario asks for and that lie within the run."""
    asked, clock = outcome.spec.scenario.events, outcome.plan.clock
    return [
        {
            "year": round(clock.year_of_step(clock.step_at_year(year)), 3),
            "event": event,
            "description": description,
            "data": data,
        }
        for name, year, event, description, data in _all(outcome, resources)
        if name in asked and year <= outcome.spec.years
    ]


def _all(outcome: Outcome, resources: dict[str, Any]) -> Iterator[Found]:
    scenario, years = outcome.spec.scenario, outcome.spec.years
    for phase in scenario.phases:
        title = phase.title or phase.id
        yield "phase_started", phase.start_year, f"{phase.id}_phase_started", f"{title} began", {}
        if phase.end_year < years:  # what the run's own end cuts off has not ended
            yield "phase_complete", phase.end_year, f"{phase.id}_phase_complete", f"{title} ended", {}
    for k, item in enumerate(scenario.interventions):
        if is_natural(item):  # has an event of its own
            continue
        words, when, data = item.kind.replace("_", " "), item.schedule, {"intervention": float(k)}
        yield "intervention_started", when.start_year, "intervention_started", f"The {words} began", data
        if when.end_year < years:
            yield "intervention_ended", when.end_year, "intervention_ended", f"The {words} ended", data
        if item.kind == "inoculation":
            yield "biosphere_seeded", when.start_year, "biosphere_seeded", "Life was brought to the planet", data
        if isinstance(item, GasExport) and item.cap_kg is not None and item.capped:
            cap = {"cap_kg": item.cap_kg, "intervention": float(k)}
            low = when.year_of(WARNING * item.cap_kg / item.rate_kg_s / YEAR)
            text = f"{WARNING:.0%} of the {item.gas} that may be taken are taken"
            yield "depletion_warning", low, "depletion_warning", text, {**cap, "drawn_kg": WARNING * item.cap_kg}
            text = f"All {item.gas} that may be taken is taken, and the export stopped"
            yield "preservation_cap_reached", when.end_year, "preservation_cap_reached", text, cap
    for work in scenario.undertakings:
        if work.id == "magnetic_shield":
            text, name = "The magnetic shield is switched on", "magnetosphere_shield_activated"
            yield name, work.start_year, name, text, {}
        if work.stores is not None and work.storage_kg > 0:
            yield from _filled_up(outcome, work)
    if scenario.gate is not None and scenario.shaft is not None:
        name = "contamination_gate_opened" if scenario.gate.open else "contamination_gate_closed"
        text = "The index of contamination is at most 1, and the ocean may be tapped"
        if not scenario.gate.open:
            text = "The index of contamination exceeds 1, and the ocean is left alone"
        yield name, scenario.shaft.end_year, name, text, {"contamination_index": scenario.gate.index}
    for blow in scenario.disasters:
        yield "disaster", blow.year, f"disaster_{blow.id}", blow.title, {"size": blow.size}
    for goal in scenario.goals:
        found = assess_goal(outcome, goal)
        if found["achieved_year"] is not None:
            data = {"target": goal.target, "planned_year": goal.planned_year}
            text = f"The goal {goal.id} was reached"
            yield "target_reached", found["achieved_year"], "target_reached", text, data
    yield from _over_budget(outcome, resources)


def _filled_up(outcome: Outcome, depot: Undertaking) -> Iterator[Found]:
    """When what is made of a product since a depot stands fills it, if nothing is taken out."""
    clock, n = outcome.plan.clock, outcome.plan.n_steps
    there = activity(Schedule(start_year=depot.start_year, end_year=depot.end_year), clock, 0, n)
    filled = np.cumsum(production(outcome, depot.stores or "") * there) * clock.year_of_step(1)
    full = np.flatnonzero(filled >= depot.count * depot.storage_kg)
    if full.size:
        text, data = f"The stores of {depot.stores} are full", {"storage_kg": depot.count * depot.storage_kg}
        yield "depot_full", outcome.year(int(full[0])), "depot_full", text, data


def _over_budget(outcome: Outcome, resources: dict[str, Any]) -> Iterator[Found]:
    economy = outcome.spec.scenario.economy
    budget = economy.budget_gcc if economy is not None else math.inf
    if resources["costs"]["total_gcc"] > budget:
        step = int(np.argmax(spent(outcome, resources) > budget))
        data = {"budget_gcc": budget, "total_gcc": resources["costs"]["total_gcc"]}
        yield "budget_exceeded", outcome.year(step), "budget_exceeded", "The plan cost more than its budget", data
