"""Designs: the points of a sweep, drawn by quasi-random sequences and crossed with lists and grids.

Points of sobol and saltelli are nested: twice the points begin with the same ones, so that a sweep can grow.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod

import numpy as np

from twinpipe.body import Body
from twinpipe.errors import NotFound
from twinpipe.grid import Array
from twinpipe.prior import Prior
from twinpipe.sweep_spec import SEED, VARIANT, Design, Drawn, GridAxis, ListAxis, PriorAxis, SweepSpec

Values = dict[str, float | str]


def drawn_points(spec: SweepSpec) -> int:
    """Points that are drawn, before they are crossed with anything."""
    per_point = len(spec.drawn) + 2 if spec.design.kind == "saltelli" else 1
    return per_point * (spec.design.points or 0) if spec.drawn else 1


def number_of_points(spec: SweepSpec) -> int:
    """Points of the whole design, which are its members where no two are the same."""
    crossed = prod(a.number for a in spec.crossed)
    return drawn_points(spec) * crossed * max(1, len(spec.variants)) * spec.design.replicates


def unit_points(design: Design, axes: int) -> Array:
    """Points (point, axis) of a design in the unit cube.

    saltelli: for each base point its row of A, of B, and of A with one column after the other from B
    (Saltelli et al. 2010, doi:10.1016/j.cpc.2009.09.018).
    """
    from scipy.stats import qmc  # slow to import, and only needed here

    n = design.points or 0
    match design.kind:
        case "sobol":
            return np.asarray(qmc.Sobol(axes, bits=64, rng=design.seed).random(n))
        case "latin_hypercube":
            return np.asarray(qmc.LatinHypercube(axes, rng=design.seed).random(n))
        case "saltelli":
            both = qmc.Sobol(2 * axes, bits=64, rng=design.seed).random(n)
            a, b = both[:, :axes], both[:, axes:]
            mixed = np.repeat(a[:, None, :], axes, axis=1)
            mixed[:, range(axes), range(axes)] = b
            return np.concatenate([a[:, None], b[:, None], mixed], axis=1).reshape(-1, axes)
        case _:
            return np.zeros((1, 0))


def distribution(axis: Drawn, body: Body) -> Prior:
    """The distribution of an axis; raises NotFound where the body gives none."""
    if not isinstance(axis, PriorAxis):
        return axis
    if axis.name not in body.uncertainty:
        raise NotFound(f"uncertain field of {body.name}", axis.name, sorted(body.uncertainty))
    return body.uncertainty[axis.name]


def points(spec: SweepSpec, body: Body) -> Iterator[Values]:
    """Values by axis of each point; those of variants are numbers of the variant, of replicates seeds."""
    drawn = [distribution(a, body) for a in spec.drawn]
    names = [a.name for a in spec.drawn]
    rows = unit_points(spec.design, len(drawn)).tolist()
    sets: list[list[Values]] = []
    if spec.variants:
        sets.append([{VARIANT: float(i)} for i in range(len(spec.variants))])
    sets += [[{a.name: value} for value in _values(a)] for a in spec.crossed]
    sets.append([{n: d.at(q) for n, d, q in zip(names, drawn, row, strict=True)} for row in rows])
    if spec.design.replicates > 1:
        first = spec.base.seed
        sets.append([{SEED: float(seed)} for seed in range(first, first + spec.design.replicates)])
    for parts in product(*sets):
        yield {name: value for part in parts for name, value in part.items()}


def _values(axis: ListAxis | GridAxis) -> list[float | str]:
    return [axis.at(i) for i in range(axis.number)] if isinstance(axis, GridAxis) else list(axis.values)
