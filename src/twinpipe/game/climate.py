"""What the climate of a body needs and a game file lacks: every number assumed by a rule that is told."""

from __future__ import annotations

import math

import numpy as np

from twinpipe.constants import DAY, MOLAR_MASS, STEFAN_BOLTZMANN
from twinpipe.game.draft import Draft
from twinpipe.game.entry import Entry
from twinpipe.physics.emissivity import co2_emissivity
from twinpipe.physics.longwave import trace_depth
from twinpipe.physics.shortwave import rayleigh_reflectance

THIN_PA = 100.0  # below it the air is too thin to hold a temperature; lower edge of the table of B3.3 (a)
# Specific heats at constant pressure near 250 K, J kg-1 K-1: ideal-gas values of the NIST Chemistry WebBook.
SPECIFIC_HEAT = {
    "CO2": 790.0,
    "N2": 1040.0,
    "O2": 914.0,
    "Ar": 520.0,
    "CO": 1040.0,
    "CH4": 2130.0,
    "H2": 14000.0,
    "He": 5193.0,
    "H2O": 1850.0,
    "SO2": 596.0,
    "NH3": 2030.0,
}
EARTH_HEAT_FLOW = 0.09  # W m-2; A2
EARTH_GRAVITY = 9.82  # m s-2; A1
ICY_INERTIA, ROCKY_INERTIA, AIRY_INERTIA = 70.0, 50.0, 200.0  # J m-2 K-1 s-1/2; B13 for ice, dry dust, A7 near Mars
LEAST_EMISSIVITY = 0.005  # of a planet as a whole; Venus has 0.014
STRONGEST_CYCLE = 0.12  # of 3 A_d^2 / T^2 of B4, above which its small amplitudes are not small
EARTH_DIFFUSIVITY, EARTH_PA = 0.555, 101325.0  # B6
MARS_DIFFUSIVITY, MARS_PA = 0.02, 613.0  # B6


def fill_climate(draft: Draft, e: Entry) -> None:
    """Surface and climate of a draft that has its orbit, bulk numbers and gases."""
    gases: dict[str, float] = draft.data["atmosphere"]["mass_kg"]
    gravity: float = draft.data["bulk"]["gravity_m_s2"]
    pressure = math.fsum(gases.values()) * gravity / e.area_m2
    icy = _is_icy(e)
    _air(draft, gases)
    bond = _albedo(draft, e, pressure, icy=icy)
    inertia = AIRY_INERTIA if pressure >= THIN_PA else ICY_INERTIA if icy else ROCKY_INERTIA
    kind = "ground below air" if pressure >= THIN_PA else "ice" if icy else "airless dust"
    draft.suppose("surface.thermal_inertia_j_m2_k_s12", inertia, f"that of {kind}")
    heat = EARTH_HEAT_FLOW * gravity / EARTH_GRAVITY
    draft.suppose("surface.geothermal_flux_w_m2", heat, "Earth's 0.09 W/m2 times gravity, as mass over area has it")
    draft.assume("surface flat and alike everywhere: the file has no maps")
    _transport(draft, pressure)
    _longwave(draft, e, gases, pressure, bond, inertia)
    _frost(draft, e, gases, pressure)


def _is_icy(e: Entry) -> bool:
    """Ice rather than rock: less than 2200 kg m-3, beyond the belt where ice lasts (150 K)."""
    return e.mass / e.volume_m3 < 2200 and (e.surface_temperature is None or e.surface_temperature < 150)


def _air(draft: Draft, gases: dict[str, float]) -> None:
    total = math.fsum(gases.values())
    if total > 0:
        cp = math.fsum(m * SPECIFIC_HEAT[g] for g, m in gases.items()) / total
        draft.suppose("atmosphere.heat_capacity_j_kg_k", cp, "that of the gases at 250 K")
        draft.assume("no gas escapes to space, and none but CO2 can freeze")


def _albedo(draft: Draft, e: Entry, pressure: float, *, icy: bool) -> float:
    """Albedo of the ground; returned is the planet's, A_p = R + (1 - R)^2 A_s / (1 - R A_s) of B2."""
    target = "surface.albedo"
    if e.albedo is None:
        ground = 0.3 if pressure >= THIN_PA else 0.5 if icy else 0.12
        draft.suppose(target, ground, "the file has none: 0.3 below air, 0.5 of ice, 0.12 of rock")
    reflectance = rayleigh_reflectance(pressure)
    if e.albedo is not None:
        excess = max(e.albedo - reflectance, 0.0)
        ground = excess / ((1 - reflectance) ** 2 + reflectance * excess) if excess > 0 else 0.0
        ground = min(ground, 1.0)
        how = "" if pressure < THIN_PA else f": less the {reflectance:.3g} that the air reflects"
        draft.take(target, ground, "albedo", how)
        if pressure >= THIN_PA:
            draft.assume(f"albedo {e.albedo:g} is the whole planet's; the ground below the air has {ground:.3g}")
    return reflectance + (1 - reflectance) ** 2 * ground / (1 - reflectance * ground)


