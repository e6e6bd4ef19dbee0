"""The report of a run: one HTML file that needs nothing else, and a summary in Markdown."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from twinpipe.intervention import is_natural
from twinpipe.markdown import plain, table
from twinpipe.pages import data_uri, write_page
from twinpipe.payloads import PlanetState
from twinpipe.physics.budget import ENERGY_TOLERANCE, MASS_TOLERANCE
from twinpipe.spec import RunSpec
from twinpipe.wording import (
    event_name,
    field_value,
    formula,
    intervention_name,
    intervention_rate,
    number,
    prose,
    quantity,
    scenario_title,
    schedule_words,
    split_unit,
)

Result = Mapping[str, Any]
Rows = list[list[str]]  # of cells, the first one being the row's name
MAX_STORY = 12
NO_BREAK = "\u00a0"

CAPTIONS = {
    "hero": "Surface temperature at the start and at the end, and how temperature and pressure changed.",
    "maps": "Mean temperature, CO₂ ice and pressure of the orbit before year 0 and of the last one.",
    "series": "Global means, CO₂ ice, the schedule of interventions and the key events.",
}
SCORES = {
    "habitability_score": "Habitability, for people without protection",
    "timeline_efficiency": "Timeline, goals reached when planned",
    "resource_efficiency": "Resources, what was useful of what was drawn",
    "cost_efficiency": "Cost, budget over cost times progress",
}
SERVED = ("numpy", "numba", "xarray", "matplotlib")


def write_report(
    folder: Path, *, spec: RunSpec, result: Result, facts: Mapping[str, str], pictures: Mapping[str, Path]
) -> Path:
    """Write report.html of a run into a folder; its path.

    result holds the six payloads of a result row, facts the names and places to show (twin, run, store), and
    pictures the PNGs by name.  Raises StoreError when it cannot be written.
    """
    shown = [_picture(name, path, spec, result) for name, path in pictures.items()]
    return write_page(
        folder / "report.html",
        "report.html.j2",
        title=f"{spec.body.name}: {scenario_title(spec)}",
        headline=headline(spec, result),
        notes=_notes(spec, result),
        pictures=shown,
        planet=_planet(result),
        story=_story(result),
        events=_events(result),
        scores=_scores(result),
        goals=_goals(result),
        resources=_resources(spec, result),
        ledger=_ledger(result),
        budgets=_budgets(result),
        interventions=_interventions(spec),
        run=[*([name[:1].upper() + name[1:], value] for name, value in facts.items()), *_performance(result)],
        provenance=_provenance(spec),
    )


def markdown_summary(
    *, spec: RunSpec, result: Result, facts: Mapping[str, str], picture: Path | None = None, link: str = ""
) -> str:
    """The report's main tables in Markdown, with a PNG as a data URI and a link to the report where they are given."""
    parts = [f"# {plain(spec.body.name)}: {plain(scenario_title(spec))}", plain(headline(spec, result))]
    if picture is not None:
        parts.append(f"![{CAPTIONS['hero']}]({data_uri(picture)})")
    if link:
        parts.append(f"[The full report]({link}), with maps and every number")
    parts += _notes(spec, result)
    parts += ["## Planet", table(["", "Start", "End"], _planet(result))]
    if story := _story(result):
        parts += ["## Over the years", table(["Year", "Temperature", "Pressure", "CO₂ ice"], story)]
    parts += ["## Key events", table(["Year", "Event", "Values"], _events(result)) or "None."]
    parts += ["## Scores", table(["Score", "Value"], _scores(result))]
    if goals := _goals(result):
        parts += ["## Goals", table(["Goal", "Target", "Reached", "Planned", "Achieved", "Progress"], goals)]
    header = ["Intervention", "Drawn", "Useful", "Energy", "Peak power", "Cost"]
    parts += ["## Resources", table(header, _resources(spec, result)) or "Nothing was used."]
    parts += ["## Books", table(["Book", "Error", "Allowed"], _budgets(result))]
    parts += ["## Run", table(["", ""], [[k, v] for k, v in facts.items()])]
    return "\n\n".join(p for p in parts if p) + "\n"


