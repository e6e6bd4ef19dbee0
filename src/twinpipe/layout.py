"""What an output tree holds: groups, variables, coordinates and CF attributes, the same in memory and on disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinpipe.body import Body
from twinpipe.constants import DAY
from twinpipe.fields import ALL, GROUPS, MAPS, SERIES_FIELDS, STATICS, Field, Group, active
from twinpipe.grid import Array, Grid
from twinpipe.maps import evaluate, surface_ice
from twinpipe.physics.orbit import solar_longitude
from twinpipe.plan import Plan


@dataclass(frozen=True)
class Variable:
    """An array to be made: data is given for coordinates and static maps, None for what segments write."""

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: str
    attributes: dict[str, Any]
    data: NDArray[Any] | None = None


@dataclass(frozen=True)
class Layout:
    """Root attributes and, per group, the variables; coordinates are repeated in each group."""

    attributes: dict[str, Any]
    groups: dict[Group, tuple[Variable, ...]] = field(default_factory=dict)


def _coordinate(name: str, data: NDArray[Any], dims: tuple[str, ...] | None = None, **attributes: Any) -> Variable:
    return Variable(name, dims or (name,), data.shape, data.shape, data.dtype.str[1:], attributes, data)


def horizontal_coordinates(grid: Grid) -> dict[str, list[Variable]]:
    """Coordinates of the dimensions lat and lon, with bounds."""
    edges = np.degrees(grid.latitude_edges)
    west = np.degrees(grid.longitude) - 180.0 / grid.n_lon
    return {
        "lat": [
            _coordinate(
                "lat",
                np.degrees(grid.latitude),
                standard_name="latitude",
                units="degrees_north",
                long_name="latitude",
                axis="Y",
                bounds="lat_bnds",
            ),
            _coordinate("lat_bnds", np.stack([edges[:-1], edges[1:]], axis=1), ("lat", "bnds")),
        ],
        "lon": [
            _coordinate(
                "lon",
                np.degrees(grid.longitude),
                standard_name="longitude",
                units="degrees_east",
                long_name="longitude",
                axis="X",
                bounds="lon_bnds",
            ),
            _coordinate("lon_bnds", np.stack([west, west + 360.0 / grid.n_lon], axis=1), ("lon", "bnds")),
        ],
    }


def _time_coordinates(dim: str, plan: Plan, steps: Array, bounds: Array | None) -> list[Variable]:
    """Time of a dimension in days since the run's start, with year, orbit and solar longitude."""
    clock, body = plan.clock, plan.specs[0].body
    seconds = steps * clock.step_seconds
    extra: dict[str, Any] = {"bounds": f"{dim}_bnds"} if bounds is not None else {}
    result = [
        _coordinate(dim, seconds / DAY, long_name="time since the run's start", units="days", **extra),
        _coordinate(
            f"{dim}_year",
            np.array([clock.year_of_step(s) for s in steps]),
            (dim,),
            long_name="Julian years since the run's start",
            units="year",
        ),
        _coordinate(
            f"{dim}_orbit",
            np.floor(seconds / clock.orbit_seconds).astype("i4"),
            (dim,),
            long_name="orbits completed since the run's start",
            units="1",
        ),
        _coordinate(
            f"{dim}_ls",
            np.degrees(solar_longitude(body.orbit, seconds)) % 360,
            (dim,),
            long_name="solar longitude",
            units="degree",
        ),
    ]
    if bounds is not None:
        result.append(_coordinate(f"{dim}_bnds", bounds * clock.step_seconds / DAY, (dim, "bnds")))
    return result


def coordinates(plan: Plan) -> dict[str, list[Variable]]:
    """Coordinate variables by dimension."""
    every = plan.specs[0].output.zonal_every_steps
    windows = np.array(plan.windows, dtype=float)
    members = np.arange(plan.n_members, dtype="i4")
    return {
        "member": [_coordinate("member", members, standard_name="realization", units="1", long_name="member")],
        "time": _time_coordinates("time", plan, windows.mean(axis=1), windows),
        "zonal_time": _time_coordinates("zonal_time", plan, np.arange(1.0, plan.n_zonals + 1) * every, None),
        "series_time": _time_coordinates("series_time", plan, np.arange(1.0, plan.n_steps + 1), None),
        "initial_time": _time_coordinates(
            "initial_time", plan, np.arange(1.0, plan.clock.steps_per_orbit + 1) - plan.clock.steps_per_orbit, None
        ),
        **horizontal_coordinates(plan.grid),
    }


def attributes_of(f: Field) -> dict[str, Any]:
    """CF attributes of a field."""
    result: dict[str, Any] = {"long_name": f.long_name, "units": f.units}
    if f.standard_name:
        result["standard_name"] = f.standard_name
    if f.cell_methods:
        result["cell_methods"] = f.cell_methods
    if f.units == "K":
        result["units_metadata"] = "temperature: on_scale"
    return result


def static_fields(body: Body, grid: Grid) -> dict[str, Array]:
    """The static maps of a body on a grid."""
    return {
        "surface_altitude": evaluate(body.surface.elevation_m, grid),
        "bare_albedo": evaluate(body.surface.albedo, grid),
        "thermal_inertia": evaluate(body.surface.thermal_inertia_j_m2_k_s12, grid),
        "surface_water_ice_amount": surface_ice(body, grid),
        "vegetation_carbon": np.zeros((grid.n_lat, grid.n_lon)),
    }


