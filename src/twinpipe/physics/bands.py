"""Steps of a band of latitudes: the stages of the kernel, and what the bands of a planet tell each other between them.

A band has the rows of its own and all that belongs to the planet (gases, stores, books), which every band moves alike.
After each stage the bands add up, in their order, the totals of their rows; where heat or vapour is carried they
exchange what the rows at their edges are (transport.py).  The rows themselves stay where they are.
"""

from __future__ import annotations

import numpy as np

from twinpipe.grid import Array
from twinpipe.neighbours import Neighbours, added, together
from twinpipe.physics import transport
from twinpipe.physics.kernel import N_BASE_SERIES, advance
from twinpipe.physics.model import Model
from twinpipe.physics.records import (
    AIR,
    BALANCE,
    CARRY,
    CARRY_AGAIN,
    CLOSE,
    MEND,
    MIX,
    OVERDRAWN,
    SETTLE,
    TAKE,
    VAPOUR,
    WANT,
    Forcing,
    Ledger,
    Outputs,
    Scratch,
    State,
)
from twinpipe.physics.substances import N_LOCALS

COLDEST = 9  # place of that series, the lowest temperature


def advance_band(
    model: Model,
    s: State,
    ledger: Ledger,
    f: Forcing,
    out: Outputs,
    x: Scratch,
    first: int,
    n: int,
    neighbours: Neighbours,
) -> None:
    """Advance a band n steps from first, in place, together with its neighbours, which do the same."""
    o = model.options
    below = o.regolith or o.buried

    def run(k: int, stage: int, end: int) -> None:
        x.turn[:] = stage, end, k
        # first stays: the kernel counts zonal means from there
        advance(model.static, o, model.members, s, ledger, f, out, x, first, 1, model.n_members)

    def join(*rows: int) -> None:
        places = list(rows)
        x.totals[places] = together(neighbours, x.totals[places])

    def join_edges(*rows: int) -> None:
        places = list(rows)
        parts = neighbours.gather(np.concatenate([x.totals[places].ravel(), x.edges.ravel()]))
        sums = x.totals[places].size
        if places:
            x.totals[places] = added(parts[:, :sums]).reshape(len(places), -1)
        transport.meet(parts, sums, neighbours.band, x.beyond)

    for k in range(n):
        begins = below and (first + k) % model.static.insolation.shape[0] == 0
        if begins or o.geosphere:
            run(k, WANT, TAKE)
            join(0, 2, 3)
            run(k, TAKE, AIR)
            if begins:
                join(1)
            run(k, AIR, BALANCE)
        else:
            run(k, WANT, BALANCE)
        join(0)
        run(k, BALANCE, CARRY)
        join_edges()
        run(k, CARRY, MEND)
        if not o.linear:
            overdrawn = x.by_member[OVERDRAWN]
            overdrawn[:] = neighbours.gather(overdrawn).max(axis=0)
            if overdrawn.any():
                run(k, MEND, CARRY_AGAIN)
                join_edges()
                run(k, CARRY_AGAIN, VAPOUR)
        if o.water:
            run(k, VAPOUR, MIX)
            join_edges(9, 11)
            run(k, MIX, SETTLE)
            join(10)
        run(k, SETTLE, CLOSE)
        _join_step(x, out.series[:, k], neighbours)
        run(k, CLOSE, CLOSE + 1)


def _join_step(x: Scratch, series: Array, neighbours: Neighbours) -> None:
    """The totals of a step, the masses on the ground and the coldest cell, of all bands."""
    masses = series[N_BASE_SERIES : N_BASE_SERIES + N_LOCALS + 1]
    parts = neighbours.gather(np.concatenate([x.totals, masses, series[COLDEST : COLDEST + 1]]))
    sums = added(parts)
    n = len(x.totals)
    x.totals[:] = sums[:n]
    masses[:] = sums[n:-1]
    series[COLDEST] = parts[:, -1].min(axis=0)