def artifact_tables(spec: RunSpec, result: Result) -> dict[str, list[dict[str, str]]]:
    """Tables of a result as records of text: events, scores, goals, resources and whether the books close."""
    found = {
        "events": (["Year", "Event", "Values"], _events(result)),
        "scores": (["Score", "Value"], _scores(result)),
        "goals": (["Goal", "Target", "Reached", "Planned", "Achieved", "Progress"], _goals(result)),
        "resources": (["Intervention", "Drawn", "Useful", "Energy", "Peak power", "Cost"], _resources(spec, result)),
        "budgets": (["Book", "Error", "Allowed"], _budgets(result)),
    }
    return {k: [dict(zip(columns, row, strict=True)) for row in rows] for k, (columns, rows) in found.items() if rows}


def headline(spec: RunSpec, result: Result) -> str:
    """What the run did to the planet, in one sentence."""
    start, end = result["start_state"]["atmosphere"], result["end_state"]["atmosphere"]
    t0, t1 = float(start["surface_temperature_k"]), float(end["surface_temperature_k"])
    p0, p1 = float(start["surface_pressure_pa"]), float(end["surface_pressure_pa"])
    if abs(t1 - t0) < 0.5:
        warmth = f"stayed at {quantity(t1, 'K')}"
    else:
        warmth = f"{'warmed' if t1 > t0 else 'cooled'} from {quantity(t0, 'K')} to {quantity(t1, 'K')}"
    if abs(p1 - p0) <= 0.01 * p0:
        air = f"kept its pressure of {quantity(p1, 'Pa')}"
    else:
        change = "rose" if p1 > p0 else "fell"
        air = f"its pressure {change} from {quantity(p0, 'Pa')} to {quantity(p1, 'Pa')}"
    goals = result["success_metrics"].get("goals", [])
    met = sum(g["achieved_year"] is not None for g in goals)
    were = "goal was" if len(goals) == 1 else "goals were"
    count = f", and {met} of {len(goals)} {were} met" if goals else ""
    years = "In 1 year" if spec.years == 1 else f"In {spec.years} years"
    return f"{years} {spec.body.name} {warmth}{' and' if not goals else ','} {air}{count}."


# Tables: rows of cells


def _notes(spec: RunSpec, result: Result) -> list[str]:
    """What a reader should know before comparing start and end."""
    (a, b), (c, d) = result["start_state"]["years"], result["end_state"]["years"]
    notes = [formula(caveat["text"]) for caveat in result["performance_data"].get("caveats", [])]
    if d - c >= 0.99 * (b - a):
        return notes
    orbit = f"the {number(b - a)} years of an orbit of {spec.body.name}"
    return [f"The end is the mean of {number(d - c)} years, less than {orbit}: it holds a part of the seasons.", *notes]


def _planet(result: Result) -> Rows:
    start, end = (dict(_leaves(result[k])) for k in ("start_state", "end_state"))
    names = sorted((n for n in {**end, **start} if n[0] != "years"), key=_place)
    rows = []
    for name in names:
        values = [s.get(name) for s in (start, end)]
        if any(isinstance(v, int | float) for v in values):
            rows.append([_label(name), *("–" if v is None else _value(name, v) for v in values)])
    return rows


def _place(name: Name) -> tuple[int, bool, int]:
    """Where a number of a planet stands: by spheres as the model has them, in each what is one number first."""
    sphere = PlanetState.model_fields[name[0]].annotation
    fields = list(sphere.model_fields) if sphere is not None else []
    within = fields.index(name[1]) if name[1] in fields else len(fields)
    return list(PlanetState.model_fields).index(name[0]), len(name) > 2, within


