"""Orbits of a block of members, again with shorter steps where pressure leaps; B18.

The kernel lags the air's mass by a step, which is good while pressure changes little in one.  Where a step changes
it by more than LARGEST_CHANGE, in an orbit that ends as far from where it began (so that it is a collapse or a
runaway, and not the seasons, except in a last orbit that the run's end cuts short), the member does the orbit again
alone, with 2, 4 or 8 times the steps.  That depends on the member and on the orbit only: blocks and segments do not
matter.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from twinpipe.fields import SERIES_FIELDS, ZONALS
from twinpipe.grid import Array
from twinpipe.neighbours import ALONE, Neighbours
from twinpipe.physics.bands import advance_band
from twinpipe.physics.kernel import advance
from twinpipe.physics.model import Model
from twinpipe.physics.records import Ledger, Outputs, State, scratch, zeros

LARGEST_CHANGE = 0.02  # of the pressure, in a step and over the orbit
FACTORS = (2, 4, 8)
MOST_STEPS = 10_000  # to an orbit
PRESSURE = [f.name for f in SERIES_FIELDS].index("global_surface_pressure")

Window = tuple[int, int]
Sums = dict[Window, Array]


class KernelTime(NamedTuple):
    """Seconds in the kernel, on the wall's clock and of the processor."""

    wall: float = 0.0
    cpu: float = 0.0


_spent = threading.local()


def kernel_time() -> KernelTime:
    """Time that this thread has spent in the kernel so far."""
    return getattr(_spent, "time", KernelTime())


def call(
    model: Model,
    s: State,
    ledger: Ledger,
    first: int,
    n: int,
    sums: Array,
    every: int,
    shares: Array | None = None,
    neighbours: Neighbours = ALONE,
) -> tuple[Array, Array]:
    """Advance a state in place over steps; zonal means (field, time, row, member) and series (field, step, member).

    shares (member, intervention): of the full rate that controllers ask for; none: nothing is steered.
    neighbours: of a band, which advance at the same time.
    """
    members = model.n_members
    zonals = np.zeros((len(ZONALS), (first + n) // every - first // every, model.n_rows, members))
    series = np.zeros((len(SERIES_FIELDS), n, members))
    forcing = model.deployment.forcing(model.clock, first, n, shares)
    n_lat, width = s.ice.shape
    room = scratch(n_lat, width, s.T.shape[0], s.shell.shape[0], members, banded=model.is_band)
    out = Outputs(sums, every, zonals, series)
    wall, cpu = time.perf_counter(), time.thread_time()
    if model.is_band:
        advance_band(model, s, ledger, forcing, out, room, first, n, neighbours)
    else:
        advance(model.static, model.options, model.members, s, ledger, forcing, out, room, first, n, members)
    before = kernel_time()
    _spent.time = KernelTime(before.wall + time.perf_counter() - wall, before.cpu + time.thread_time() - cpu)
    return zonals, series


@dataclass
class Stretch:
    """What the members did over some steps: zonals and series as the kernel writes them, and sums over windows."""

    zonals: Array
    series: Array
    sums: Sums  # of the windows that opened before the end of the stretch and have not been taken out of them


def _stretch(
    model: Model,
    s: State,
    ledger: Ledger,
    cuts: list[int],
    windows: tuple[Window, ...],
    sums: Sums,
    every: int,
    shares: Array,
    neighbours: Neighbours,
    r: int,
) -> Stretch:
    """Advance over the stretch between the first and the last cut, with r kernel steps to a step; sums stay as is."""
    totals, zonals, series = dict(sums), [], []
    for a, b in pairwise(cuts):
        active = [w for w in windows if w[0] <= a and b <= w[1]]
        stack = zeros(len(active), model.n_maps, *s.ice.shape)
        if r == 1:
            for w, total in zip(active, stack, strict=True):
                total[:] = totals.get(w, 0.0)
        z, x = call(model, s, ledger, a * r, (b - a) * r, stack, every * r, shares, neighbours)
        zonals.append(z)
        series.append(x)
        for w, total in zip(active, stack, strict=True):
            totals[w] = total if r == 1 else totals.get(w, 0.0) + total / r
    return Stretch(np.concatenate(zonals, axis=1), np.concatenate(series, axis=1), totals)


def _leaps(model: Model, before: State, series: Array) -> Array:
    """(member) whether the pressure changed too much in a step, and over the stretch."""
    start = before.gas.sum(axis=0) * model.options.gravity / model.options.area
    p = series[PRESSURE]
    with np.errstate(divide="ignore", invalid="ignore"):
        in_step = np.abs(np.diff(p, axis=0) / p[:-1]).max(axis=0, initial=0.0)
        overall = np.abs(p[-1] / start - 1)
    return np.asarray((in_step > LARGEST_CHANGE) & (overall > LARGEST_CHANGE))


def run_stretch(
    model: Model,
    refined: Callable[[int, int], Model],
    s: State,
    ledger: Ledger,
    cuts: list[int],
    windows: tuple[Window, ...],
    sums: Sums,
    every: int,
    shares: Array,
    neighbours: Neighbours = ALONE,
) -> tuple[Stretch, Array]:
    """Advance a state and ledger in place over an orbit or a part of it, and (member) who did it with shorter steps.

    cuts: steps, the windows' ends among them; sums: running sums of the windows by then, of which the result holds
    the new ones; every: steps between zonal means; refined: the model of a single member with some times the steps;
    shares: of the full rate that controllers ask for.
    """
    before, books = State(*(a.copy() for a in s)), Ledger(*(a.copy() for a in ledger))
    done = _stretch(model, s, ledger, cuts, windows, sums, every, shares, neighbours, 1)
    members, leaping = model.n_members, _leaps(model, before, done.series)
    for b in map(int, np.flatnonzero(leaping)):
        for factor in FACTORS:
            if factor * model.clock.steps_per_orbit > MOST_STEPS:
                break
            begun = State(*(_one(a, b, members) for a in before))
            own = State(*(a.copy() for a in begun))
            own_books = Ledger(*(_one(a, b, members) for a in books))
            own_sums = {w: _one(a, b, members) for w, a in sums.items()}
            alone = refined(b, factor)
            share = shares[b : b + 1]
            again = _stretch(alone, own, own_books, cuts, windows, own_sums, every, share, neighbours, factor)
            for whole, part in [*zip(s, own, strict=True), *zip(ledger, own_books, strict=True)]:
                whole[..., b::members] = part
            for w, total in again.sums.items():
                done.sums[w][..., b::members] = total
            done.zonals[..., b::members] = again.zonals
            done.series[..., b::members] = again.series[:, factor - 1 :: factor]
            if not _leaps(alone, begun, again.series)[0]:
                break
    return done, leaping


def _one(a: Array, b: int, members: int) -> Array:
    """The part of an array (..., cell or member) that belongs to a member, apart from it also where it is all of it."""
    return a[..., b::members].copy()
