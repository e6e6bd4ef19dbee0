"""Every stored field, declared once; arrays, attributes, documentation and plots follow from this table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Group = Literal["atmosphere", "hydrosphere", "biosphere", "geosphere", "simulation_state"]
GROUPS: tuple[Group, ...] = ("atmosphere", "hydrosphere", "biosphere", "geosphere", "simulation_state")


@dataclass(frozen=True)
class Field:
    """A field with its CF description.

    dims: maps are (member, time, lat, lon); zonal means (member, zonal_time, lat); series
    (member, series_time); static maps (lat, lon).  kept: type in the store.
    """

    name: str
    group: Group
    dims: tuple[str, ...]
    units: str
    long_name: str
    standard_name: str | None = None
    cell_methods: str | None = None
    kept: Literal["f4", "f8"] = "f4"


MAP = ("member", "time", "lat", "lon")
ZONAL = ("member", "zonal_time", "lat")
SERIES = ("member", "series_time")
STATIC = ("lat", "lon")
ORBIT_MEAN = "time: mean area: mean"
ZONAL_MEAN = "zonal_time: point lon: mean"
GLOBAL_MEAN = "series_time: point area: mean"

# Order matters: the kernel accumulates MAPS, and writes ZONALS and SERIES, in this order.
MAPS: tuple[Field, ...] = (
    Field(
        "surface_temperature", "atmosphere", MAP, "K", "surface temperature", "surface_temperature", ORBIT_MEAN, "f8"
    ),
    Field("surface_air_pressure", "atmosphere", MAP, "Pa", "surface air pressure", "surface_air_pressure", ORBIT_MEAN),
    Field("co2_ice_amount", "hydrosphere", MAP, "kg m-2", "carbon dioxide ice on the ground", None, ORBIT_MEAN),
    Field(
        "absorbed_shortwave_flux", "atmosphere", MAP, "W m-2", "sunlight absorbed by surface and air", None, ORBIT_MEAN
    ),
    Field(
        "outgoing_longwave_flux",
        "atmosphere",
        MAP,
        "W m-2",
        "outgoing longwave flux at the top of the atmosphere",
        "toa_outgoing_longwave_flux",
        ORBIT_MEAN,
    ),
    Field(
        "daily_maximum_temperature",
        "atmosphere",
        MAP,
        "K",
        "surface temperature in the afternoon (T + A_d of B4)",
        None,
        ORBIT_MEAN,
    ),
)
ZONALS: tuple[Field, ...] = (
    Field(
        "zonal_surface_temperature",
        "atmosphere",
        ZONAL,
        "K",
        "zonal mean surface temperature",
        "surface_temperature",
        ZONAL_MEAN,
    ),
    Field("zonal_co2_ice_amount", "hydrosphere", ZONAL, "kg m-2", "zonal mean carbon dioxide ice", None, ZONAL_MEAN),
    Field(
        "zonal_diurnal_amplitude",
        "atmosphere",
        ZONAL,
        "K",
        "zonal mean amplitude of the daily cycle of surface temperature",
        None,
        ZONAL_MEAN,
    ),
)
SERIES_FIELDS: tuple[Field, ...] = (
    Field(
        "global_surface_temperature",
        "simulation_state",
        SERIES,
        "K",
        "global mean surface temperature",
        "surface_temperature",
        GLOBAL_MEAN,
        "f8",
    ),
    Field(
        "global_surface_pressure",
        "simulation_state",
        SERIES,
        "Pa",
        "global mean surface pressure",
        "surface_air_pressure",
        GLOBAL_MEAN,
        "f8",
    ),
    Field(
        "co2_ice_mass_north",
        "simulation_state",
        SERIES,
        "kg",
        "carbon dioxide ice of the northern hemisphere",
        None,
        None,
        "f8",
    ),
    Field(
        "co2_ice_mass_south",
        "simulation_state",
        SERIES,
        "kg",
        "carbon dioxide ice of the southern hemisphere",
        None,
        None,
        "f8",
    ),
    Field(
        "global_absorbed_shortwave_flux",
        "simulation_state",
        SERIES,
        "W m-2",
        "sunlight absorbed, global mean",
        None,
        GLOBAL_MEAN,
        "f8",
    ),
    Field(
        "global_outgoing_longwave_flux",
        "simulation_state",
        SERIES,
        "W m-2",
        "outgoing longwave flux, global mean",
        "toa_outgoing_longwave_flux",
        GLOBAL_MEAN,
        "f8",
    ),
    Field(
        "super_greenhouse_gas_pressure",
        "simulation_state",
        SERIES,
        "Pa",
        "partial pressure of super-greenhouse gases",
        None,
        None,
        "f8",
    ),
    Field("oxygen_pressure", "simulation_state", SERIES, "Pa", "partial pressure of oxygen", None, None, "f8"),
    Field(
        "carbon_dioxide_pressure",
        "simulation_state",
        SERIES,
        "Pa",
        "partial pressure of carbon dioxide",
        None,
        None,
        "f8",
    ),
    Field(
        "minimum_surface_temperature",
        "simulation_state",
        SERIES,
        "K",
        "lowest surface temperature anywhere",
        "surface_temperature",
        "series_time: point area: minimum",
        "f8",
    ),
)
STATICS: tuple[Field, ...] = (
    Field("surface_altitude", "geosphere", STATIC, "m", "elevation of the surface", "surface_altitude"),
    Field("bare_albedo", "geosphere", STATIC, "1", "albedo of bare ground", "surface_albedo"),
    Field("thermal_inertia", "geosphere", STATIC, "J m-2 K-1 s-0.5", "thermal inertia of the ground"),
    Field("surface_water_ice_amount", "hydrosphere", STATIC, "kg m-2", "water ice on the ground"),
    Field("vegetation_carbon", "biosphere", STATIC, "kg m-2", "carbon in living matter", "vegetation_carbon_content"),
)
ALL: tuple[Field, ...] = MAPS + ZONALS + SERIES_FIELDS + STATICS


def in_group(group: Group) -> tuple[Field, ...]:
    """The declared fields of one group."""
    return tuple(f for f in ALL if f.group == group)
