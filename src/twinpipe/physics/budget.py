"""Books of energy and mass: what is there, what each process moved, and whether that closes; B0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinpipe.grid import Array
from twinpipe.neighbours import ALONE, Neighbours, together
from twinpipe.physics import shell
from twinpipe.physics.model import Model
from twinpipe.physics.records import AHEAD, BOTTOM_HEAT, ENERGY_FLOWS, Ledger, State
from twinpipe.physics.substances import (
    CO2,
    DESORPTION,
    FIRST_SUPER,
    LATENT_OF_LOCALS,
    LATENT_OF_STORES,
    OF_AEROSOLS,
    OF_GASES,
    OF_LOCALS,
    OF_STORES,
)

MASS_TOLERANCE = 1e-12  # of the largest amount of an element that the run held or moved
LEAST_MASS = 1e-280  # kg, which has all its digits
ENERGY_TOLERANCE = 1e-9  # of the cumulative gross flux
LAST_DIGIT = float(np.finfo(np.float64).eps)
SUMMED = 64  # last digits of what is held that sums over cells and layers may lose

# Sign of each ledger flow in the change of the energy that is there; transport moves it, and sums to 0.
_SIGN = np.array([{"outgoing_longwave": -1.0, "transport": 0.0}.get(f, 1.0) for f in ENERGY_FLOWS])


@dataclass(frozen=True)
class Contents:
    """What the members hold: energy (member) J m-2 relative to 0 K and vapours, that of stores apart, whose change
    would drown in the digits of an ocean's; store (store, member) kg, and J, and rest what their last digits do not
    hold; mass (element, member) kg; area m2."""

    energy: Array
    store: Array
    rest: Array
    mass: Array
    area: float

    def since(self, start: Contents) -> Array:
        """(member) J m-2 that have come since another time."""
        come = (self.store - start.store) + (self.rest - start.rest)
        return np.asarray(self.energy - start.energy - _of(LATENT_OF_STORES[None], come)[0] / self.area)


@dataclass(frozen=True)
class Closure:
    """Relative errors of the books (member): mass over all elements, energy, transport."""

    mass: Array
    energy: Array
    transport: Array

    @property
    def closes(self) -> bool:
        """Whether every book of every member closes."""
        worst_energy = max(float(self.energy.max()), float(self.transport.max()))
        return bool(float(self.mass.max()) <= MASS_TOLERANCE and worst_energy <= ENERGY_TOLERANCE)


def contents(model: Model, s: State, neighbours: Neighbours = ALONE) -> Contents:
    """Energy sum_k C_k T_k + c_p p T_1 / g - sum L m, stores, and the mass of each element in all three."""
    st, o, weight, members = model.static, model.options, model.static.weight, model.n_members
    heat = np.zeros_like(s.p)
    for capacity, layer in zip(st.layer_capacity, s.T, strict=True):
        heat += capacity * layer
    heat *= st.inertia
    heat += o.cp / o.gravity * s.p * s.T[0] - o.latent * s.ice
    for latent, field in zip(LATENT_OF_LOCALS, s.local, strict=True):
        if latent:
            heat -= latent * field
    for layer in s.adsorbed:
        heat -= DESORPTION * layer
    if o.ice_shell:
        heat += shell.cold_content(s, st.shell_layers, model.members.shell_base)
    for capacity, layer in zip(st.deep_capacity, s.warming, strict=True):
        heat += capacity * layer
    if o.regolith:  # the deep ground has what it exchanges with the soil for the whole orbit already
        ahead = np.tile(s.orbit[AHEAD], model.grid.n_lon)
        heat -= ahead * (o.geothermal - st.inertia * s.ground[BOTTOM_HEAT])
    frozen = _mean(s.ice, weight, members)
    for layer in s.adsorbed:
        frozen += _mean(layer, weight, members)
    on_the_ground = [_mean(field, weight, members) for field in s.local]
    energy, frozen, *found = together(neighbours, np.array([_mean(heat, weight, members), frozen, *on_the_ground]))
    mass = _of(OF_GASES, s.gas) + _of(OF_STORES, s.store) + _of(OF_AEROSOLS, s.aerosol)
    mass += _of(OF_LOCALS, np.array(found)) * o.area
    mass += OF_GASES[:, CO2, None] * frozen * o.area
    return Contents(energy, s.store.copy(), s.rest.copy(), mass, o.area)


def _of(shares: Array, amounts: Array) -> Array:
    """shares @ amounts, (row, member), each member's sum in the same order in any block."""
    return np.array([(shares * np.ascontiguousarray(amounts[:, b])).sum(axis=1) for b in range(amounts.shape[1])]).T


def _mean(field: Array, weight: Array, members: int) -> Array:
    """Area mean of (row, cell), (member); each member's cells add up in the same order in any block."""
    cells = (weight[:, None] * field).reshape(-1, members)
    return np.array([np.ascontiguousarray(cells[:, b]).sum() for b in range(members)])


def closure(start: Contents, end: Contents, ledger: Ledger, steps: int = 1) -> Closure:
    """How far the changes of the contents are from what the processes say that they moved.

    An element's error is relative to the largest amount of it that was there or came.  The energy's is relative to
    the gross flux, or to so much that the last digits of what is held can show it, half a digit of which each step
    rounds away: air of a thousand bar holds so much that the sunlight of a step is in its last ones.
    """
    moved = _of(_SIGN[None], ledger.energy)[0]
    unseen = (SUMMED + 0.5 * steps) * LAST_DIGIT * np.maximum(np.abs(start.energy), np.abs(end.energy))
    gross = np.maximum(ledger.energy[0] + ledger.energy[1], np.maximum(unseen / ENERGY_TOLERANCE, 1.0))
    energy = np.abs(end.since(start) - moved) / gross
    came = _of(OF_GASES, ledger.imported) + _of(OF_STORES, ledger.supplied) + _of(OF_AEROSOLS, ledger.made)
    came += _of(OF_LOCALS, ledger.spread)
    gain = came - _of(OF_GASES, ledger.escaped) - _of(OF_GASES[:, FIRST_SUPER:], ledger.decayed)
    scale = np.maximum(np.maximum(np.maximum(start.mass, end.mass), np.abs(came)), LEAST_MASS)
    error = np.abs(end.mass - start.mass - gain) / scale
    return Closure(error.max(axis=0), energy, np.abs(ledger.energy[5]) / gross)