def _story(result: Result) -> Rows:
    story = list(result["performance_data"].get("story") or [])
    if len(story) > MAX_STORY:
        story = [story[round(i * (len(story) - 1) / (MAX_STORY - 1))] for i in range(MAX_STORY)]
    names = ("surface_temperature_k", "surface_pressure_pa", "co2_ice_kg")
    return [[quantity(r["year"], "year"), *(field_value(n, r.get(n)) for n in names)] for r in story]


def _events(result: Result) -> Rows:
    return [
        [
            quantity(e["year"], "year"),
            f"{event_name(e['event'])}: {formula(e['description'])}",
            "; ".join(f"{_label((n,))} {_value((n,), v).replace(' ', NO_BREAK)}" for n, v in e.get("data", {}).items()),
        ]
        for e in result["key_events"]
    ]


def _scores(result: Result) -> Rows:
    metrics = result["success_metrics"]
    return [[words, f"{number(metrics[n], 3)} of 1"] for n, words in SCORES.items() if n in metrics]


def _goals(result: Result) -> Rows:
    rows = []
    for goal in result["success_metrics"].get("goals", []):
        name, achieved = goal["measure"], goal["achieved_year"]
        rows.append(
            [
                f"{goal['id'].replace('_', ' ')} ({split_unit(name)[0]})",
                field_value(name, goal["target"]),
                field_value(name, goal["value"]),
                quantity(goal["planned_year"], "year"),
                "not reached" if achieved is None else quantity(achieved, "year"),
                quantity(100 * goal["progress"], "%", 3),
            ]
        )
    return rows


def _resources(spec: RunSpec, result: Result) -> Rows:
    columns = ("drawn_kg", "useful_kg", "energy_j", "peak_power_w", "cost_gcc")
    consumption = result["resource_consumption"]
    booked = zip(spec.scenario.interventions, consumption["interventions"], strict=True)
    accounts = [(intervention_name(item), account) for item, account in booked if not is_natural(item)]
    # the cargo of a fleet is in its imports
    accounts += [(f"Fleet: {_words(f['id'])}", {"cost_gcc": f["cost_gcc"]}) for f in consumption.get("fleets", [])]
    works = consumption.get("undertakings", [])
    accounts += [(_words(u["id"]).capitalize(), {**u, "useful_kg": sum(u["products_kg"].values())}) for u in works]
    if not accounts:
        return []
    if (costs := consumption.get("costs")) and costs["contingency_gcc"] > 0:
        accounts.append(("Contingency", {"cost_gcc": costs["contingency_gcc"]}))
    accounts.append(("Total", consumption["total"]))
    if ranges := consumption.get("log10"):
        keys = {"drawn_kg": "mass_kg"} | {key: key for key in columns[2:]}
        ends = {column: ranges[key] for column, key in keys.items() if ranges[key] is not None}
        for word, end in (("At least", "least"), ("At most", "most")):
            accounts.append((word, dict.fromkeys(columns) | {c: 10 ** both[end] for c, both in ends.items()}))

    def cell(column: str, value: float | None) -> str:
        return "" if value is None else field_value(column, value)

    return [[name, *(cell(c, account.get(c, 0.0)) for c in columns)] for name, account in accounts]


def _words(identifier: str) -> str:
    return identifier.replace("_", " ")


def _ledger(result: Result) -> Rows:
    """What the accounts hold beside the columns of the table of resources."""
    ledger = dict(_leaves(result["resource_consumption"].get("ledger", {})))
    return [[_label(n), _value(n, v)] for n, v in ledger.items() if isinstance(v, int | float)]


def _budgets(result: Result) -> Rows:
    """Relative errors of the books with what is allowed, and whether they close."""
    rows = []
    for name, value in _leaves(result["performance_data"]):
        if name[-1].endswith("_error") and isinstance(value, int | float):
            allowed = MASS_TOLERANCE if "mass" in name[-1] else ENERGY_TOLERANCE
            moved = "the largest amount of a gas" if "mass" in name[-1] else "the gross flux"
            words = _label(name).removesuffix(" error")
            rows.append([words, f"{number(value, 2)} of {moved}", f"{number(allowed, 2)} of {moved}"])
    return rows


