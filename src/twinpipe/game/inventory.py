"""Gases, water and stored volatiles of a body of a game file, as masses; the rules by which one number wins."""

from __future__ import annotations

import math
from typing import get_args

from twinpipe.body import Body
from twinpipe.constants import MOLAR_MASS
from twinpipe.errors import InvalidInput
from twinpipe.game.draft import Draft
from twinpipe.game.entry import Entry
from twinpipe.game.inconsistency import BAR, HEAVIEST_AIR, ICE_DENSITY, WATER_DENSITY
from twinpipe.game.words import original
from twinpipe.part import GasName

GASES: tuple[str, ...] = get_args(GasName)
AIR, WATER, GROUND = "atmosphere_attributes", "hydrosphere_attributes", "geosphere_attributes"
THINNEST_AIR_PA = 1.0  # below it, air whose gases are not named is left out
ROCK_DENSITY = 3500.0  # kg m-3; of Io and Luna, which have little water
POLAR_PLACES = ("polar_caps", "psr_deposits")
SEASONAL_CAPS = "seasonal_caps"  # CO2 that has frozen out of the air, of which a body counts it as a part
ICE_SHELL, SEAS = "ice_shell", "seas"  # H2O over an ocean, CH4 and C2H6 on the ground: twins tell them with the ground


def fill_air(draft: Draft, e: Entry, builtin: Body | None) -> None:
    """Masses of the gases: the stated mass wins over the pressure unless it is no atmosphere's."""
    air = e.atmosphere_attributes
    total, key = air.total_atmospheric_mass, f"{AIR}.total_atmospheric_mass"
    per_bar = BAR * e.area_m2 / e.surface_gravity
    if total is not None and total > HEAVIEST_AIR * e.mass:
        if air.pressure is None:
            allowed = (
                f"it must be at most {HEAVIEST_AIR:g} of the body's mass {e.mass:g} kg, or a pressure must be given"
            )
            raise InvalidInput(f"{e.identifier}.{key}", total, allowed)
        draft.assume(f"total_atmospheric_mass is too much for air, so that the pressure {air.pressure:g} bar is used")
        total = None
    if total is None and air.pressure is not None and (air.composition or builtin is None):
        total, key = air.pressure * per_bar, f"{AIR}.pressure"
        draft.assume(f"mass of the air {total:.4g} kg follows from its pressure {air.pressure:g} bar: p A / g")
    if total is None:
        if builtin is not None:
            draft.assume(f"gases completed from the built-in {builtin.name}")
        else:
            draft.suppose("atmosphere.mass_kg", {}, "the file tells neither mass nor pressure of any air")
        return
    unit = " (kg)" if key.endswith("mass") else " (bar): p A / g"
    gases, frozen = _shares(draft, e, total), _frozen_air(e)
    if frozen > 0:
        gases["CO2"] = gases.get("CO2", 0.0) + frozen
        draft.assume(f"CO2 of {SEASONAL_CAPS}, {frozen:.4g} kg, counts with the air that it has frozen out of")
    draft.take("atmosphere.mass_kg", gases, key, f"{unit} shared by `{AIR}.composition`")
    if frozen == 0 and builtin is not None and builtin.co2_ice is not None:
        draft.assume(f"total_atmospheric_mass {total:g} kg includes the CO2 frozen in the seasonal caps")


def _frozen_air(e: Entry) -> float:
    return (e.geosphere_attributes.stored_volatiles or {}).get("CO2", {}).get(SEASONAL_CAPS, 0.0)


