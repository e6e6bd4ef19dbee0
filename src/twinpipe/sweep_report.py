"""The report of many members on one body: one HTML file that needs nothing else."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from twinpipe.errors import InvalidInput, NotFound
from twinpipe.pages import data_uri, write_page
from twinpipe.plots import save
from twinpipe.plots.comparison import comparison_figure
from twinpipe.plots.ensemble import fan_figure, response_figure, timeline_figure
from twinpipe.report import Result, Rows
from twinpipe.scenario import load_pattern
from twinpipe.spec import RunSpec
from twinpipe.wording import event_name, number, quantity, scenario_title, split_unit

CAPTIONS = {
    "fan": "Global means of all members over the years.",
    "events": "When each event happened first.",
    "response": "What members came to against what was varied, one point a member.",
    "extremes": "The member with the highest overall score and the one with the lowest, as they end.",
}
ANSWERS = {
    "Surface temperature at the end (K)": ("end_state", "atmosphere", "surface_temperature_k"),
    "Surface pressure at the end (Pa)": ("end_state", "atmosphere", "surface_pressure_pa"),
}
SCORES = ("habitability_score", "timeline_efficiency", "resource_efficiency", "cost_efficiency")


def write_sweep_report(
    folder: Path,
    tree: xr.DataTree,
    specs: Sequence[RunSpec],
    results: Sequence[Result | None],
    facts: Mapping[str, str],
) -> Path:
    """Write report.html of many members, and its pictures, into a folder; its path.

    specs and results are those of the members of the tree, in their order; a member that failed has no result.
    facts are names and places to show.  Raises InvalidInput when no member has a result, StoreError when the folder
    cannot be written.
    """
    done = [i for i, result in enumerate(results) if result is not None]
    if not done:
        raise InvalidInput("results", "none", "a report needs a member that completed")
    kept = [results[i] or {} for i in done]
    ran = [specs[i] for i in done]
    lost = len(specs) - len(done)
    varied = {_label(name, specs[0]): values for name, values in varied_numbers(ran).items()}
    answers = _answers(kept)
    words = f"{specs[0].body.name}: {scenario_title(specs[0])}, {len(specs)} members"
    pictures = _draw(folder, tree, ran, done, kept, varied, words)
    shared = specs[0]
    return write_page(
        folder / "report.html",
        "sweep.html.j2",
        title=words,
        headline=_headline(shared, answers, len(done)),
        notes=[f"{lost} members have no result; they are left out."] if lost else [],
        pictures=[
            {"name": n, "alt": CAPTIONS[n], "caption": CAPTIONS[n], "uri": data_uri(p)} for n, p in pictures.items()
        ],
        spread=[[name, *(number(v) for v in np.quantile(x, (0, 0.1, 0.5, 0.9, 1)))] for name, x in answers.items()],
        events=_events(kept),
        header=["Member", *varied, *answers],
        members=[[f"member {m}", *cells] for m, cells in zip(done, _cells(varied, answers), strict=True)],
        run=[[name[:1].upper() + name[1:], value] for name, value in facts.items()],
        provenance=[
            ["Digest of the body", shared.body.digest],
            ["Digest of the physics", shared.code_fingerprint or "not recorded"],
            ["Grid", f"{shared.grid_shape.n_lat} latitudes × {shared.grid_shape.n_lon} longitudes"],
            ["Versions that made this report", f"twinpipe {version('twinpipe')}, Python {platform.python_version()}"],
        ],
    )


def varied_numbers(specs: Sequence[RunSpec]) -> dict[str, list[float]]:
    """Numbers that differ between specs, by name: of the pattern's parameters where they do, else of the whole spec."""
    tables = [dict(spec.scenario.parameters) for spec in specs]
    found = _different(tables)
    if not found:
        found = _different([dict(_numbers(spec.model_dump(mode="json"))) for spec in specs])
    return found


def _label(name: str, spec: RunSpec) -> str:
    """What varies in words, with the unit of the pattern's parameter where it is one."""
    words, unit = split_unit(name)
    try:
        parameter = load_pattern(spec.scenario.pattern).parameters.get(name)
    except NotFound:  # a pattern that this version no longer ships
        parameter = None
    unit = parameter.unit.replace("**2", "²").replace("**3", "³") if parameter is not None else unit
    return f"{words} ({unit})" if unit not in ("", "1", "dimensionless", "year") else words


def _different(tables: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    names = [n for n in tables[0] if all(n in t for t in tables)]
    return {n: [float(t[n]) for t in tables] for n in names if len({t[n] for t in tables}) > 1}


def _numbers(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Numbers of a nested spec by their dotted names."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _numbers(item, f"{name}.{i}")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, value


def _cells(varied: Mapping[str, Sequence[float]], answers: Mapping[str, Sequence[float]]) -> Iterator[list[str]]:
    """For each member what was varied, and what came of it."""
    for i in range(len(next(iter(answers.values())))):
        yield [*(number(x[i]) for x in (*varied.values(), *answers.values()))]


def _answers(results: Sequence[Result]) -> dict[str, list[float]]:
    """What members came to, by words."""
    found = {words: [float(r[a][b][c]) for r in results] for words, (a, b, c) in ANSWERS.items()}
    return found | {"Overall score (of 1)": [overall(r) for r in results]}


def overall(result: Result) -> float:
    """The mean of a result's four scores, as in the ledger."""
    return float(np.mean([result["success_metrics"][name] for name in SCORES]))


def _headline(spec: RunSpec, answers: Mapping[str, Sequence[float]], members: int) -> str:
    warmth, air, _ = (np.sort(np.asarray(x)) for x in answers.values())
    return (
        f"{members} members of {spec.years} years end between {quantity(float(warmth[0]), 'K')} and "
        f"{quantity(float(warmth[-1]), 'K')}, with pressures of {quantity(float(air[0]), 'Pa')} to "
        f"{quantity(float(air[-1]), 'Pa')}."
    )


def _events(results: Sequence[Result]) -> Rows:
    first: dict[str, list[float]] = {}
    for result in results:
        own: dict[str, float] = {}
        for event in result["key_events"]:
            own[event["event"]] = min(float(event["year"]), own.get(event["event"], np.inf))
        for kind, year in own.items():
            first.setdefault(kind, []).append(year)
    rows = []
    for kind, years in sorted(first.items(), key=lambda item: float(np.median(item[1]))):
        times = (quantity(float(np.quantile(years, q)), "year") for q in (0, 0.5, 1))
        rows.append([event_name(kind), f"{len(years)} of {len(results)}", *times])
    return rows


def _draw(
    folder: Path,
    tree: xr.DataTree,
    specs: Sequence[RunSpec],
    members: Sequence[int],
    results: Sequence[Result],
    varied: Mapping[str, Sequence[float]],
    words: str,
) -> dict[str, Path]:
    completed = tree.isel(member=list(members), missing_dims="ignore")
    events = {f"member {m}": r["key_events"] for m, r in zip(members, results, strict=True)}
    figures = {
        "fan": fan_figure(completed, specs[0], words),
        "events": timeline_figure(events, float(specs[0].years), words),
    }
    if varied:
        figures["response"] = response_figure(varied, _answers(results), words)
    best, worst = (int(f([overall(r) for r in results])) for f in (np.argmax, np.argmin))
    if best != worst:
        pair, names = (best, worst), (f"member {members[best]}", f"member {members[worst]}")
        figures["extremes"] = comparison_figure((completed, completed), (specs[best], specs[worst]), names, pair)
    return {name: save(figure, folder / f"{name}.png", f"{words}: {name}") for name, figure in figures.items()}
