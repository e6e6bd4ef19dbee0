"""A plan as it is written, made into a scenario's table: places filled, fleets sent, shafts dug, phases dated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError

from twinpipe.body import Body
from twinpipe.economy import load_prices
from twinpipe.errors import InvalidInput, NotFound
from twinpipe.filling import filled
from twinpipe.fleet import Fleet
from twinpipe.part import GasName, Part
from twinpipe.refusal import explain
from twinpipe.shaft import Gate, Shaft

AMOUNTS = ("rate_kg_s", "area_m2", "power_w", "change", "fraction", "share", "cap_kg")  # 0 of one: nothing is done


def body_values(body: Body) -> dict[str, float]:
    """What a plan may ask of its body: "$body.CH4_kg", of any gas, "$body.pressure_pa", "$body.kg_per_pa" and so on."""
    gases = {f"body.{gas}_kg": body.atmosphere.mass_kg.get(gas, 0.0) for gas in get_args(GasName)}
    return gases | {
        "body.air_kg": body.atmosphere.total_mass_kg,
        "body.pressure_pa": body.surface_pressure_pa,
        "body.kg_per_pa": body.bulk.area_m2 / body.bulk.gravity_m_s2,
        "body.area_m2": body.bulk.area_m2,
        "body.shell_m": body.ice_shell.thickness_m if body.ice_shell is not None else 0.0,
    }


def assembled(table: Mapping[str, Any], values: Mapping[str, float]) -> dict[str, Any]:
    """The table of a scenario from that of a plan.

    Fleets and the shaft come first; they give "$<id>.end_year" to what is dated after them, and "$<id>.craft" to who
    takes a fleet over.  A closed gate leaves out what is gated.  Interventions and undertakings take the years of the
    phase that they name.  What does nothing is left out.  Raises InvalidInput, NotFound.
    """
    known, made = dict(values), dict(table)
    interventions = tables(table, "interventions")
    fleets = []
    for entry in tables(table, "fleets"):
        raw = filled(entry, known)
        if isinstance(raw.get("wanted_kg"), int | float):
            raw["wanted_kg"] = max(raw["wanted_kg"], 0.0)
        fleet = _valid(Fleet, raw, "fleets")
        end = min(fleet.last_year, 1e6)
        known |= {f"{fleet.id}.start_year": fleet.start_year, f"{fleet.id}.end_year": end}
        known[f"{fleet.id}.craft"] = fleet.craft(end)
        fleets.append(fleet.model_dump())
        if not any(i.get("fleet") == fleet.id for i in interventions):
            interventions += [i.model_dump() for i in fleet.imports()]
    gate = _valid(Gate, filled(table["gate"], known), "gate") if table.get("gate") else None
    dug = filled(tables({"shaft": [table.get("shaft") or {}]}, "shaft")[0], known)
    if dug.get("depth_m", 1.0) != 0 and dug:
        shaft = _valid(Shaft, dug, "shaft")
        known |= {"shaft.start_year": shaft.start_year, "shaft.end_year": shaft.end_year}
        made["shaft"] = shaft.model_dump()
    else:
        made.pop("shaft", None)
        known |= dict.fromkeys(("shaft.start_year", "shaft.end_year"), dug.get("start_year", 0.0))
    shut = gate is not None and not gate.open

    def allowed(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        kept = [e for e in entries if not (shut and e.get("gated"))]
        return [filled({k: v for k, v in e.items() if k != "gated"}, known) for e in kept]

    written = tables(table, "phases")
    phases = allowed([p for p in written if not _is_empty(p, known)])
    years = {str(p.get("id")): (p.get("start_year", 0.0), p.get("end_year")) for p in phases}
    dropped = {str(p.get("id")) for p in written} - set(years)
    dated = [_dated(i, years, dropped, inside="schedule") for i in allowed(interventions)]
    works = [_dated(u, years, dropped, inside=None) for u in allowed(tables(table, "undertakings"))]
    made |= {
        "fleets": fleets,
        "phases": phases,
        "interventions": [i for i in dated if i is not None and _does_something(i)],
        "undertakings": [u for u in works if u is not None],
        "goals": [filled(g, known) for g in tables(table, "goals")],
    }
    if gate is not None:
        made["gate"] = gate.model_dump()
    if table.get("economy"):
        own = filled(tables({"economy": [table["economy"]]}, "economy")[0], known)
        made["economy"] = (load_prices(own.pop("prices")) if "prices" in own else {}) | own
    return made


def tables(table: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The tables that a plan lists under a key; raises InvalidInput."""
    found = table.get(key) or ()
    if not isinstance(found, list | tuple) or not all(isinstance(entry, Mapping) for entry in found):
        raise InvalidInput(key, found, "it is a list of tables")
    return [dict(entry) for entry in found]


def _is_empty(phase: Mapping[str, Any], known: Mapping[str, float]) -> bool:
    """Whether the dates that a phase takes from the plan leave it no time."""
    ends = [phase.get("start_year", 0.0), phase.get("end_year")]
    begin, end = filled(ends, known)
    return any(isinstance(e, str) for e in ends) and bool(begin == end)


def _valid(kind: type[Part], table: Any, where: str) -> Any:
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        raise explain(error, where) from None


def _does_something(item: Mapping[str, Any]) -> bool:
    return all(item[name] != 0 for name in AMOUNTS if isinstance(item.get(name), int | float))


def _dated(
    item: dict[str, Any], years: Mapping[str, tuple[Any, Any]], dropped: set[str], *, inside: str | None
) -> dict[str, Any] | None:
    """The item with the years of its phase, where it has none of its own; None when the phase was left out."""
    phase = item.pop("phase", None)
    if phase is None:
        return item
    if str(phase) in dropped:
        return None
    if str(phase) not in years:
        raise NotFound("phase", str(phase), sorted(years))
    begin, end = years[str(phase)]
    own = item.get(inside, {}) if inside else item
    if not isinstance(own, Mapping):
        raise InvalidInput("schedule", own, "it is a table")
    when = {"start_year": begin, **({"end_year": end} if end is not None else {}), **own}
    return {**item, inside: when} if inside else when