def _shares(draft: Draft, e: Entry, total: float) -> dict[str, float]:
    """Mass of each gas from shares of the volume: M_g = M p_g mu_g / sum p mu."""
    percent = {gas: share.percentage for gas, share in e.atmosphere_attributes.composition.items()}
    weight = {gas: p * MOLAR_MASS[gas] for gas, p in percent.items() if gas in GASES and p > 0}
    whole = math.fsum(weight.values())
    if total > 0 and whole == 0:
        pressure = total * e.surface_gravity / e.area_m2
        if pressure < THINNEST_AIR_PA:
            draft.assume(f"air of {total:.3g} kg ({pressure:.2g} Pa) is left out: the file names none of its gases")
            return {}
        raise InvalidInput(
            f"{e.identifier}.{AIR}.composition",
            ", ".join(percent) or None,
            f"an atmosphere of {total:g} kg must have at least one gas of {', '.join(GASES)}",
        )
    if left_out := [f"{gas} {p:g} %" for gas, p in percent.items() if gas not in GASES]:
        draft.assume(f"gases left out because twinpipe does not follow them: {', '.join(left_out)}")
    if weight:
        shares = ", ".join(f"{gas} {100 * w / whole:.4g} %" for gas, w in weight.items())
        draft.assume(f"composition is percent of the volume; percent of the mass: {shares}")
    stated = math.fsum(percent.values())
    if weight and abs(stated - 100) > 1e-9:
        draft.assume(f"percentages add up to {stated:.6g} and were normalised to 100")
    return {gas: total * w / whole for gas, w in weight.items()} if total > 0 else {}


def fill_water(draft: Draft, e: Entry, builtin: Body | None) -> None:
    """Total water, and the part of it that lies on the surface near the poles."""
    water, target = e.hydrosphere_attributes, "hydrosphere.total_water_kg"
    total, key = water.total_hydrosphere_mass, f"{WATER}.total_hydrosphere_mass"
    if total is None and builtin is not None:
        draft.assume(
            f"total water completed from the built-in {builtin.name}: {builtin.hydrosphere.total_water_kg:g} kg"
        )
    elif total is None:
        _water_of_volumes(draft, e)
    elif total >= 0.9 * e.mass:
        estimate = water_of_density(e) * e.mass
        draft.take(target, estimate, "mass", " and `radius`: rock and water in the proportion of their density")
        draft.assume(
            f"{estimate:.4g} kg of water instead of total_hydrosphere_mass, which leaves no rock: as much as its "
            f"density has between water and rock of {ROCK_DENSITY:g} kg/m3"
        )
    else:
        share, how = _water_share(draft, e) if total > 0 else (1.0, "")
        draft.take(target, total * share, key, f" (kg){how}")
    _surface_ice(draft, e, builtin)


def water_of_density(e: Entry) -> float:
    """Mass fraction w of water with 1/rho = w / rho_water + (1 - w) / rho_rock, within 0..1."""
    specific = e.volume_m3 / e.mass
    share = (specific - 1 / ROCK_DENSITY) / (1 / WATER_DENSITY - 1 / ROCK_DENSITY)
    return min(max(share, 0.0), 1.0)


def _water_share(draft: Draft, e: Entry) -> tuple[float, str]:
    percent = e.hydrosphere_attributes.composition
    whole = math.fsum(percent.values())
    if whole == 0:
        draft.assume("the hydrosphere counts as water: it has no composition")
        return 1.0, ""
    share = percent.get("H2O", 0.0) / whole
    if others := [f"{k} {v:g} %" for k, v in percent.items() if k != "H2O" and v > 0]:
        draft.assume(
            f"of the hydrosphere only H2O is followed, {100 * share:.4g} % of its mass; not {', '.join(others)}"
        )
    return share, f" times the share of H2O in `{WATER}.composition`"


def _water_of_volumes(draft: Draft, e: Entry) -> None:
    """Water from the volumes of its bodies where no mass is given."""
    volumes, target = e.hydrosphere_attributes.volumes_km3, "hydrosphere.total_water_kg"
    if not volumes:
        draft.suppose(target, 0.0, "the file has no mass of water")
        return
    mass = math.fsum(v * 1e9 * (ICE_DENSITY if "ice" in k else WATER_DENSITY) for k, v in volumes.items())
    share, how = _water_share(draft, e)
    draft.take(target, mass * share, f"{WATER}.liquid_bodies", f" (km3) at the density of water and ice{how}")
    draft.assume(f"no mass of the hydrosphere is given: {mass:.4g} kg from the volumes of {', '.join(volumes)}")


