"""A completed run as a mission that the game's engine loads: profile, phases and manifest; domain 3.11."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from twinpipe.documents import (
    Compliance,
    Craft,
    DeployUnit,
    EconomicModel,
    Fit,
    FitUnit,
    Inventory,
    Manifest,
    ManifestPhase,
    MissionPhase,
    MissionProfile,
    OperationalParameters,
    OptimizedParameters,
    ProfilePhase,
    Resources,
    Risk,
    RiskAssessment,
    SetUnitState,
    Task,
)
from twinpipe.errors import InvalidInput
from twinpipe.game.completed import Completed
from twinpipe.game.equipment import installations, inventory, partner, work
from twinpipe.game.phases import DAYS, PlanPhase, plan_phases
from twinpipe.refusal import explain
from twinpipe.wording import intervention_name, intervention_rate

AUTHOR = "twinpipe"


def mission_id(run: Completed) -> str:
    """Name of a run's mission, and the beginning of its files' names."""
    return f"{run.spec.scenario.pattern}_twin_{run.twin_id}_run_{run.run_id}"


def mission_bundle(run: Completed, exported_at: str) -> dict[str, BaseModel]:
    """Name of each file and what it holds; the manifest stands there twice, since the game knows both names.

    Raises InvalidInput for a plan that the game's files cannot hold.
    """
    try:
        return _bundle(run, exported_at)
    except ValidationError as error:
        raise explain(error, "mission") from None


def _bundle(run: Completed, exported_at: str) -> dict[str, BaseModel]:
    mission, phases = mission_id(run), plan_phases(run.spec)
    files: dict[str, BaseModel] = {f"{mission}_profile_v1.json": _profile(run, mission, phases)}
    for number, phase in enumerate(phases, 1):
        files[f"{mission}_phase_{number}_v1.json"] = _tasks(run, phase)
    manifest = _manifest(run, mission, phases, exported_at)
    return files | {f"{mission}_manifest_v1.json": manifest, "manifest_v1.1.json": manifest}


def _tasks(run: Completed, phase: PlanPhase) -> MissionPhase:
    units, works = inventory(run.spec.scenario.interventions), installations(run.spec.scenario.undertakings)
    accounts = run.result["resource_consumption"]["interventions"]
    tasks = [
        Task(
            task_id=f"{phase.id}_{item.kind}_{k + 1}",
            description=f"{intervention_name(item)}, {intervention_rate(item)}",
            effects=[DeployUnit(unit=units[k].name), *work(item, units[k].name, accounts[k])],
        )
        for k, item in phase.interventions
    ]
    tasks += [
        Task(
            task_id=f"{phase.id}_{item.id}_{k + 1}",
            description=item.title or works[k].name,
            effects=[DeployUnit(unit=works[k].name), SetUnitState(unit=works[k].name, state="operational")],
        )
        for k, item in phase.undertakings
    ]
    return MissionPhase(phase_id=phase.id, name=phase.title, tasks=tasks)


def _profile(run: Completed, mission: str, phases: list[PlanPhase]) -> MissionProfile:
    start = run.result["start_state"]["atmosphere"]
    return MissionProfile(
        mission_id=mission,
        name=_title(run),
        manifest_file=f"{mission}_manifest_v1.json",
        phases=[
            ProfilePhase(phase_id=p.id, name=p.title, task_list_file=f"{mission}_phase_{n}_v1.json")
            for n, p in enumerate(phases, 1)
        ],
        start_conditions={k: start[k] for k in ("surface_temperature_k", "surface_pressure_pa")},
        completion_conditions=[
            f"{g['id']}: {g['measure']} reaches {g['target']:g}" for g in run.result["success_metrics"]["goals"]
        ],
        rewards=_revenue(run),
        risks=[caveat["text"] for caveat in run.result["performance_data"].get("caveats", [])],
        estimated_duration_years=float(run.spec.years),
    )


def _manifest(run: Completed, mission: str, phases: list[PlanPhase], exported_at: str) -> Manifest:
    scenario, consumed = run.spec.scenario, run.result["resource_consumption"]
    named, works = inventory(scenario.interventions), installations(scenario.undertakings)
    units = [named[k] for phase in phases for k, _ in phase.interventions]
    units += [u for phase in phases for k, item in phase.interventions if (u := partner(item, named[k].name))]
    units += [works[k] for phase in phases for k, _ in phase.undertakings]
    counts = {unit.id: sum(u.id == unit.id for u in units) for unit in units}
    return Manifest(
        manifest_id=f"{mission}_manifest_v1.1",
        mission_id=mission,
        mission_name=_title(run),
        mission_type=scenario.pattern,
        pattern_reference=scenario.pattern,
        description=_description(run),
        craft=Craft(
            id=f"{scenario.pattern}_fleet",
            name=f"{run.spec.body.name} deployment fleet",
            recommended_fit=Fit(units=[FitUnit(id=unit, count=n) for unit, n in counts.items()]),
        ),
        inventory=Inventory(units=units),
        resources=Resources(
            power_requirements={"peak_load_w": consumed["total"]["peak_power_w"]}, material_requirements=_materials(run)
        ),
        operational_parameters=OperationalParameters(mission_duration_days=run.spec.years * DAYS),
        optimized_parameters=OptimizedParameters(
            budget_multiplier=_budget_multiplier(run), scenario=dict(scenario.parameters)
        ),
        mission_phases=[_phase(run, phase) for phase in phases],
        economic_model=_economy(run),
        risk_assessment=_risks(run),
        compliance_verification=Compliance(),
        simulation_source=f"twinpipe twin {run.twin_id}, run {run.run_id}",
        author=f"{AUTHOR} {run.code_version}",
        created_date=run.created_at[:10],
        export_timestamp=exported_at,
        twinpipe=run.provenance,
    )


def _title(run: Completed) -> str:
    return f"{run.spec.body.name}: {run.spec.scenario.pattern.replace('_', ' ')}, {run.spec.years} years"


def _description(run: Completed) -> str:
    a, b = (run.result[key]["atmosphere"] for key in ("start_state", "end_state"))
    return (
        f"Simulated on a digital twin of {run.spec.body.name}: from {a['surface_temperature_k']:.1f} to "
        f"{b['surface_temperature_k']:.1f} K and from {a['surface_pressure_pa']:.3g} to "
        f"{b['surface_pressure_pa']:.3g} Pa in {run.spec.years} years; overall score {run.score:.2f}."
    )


def _phase(run: Completed, phase: PlanPhase) -> ManifestPhase:
    events = [event["event"] for event in run.result["key_events"] if phase.holds(event["year"])]
    return ManifestPhase(
        phase_id=phase.id,
        name=phase.title,
        start_year=phase.start_year,
        duration_days=phase.duration_days,
        milestone=events[-1] if events else None,
        events=list(dict.fromkeys(events)),
    )


def _materials(run: Completed) -> dict[str, float]:
    """kg of what is drawn, by what it is."""
    total: dict[str, float] = {}
    for item, account in zip(
        run.spec.scenario.interventions, run.result["resource_consumption"]["interventions"], strict=True
    ):
        if account["drawn_kg"] > 0:
            name = str(getattr(item, "gas", None) or getattr(item, "reactant", None) or item.kind.replace("_", " "))
            total[name] = total.get(name, 0.0) + account["drawn_kg"]
    return total


def _revenue(run: Completed) -> dict[str, float]:
    return {"player_contracts_gcc": run.contracts_gcc, "products_gcc": run.product_revenue_gcc}


def _economy(run: Completed) -> EconomicModel:
    units = inventory(run.spec.scenario.interventions)
    consumed = run.result["resource_consumption"]
    itemised = consumed.get("costs") or {}
    parts = {unit.name: consumed["interventions"][k]["cost_gcc"] for k, unit in units.items()}
    parts |= {
        k.removesuffix("_gcc"): itemised[k]
        for k in ("fleets_gcc", "undertakings_gcc", "contingency_gcc")
        if k in itemised
    }
    yearly = run.product_revenue_gcc / run.spec.years
    return EconomicModel(
        total_cost_gcc=run.cost_gcc,
        cost_breakdown=parts,
        revenue_projections=_revenue(run),
        roi_timeline_days=run.cost_gcc / yearly * DAYS if yearly > 0 else None,
    )


def _budget_multiplier(run: Completed) -> float:
    """Cost over budget, within what the game's form takes."""
    economy = run.spec.scenario.economy
    return min(max(run.cost_gcc / economy.budget_gcc, 0.5), 3.0) if economy is not None else 1.0


