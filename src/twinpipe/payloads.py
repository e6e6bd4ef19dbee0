"""What the ledger's JSON columns hold, as models; every writer's values pass through here before the database.

Validation is strict: a number is never text, a truth is never a number, keys that are not declared are errors,
and numbers are finite.  A sphere of a planet's state may hold further finite measures than those that are named,
since bodies differ in what is worth measuring.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from twinpipe.body import Body
from twinpipe.consumption import Name, Score, Text
from twinpipe.consumption import ResourceConsumption as ResourceConsumption
from twinpipe.digest import canonical_json
from twinpipe.errors import BudgetError, InvalidInput
from twinpipe.grid import Grid
from twinpipe.lesson import DeploymentPhase as DeploymentPhase  # one place to import what columns hold
from twinpipe.lesson import Optimization as Optimization
from twinpipe.lesson import RequiredConditions as RequiredConditions
from twinpipe.messages import AuditDetail, Dropped, OutboxPayload
from twinpipe.part import Finite, NotNegative, Part, Positive
from twinpipe.refusal import explain
from twinpipe.scenario import Goal
from twinpipe.spec import RunChoices
from twinpipe.sweep_spec import SweepSpec

SCHEMA_VERSION = 1  # of the payloads of a result; simulation_results.schema_version

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Percent = Annotated[float, Field(ge=0, le=100.000001)]  # shares that sum to 100 carry rounding
# the first that fits, since trying all costs twice the time and changes nothing
Measure = Annotated[Finite | dict[str, Finite] | dict[str, dict[str, Finite]], Field(union_mode="left_to_right")]


class Sphere(BaseModel):
    """A sphere's measures; others than those that are declared are finite numbers, or tables of such."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Measure]


class AtmosphereState(Sphere):
    surface_temperature_k: Positive
    coldest_cell_k: Positive
    warmest_cell_k: Positive
    warmest_afternoon_k: Positive
    surface_pressure_pa: NotNegative
    absorbed_shortwave_w_m2: Finite
    outgoing_longwave_w_m2: Finite
    gas_mass_kg: dict[str, NotNegative]
    composition_percent: dict[str, Percent]
    super_greenhouse_gas_pa: NotNegative


class HydrosphereState(Sphere):
    co2_ice_mean_kg: NotNegative
    co2_ice_maximum_kg: NotNegative
    co2_ice_minimum_kg: NotNegative
    co2_ice_kg: NotNegative | None = Field(None, description="at the end, as the masses of the gases are")
    water_ice_surface_kg: NotNegative
    total_water_kg: NotNegative
    ocean_water_kg: NotNegative | None = Field(None, description="of the ocean that the run keeps account of, if any")
    shell_ice_kg: NotNegative | None = Field(None, description="of the ice shell over the ocean, if any")
    liquid_methane_kg: NotNegative | None = Field(None, description="on the ground, where methane has a cycle")
    liquid_ethane_kg: NotNegative | None = Field(None, description="on the ground, where methane has a cycle")


class BiosphereState(Sphere):
    vegetation_carbon_kg: NotNegative


class GeosphereState(Sphere):
    stored_volatiles_kg: dict[str, dict[str, NotNegative]]


class PlanetState(Part):
    """A planet by spheres, as means over the orbit between two Julian years of the run."""

    years: Annotated[list[Finite], Field(min_length=2, max_length=2, description="begin and end of the orbit")]
    atmosphere: AtmosphereState
    hydrosphere: HydrosphereState
    biosphere: BiosphereState
    geosphere: GeosphereState


class KeyEvent(Part):
    """The first crossing of a declared predicate."""

    year: Annotated[float, Field(ge=0, le=1000.001)]
    event: Name
    description: Text
    data: dict[str, Finite]


class AssessedGoal(Goal):
    """A goal with the year in which it was reached, if it was, and what was reached at the end."""

    achieved_year: NotNegative | None
    progress: Score
    value: Finite


class HabitabilityVector(Part):
    """Measures of the last orbit with hard definitions (D1), and the rung of the ladder of end states."""

    values: dict[Name, Finite]
    end_state: Literal["E0", "E1", "E2", "E3", "E4"]


class Persistence(Part):
    """For how long the goals that held when the last deed ended still held; D1."""

    from_year: NotNegative
    years: NotNegative
    lasts: bool = Field(description="whether they did to the end of the run")


class SuccessMetrics(Part):
    """The four scores and the goals that they rest on."""

    habitability_score: Score
    timeline_efficiency: Score
    resource_efficiency: Score
    cost_efficiency: Score
    goal_attainment: Score | None = Field(None, description="mean progress of the goals; since metrics_version 3")
    metrics_version: Annotated[int, Field(ge=1)]
    habitability: HabitabilityVector | None = Field(None, description="since metrics_version 2")
    persistence: Persistence | None = Field(
        None, description="none while deeds go on, or where no goal held; since metrics_version 5"
    )
    goals: list[AssessedGoal]


class StoryRow(Part):
    year: Annotated[float, Field(ge=0, le=1000)]
    surface_temperature_k: Positive
    surface_pressure_pa: NotNegative
    co2_ice_kg: NotNegative


class Caveat(Part):
    """What must be said with a result, since the model does not know it."""

    id: Name
    text: Text
    data: dict[str, Finite]


