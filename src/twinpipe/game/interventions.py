"""The game's interventions by their ids: one table, interventions.toml, and what a plan that uses them becomes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from pydantic import Field

from twinpipe.assembly import tables
from twinpipe.disaster import strikes
from twinpipe.errors import InvalidInput, NotFound
from twinpipe.filling import filled
from twinpipe.intervention import Intervention
from twinpipe.part import Part
from twinpipe.quantity import quantity
from twinpipe.scenario import Parameter

OF_ALL = ("id", "phase", "gated")  # what any entry may say beside its parameters


class GameIntervention(Part):
    """What an intervention of the game is here: forcings of the model, or bookkeeping and why it is no more."""

    family: Literal["planet", "settlement", "life", "disaster", "project"]
    does: str
    debits: str = Field(description="what it takes from, in words; masses, energy and cost are in the accounts")
    booked: str | None = Field(None, description="why the physics does not feel it; none: it does")
    aliases: tuple[str, ...] = ()
    regional: bool = False
    disaster: bool = False
    parameters: dict[str, Parameter] = Field({})
    optional: tuple[str, ...] = Field((), description="parameters whose field is left out where a plan gives none")
    choices: dict[str, tuple[str, ...]] = Field({}, description="of words; the first is the usual one")
    interventions: tuple[dict[str, Any], ...] = ()
    undertakings: tuple[dict[str, Any], ...] = ()


KINDS: dict[str, type[Part]] = {c.model_fields["kind"].default: c for c in get_args(get_args(Intervention)[0])}


def costs_told(entry: GameIntervention) -> str:
    """What an intervention costs, in words; a plan's prices turn energy and made mass into GCC."""
    if entry.disaster:
        return "nothing"
    told = [f"{u['capital_gcc']:g} GCC and {u['upkeep_gcc_a']:g} GCC a year each" for u in entry.undertakings]
    for act in entry.interventions:
        field = KINDS[act["kind"]].model_fields.get("energy_j_kg")
        if field is None:
            told.append("its power")
        elif field.default is None:
            told.append("the energy of escape" if act["kind"] == "gas_export" else "the energy of the reaction")
        else:
            told.append(f"{field.default:g} J for each kg")
    return "; ".join(told)


@cache
def game_interventions() -> dict[str, GameIntervention]:
    """Every intervention by its id, those of the game first."""
    table = tomllib.loads((files("twinpipe.game") / "interventions.toml").read_text(encoding="utf-8"))
    return {name: GameIntervention.model_validate(entry) for name, entry in table.items()}


def find_intervention(name: str) -> tuple[str, GameIntervention]:
    """The id and the entry of a name, hyphens, case and aliases forgiven; raises NotFound with all ids."""
    known = game_interventions()
    wanted = str(name).strip().lower().replace("-", "_")
    wanted = next((key for key, entry in known.items() if wanted in entry.aliases), wanted)
    if wanted not in known:
        raise NotFound("intervention", str(name), sorted(known))
    return wanted, known[wanted]


def expanded(table: Mapping[str, Any], *, years: float, seed: int) -> dict[str, Any]:
    """The table of a plan with every entry of its interventions that has an id replaced by what it is.

    Disasters strike in the years that they say, or per_century times a century in years that follow from the seed.
    Raises InvalidInput, NotFound.
    """
    made = {key: tables(table, key) for key in ("undertakings", "disasters")}
    interventions: list[dict[str, Any]] = []
    for number, item in enumerate(tables(table, "interventions")):
        if "id" not in item:
            interventions.append(item)
            continue
        name, entry = find_intervention(item["id"])
        own = _Own(name, entry, item)
        if entry.disaster:
            for year, size in own.strikes(years, seed, number):
                title = f"{entry.does[:-1]}{f' ({entry.booked})' if entry.booked else ''}"
                made["disasters"].append({"id": name, "title": title, "year": year, "size": size})
                interventions += own.pulses(year, size)
        else:
            interventions += own.acts()
            made["undertakings"] += own.works()
    return {**table, "interventions": interventions, **{key: value for key, value in made.items() if value}}