def _surface_ice(draft: Draft, e: Entry, builtin: Body | None) -> None:
    stored = (e.geosphere_attributes.stored_volatiles or {}).get("H2O", {})
    if builtin is not None:
        deposits = builtin.hydrosphere.surface_ice
        ours, caps = math.fsum(d.mass_kg for d in deposits), stored.get("polar_caps")
        if caps is None or ours == 0:
            draft.assume(f"surface ice completed from the built-in {builtin.name}: {ours:g} kg")
            return
        ice = [d.model_dump() | {"mass_kg": caps * (d.mass_kg / ours)} for d in deposits]
        key = f"{GROUND}.stored_volatiles.H2O.polar_caps"
        draft.take("hydrosphere.surface_ice", ice, key, f" (kg) on the deposits of built-in {builtin.name}")
        draft.assume(
            f"H2O of polar_caps, {caps:g} kg, is surface ice and spread over the deposits of the built-in "
            f"{builtin.name} ({ours:g} kg there) in their proportions; it is not counted again in the ground"
        )
        return
    places = {k: stored[k] for k in POLAR_PLACES if stored.get(k)}
    volume = e.hydrosphere_attributes.volumes_km3.get("ice_caps")
    if places:
        mass, key, unit = math.fsum(places.values()), f"{GROUND}.stored_volatiles.H2O", "kg"
    elif volume is not None and e.hydrosphere_attributes.composition.get("H2O"):
        mass, key, unit = volume * 1e9 * ICE_DENSITY, f"{WATER}.liquid_bodies.ice_caps", "km3"
    else:
        return
    cover = e.hydrosphere_attributes.ice_cap_cover
    edge = 80.0 if cover is None else math.degrees(math.asin(1 - cover))
    bands = {"south": (-90.0, -edge), "north": (edge, 90.0)}
    ice = [
        {"name": f"{name} polar ice", "mass_kg": mass / 2, "south_degree": a, "north_degree": b}
        for name, (a, b) in bands.items()
    ]
    draft.take("hydrosphere.surface_ice", ice, key, f" ({unit}), half at each pole")
    where = f"on the ground within {90 - edge:.3g} degrees of the poles"
    draft.assume(f"{', '.join(places) or 'ice_caps'}, {mass:.4g} kg, lie {where}")


def fill_ground(draft: Draft, e: Entry, builtin: Body | None) -> None:
    """Volatiles stored in the ground, without the ice that was put on it."""
    stored = e.geosphere_attributes.stored_volatiles
    if stored is None:
        if builtin is not None:
            draft.assume(f"stored volatiles completed from the built-in {builtin.name}")
        return
    moved: tuple[str, ...] = POLAR_PLACES
    if builtin is not None:
        moved = ("polar_caps",) if builtin.hydrosphere.surface_ice else ()
    elsewhere = {*(("H2O", place) for place in moved), ("CO2", SEASONAL_CAPS)}
    if builtin is not None and original(e.identifier) != e.identifier:  # a twin's, which goes on with them
        elsewhere |= {("H2O", ICE_SHELL)} if builtin.ice_shell is not None else set()
        elsewhere |= {("CH4", SEAS), ("C2H6", SEAS)} if builtin.methane_cycle is not None else set()
    kept = {
        compound: {place: kg for place, kg in places.items() if (compound, place) not in elsewhere}
        for compound, places in stored.items()
    }
    kept = {compound: places for compound, places in kept.items() if places or not stored[compound]}
    draft.take("geosphere.stored_volatiles_kg", kept, f"{GROUND}.stored_volatiles", " (kg)")
