"""Books of energy and mass: what is there, what each process moved, and whether that closes; B0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinpipe.grid import Array
from twinpipe.physics.co2_ice import LATENT
from twinpipe.physics.model import Model
from twinpipe.physics.records import CO2, ENERGY_FLOWS, FIRST_SUPER, Ledger, State

MASS_TOLERANCE = 1e-12  # of the largest amount of a gas that the run held or moved
ENERGY_TOLERANCE = 1e-9  # of the cumulative gross flux

# Sign of each ledger flow in the change of the energy that is there; transport moves it, and sums to 0.
_SIGN = np.array([{"outgoing_longwave": -1.0, "transport": 0.0}.get(f, 1.0) for f in ENERGY_FLOWS])


@dataclass(frozen=True)
class Contents:
    """What the members hold: energy (member) J m-2 relative to 0 K and CO2 vapour; gas (gas, member) kg with ice."""

    energy: Array
    mass: Array


@dataclass(frozen=True)
class Closure:
    """Relative errors of the books (member): mass over all gases, energy, transport."""

    mass: Array
    energy: Array
    transport: Array

    @property
    def closes(self) -> bool:
        """Whether every book of every member closes."""
        worst_energy = max(float(self.energy.max()), float(self.transport.max()))
        return bool(float(self.mass.max()) <= MASS_TOLERANCE and worst_energy <= ENERGY_TOLERANCE)


def contents(model: Model, s: State) -> Contents:
    """Energy sum_k C_k T_k + c_p p T_1 / g - L m, and the mass of each gas with its ice."""
    st, o, grid = model.static, model.options, model.grid
    heat = np.zeros_like(s.p)
    for capacity, layer in zip(st.layer_capacity, s.T, strict=True):
        heat += capacity * layer
    heat *= st.inertia
    heat += o.cp / o.gravity * s.p * s.T[0] - LATENT * s.ice
    members = model.n_members
    mass = s.gas.copy()
    mass[CO2] += _mean(s.ice, grid.row_weight, members) * o.area
    return Contents(_mean(heat, grid.row_weight, members), mass)


def _mean(field: Array, weight: Array, members: int) -> Array:
    """Area mean of (row, cell), (member); each member's cells add up in the same order in any block."""
    cells = (weight[:, None] * field).reshape(-1, members)
    return np.array([np.ascontiguousarray(cells[:, b]).sum() for b in range(members)])


def closure(start: Contents, end: Contents, ledger: Ledger) -> Closure:
    """How far the changes of the contents are from what the processes say that they moved."""
    moved = _SIGN @ ledger.energy
    gross = np.maximum(ledger.energy[0] + ledger.energy[1], 1.0)
    energy = np.abs(end.energy - start.energy - moved) / gross
    gain = ledger.imported - ledger.escaped
    gain[FIRST_SUPER:] -= ledger.decayed
    scale = np.maximum(np.maximum(start.mass, end.mass), ledger.imported)
    error = np.abs(end.mass - start.mass - gain) / np.where(scale > 0, scale, 1.0)
    return Closure(error.max(axis=0), energy, np.abs(ledger.energy[5]) / gross)
