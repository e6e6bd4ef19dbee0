"""Transport where tangents of OLR would carry away more heat than there is; B6, B18.

carry_heat follows OLR along its tangent, which is below 0 at 0 K: ground that is far colder after a step than before
would pay for what the wind takes with a flux from space.  A member with such a cell is carried again along chords
from 0 to its balance without transport, k T*^3 T: then T* stays, and the wind takes at most what comes in, since
s = A (T' - T*) >= -A T*.
"""

from __future__ import annotations

from twinpipe.grid import Array
from twinpipe.physics.co2_ice import ITERATIONS, couple_air, over_frosty_ground
from twinpipe.physics.compiled import compiled, inlined, part
from twinpipe.physics.records import (
    BASE,
    CAPACITY,
    COUPLING,
    DRIVE,
    FROST,
    OVERDRAWN,
    SOURCE,
    A,
    K,
    Options,
    Scratch,
    State,
    Static,
)
from twinpipe.physics.soil import conduction


@compiled
def note(base: Array, source: Array, overdrawn: Array) -> int:
    """Set overdrawn (member) to 1 where base + s <= 0 in a row; gives the number of such cells."""
    found = 0
    for j in range(base.size):
        found += 1 if base[j] + source[j] <= 0.0 else 0
    if found > 0:
        for j in range(base.size):
            if base[j] + source[j] <= 0.0:
                overdrawn[j % overdrawn.size] = 1.0
    return found


@inlined
def balanced(t: float, stiff: float, k: float, base: float) -> float:
    """T of stiff T + k T^4 = base, from a t (K), by Newton's method; it comes down to the root after one step."""
    for _ in range(ITERATIONS):
        q3 = k * t * t * t
        new = (base + 3.0 * q3 * t) / (stiff + 4.0 * q3)
        if abs(new - t) <= 1e-12 * new:
            return new
        t = new
    return t


@compiled
def follow_tangents(
    T: Array, k: Array, capacity: Array, conduction: float, inertia: Array, base: Array, A: Array, drive: Array
) -> None:
    """A and drive of a row as co2_ice.linearise makes them, to the bit."""
    for j in range(T.size):
        t = T[j]
        slope = 4.0 * k[j] * t * t * t
        excess = 0.75 * slope * t
        stiff = capacity[j] + conduction * inertia[j]
        A[j] = stiff + slope
        drive[j] = base[j] + excess


@compiled
def follow_tangents_over_frost(
    T: Array,
    k: Array,
    capacity: Array,
    conduction: float,
    inertia: Array,
    base: Array,
    ice: Array,
    frost: Array,
    coupling: Array,
    A: Array,
    drive: Array,
) -> None:
    """A and drive of a row as co2_ice.balance_with_air makes them, to the bit."""
    for j in range(T.size):
        stiff, icy = capacity[j] + conduction * inertia[j], ice[j] > 0.0
        A[j], drive[j] = over_frosty_ground(T[j], k[j], stiff, base[j], icy, frost[j], coupling[j])


@compiled
def follow_chords(
    T: Array,
    k: Array,
    capacity: Array,
    conduction: float,
    inertia: Array,
    base: Array,
    coupling: Array,
    overdrawn: Array,
    A: Array,
    drive: Array,
) -> None:
    """A and drive of a row's cells of overdrawn members: OLR = k T*^3 T, through the air that carries heat if any."""
    for j in range(T.size):
        if overdrawn[j % overdrawn.size] > 0.0:
            stiff, came = capacity[j] + conduction * inertia[j], max(base[j], 0.0)
            t = balanced(T[j], stiff, k[j], came)
            a, c = stiff + k[j] * t * t * t, coupling[j]
            A[j] = c * a / (a + c) if c > 0.0 else a
            drive[j] = came * c / (a + c) if c > 0.0 else came


@part
def look(s: State, x: Scratch) -> None:
    """Set OVERDRAWN (member) of x.by_member where a member would give more than it has."""
    x.by_member[OVERDRAWN, :] = 0.0
    for i in range(s.ice.shape[0]):
        note(x.fields[BASE, i], x.fields[SOURCE, i], x.by_member[OVERDRAWN])


@part
def mend(st: Static, o: Options, s: State, x: Scratch) -> None:
    """The equation of carry_heat again, by chords for the overdrawn; the others get the same bits again."""
    overdrawn, coupling, stiffness = x.by_member[OVERDRAWN], x.rows[COUPLING], conduction(st)
    for i in range(s.ice.shape[0]):
        t, k, capacity, base = s.T[0, i], x.fields[K, i], x.fields[CAPACITY, i], x.fields[BASE, i]
        a, drive = x.fields[A, i], x.fields[DRIVE, i]
        if o.frost:
            follow_tangents_over_frost(
                t, k, capacity, stiffness, st.inertia[i], base, s.ice[i], x.fields[FROST, i], coupling, a, drive
            )
        else:
            follow_tangents(t, k, capacity, stiffness, st.inertia[i], base, a, drive)
            couple_air(s.ice[i], x.fields[FROST, i], coupling, False, a, drive)
        follow_chords(t, k, capacity, stiffness, st.inertia[i], base, coupling, overdrawn, a, drive)
