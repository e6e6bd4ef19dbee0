"""Spaces of valid JSON values, derived from the models themselves; what a validator demands is stated below."""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from twinpipe.body import Body, Bulk
from twinpipe.constants import GRAVITATIONAL_CONSTANT
from twinpipe.fleet import Fleet
from twinpipe.intervention import ChemicalPlant, GasExport, Region, Schedule, VolatileImport
from twinpipe.payloads import (
    COLUMNS,
    AssessedGoal,
    KeyEvent,
    RequiredConditions,
    SimulationParameters,
    Sphere,
    SweepDesign,
    SweepMember,
)
from twinpipe.reactions import REACTIONS
from twinpipe.scenario import Goal, Phase, Scenario
from twinpipe.schedule import Feedback
from twinpipe.spec import RunChoices
from twinpipe.spheres import Biosphere
from twinpipe.undertaking import Undertaking

Json = st.SearchStrategy[Any]

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=200).filter(str.strip)
SHARES = st.floats(0, 1)
PRIOR = {"kind": "uniform", "low": 0.01, "high": 0.02, "source": "made up"}
GRIDS = st.builds("{}x{}".format, st.integers(4, 720), st.integers(1, 1440))
MIXTURES = SHARES.map(lambda x: {"N2": x, "CO2": 1 - x})