def _risks(run: Completed) -> RiskAssessment:
    metrics = run.result["success_metrics"]
    return RiskAssessment(
        schedule_risk=_risk(metrics["timeline_efficiency"]),
        resource_risk=_risk(metrics["resource_efficiency"]),
        financial_risk=_risk(metrics["cost_efficiency"]),
        mitigation_strategies=[f"give {goal} more time or means" for goal in run.unmet_goals],
    )


def _risk(score: float) -> Risk:
    return "low" if score >= 0.8 else "medium" if score >= 0.5 else "high"


def check_bundle(files: dict[str, Any]) -> None:
    """Refuse a bundle, as JSON, that is not what the published schemas say, or whose parts do not meet.

    Raises InvalidInput.
    """
    models: dict[str, type[BaseModel]] = {
        "_profile_v1.json": MissionProfile,
        "_manifest_v1.json": Manifest,
        "manifest_v1.1.json": Manifest,
    }
    for name, value in files.items():
        model = next((m for end, m in models.items() if name.endswith(end)), MissionPhase)
        try:
            model.model_validate(value, strict=True)
        except ValidationError as error:
            raise explain(error, name) from None
    profile = next(v for k, v in files.items() if k.endswith("_profile_v1.json"))
    manifest = files.get(profile["manifest_file"])
    if manifest is None or manifest != files.get("manifest_v1.1.json"):
        raise InvalidInput("manifest_file", profile["manifest_file"], "it names a file of the bundle, twice alike")
    there = {unit["name"] for unit in manifest["inventory"]["units"]}
    for phase in profile["phases"]:
        tasks = files.get(phase["task_list_file"])
        if tasks is None:
            raise InvalidInput("task_list_file", phase["task_list_file"], "it names a file of the bundle")
        for task in tasks["tasks"]:
            for effect in task["effects"]:
                for field in ("unit", "source_unit", "target_unit"):
                    if field in effect and effect[field] not in there:
                        raise InvalidInput(field, effect[field], "it is a unit of the manifest's inventory")
