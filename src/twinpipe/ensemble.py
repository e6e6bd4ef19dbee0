"""What a sweep came to: its members ranked, the best compromises of score and cost, what matters, what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twinpipe.body import Body
from twinpipe.db.ledger import Measured, RunRow
from twinpipe.design import drawn_points, unit_points
from twinpipe.grid import Array
from twinpipe.members import values_of_points
from twinpipe.pareto import pareto_front
from twinpipe.sensitivity import of_points, of_saltelli
from twinpipe.sweep_spec import SweepSpec

MEASURES = (
    "overall_score",
    "habitability_score",
    "cost_gcc",
    "energy_j",
    "surface_temperature_k",
    "surface_pressure_pa",
)
NINETY_FIVE = 1.959964  # standard errors


@dataclass(frozen=True)
class MemberOutcome:
    """A member of a sweep: its place in the design, its run (one of before if reused), and what it came to."""

    member: int
    values: dict[str, float]
    run_id: int
    reused: bool
    status: str
    why: str | None
    measured: Measured | None

    def as_dict(self) -> dict[str, Any]:
        """The member as JSON."""
        of = {name: getattr(self.measured, name) for name in MEASURES} if self.measured else {}
        own = {"member": self.member, "run": self.run_id, "reused": self.reused, "status": self.status, "why": self.why}
        return own | {"values": self.values, "measures": of}


def outcomes(
    members: Sequence[dict[str, Any]], runs: Sequence[RunRow], measured: dict[int, Measured]
) -> list[MemberOutcome]:
    """The members of a sweep by its row's list, its own runs, and what runs came to."""
    own = {run.member: run for run in runs}
    made = []
    for number, m in enumerate(members):
        run = own.get(number)
        run_id = run.id if run else int(m["run"])
        there = measured.get(run_id)
        status = run.status if run else "completed" if there else "purged"
        why = run.error_message if run else None
        made.append(MemberOutcome(number, m["values"], run_id, run is None, status, why, there))
    return made


def ranked(members: Sequence[MemberOutcome]) -> list[MemberOutcome]:
    """Those with a result, the highest score first, of equal ones the cheapest."""
    there = [(m, m.measured) for m in members if m.measured is not None]
    return [m for m, x in sorted(there, key=lambda pair: (-pair[1].overall_score, pair[1].cost_gcc, pair[0].member))]


def pareto_members(members: Sequence[MemberOutcome]) -> list[MemberOutcome]:
    """Those with a result that no other beats in both score and cost, cheapest first."""
    there = [(m, m.measured) for m in members if m.measured is not None]
    return [m for m, _ in pareto_front(there, lambda pair: (pair[1].overall_score, pair[1].cost_gcc))]


def table_of(spec: SweepSpec, body: Body, members: Sequence[MemberOutcome], measure: str) -> tuple[Array, list[Any]]:
    """A measure as (variant, crossed values, drawn point, replicate), NaN where there is none; the crossed values."""
    known = {_key(m.values): getattr(m.measured, measure) for m in members if m.measured is not None}
    points = list(values_of_points(spec, body))
    variants, drawn, replicates = max(1, len(spec.variants)), drawn_points(spec), spec.design.replicates
    shape = (variants, len(points) // (variants * drawn * replicates), drawn, replicates)
    table = np.array([known.get(_key(p), np.nan) for p in points], float).reshape(shape)
    crossed = [a.name for a in spec.crossed]
    return table, [{n: p[n] for n in crossed} for p in points[: shape[1] * drawn * replicates : drawn * replicates]]


def _key(values: dict[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(values.items()))


def sensitivities(spec: SweepSpec, body: Body, members: Sequence[MemberOutcome]) -> list[dict[str, Any]]:
    """Indices of each measure that varies, of the axes that are distributions, for each variant and crossed values.

    Replicates are averaged.  A saltelli design has estimators of its own.
    """
    names = [a.name for a in spec.drawn]
    if not names:
        return []
    u, found = unit_points(spec.design, len(names)), []
    for measure in MEASURES:
        table, crossed = table_of(spec, body, members, measure)
        for variant, of_variant in enumerate(table.mean(axis=-1)):
            for values, y in zip(crossed, of_variant, strict=True):
                saltelli = spec.design.kind == "saltelli"
                made = of_saltelli(y.reshape(-1, len(names) + 2)) if saltelli else of_points(u, y)
                if made is None:
                    continue
                at = {"variant": spec.variants[variant].name} if spec.variants else {}
                axes = {
                    name: {
                        "first_order": float(made.first[i]),
                        "first_order_interval": made.first_interval[:, i].tolist(),
                        "total": float(made.total[i]),
                        "total_interval": made.total_interval[:, i].tolist(),
                    }
                    for i, name in enumerate(names)
                }
                told = {"measure": measure, "points": made.points, "explained": made.explained, "axes": axes}
                found.append(at | ({"at": values} if values else {}) | told)
    return found


def differences(spec: SweepSpec, body: Body, members: Sequence[MemberOutcome]) -> list[dict[str, Any]]:
    """Of each variant to the first, over pairs of members that have all else in common: mean and interval of 95 %."""
    found = []
    for measure in MEASURES:
        if len(spec.variants) < 2:
            break
        table, _ = table_of(spec, body, members, measure)
        for variant, of_variant in zip(spec.variants[1:], table[1:], strict=True):
            pairs = (of_variant - table[0]).ravel()
            pairs = pairs[np.isfinite(pairs)]
            if not pairs.size:
                continue
            mean = float(pairs.mean())
            error = float(pairs.std(ddof=1) / np.sqrt(pairs.size)) if pairs.size > 1 else None
            told = {"measure": measure, "variant": variant.name, "to": spec.variants[0].name, "pairs": pairs.size}
            interval = None if error is None else [mean - NINETY_FIVE * error, mean + NINETY_FIVE * error]
            found.append(told | {"mean": mean, "interval": interval, "higher": float((pairs > 0).mean())})
    return found
