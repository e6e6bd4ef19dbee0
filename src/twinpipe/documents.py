"""Documents that leave for the game, as models: results, mission bundles, body files; domain 1.7, 3.11 and 3.12.

Of the mission engine's actions only those stand here that are written, so that no other can pass.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from twinpipe.consumption import Name, Text
from twinpipe.part import Finite, Fraction, NotNegative, Part, Positive
from twinpipe.payloads import Digest, KeyEvent, PerformanceData, PlanetState, ResourceConsumption, SuccessMetrics

Number = Annotated[int, Field(ge=1, le=2**63 - 1)]
Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")]
Risk = Literal["low", "medium", "high"]


class ExportedResult(Part):
    """The result of a run; states have the game's field names beside those of the ledger."""

    simulation_run_id: Number
    digital_twin_id: Number
    pattern: Name
    duration_years: Annotated[int, Field(ge=1, le=1000)]
    start_state: PlanetState
    end_state: PlanetState
    key_events: list[KeyEvent]
    resource_consumption: ResourceConsumption
    success_metrics: SuccessMetrics
    performance_data: PerformanceData
    payload_sha256: Digest
    created_at: Time


class Provenance(Part):
    """Which run a document is of, and how to prove it."""

    run_id: Number
    run_key: Text
    twin_id: Number
    twin_key: Text
    seed: Annotated[int, Field(ge=0)]
    spec_digest: Digest
    body_digest: Digest
    code_version: Text
    code_fingerprint: str
    metrics_version: Annotated[int, Field(ge=1)]
    result_sha256: Digest


class DeployUnit(Part):
    action: Literal["deploy_unit"] = "deploy_unit"
    unit: Text = Field(description="name of a unit of the manifest's inventory")
    count: Annotated[int, Field(ge=1, le=100)] = 1


class SetUnitState(Part):
    action: Literal["set_unit_state"] = "set_unit_state"
    unit: Text
    state: Literal["operational", "standby", "decommissioned"]


class Material(Part):
    material: Text
    quantity: NotNegative = Field(description="kg for each kg that is made")


class Manufacture(Part):
    action: Literal["manufacture"] = "manufacture"
    unit: Text
    output: Text
    inputs: list[Material] = Field([])
    quantity: NotNegative = Field(description="kg")


class TransferResource(Part):
    action: Literal["transfer_resource"] = "transfer_resource"
    source_unit: Text
    target_unit: Text
    resource: Text
    continuous: bool = True


Effect = Annotated[DeployUnit | SetUnitState | Manufacture | TransferResource, Field(discriminator="action")]


class Task(Part):
    task_id: Name
    description: Text
    effects: Annotated[list[Effect], Field(min_length=1)]


class MissionPhase(Part):
    """The tasks of a phase, <id>_phase_N_v1.json."""

    phase_id: Name
    name: Text
    tasks: list[Task]


class ProfilePhase(Part):
    phase_id: Name
    name: Text
    task_list_file: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+_phase_[1-9][0-9]*_v1\.json$")]


class MissionProfile(Part):
    """What a mission is and where its phases stand, <id>_profile_v1.json."""

    template: Literal["mission_profile"] = "mission_profile"
    mission_id: Name
    name: Text
    manifest_file: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+_manifest_v1\.json$")]
    phases: Annotated[list[ProfilePhase], Field(min_length=1)]
    start_conditions: dict[Name, Finite]
    completion_conditions: list[Text]
    rewards: dict[Name, NotNegative]
    risks: list[Text]
    estimated_duration_years: Positive
    priority: Literal["balanced", "speed", "efficiency", "reliability"] = "balanced"
    category: Literal["terraforming"] = "terraforming"


class InventoryUnit(Part):
    id: Name
    name: Text
    count: Annotated[int, Field(ge=1, le=100)] = 1


class Inventory(Part):
    units: list[InventoryUnit]

    @model_validator(mode="after")
    def _names_differ(self) -> Inventory:
        if len({unit.name for unit in self.units}) < len(self.units):
            raise ValueError("units must have different names, by which the engine finds them")
        return self


class FitUnit(Part):
    id: Name
    count: Annotated[int, Field(ge=1)]


class Fit(Part):
    modules: list[FitUnit] = Field([])
    units: list[FitUnit]


class Craft(Part):
    id: Name
    name: Text
    use_recommended_fit: bool = True
    recommended_fit: Fit
    installed_units: list[InventoryUnit] = Field([])


class ManifestPhase(Part):
    phase_id: Name
    name: Text
    start_year: NotNegative
    duration_days: NotNegative
    milestone: Text | None
    events: list[Name]


class EconomicModel(Part):
    """GCC; revenue is what players earn by contracts and what products sell for."""

    total_cost_gcc: NotNegative
    cost_breakdown: dict[Text, NotNegative]
    revenue_projections: dict[Name, NotNegative]
    roi_timeline_days: NotNegative | None


class RiskAssessment(Part):
    schedule_risk: Risk
    resource_risk: Risk
    financial_risk: Risk
    mitigation_strategies: list[Text] = Field([])


class Compliance(Part):
    mass_budget: Literal["verified"] = "verified"
    energy_budget: Literal["verified"] = "verified"
    mission_actions: Literal["verified"] = "verified"


