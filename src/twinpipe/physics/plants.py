"""Chemical plants: reactions between what is in the air and what is stored, as far as there is of it; B16."""

from __future__ import annotations

from typing import get_args

import numpy as np

from twinpipe.physics.air import amounts
from twinpipe.physics.chemistry import equilibrium_pressure, react, reaction_matrix
from twinpipe.physics.compiled import part
from twinpipe.physics.records import (
    EVEN,
    IMPORTED_HEAT,
    N_PLANTS,
    OWN,
    REACTION_HEAT,
    Forcing,
    Ledger,
    Options,
    Scratch,
    State,
    Static,
)
from twinpipe.physics.rows import compensated
from twinpipe.physics.substances import (
    CO2,
    GASES,
    GROUND_ICE,
    H2O,
    LATENT_OF_STORES,
    N_GASES,
    N_STORES,
    OCEAN_WATER,
    STORES,
)
from twinpipe.reactions import REACTIONS, PlantReaction

PLANTS: tuple[str, ...] = get_args(PlantReaction)  # order of the (reaction, member) arrays

# Columns of the matrix: gases, then stores, of which the solids react.
_SOLIDS = frozenset({"C", "CaO", "CaCO3", "MgO", "MgCO3"})
_COLUMNS = (*GASES, *(s if s in _SOLIDS else name for name, s in STORES.items()))
MATRIX = reaction_matrix(PLANTS, _COLUMNS)
RELEASED = np.array([REACTIONS[r].released_j_mol for r in PLANTS])
DECOMPOSES = np.array([REACTIONS[r].decomposes_k or 0.0 for r in PLANTS])


@part
def run(st: Static, o: Options, s: State, ledger: Ledger, f: Forcing, x: Scratch, k: int, members: int) -> None:
    """What the plants turn over in a step; the heat of the reactions and of the plants goes to all of the ground.

    Water comes from the air, else from the ocean and from ice in the ground, at the cost of its latent heat.
    Carbonation leaves the CO2 that stands over the carbonate at the mean temperature.
    """
    held = x.held
    for b in range(members):
        for r in range(N_PLANTS):
            wanted = f.reaction[k, r, b] * o.dt
            if wanted > 0.0:
                row = MATRIX[r]
                for g in range(N_GASES):
                    held[g] = s.gas[g, b]
                for q in range(N_STORES):
                    held[N_GASES + q] = s.store[q, b]
                latent = 0.0
                if row[H2O] < 0.0:
                    for q in (OCEAN_WATER, GROUND_ICE):
                        moved = min(max(-row[H2O] * wanted - held[H2O], 0.0), held[N_GASES + q])
                        held[H2O] += moved
                        s.store[q, b], s.rest[q, b] = compensated(s.store[q, b], s.rest[q, b], -moved)
                        latent += LATENT_OF_STORES[q] * moved
                allowed = wanted
                if DECOMPOSES[r] > 0.0:
                    mass, moles = amounts(st, s, 0, b)
                    share = s.gas[CO2, b] / st.molar_mass[CO2] / moles if moles > 0.0 else 0.0
                    pressure = share * mass * o.gravity / o.area
                    least = equilibrium_pressure(s.mean_temperature[b], RELEASED[r], DECOMPOSES[r])
                    spare = held[CO2] * (1.0 - least / pressure) if pressure > least else 0.0
                    allowed = min(wanted, spare / -row[CO2])
                extent = react(held, row, allowed)
                for g in range(N_GASES):
                    s.gas[g, b] = held[g]
                for q in range(N_STORES):
                    made = row[N_GASES + q] * extent
                    s.store[q, b], s.rest[q, b] = compensated(s.store[q, b], s.rest[q, b], made)
                power = f.reaction_power[k, r, b] * o.dt * (extent / wanted)
                ledger.reacted[r, b] += extent
                ledger.energy[IMPORTED_HEAT, b] += power / o.area
                ledger.energy[REACTION_HEAT, b] += RELEASED[r] * extent / o.area
                heat = (RELEASED[r] * extent + power - latent) / o.area / o.dt
                x.heat[EVEN, b] += heat
                x.heat[OWN, b] += heat
