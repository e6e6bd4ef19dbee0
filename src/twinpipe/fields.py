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
    (member, series_time); static maps (lat, lon).  kept: type in the store.  process: what writes the field;
    it is stored where that process runs, and everywhere when there is none.
    """

    name: str
    group: Group
    dims: tuple[str, ...]
    units: str
    long_name: str
    standard_name: str | None = None
    cell_methods: str | None = None
    kept: Literal["f4", "f8"] = "f4"
    process: str | None = None


MAP = ("member", "time", "lat", "lon")
ZONAL = ("member", "zonal_time", "lat")
SERIES = ("member", "series_time")
STATIC = ("lat", "lon")
ORBIT_MEAN = "time: mean area: mean"
ZONAL_MEAN = "zonal_time: point lon: mean"
GLOBAL_MEAN = "series_time: point area: mean"


def _ground(name: str, group: Group, long_name: str, process: str, standard_name: str | None = None) -> Field:
    """A field on the ground, kg m-2."""
    return Field(name, group, MAP, "kg m-2", long_name, standard_name, ORBIT_MEAN, "f4", process)


def _mass(name: str, long_name: str, process: str, units: str = "kg") -> Field:
    """A series of the whole body's amount."""
    return Field(name, "simulation_state", SERIES, units, long_name, None, None, "f8", process)


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
    # fields on the ground, in the order of physics.substances.LOCALS, and what the soil has adsorbed
    _ground("water_ice_amount", "hydrosphere", "water ice on the ground", "water"),
    _ground("liquid_water_amount", "hydrosphere", "liquid water on the ground", "water"),
    _ground(
        "water_vapour_amount",
        "atmosphere",
        "water vapour in the air",
        "water",
        "atmosphere_mass_content_of_water_vapor",
    ),
    _ground("dark_dust_amount", "geosphere", "dark dust spread on ice", "dust"),
    _ground("living_matter_amount", "biosphere", "living matter, as CH2O", "biosphere"),
    _ground("liquid_methane_amount", "hydrosphere", "liquid methane on the ground", "methane"),
    _ground("liquid_ethane_amount", "hydrosphere", "liquid ethane on the ground", "methane"),
    _ground("shell_ice_amount", "hydrosphere", "ice of the shell over the ocean", "ice_shell"),
    _ground("adsorbed_co2_amount", "geosphere", "carbon dioxide adsorbed in the ground", "regolith"),
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
    Field("nitrogen_pressure", "simulation_state", SERIES, "Pa", "partial pressure of nitrogen", None, None, "f8"),
    Field("methane_pressure", "simulation_state", SERIES, "Pa", "partial pressure of methane", None, None, "f8"),
    # masses of the fields on the ground, of the stores and of particles, in the order of physics.substances
    _mass("water_ice_mass", "water ice on the ground", "water"),
    _mass("liquid_water_mass", "liquid water on the ground", "water"),
    _mass("water_vapour_mass", "water vapour in the air", "water"),
    _mass("dark_dust_mass", "dark dust spread on ice", "dust"),
    _mass("living_matter_mass", "living matter, as CH2O", "biosphere"),
    _mass("liquid_methane_mass", "liquid methane on the ground", "methane"),
    _mass("liquid_ethane_mass", "liquid ethane on the ground", "methane"),
    _mass("shell_ice_mass", "ice of the shell over the ocean", "ice_shell"),
    _mass("adsorbed_co2_mass", "carbon dioxide adsorbed in the ground", "regolith"),
    _mass("ocean_water_mass", "water of the ocean", "stores"),
    _mass("ground_ice_mass", "water ice in the ground", "stores"),
    _mass("buried_co2_mass", "carbon dioxide ice buried at the poles", "buried_co2"),
    _mass("weathered_co2_mass", "carbon dioxide in weathered rock", "stores"),
    _mass("oxidised_crust_mass", "oxygen that the crust took", "stores"),
    _mass("solid_carbon_mass", "solid carbon", "stores"),
    _mass("organic_matter_mass", "buried organic matter, as CH2O", "stores"),
    _mass("calcium_oxide_mass", "calcium oxide", "stores"),
    _mass("calcium_carbonate_mass", "calcium carbonate", "stores"),
    _mass("magnesium_oxide_mass", "magnesium oxide", "stores"),
    _mass("magnesium_carbonate_mass", "magnesium carbonate", "stores"),
    _mass("fallen_particle_mass", "particles that fell out of the air", "stores"),
    _mass("buried_dust_mass", "dark dust that frost has buried", "dust"),
    _mass("ocean_heat", "heat of the ocean above its freezing point", "stores", "J"),
    _mass("aluminium_nanorod_mass", "aluminium nanorods in the air", "particles"),
    _mass("nanoring_mass", "nanorings in the air", "particles"),
    _mass("graphene_mass", "graphene in the air", "particles"),
    _mass("natural_dust_mass", "natural dust made to rise", "particles"),
    _mass("silica_rod_mass", "silica rods in the air", "particles"),
    _mass("minimum_shell_thickness", "thickness of the ice shell where it is thinnest", "ice_shell", "m"),
)
STATICS: tuple[Field, ...] = (
    Field("surface_altitude", "geosphere", STATIC, "m", "elevation of the surface", "surface_altitude"),
    Field("bare_albedo", "geosphere", STATIC, "1", "albedo of bare ground", "surface_albedo"),
    Field("thermal_inertia", "geosphere", STATIC, "J m-2 K-1 s-0.5", "thermal inertia of the ground"),
    Field("surface_water_ice_amount", "hydrosphere", STATIC, "kg m-2", "water ice on the ground"),
    Field("vegetation_carbon", "biosphere", STATIC, "kg m-2", "carbon in living matter", "vegetation_carbon_content"),
)
ALL: tuple[Field, ...] = MAPS + ZONALS + SERIES_FIELDS + STATICS


def active(fields: tuple[Field, ...], processes: frozenset[str]) -> tuple[Field, ...]:
    """The fields that are written where these processes run."""
    return tuple(f for f in fields if f.process is None or f.process in processes)