class OptimizedParameters(Part):
    """The knobs of the game's form, and those that the plan had."""

    budget_multiplier: Annotated[float, Field(ge=0.5, le=3)]
    tech_level: Literal["current", "standard", "advanced", "experimental"] = "standard"
    priority: Literal["balanced", "speed", "efficiency", "reliability"] = "balanced"
    scenario: dict[Name, Finite] = Field({}, description="parameters of the pattern")


class OperationalParameters(Part):
    mission_duration_days: Positive


class Resources(Part):
    power_requirements: dict[Literal["peak_load_w"], NotNegative]
    material_requirements: dict[Text, NotNegative] = Field(description="kg")


class Manifest(Part):
    """A mission as all three shapes of the game's manifest v1.1 have it, with an inventory and its provenance."""

    template: Literal["mission_manifest"] = "mission_manifest"
    manifest_id: Name
    version: Literal["1.1"] = "1.1"
    manifest_version: Literal["1.1"] = "1.1"
    template_version: Literal["v1.1"] = "v1.1"
    mission_id: Name
    mission_name: Text
    mission_category: Literal["terraforming"] = "terraforming"
    mission_type: Name
    pattern_reference: Name
    description: Text
    craft: Craft
    inventory: Inventory
    resources: Resources
    operational_parameters: OperationalParameters
    optimized_parameters: OptimizedParameters
    mission_phases: Annotated[list[ManifestPhase], Field(min_length=1)]
    economic_model: EconomicModel
    risk_assessment: RiskAssessment
    compliance_verification: Compliance
    simulation_source: Text
    author: Text
    created_date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    export_timestamp: Time
    validation_status: Literal["simulation_verified"] = "simulation_verified"
    twinpipe: Provenance


class Share(Part):
    percentage: Annotated[float, Field(ge=0, le=100.000001)]


class GameAtmosphere(Part):
    """Percent of the volume, bar, kg."""

    composition: dict[Name, Share]
    pressure: NotNegative
    total_atmospheric_mass: NotNegative


class StateDistribution(Part):
    """Percent of the mass."""

    liquid: Annotated[float, Field(ge=0, le=100.000001)]
    solid: Annotated[float, Field(ge=0, le=100.000001)]
    gas: Annotated[float, Field(ge=0, le=100.000001)]


class GameHydrosphere(Part):
    """kg, percent of the mass."""

    total_hydrosphere_mass: NotNegative
    liquid_bodies: dict[str, Any]
    composition: dict[Name, Annotated[float, Field(ge=0, le=100.000001)]]
    state_distribution: StateDistribution


class GameGeosphere(Part):
    """kg by compound and place."""

    stored_volatiles: dict[Name, dict[Name, NotNegative]]


class GameDistance(Part):
    star_name: Text
    distance: Positive = Field(description="km")


class GameOrbit(Part):
    eccentricity: Annotated[float, Field(ge=0, lt=1)]


class GameBody(Part):
    """A body in the game's words and units; nothing that the game's loader does not know."""

    identifier: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9_.-]{1,63}$")]
    name: Text
    type: Literal["terrestrial_planet", "moon", "dwarf_planet"]
    parent_body: Text | None = None
    mass: Annotated[str, Field(pattern=r"^\d+(\.\d+)?(e\d+)?$", description="kg")]
    radius: Positive = Field(description="m")
    density: Positive = Field(description="g/cm3")
    size: Positive = Field(description="Earth radii")
    gravity: Positive = Field(description="m/s2")
    orbital_period: Positive = Field(description="days; of a moon round its planet")
    rotational_period: Positive = Field(description="days")
    axial_tilt: Annotated[float, Field(ge=0, le=180)]
    surface_temperature: Positive = Field(description="K")
    albedo: Fraction
    insolation: Positive = Field(description="W/m2")
    known_pressure: NotNegative = Field(description="bar")
    star_distances: list[GameDistance]
    orbital_elements: GameOrbit
    atmosphere_attributes: GameAtmosphere
    hydrosphere_attributes: GameHydrosphere
    geosphere_attributes: GameGeosphere


class GameStar(Part):
    name: Text
    identifier: Text
    mass: Positive = Field(description="kg")
    luminosity: Positive = Field(description="W")


class Named(Part):
    name: Text
    identifier: Text


class GameBodies(Part):
    terrestrial_planets: list[GameBody] = Field([])
    major_moons: list[GameBody] = Field([])
    dwarf_planets: list[GameBody] = Field([])


class BodyFileNotes(Part):
    """What the file cannot hold, and where it is from."""

    twinpipe: Provenance
    year: NotNegative
    left_out_kg: dict[Name, NotNegative] = Field({}, description="substances that a body of the game does not have")


class BodyFile(Part):
    """The end state of a run as a file of the game's grouped dialect."""

    id: Text
    name: Text
    identifier: Text
    solar_system: Named
    stars: Annotated[list[GameStar], Field(min_length=1)]
    celestial_bodies: GameBodies
    metadata: BodyFileNotes


class Comparison(Part):
    """Runs side by side, by name: the game's four keys, and what they rest on."""

    total_costs: dict[Name, NotNegative] = Field(description="GCC")
    player_revenue: dict[Name, NotNegative] = Field(description="GCC")
    efficiency_scores: dict[Name, Fraction] = Field(description="overall score, best first")
    recommendations: list[Text]
    ranking: list[dict[str, Any]]
    pareto_front: list[Name] = Field(description="runs that none beats in both score and cost, cheapest first")
