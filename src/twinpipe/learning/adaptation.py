"""A learned deployment on another body: amounts scaled by stated rules, years and places kept.

pressure   mass of gas for the same change of pressure, M g / A: times (A2 / A1) (g1 / g2)
area       mass or power for the same on each square metre: times A2 / A1
light      mirror for the same power on each square metre, r S A_mirror / A: times (A2 / A1) (S1 / S2)
inventory  mass for the same share of what there is of a gas in the air: times M2 / M1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from twinpipe.body import Body
from twinpipe.errors import InvalidInput
from twinpipe.lesson import DeploymentPhase, SourceBody
from twinpipe.refusal import explain
from twinpipe.scenario import Scenario

Rule = Literal["pressure", "area", "light", "inventory"]
# kind of intervention -> its amounts and their rule; what is not named, such as a share of the area, is kept
RULES: dict[str, dict[str, Rule]] = {
    "super_greenhouse_gas": {"rate_kg_s": "pressure"},
    "aerosol": {"rate_kg_s": "area"},
    "orbital_mirror": {"area_m2": "light"},
    "sunshade": {},
    "dark_dust": {"rate_kg_s": "area"},
    "albedo_paint": {},
    "heater": {"power_w": "area"},
    "volatile_import": {"rate_kg_s": "pressure"},
    "gas_export": {"rate_kg_s": "pressure", "cap_kg": "inventory"},
    "store_release": {"rate_kg_s": "area"},
    "reaction": {"rate_kg_s": "pressure", "supply_kg_s": "pressure"},
    "inoculation": {"rate_kg_s": "area"},
    "aerogel_cover": {},
}
FLEET: dict[str, Rule] = dict.fromkeys(("first", "growth_per_year", "largest", "wanted_kg"), "pressure")
OF_PATTERN = ("pattern", "variant", "forced", "parameters")  # of the pattern that it was learned from, not of the plan


@dataclass(frozen=True)
class Adapted:
    """A scenario for another body, and what was changed for it."""

    scenario: Scenario
    changes: tuple[str, ...]


def whole_plan(phases: Sequence[DeploymentPhase]) -> dict[str, Any]:
    """The plan of all phases as a table: their interventions and goals in order, the rest from the first."""
    parts = [p.scenario.model_dump(mode="json") for p in phases if p.scenario is not None]
    if not parts:
        raise InvalidInput("deployment_sequence", len(phases), "it must have phases that say what they do")
    joined = {key: [item for part in parts for item in part[key]] for key in ("interventions", "goals")}
    return {**{k: v for k, v in parts[0].items() if k not in OF_PATTERN}, **joined}


def adapt(pattern_id: str, phases: Sequence[DeploymentPhase], source: SourceBody | None, body: Body) -> Adapted:
    """The deployment on a body; raises InvalidInput when it cannot be told what it was learned on."""
    if source is None:
        raise InvalidInput("required_conditions.source", None, "without it amounts cannot be scaled to another body")
    plan, common = whole_plan(phases), _factors(source, body)
    changes: list[str] = []

    def scale(table: dict[str, Any], rules: dict[str, Rule], of: str) -> dict[str, Any]:
        made = dict(table)
        factors = common | {"inventory": _inventory(source, body, table.get("gas"))}
        for field, rule in rules.items():
            old, factor = made.get(field), factors[rule]
            if old is None or factor == 1:
                continue
            made[field] = {k: v * factor for k, v in old.items()} if isinstance(old, dict) else old * factor
            told = f"{old:.4g} to {made[field]:.4g}" if isinstance(old, float | int) else f"times {factor:.4g}"
            changes.append(f"{field} of {of}: {told}, for the same {rule}")
        return made

    plan["interventions"] = [scale(i, RULES[i["kind"]], i["kind"].replace("_", " ")) for i in plan["interventions"]]
    if "fleets" in plan:
        plan["fleets"] = [scale(fleet, FLEET, f"fleet {fleet['id']}") for fleet in plan["fleets"]]
    plan["goals"] = [
        scale(goal, {"target": "pressure"} if goal["measure"].startswith("production") else {}, f"goal {goal['id']}")
        for goal in plan["goals"]
    ]
    if plan.get("economy") is not None:
        plan["economy"] = scale(plan["economy"], {"budget_gcc": "area"}, "the economy")
    try:
        scenario = Scenario.model_validate({**plan, "pattern": "custom", "learned_pattern": pattern_id})
    except ValidationError as error:
        raise explain(error, pattern_id) from None
    return Adapted(scenario, tuple(changes))


def _inventory(source: SourceBody, body: Body, gas: Any) -> float:
    """What there is of a gas in a body's air over what there was of it where the pattern was learned."""
    own = source.air_kg.get(gas, 0.0)
    return body.atmosphere.mass_kg.get(gas, 0.0) / own if own > 0 else 0.0


def _factors(source: SourceBody, body: Body) -> dict[Rule, float]:
    area = body.bulk.area_m2 / source.area_m2
    return {
        "area": area,
        "pressure": area * source.gravity_m_s2 / body.bulk.gravity_m_s2,
        "light": area * source.solar_constant_w_m2 / body.orbit.solar_constant_w_m2,
    }
