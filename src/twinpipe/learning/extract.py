"""What a completed run teaches: the conditions of its body, its phases, and which of its choices paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import get_args

from twinpipe.body import Body
from twinpipe.constants import MOLAR_MASS, SOLAR_CONSTANT_EARTH
from twinpipe.errors import InvalidInput
from twinpipe.game.completed import Completed
from twinpipe.game.equipment import inventory
from twinpipe.game.phases import PlanPhase, plan_phases
from twinpipe.intervention import ChemicalPlant, GasExport, Heater, Inoculation, StoreRelease, is_natural
from twinpipe.lesson import DeploymentPhase, Need, Optimization, RequiredConditions, SourceBody
from twinpipe.part import GasName
from twinpipe.scenario import Scenario

GASES: tuple[GasName, ...] = get_args(GasName)
AIR_PA = 1.0  # of air to speak of
FLUX, PRESSURE, GRAVITY = 1.6, 10.0, 2.0  # factors about the source's values within which a body counts as like it
FEWEST = 6  # trials of which a third can be told from the rest


@dataclass(frozen=True)
class Trial:
    """What was chosen, and what came of it."""

    parameters: dict[str, float]
    score: float


@dataclass(frozen=True)
class Lesson:
    """A learned pattern without a name."""

    required_conditions: RequiredConditions
    deployment_sequence: list[DeploymentPhase]
    optimizations: list[Optimization]
    success_score: float


def learn_from(run: Completed, others: Sequence[Trial] = ()) -> Lesson:
    """The lesson of a run beside others of the same pattern; raises InvalidInput when it did nothing."""
    phases = plan_phases(run.spec)
    if not any(phase.interventions or phase.undertakings for phase in phases):
        raise InvalidInput("run", run.run_id, "it did nothing to its planet, so that there is no deployment to learn")
    best = Trial(run.spec.scenario.parameters, run.score)
    return Lesson(
        required_conditions=conditions(run.spec.body, run.spec.scenario),
        deployment_sequence=deployment(run.spec.scenario, phases),
        optimizations=optimizations(best, others),
        success_score=run.score,
    )


def conditions(body: Body, scenario: Scenario) -> RequiredConditions:
    """What a body must be like, from the one on which a scenario did well and what the scenario takes from it."""
    air = main_gas(body)
    flux, gravity, pressure = body.orbit.solar_constant_w_m2, body.bulk.gravity_m_s2, body.surface_pressure_pa
    return RequiredConditions(
        celestial_body_type=body.kind,
        atmosphere_present=pressure > AIR_PA,
        surface_water_ice=has_surface_ice(body),
        solar_flux_range=_about(flux / SOLAR_CONSTANT_EARTH, FLUX),
        surface_pressure_range_pa=_about(pressure, PRESSURE) if pressure > AIR_PA else None,
        gravity_range_m_s2=_about(gravity, GRAVITY),
        main_gas=air if pressure > AIR_PA else None,
        gases=sorted({gas for gas in taken_gases(scenario) if body.atmosphere.mass_kg.get(gas, 0.0) > 0}),
        needs=[need for need in _needs(scenario) if has(body, need)],
        source=SourceBody(
            identifier=body.identifier,
            name=body.name,
            area_m2=body.bulk.area_m2,
            gravity_m_s2=gravity,
            solar_constant_w_m2=flux,
            air_kg=body.atmosphere.mass_kg,
        ),
    )


def main_gas(body: Body) -> GasName | None:
    """The gas of which there are most moles in the air."""
    moles = {gas: kg / MOLAR_MASS[gas] for gas, kg in body.atmosphere.mass_kg.items() if kg > 0}
    return max(moles, key=lambda gas: moles[gas], default=None)


def has_surface_ice(body: Body) -> bool:
    """Whether water ice lies on the ground."""
    return any(deposit.mass_kg > 0 for deposit in body.hydrosphere.surface_ice)


def has(body: Body, need: Need) -> bool:
    """Whether a body has what a plan works on."""
    match need:
        case "seasonal_co2_ice":
            return body.co2_ice is not None and body.co2_ice.condensation == "frost"
        case "buried_co2":
            return body.buried_co2 is not None and body.buried_co2.mass_kg > 0
        case "ground_ice":
            return body.hydrosphere.total_water_kg > 0
        case "ocean":
            return body.ice_shell is not None
        case "biosphere":
            return body.biosphere is not None


def taken_gases(scenario: Scenario) -> set[GasName]:
    """Gases that the interventions take from the air."""
    found: set[GasName] = set()
    for item in scenario.interventions:
        if isinstance(item, GasExport):
            found.add(item.gas)
        if isinstance(item, ChemicalPlant):
            found |= {gas for gas in GASES if gas == item.reactant}
    return found


def _needs(scenario: Scenario) -> list[Need]:
    found: dict[Need, None] = {}
    if "co2_caps_depleted" in scenario.events:
        found["seasonal_co2_ice"] = None
    stores: dict[str, Need] = {"ocean_water": "ocean", "ground_ice": "ground_ice", "buried_co2": "buried_co2"}
    for item in scenario.interventions:
        match item:
            case StoreRelease():
                found[stores[item.store]] = None
            case Heater(into="ocean"):
                found["ocean"] = None
            case Inoculation():
                found["biosphere"] = None
    return list(found)


def _about(value: float, factor: float) -> list[float]:
    return [value / factor, value * factor]


def deployment(scenario: Scenario, phases: Sequence[PlanPhase]) -> list[DeploymentPhase]:
    """Each phase with its equipment and its part of the plan: what starts in it, and the goals planned for it.

    What belongs to the plan as a whole, such as its budget, is in the first; what the run did not reach, in the last.
    What nature did is in none.
    """
    units = inventory(scenario.interventions)
    made = []
    for i, phase in enumerate(phases):
        last = i + 1 == len(phases)
        goals = [
            goal
            for goal in scenario.goals
            if (i == 0 or goal.planned_year > phase.start_year)
            and (last or goal.planned_year <= phases[i + 1].start_year)
        ]
        begun = {k for p in phases for k, _ in p.interventions}
        later = [x for k, x in enumerate(scenario.interventions) if last and k not in begun and not is_natural(x)]
        items = (*(item for _, item in phase.interventions), *later)
        part = (scenario if i == 0 else Scenario()).model_copy(
            update={"parameters": {}, "interventions": items, "disasters": (), "goals": tuple(goals)}
        )
        made.append(
            DeploymentPhase(
                phase=phase.id,
                duration_days=phase.duration_days,
                equipment=[*(units[k].name for k, _ in phase.interventions), *(u.id for _, u in phase.undertakings)],
                start_year=phase.start_year,
                scenario=part,
            )
        )
    return made


def optimizations(best: Trial, others: Sequence[Trial]) -> list[Optimization]:
    """Parameters whose value in the best trial paid, with the gain in score, largest first.

    Where trials differ from the best in that parameter alone: its score less their mean.  Else, of at least six, the
    mean score of the third nearest to the best's value less that of the rest.
    """
    alike = [t for t in others if t.parameters.keys() == best.parameters.keys()]
    found = []
    for name, value in best.parameters.items():
        others_differ = [t for t in alike if t.parameters[name] != value]
        alone = [t for t in others_differ if all(t.parameters[n] == v for n, v in best.parameters.items() if n != name)]
        if alone:
            gain, how = (
                best.score - fmean(t.score for t in alone),
                f"comparison with {len(alone)} that differ in it alone",
            )
        elif others_differ and len(alike) + 1 >= FEWEST:
            by_distance = sorted([best, *alike], key=lambda t: abs(t.parameters[name] - value))
            third = len(by_distance) // 3
            near, far = by_distance[:third], by_distance[third:]
            gain = fmean(t.score for t in near) - fmean(t.score for t in far)
            how = f"the third of {len(by_distance)} runs nearest to it against the rest"
        else:
            continue
        if gain > 0:
            found.append(Optimization(id=name, description=f"{name} = {value:g}, by {how}", gain=gain))
    return sorted(found, key=lambda o: -(o.gain or 0.0))