class _Own:
    """One entry of a plan: what it gives of the parameters of its intervention, checked."""

    def __init__(self, name: str, entry: GameIntervention, item: Mapping[str, Any]) -> None:
        self.name, self.entry, self.item = name, entry, item
        timing = ("year", "size", "per_century") if entry.disaster else ("schedule", "start_year", "end_year", *OF_ALL)
        allowed = {"id", *timing, *entry.parameters, *entry.choices, *(("target",) if entry.regional else ())}
        for key in item:
            if key not in allowed:
                raise InvalidInput(f"{name}.{key}", item[key], f"{name} takes {', '.join(sorted(allowed - {'id'}))}")
        self.values = {key: self._number(key, p, item.get(key, p.default)) for key, p in entry.parameters.items()}
        self.words = {key: self._word(key, known) for key, known in entry.choices.items()}

    def _number(self, key: str, parameter: Parameter, given: Any) -> float:
        field, unit = f"{self.name}.{key}", parameter.unit
        allowed = f"it is {parameter.minimum:g} to {parameter.maximum:g} {unit}"
        if isinstance(given, bool) or not isinstance(given, int | float | str):
            raise InvalidInput(field, given, allowed)
        try:
            value = quantity(given, unit, field)
        except OverflowError:  # a whole number beyond all floats
            raise InvalidInput(field, given, allowed) from None
        if not parameter.minimum <= value <= parameter.maximum:
            raise InvalidInput(field, given, allowed)
        return value

    def _word(self, key: str, known: tuple[str, ...]) -> str:
        given = self.item.get(key, known[0])
        if given not in known:
            raise InvalidInput(f"{self.name}.{key}", given, f"it is one of {', '.join(known)}")
        return str(given)

    def _filled(self, template: Mapping[str, Any], **more: float) -> dict[str, Any]:
        absent = {f"${key}" for key in self.entry.optional if key not in self.item}
        words = {
            k: self.words.get(v[1:], v) if isinstance(v, str) and v[:1] == "$" else v
            for k, v in template.items()
            if not (isinstance(v, str) and v in absent)
        }
        made: dict[str, Any] = filled(words, {**self.values, **more})
        return made

    def acts(self) -> list[dict[str, Any]]:
        """The interventions that it is, with the schedule, phase and region that the plan gives."""
        schedule = self._schedule()
        schedule |= {k: self.item[k] for k in ("start_year", "end_year") if k in self.item}
        extra = {k: self.item[k] for k in ("phase", "gated", "target") if k in self.item}
        extra |= {"schedule": schedule} if schedule else {}
        return [{**self._filled(template), **extra} for template in self.entry.interventions]

    def _schedule(self) -> dict[str, Any]:
        given = self.item.get("schedule", {})
        return tables({f"{self.name}.schedule": [given]}, f"{self.name}.schedule")[0]

    def works(self) -> list[dict[str, Any]]:
        """The undertakings that it is, with the years of the plan."""
        when = {k: v for k, v in self._schedule().items() if k in ("start_year", "end_year")}
        when |= {k: self.item[k] for k in ("start_year", "end_year", "phase", "gated") if k in self.item}
        return [{"title": self.entry.does, **self._filled(t), **when} for t in self.entry.undertakings]

    def strikes(self, years: float, seed: int, number: int) -> list[tuple[float, float]]:
        """Years and sizes in which a disaster strikes."""
        given = {k: self._plain(k) for k in ("year", "size", "per_century") if k in self.item}
        if ("year" in given) == ("per_century" in given):
            raise InvalidInput(self.name, sorted(given), "a disaster has either a year or a number per_century")
        if "year" in given:
            return [(given["year"], given.get("size", 1.0))]
        size = given.get("size", 1.0)
        return [(y, s * size) for y, s in strikes(self.name, given["per_century"], years, seed, number)]

    def _plain(self, key: str) -> float:
        value, most = self.item[key], {"year": 1000.0, "size": 1e6, "per_century": 1000.0}[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            raise InvalidInput(f"{self.name}.{key}", value, f"it is a number from 0 to {most:g}")
        return float(value)

    def pulses(self, year: float, size: float) -> list[dict[str, Any]]:
        """The forcing of one strike."""
        made = []
        for template in self.entry.interventions:
            act = self._filled(template, size=size)
            length = act.pop("years")
            if "fraction" in act:
                act["fraction"] = min(act["fraction"] * size, 1.0)
            made.append({**act, "natural": True, "schedule": {"start_year": year, "end_year": year + length}})
        return made
