"""What keeps an untouched body as it is today: the heat below its ice, the activity of its seas; B12, B13."""

from __future__ import annotations

import math

import numpy as np

from twinpipe.constants import GAS_CONSTANT
from twinpipe.grid import Array
from twinpipe.maps import seas
from twinpipe.physics.methane import FRESH, OF_ETHANE, OF_METHANE
from twinpipe.physics.model import Model
from twinpipe.physics.records import ACTIVITY, FROM_BELOW, State
from twinpipe.physics.shell import steady
from twinpipe.physics.shell_base import DENSITY
from twinpipe.physics.substances import (
    CH4,
    LIQUID_ETHANE,
    LIQUID_METHANE,
    METHANE_VAPORISATION,
    OCEAN_HEAT,
    OCEAN_WATER,
    SHELL_ICE,
)

FOLLOWS = 0.5  # W m-2 K-1 that radiation and winds bring to a sea that is colder than its surroundings (E)


def hold(model: Model, s: State, surface: Array, *, last: bool = False) -> None:
    """Set today's ice shells and methane, and what keeps them under a mean surface temperature (row, cell; K).

    The shell conducts F = kappa_0 ln(T_b / T_top) / h, which is what it gets from below.  A sea's activity is
    p_CH4 / (x e_sat(T)); that of dry ground is of fresh rain, or what keeps it dry.  Seasons leave a sea with a
    little more or less after a year than that: last corrects the activity by what the last orbit left, at most e-fold.
    """
    for b, body in enumerate(model.bodies):
        own = np.s_[..., b :: model.n_members]
        if body.ice_shell is not None:
            ice = body.ice_shell
            resistance = model.options.soil_resistance / model.static.inertia[own]
            s.shell[own], s.today[FROM_BELOW][own] = steady(
                surface[own],
                ice.thickness_m,
                model.static.shell_layers,
                ice.conductivity_w_m,
                ice.base_temperature_k,
                resistance,
            )
            s.local[SHELL_ICE][own] = DENSITY * ice.thickness_m
            s.store[OCEAN_WATER, b], s.rest[OCEAN_WATER, b] = ice.ocean_mass_kg, 0.0
            s.store[OCEAN_HEAT, b] = 0.0
        if body.methane_cycle is not None:
            methane, ethane, share_of_cell = seas(body, model.grid)
            gained = s.local[LIQUID_METHANE][own] - methane
            s.gas[CH4, b] = body.atmosphere.mass_kg.get("CH4", 0.0)
            s.local[LIQUID_METHANE][own], s.local[LIQUID_ETHANE][own] = methane, ethane
            moles = float((s.gas[:, b] / model.static.molar_mass).sum())
            share = s.gas[CH4, b] / model.static.molar_mass[CH4] / moles if moles else 0.0
            humidity = s.p[own] * share / (1e5 * 10 ** (3.9895 - 443.028 / (surface[own] - 0.49)))
            fraction = methane / OF_METHANE / np.maximum(methane / OF_METHANE + ethane / OF_ETHANE, 1e-300)
            found = np.where(methane > 0, humidity / np.where(methane > 0, fraction, 1.0), np.maximum(humidity, FRESH))
            if last:
                steepness = math.log(10) * 443.028 / (surface[own] - 0.49) ** 2  # d ln e_sat / dT
                vapour = OF_METHANE / GAS_CONSTANT / surface[own] * share * s.p[own] * share_of_cell
                limited = METHANE_VAPORISATION * body.methane_cycle.exchange_velocity_m_s * vapour * steepness
                response = FOLLOWS * limited / (FOLLOWS + limited) / steepness * model.clock.orbit_seconds
                change = np.divide(
                    gained * METHANE_VAPORISATION, response, out=np.zeros_like(gained), where=limited > 0
                )
                correction = np.exp(np.clip(change, -1.0, 1.0))
                found = np.where(methane > 0, s.today[ACTIVITY][own] * correction, found)
            s.today[ACTIVITY][own] = found