def _performance(result: Result) -> Rows:
    """The other numbers and words of performance_data."""
    rows = []
    for name, value in _leaves(result["performance_data"]):
        if name[0] in ("story", "caveats") or name[-1].endswith("_error"):
            continue
        rows.append([_label(name), _value(name, value)])
    return rows


def _interventions(spec: RunSpec) -> list[dict[str, Any]]:
    """Each intervention with every number of its declaration."""
    result = []
    for item in spec.scenario.interventions:
        fields = type(item).model_fields
        rows = []
        for name, value in _leaves(item.model_dump(mode="json", exclude={"kind"})):
            meaning = fields[name[0]].description if len(name) == 1 else None
            if item.schedule.feedback is not None and name[-2:] == ("feedback", "target"):
                name = (*name, item.schedule.feedback.measure)  # which says the unit
            rows.append([_label(name), _value(name, value), prose(meaning or "")])
        words = f"{intervention_rate(item)}, {schedule_words(item.schedule, float(spec.years))}"
        result.append({"name": intervention_name(item), "words": words, "rows": rows})
    return result


def _provenance(spec: RunSpec) -> Rows:
    python = {"twinpipe": version("twinpipe"), "Python": platform.python_version()}
    versions = python | {name: version(name) for name in SERVED}
    return [
        ["Digest of the run's spec", spec.digest],
        ["Digest of the body", spec.body.digest],
        ["Digest of the physics that ran it", spec.code_fingerprint or "not recorded"],
        ["Grid", f"{spec.grid_shape.n_lat} latitudes × {spec.grid_shape.n_lon} longitudes"],
        ["Steps of time", f"{spec.steps_per_orbit} steps per orbit"],
        ["Spin-up", f"{spec.spin_up_orbits} orbits"],
        ["Seed", f"seed {spec.seed}"],
        ["Versions that made this report", ", ".join(f"{n} {v}" for n, v in versions.items())],
    ]


# Cells

Name = tuple[str, ...]


def _leaves(tree: Any, name: Name = ()) -> Iterator[tuple[Name, Any]]:
    """Names and values of what a nested payload holds; a list of scalars is one value."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _leaves(value, (*name, str(key)))
    else:
        yield name, tree


def _unit_part(name: Name) -> int:
    """Which part of a name says the unit: the last one that has one."""
    return next((i for i in range(len(name) - 1, -1, -1) if split_unit(name[i])[1]), len(name) - 1)


def _label(name: Name) -> str:
    """Words of a name; the spheres that it starts with go without saying."""
    spheres = {"atmosphere", "hydrosphere", "biosphere", "geosphere"}
    parts = [p for i, p in enumerate(name) if i > 0 or p not in spheres]
    words = ", ".join(split_unit(p)[0] for p in parts)
    return words[:1].upper() + words[1:]


def _value(name: Name, value: Any) -> str:
    """A value with the unit that its name says; numbers without one are fractions or counts."""
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        part = name[_unit_part(name)]
        if split_unit(part)[1]:
            return field_value(part, value)
        if part.endswith("version"):
            return f"version {value}"
        fraction = isinstance(value, float) and 0 <= value <= 1
        return quantity(100 * value, "%") if fraction else f"{number(value)} (a count)"
    if isinstance(value, list | tuple):
        return ", ".join(_value(name, v) for v in value) or "none"
    if "versions" in name:
        return f"version {value}"
    return formula(str(value)) if name and name[-1] == "gas" else str(value)


# Pictures


def _picture(name: str, path: Path, spec: RunSpec, result: Result) -> dict[str, str]:
    caption = CAPTIONS.get(name, name)
    alt = f"{caption} {headline(spec, result)}"
    return {"name": name, "alt": alt, "caption": caption, "uri": data_uri(path)}