def run_layout(plan: Plan, attributes: dict[str, Any]) -> Layout:
    """Layout of a run's or sweep's outputs."""
    sizes = {
        "member": plan.n_members,
        "time": len(plan.windows),
        "zonal_time": plan.n_zonals,
        "series_time": plan.n_steps,
        "initial_time": plan.clock.steps_per_orbit,
        "lat": plan.grid.n_lat,
        "lon": plan.grid.n_lon,
    }
    output, steps = plan.specs[0].output, plan.steps_per_segment
    chunks = sizes | {
        "member": plan.members_per_block,
        "time": plan.orbits_per_segment // output.maps_every_orbits,
        "zonal_time": steps // output.zonal_every_steps,
        "series_time": steps,
        "lat": plan.rows_per_band,
    }
    static = static_fields(plan.specs[0].body, plan.grid)
    by_dim = coordinates(plan)
    groups: dict[Group, tuple[Variable, ...]] = {}
    for group in GROUPS:
        stored = active(ALL, plan.processes)
        variables = [_variable(f, sizes, chunks, static.get(f.name)) for f in stored if f.group == group]
        before = active((*MAPS, *SERIES_FIELDS), plan.processes)
        variables += [_initial(f, sizes, chunks) for f in before if f.group == group]
        used = {d for v in variables for d in v.dims}
        groups[group] = tuple(c for dim in by_dim if dim in used for c in by_dim[dim]) + tuple(variables)
    return Layout({**ROOT_ATTRIBUTES, **attributes}, groups)


ROOT_ATTRIBUTES = {
    "Conventions": "CF-1.11",
    "institution": "twinpipe",
    "references": "physics.md of twinpipe; sources of every number are in the body file",
}


def _variable(f: Field, sizes: dict[str, int], chunks: dict[str, int], data: Array | None) -> Variable:
    shape = tuple(sizes[d] for d in f.dims)
    pieces = tuple(max(1, min(chunks[d], sizes[d])) for d in f.dims)
    return Variable(f.name, f.dims, shape, pieces, f.kept, attributes_of(f), data)


def _initial(f: Field, sizes: dict[str, int], chunks: dict[str, int]) -> Variable:
    """A map or series of the orbit before year 0, which the run starts from."""
    dims = tuple("initial_time" if d == "series_time" else d for d in f.dims if d != "time")
    methods = f.cell_methods and f.cell_methods.replace("series_time", "initial_time")
    if methods and "initial_time" not in dims:
        methods = methods.replace("time: mean ", "")
    long_name = f"{f.long_name}, in the orbit before year 0"
    before = Field(f"initial_{f.name}", f.group, dims, f.units, long_name, f.standard_name, methods, f.kept)
    return _variable(before, sizes, chunks, None)


def twin_layout(
    body: Body,
    grid: Grid,
    maps: dict[str, Array],
    series: dict[str, Array],
    gas_kg: dict[str, float],
    soil: Array,
    attributes: dict[str, Any],
) -> Layout:
    """Layout of a twin's own store: the climate that its runs start from, with all data given.

    maps are means over the orbit before year 0, series of that orbit, soil (layer, lat, lon) at year 0.
    """
    static = static_fields(body, grid)
    space = [c for dim in ("lat", "lon") for c in horizontal_coordinates(grid)[dim]]
    groups: dict[Group, tuple[Variable, ...]] = {}
    for group in GROUPS:
        variables: list[Variable] = []
        for f in (*MAPS, *STATICS):
            if f.group == group and (f.name in maps or f.name in static):
                plain = Field(
                    f.name, f.group, ("lat", "lon"), f.units, f.long_name, f.standard_name, "area: mean", f.kept
                )
                data = maps[f.name] if f.name in maps else static[f.name]
                variables.append(_given(plain, data))
        if group == "geosphere":
            layer = _coordinate("soil_layer", np.arange(soil.shape[0], dtype="i4"), long_name="soil layer", units="1")
            field_of_soil = Field(
                "soil_temperature",
                group,
                ("soil_layer", "lat", "lon"),
                "K",
                "soil temperature at year 0",
                "soil_temperature",
                "area: mean",
                "f8",
            )
            variables += [layer, _given(field_of_soil, soil)]
        if group == "simulation_state":
            time = np.linspace(0, 1, len(next(iter(series.values()))) + 1)[1:] - 1
            variables.append(_coordinate("orbit_fraction", time, long_name="orbits before year 0", units="1"))
            for f in SERIES_FIELDS:
                if f.name not in series:
                    continue
                one = Field(f.name, group, ("orbit_fraction",), f.units, f.long_name, f.standard_name, None, "f8")
                variables.append(_given(one, series[f.name]))
            for gas, mass in gas_kg.items():
                one = Field(f"mass_of_{gas}", group, (), "kg", f"mass of {gas} in the air", None, None, "f8")
                variables.append(_given(one, np.array(mass)))
        needs_space = any("lat" in v.dims for v in variables)
        groups[group] = tuple([*space, *variables] if needs_space else variables)
    return Layout({**ROOT_ATTRIBUTES, **attributes}, groups)


def _given(f: Field, data: Array) -> Variable:
    return Variable(f.name, f.dims, data.shape, data.shape, f.kept, attributes_of(f), data)