class PerformanceData(Part):
    """Proofs and provenance of a run: closure of its books, digests, versions, times."""

    budget_closes: Literal[True]
    mass_error: NotNegative
    energy_error: NotNegative
    transport_error: NotNegative
    story: list[StoryRow]
    caveats: list[Caveat] = Field([], description="since metrics_version 2")
    cell_steps: Annotated[int, Field(ge=0)]
    store: Text
    seal_digest: Digest
    spec_digest: Digest
    code_fingerprint: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    modules: dict[Name, Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]] = Field(
        {}, description="digest of each module of the physics"
    )
    versions: dict[str, Text]
    seconds: NotNegative
    kernel_seconds: NotNegative


class RunParameters(Part):
    """What a run's row keeps of its spec, and the folder of its outputs in its twin's store."""

    spec: RunChoices
    store: Annotated[str, Field(pattern=r"^runs/[0-9a-f]{16}(-[0-9a-f]{8})?\.zarr$")]
    extends: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = Field(
        None, description="run of fewer years, with whose segments it begins"
    )
    varied: dict[Name, Finite] = Field(
        {}, description="numbers of the body that are others than in its twin's snapshot"
    )


class SweepMember(Part):
    """A member of a sweep by the content of its run, and where in the design it stands."""

    spec_digest: Digest = Field(description="content name of the member's run, whose row keeps its spec")
    values: dict[Name, Finite] = Field({}, description="what the design varies, by name; not given: as in the base")
    run: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = Field(
        None,
        description="run of this content that was completed before, and stands for it; none: the sweep has its own",
    )


class SweepDesign(Part):
    """What a sweep's row keeps of its spec: what its members vary, and which they are.

    Each member's own spec is in the row of its run, so that this stays small however many there are.
    """

    base: RunChoices = Field(description="the run that the members vary")
    members: Annotated[list[SweepMember], Field(min_length=1, description="each of other content")]
    asked: SweepSpec | None = Field(None, description="the file that it was made from")

    @field_validator("members")
    @classmethod
    def _no_member_twice(cls, value: list[SweepMember]) -> list[SweepMember]:
        seen: dict[str, int] = {}
        for number, member in enumerate(value):
            if (first := seen.setdefault(member.spec_digest, number)) != number:
                raise ValueError(f"member {number} is member {first} again")
        return value


class SimulationParameters(Part):
    """How a twin's runs are simulated unless they say otherwise."""

    grid: Annotated[str, Field(pattern=r"^[0-9]{1,4}x[0-9]{1,4}$")]
    steps_per_orbit: Annotated[int, Field(ge=12, le=10_000)]

    @field_validator("grid")
    @classmethod
    def _grid_is_valid(cls, value: str) -> str:
        return str(Grid.parse(value))


# (table, column) -> what it holds
COLUMNS: dict[tuple[str, str], Any] = {
    ("digital_twins", "simulation_parameters"): SimulationParameters,
    ("digital_twins", "initial_state_snapshot"): Body,
    ("simulation_runs", "parameters"): RunParameters,
    ("sweeps", "spec"): SweepDesign,
    ("simulation_results", "start_state"): PlanetState,
    ("simulation_results", "end_state"): PlanetState,
    ("simulation_results", "key_events"): list[KeyEvent],
    ("simulation_results", "resource_consumption"): ResourceConsumption,
    ("simulation_results", "success_metrics"): SuccessMetrics,
    ("simulation_results", "performance_data"): PerformanceData,
    ("learned_patterns", "required_conditions"): RequiredConditions,
    ("learned_patterns", "deployment_sequence"): list[DeploymentPhase],
    ("learned_patterns", "optimizations"): list[Optimization],
    ("outbox", "payload"): OutboxPayload,
    ("outbox", "outcome"): Dropped,
    ("audit_log", "detail"): AuditDetail,
}

RESULT = [column for table, column in COLUMNS if table == "simulation_results"]


@cache
def adapter(table: str, column: str) -> TypeAdapter[Any]:
    """The validator of a column."""
    return TypeAdapter(COLUMNS[table, column])


def check_payload(table: str, column: str, value: Any, field: str | None = None) -> None:
    """Refuse what the column may not hold; raises InvalidInput that names the place and what is allowed.

    value has passed check_json: what JSON cannot hold would become null on the way here.
    """
    check_encoded(table, column, canonical_json(value), field)


def check_shape(kind: Any, value: Any, field: str) -> None:
    """check_payload against one of the kinds that a column may hold, such as that of a topic."""
    try:
        _adapter(kind).validate_json(canonical_json(value), strict=True)
    except ValidationError as error:
        raise explain(error, field) from None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def check_encoded(table: str, column: str, value: bytes, field: str | None = None) -> None:
    """check_payload for who has the JSON already."""
    try:
        adapter(table, column).validate_json(value, strict=True)
    except ValidationError as error:
        raise explain(error, field or column) from None


def check_result(
    result: Mapping[str, Any], encode: Callable[[Any, str], bytes] = lambda value, _: canonical_json(value)
) -> None:
    """Refuse a result whose payloads are not of the declared shapes; encode makes JSON of a value of a field.

    What passes has finite numbers only, unless encode lets others through.  Raises InvalidInput that names the
    place, BudgetError when the books do not close.
    """
    if result.keys() != set(RESULT):
        wrong = sorted(set(result) ^ set(RESULT))
        raise InvalidInput("result", wrong, f"it has exactly {', '.join(RESULT)}")
    performance = result["performance_data"]
    if isinstance(performance, dict) and performance.get("budget_closes") is not True:
        raise BudgetError("the books of this run do not close, so that its result is refused.")
    for column in RESULT:
        try:  # three times as fast as its JSON, which has the last word
            adapter("simulation_results", column).validate_python(result[column], strict=True)
        except ValidationError:
            field = f"result.{column}"
            check_encoded("simulation_results", column, encode(result[column], field), field)