def _ordered(low: str, high: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Sort two fields whose validator wants them in order."""

    def fix(value: dict[str, Any]) -> dict[str, Any]:
        a, b = value.get(low, 0.0), value.get(high, 0.5)
        return {**value, low: min(a, b), high: max(a, b) if a != b else max(a, b) + 1}

    return fix


def _schedule(value: dict[str, Any]) -> dict[str, Any]:
    """Only a pulse has its years, in order, and only a feedback its controller."""
    made = _ordered("start_year", "end_year")(value)
    pulse, feedback = made.pop("pulse_years", None) or 1.0, made.pop("feedback", None)
    period = made.pop("period_years", None) or 2.0
    if made.get("shape") == "pulse":
        made |= {"pulse_years": min(pulse, period), "period_years": max(pulse, period)}
    if made.get("shape") == "feedback":
        made["feedback"] = feedback or {"target": 240.0}
    return made


def _fitting_mass(value: dict[str, Any]) -> dict[str, Any]:
    bulk = value["bulk"]
    mass = bulk["gravity_m_s2"] * bulk["mean_radius_m"] ** 2 / GRAVITATIONAL_CONSTANT
    return _where_they_are_meant({**value, "bulk": {**bulk, "mass_kg": mass}})


def _where_they_are_meant(value: dict[str, Any]) -> dict[str, Any]:
    climate, surface = value.get("climate", {}), value["surface"]
    slab = climate.get("column", {}).get("kind") == "slab"
    if not slab:
        surface = {k: v for k, v in surface.items() if k != "land"}
    if climate and not (slab and value.get("co2_ice") is None and value.get("water_cycle") is None):
        climate = {k: v for k, v in climate.items() if k != "second_order"}
    if climate.get("step_ice") is not None:
        climate = {k: v for k, v in climate.items() if k != "ice_ramp"}
    grey = climate.get("longwave", {}).get("kind", "semi_grey") == "semi_grey"
    lacks = {
        "methane_cycle": not grey or bool(climate.get("second_order")),
        "ice_shell": not grey or slab or value.get("regolith") is not None,
    }
    value = {k: v for k, v in value.items() if not lacks.get(k)}
    return value | {"surface": surface} | ({"climate": climate} if "climate" in value else {})


ONE_LIFE = {  # fields in which factories of one thing agree
    "super_greenhouse_gas": ("gas", "C3F8", ("lifetime_years", "pessimistic_photolysis")),
    "aerosol": ("particle", "aluminium_nanorods", ("lifetime_years", "extinction_m2_kg")),
}


def _one_lifetime(value: dict[str, Any]) -> dict[str, Any]:
    """Let factories of a gas or of particles agree on their lifetime."""
    of_thing: dict[str, dict[str, Any]] = {}
    made = []
    for item in value.get("interventions", []):
        if item["kind"] in ONE_LIFE:
            name, usual, shared = ONE_LIFE[item["kind"]]
            life = of_thing.setdefault(item.get(name, usual), {k: item[k] for k in shared if k in item})
            item = {k: v for k, v in item.items() if k not in shared} | life
        made.append(item)
    return value | ({"interventions": made} if made else {})


def _plan_that_can_be(value: dict[str, Any]) -> dict[str, Any]:
    """One lifetime, at most one phase and fleet, and goals of different names."""
    made = _one_lifetime(value) | {key: value[key][:1] for key in ("phases", "fleets") if key in value}
    return made | ({"goals": list({g["id"]: g for g in value["goals"]}.values())} if "goals" in value else {})


def _share_that_can_be(value: dict[str, Any]) -> dict[str, Any]:
    """Targets of shares are shares."""
    share = str(value.get("measure")).endswith("_fraction")
    return value | ({"target": min(max(value["target"], 0.0), 1.0)} if share else {})


def _feedback_that_can_be(value: dict[str, Any]) -> dict[str, Any]:
    return {"gain": 50.0} | _share_that_can_be(value)


def _goal_that_can_be(value: dict[str, Any]) -> dict[str, Any]:
    made = _share_that_can_be({k: v for k, v in value.items() if k != "product"})
    return made | ({"product": "H2"} if value["measure"] == "production_kg_a" else {})


def _fleet_that_can_be(value: dict[str, Any]) -> dict[str, Any]:
    """A fleet that grows and is built before it flies."""
    made = {k: v for k, v in value.items() if k not in ("first", "largest", "end_year", "built_from_year")}
    return made | {"growth_per_year": 1.0, "composition": {"N2": 1.0}}


def _export_that_can_be(value: dict[str, Any]) -> dict[str, Any]:
    """No cap, which would change the schedule, and works that any gas can feed."""
    made = {k: v for k, v in value.items() if k != "cap_kg"}
    return made | ({"works": {"process": "none"}} if made.get("works") else {})


def _undertaking_that_can_be(value: dict[str, Any]) -> dict[str, Any]:
    made = _ordered("start_year", "end_year")({k: v for k, v in value.items() if k != "works"})
    return {k: v for k, v in made.items() if k != "rate_kg_s" or made.get("feed")}


def _life_that_can_be(value: dict[str, Any]) -> dict[str, Any]:
    """Warmth in order, the best nearer to the warmest; pressures as usual."""
    warm = {"coldest_k": 273.0, "best_k": 303.0, "warmest_k": 318.0}
    cold, best, hot = sorted(value.get(k, usual) for k, usual in warm.items())
    made = {k: v for k, v in value.items() if k not in (*warm, "least_pressure_pa", "full_pressure_pa")}
    return made | (dict(zip(warm, (cold, best, hot), strict=True)) if cold < best < hot < 2 * best - cold < 1e4 else {})


def _plant_that_can_be(value: dict[str, Any]) -> dict[str, Any]:
    """A plant whose rate is of what it consumes, and that takes what its reaction needs."""
    made = {k: v for k, v in value.items() if k != "energy_j_kg"}
    return made | {"reactant": REACTIONS[value["reaction"]].reactants[0]}


def _no_member_twice(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "members": list({member["spec_digest"]: member for member in value["members"]}.values())}


def _ordered_range(value: dict[str, Any]) -> dict[str, Any]:
    ranges = {k: sorted(v) for k, v in value.items() if "_range" in k and v is not None}
    return {**value, **ranges}


FIELDS: dict[tuple[type[BaseModel], str], Json] = {
    (RunChoices, "grid"): GRIDS,
    (SweepDesign, "asked"): st.none(),
    (SweepMember, "run"): st.none(),
    (SimulationParameters, "grid"): GRIDS,
    (KeyEvent, "data"): st.dictionaries(TEXT, st.floats(-1e12, 1e12), max_size=2),
    (Bulk, "mean_radius_m"): st.floats(1e4, 1e8),
    (Body, "uncertainty"): st.sampled_from([{}, {"surface.geothermal_flux_w_m2": PRIOR}]),
    (Bulk, "gravity_m_s2"): st.floats(1e-2, 1e2),
    (Schedule, "start_year"): st.floats(0, 1000),
    (Schedule, "end_year"): st.floats(0.5, 1000),
    (Phase, "start_year"): st.floats(0, 1000),
    (Phase, "end_year"): st.floats(0.5, 1000),
    (Undertaking, "start_year"): st.floats(0, 1000),
    (Undertaking, "end_year"): st.floats(0.5, 1000),
    (Region, "south_degree"): st.floats(-90, 0),
    (Region, "north_degree"): st.floats(0.5, 90),
    (VolatileImport, "composition"): MIXTURES,
}
FIXES: dict[type[BaseModel], Callable[[dict[str, Any]], dict[str, Any]]] = {
    Schedule: _schedule,
    Feedback: _feedback_that_can_be,
    Body: _fitting_mass,
    RequiredConditions: _ordered_range,
    Scenario: _plan_that_can_be,
    Goal: _goal_that_can_be,
    AssessedGoal: _goal_that_can_be,
    Phase: _ordered("start_year", "end_year"),
    Fleet: _fleet_that_can_be,
    GasExport: _export_that_can_be,
    Undertaking: _undertaking_that_can_be,
    Biosphere: _life_that_can_be,
    ChemicalPlant: _plant_that_can_be,
    SweepDesign: _no_member_twice,
}


def values_of(kind: Any, rules: tuple[Any, ...] = ()) -> Json:
    """Valid JSON values of an annotation under pydantic's rules for it."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        more = [r for m in inner[1:] for r in (m.metadata if isinstance(m, FieldInfo) else [m])]
        return values_of(inner[0], (*rules, *more))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _models(kind)
    if origin in (Union, UnionType):
        return st.one_of([values_of(k, rules) for k in inner])
    if origin is Literal:
        return st.sampled_from(inner)
    if origin is dict:
        return st.dictionaries(values_of(inner[0]), values_of(inner[1]), max_size=3)
    if origin in (list, tuple):
        low, high = _bound(rules, MinLen, "min_length", 0), _bound(rules, MaxLen, "max_length", 3)
        return st.lists(values_of(inner[0]), min_size=low, max_size=high)
    return _scalars(kind, rules)


def _scalars(kind: Any, rules: tuple[Any, ...]) -> Json:
    if kind is NoneType:
        return st.none()
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(_bound(rules, Ge, "ge", 0), _bound(rules, Le, "le", 2**53))
    if kind is float:
        low, high = _bound(rules, Ge, "ge", None), _bound(rules, Le, "le", None)
        above, below = _bound(rules, Gt, "gt", None), _bound(rules, Lt, "lt", None)
        return st.floats(
            above if above is not None else low,
            below if below is not None else high,
            exclude_min=above is not None,
            exclude_max=below is not None,
            allow_nan=False,
            allow_infinity=False,
        )
    assert kind is str, kind
    pattern = next((r.pattern for r in rules if getattr(r, "pattern", None)), None)
    if pattern is not None:
        return st.from_regex(pattern, fullmatch=True).filter(lambda s: len(s) <= 2000)
    return TEXT.filter(bool)


def _models(model: type[BaseModel]) -> Json:
    fields = {n: _field(_owner(model, n), n, f) for n, f in model.model_fields.items()}
    # which variant it is must be said
    needed = {n: s for n, s in fields.items() if model.model_fields[n].is_required() or n == "kind"}
    chosen = {n: s for n, s in fields.items() if n not in needed}
    if issubclass(model, Sphere):  # open to further measures
        chosen["a_further_measure"] = st.floats(-1e12, 1e12)
    made: Json = st.fixed_dictionaries(needed, optional=chosen)
    return made.map(FIXES[model]) if model in FIXES else made


def _owner(model: type[BaseModel], name: str) -> type[BaseModel]:
    """The class that declares a field."""
    return next(c for c in reversed(model.__mro__) if issubclass(c, BaseModel) and name in c.__annotations__)


def _field(owner: type[BaseModel], name: str, field: FieldInfo) -> Json:
    known = FIELDS.get((owner, name))
    return known if known is not None else values_of(field.annotation, tuple(field.metadata))


def _bound(rules: tuple[Any, ...], kind: type, name: str, default: Any) -> Any:
    return next((getattr(r, name) for r in rules if isinstance(r, kind)), default)


def columns(table: str, column: str) -> Json:
    """Valid values of a JSON column."""
    return values_of(COLUMNS[table, column])