def _transport(draft: Draft, pressure: float) -> None:
    """D = 0.555 (p / 1 atm)^0.65 (solar day / 24 h)^2 through Earth and Mars of B6, at most 1000."""
    turns = (draft.data["orbit"]["solar_day_s"] / DAY) ** 2
    thick = pressure >= THIN_PA
    d = EARTH_DIFFUSIVITY * (pressure / EARTH_PA) ** 0.65 if thick else MARS_DIFFUSIVITY
    reference = pressure if thick else MARS_PA
    why = "between those of Mars and Earth by pressure and rotation" if thick else "Mars's by rotation, for air to come"
    draft.suppose("climate.diffusivity_w_m2_k", min(d * turns, 1000.0), why)
    draft.suppose("climate.diffusivity_reference_pa", reference, "the pressure at which that diffusivity holds")


def _longwave(draft: Draft, e: Entry, gases: dict[str, float], pressure: float, bond: float, inertia: float) -> None:
    absorbed = draft.data["orbit"]["solar_constant_w_m2"] / 4 * (1 - bond)
    cycle, swing = _daily_cycle(draft, pressure, absorbed, inertia)
    factor = _anchor(draft, e, gases, pressure, absorbed / (1 + swing))
    draft.data["climate"]["longwave"] = {"kind": "semi_grey", "emissivity_factor": factor, "diurnal_factor": cycle}


def _anchor(draft: Draft, e: Entry, gases: dict[str, float], pressure: float, absorbed: float) -> float:
    """Factor f with f eps sigma T^4 = absorbed sunlight, the daily cycle's share apart, at the stated temperature.

    1 without air to hold a temperature.
    """
    t, source = e.surface_temperature, "climate.longwave.emissivity_factor"
    draft.sources[source] = "assumed: 1, the law of B3.3 as it is"
    if t is None:
        return 1.0
    if pressure < THIN_PA:
        draft.assume(f"surface_temperature {t:g} K is not used: without air to speak of it follows from the sunlight")
        return 1.0
    moles = {gas: m / MOLAR_MASS[gas] for gas, m in gases.items()}
    share = moles.get("CO2", 0.0) / math.fsum(moles.values())
    eps = float(co2_emissivity(np.array(pressure * math.sqrt(share)), np.array(t))) if share > 0 else 1.0
    methane, ammonia = (pressure * moles.get(gas, 0.0) / math.fsum(moles.values()) for gas in ("CH4", "NH3"))
    eps = 1 / (1 / eps + 0.75 * trace_depth(methane, ammonia))
    wanted = absorbed / (STEFAN_BOLTZMANN * t * t * t * t)
    if wanted < LEAST_EMISSIVITY:
        draft.differ(
            f"surface_temperature {t:g} K would need air that lets {wanted:.2g} of the ground's heat out, less than "
            f"{LEAST_EMISSIVITY:g}, to balance {absorbed:.3g} W/m2 of sunlight; it is not used"
        )
        return 1.0
    factor = min(wanted, 1.0) / eps
    if wanted > 1:
        draft.differ(
            f"surface_temperature {t:g} K is colder than {absorbed:.3g} W/m2 of sunlight allow; it is not reached"
        )
    draft.sources[source] = "game file, field `surface_temperature` (K)"
    draft.assume(f"longwave is scaled by {factor:.3g} so that about {t:g} K balance the sunlight, as today")
    return factor


def _daily_cycle(draft: Draft, pressure: float, absorbed: float, inertia: float) -> tuple[float, float]:
    """k_d and v of B4: 0.8, less where ground of little inertia would swing beyond the law of small amplitudes."""
    noon = absorbed * 4 / math.pi  # daily mean at the equator at equinox; its first harmonic is pi / 2 times that
    t = max((noon / STEFAN_BOLTZMANN) ** 0.25, 2.0)
    skin = inertia * math.sqrt(2 * math.pi / draft.data["orbit"]["solar_day_s"])
    stiff = 4 * STEFAN_BOLTZMANN * t * t * t
    swing = 0.8 * noon * math.pi / 2 / math.sqrt(skin * skin + stiff * (math.sqrt(2) * skin + stiff))
    strength = 3 * (swing * math.exp(-pressure / 2e4) / t) ** 2
    draft.sources["climate.longwave.diurnal_factor"] = "B4; less than 0.8 where its law of small amplitudes fails"
    if strength <= STRONGEST_CYCLE:
        return 0.8, strength
    factor = 0.8 * math.sqrt(STRONGEST_CYCLE / strength)
    draft.assume(f"daily cycle counts {factor:.2g} instead of 0.8: the law of B4 is for amplitudes smaller than here")
    return factor, STRONGEST_CYCLE


def _frost(draft: Draft, e: Entry, gases: dict[str, float], pressure: float) -> None:
    """CO2 may freeze where it is most of thin air and its frost point is within 80 K of the stated temperature; B8."""
    moles = {gas: m / MOLAR_MASS[gas] for gas, m in gases.items()}
    co2 = moles.get("CO2", 0.0) / (math.fsum(moles.values()) or 1.0) * pressure
    if co2 < 10 or co2 < 0.5 * pressure or pressure > 5.18e5:
        return
    frost_point = 3182.48 / (23.3494 - math.log(co2 / 100))
    if e.surface_temperature is not None and e.surface_temperature - frost_point > 80:
        return
    mars = {"albedo_north": 0.6, "albedo_south": 0.5, "emissivity_north": 0.8, "emissivity_south": 1.0}
    draft.suppose("co2_ice", mars, f"frost of CO2 (at {frost_point:.4g} K) looks as on Mars (A7)")
