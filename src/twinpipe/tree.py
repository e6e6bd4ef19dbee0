"""Outputs as an xarray.DataTree in memory, the same tree that a store opens as."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from twinpipe.body import Body, load_body
from twinpipe.clock import usual_steps
from twinpipe.errors import InvalidInput
from twinpipe.gang import side_by_side
from twinpipe.grid import Array, Grid
from twinpipe.layout import Layout, run_layout
from twinpipe.neighbours import Neighbours
from twinpipe.plan import Block, Plan, make_plan
from twinpipe.scenario import Scenario, load_pattern
from twinpipe.simulation import DIMS, run_segment, start
from twinpipe.spec import OutputPolicy, RunSpec


def to_tree(layout: Layout, arrays: Mapping[str, Array]) -> xr.DataTree:
    """A tree from a layout and the arrays, by name, of the variables that it leaves open."""
    datasets = {}
    for group, variables in layout.groups.items():
        data_variables: dict[str, xr.Variable] = {}
        coordinates: dict[str, xr.Variable] = {}
        for v in variables:
            data = np.asarray(v.data) if v.data is not None else arrays[v.name].astype(v.dtype)
            is_coordinate = (v.data is not None and v.dims[0] == v.name.split("_bnds")[0]) or (
                "_" in v.name and v.name.rsplit("_", 1)[0] in v.dims
            )
            # as they are: else xarray imports dask and pint, for a third of a second, to see that they are not theirs
            own = pd.Index(data) if v.dims == (v.name,) and data.dtype.kind in "iuf" else data
            kind = coordinates if is_coordinate else data_variables
            kind[v.name] = xr.Variable(v.dims, own, v.attributes, fastpath=True)
        datasets[f"/{group}"] = xr.Dataset(data_variables, coordinates)
    tree = xr.DataTree.from_dict(datasets)
    tree.attrs.update(layout.attributes)
    return tree


def run_in_memory(plan: Plan) -> dict[str, Array]:
    """All outputs of a plan, member first, by name."""

    def run(block: Block, neighbours: Neighbours) -> dict[str, Array]:
        state, initial = start(plan, block, neighbours)
        parts = []
        for segment in plan.segments:
            output = run_segment(plan, block, segment, state, neighbours)
            state = output.state
            parts.append(output.arrays)
        return initial | {n: np.concatenate([p[n] for p in parts], axis=1) for n in parts[0]}

    slabs = [_join_bands(side_by_side(slab, run)) for slab in plan.slabs]
    return {n: np.concatenate([b[n] for b in slabs]) for n in slabs[0]}


def _join_bands(bands: list[dict[str, Array]]) -> dict[str, Array]:
    """The arrays of a planet by name, from those of its bands from the south on."""

    def joined(name: str) -> Array:
        dims = DIMS[name.removeprefix("initial_")]
        if "lat" not in dims:
            return bands[0][name]
        return np.concatenate([b[name] for b in bands], axis=dims.index("lat") - len(dims))

    return {name: joined(name) for name in bands[0]}


def simulate(
    body: Body | str,
    scenario: Scenario | str = "custom",
    *,
    years: int = 100,
    grid: str = "36x72",
    members: int = 1,
    output: OutputPolicy | None = None,
    variant: str | None = None,
    force: bool = False,
    **parameters: float | str,
) -> xr.DataTree:
    """Simulate a scenario or pattern on a body purely in memory; a tree with a group per sphere.

    parameters, variant and force are those of the pattern.  Raises InvalidInput, NotFound, SimulationError.
    """
    body = load_body(body) if isinstance(body, str) else body
    if isinstance(scenario, str):
        scenario = load_pattern(scenario).scenario(body, parameters, variant=variant, force=force)
    elif parameters or variant:
        raise InvalidInput("parameters", sorted(parameters) or variant, "only a pattern takes parameters and variants")
    Grid.parse(grid)
    steps = usual_steps(body.orbit.sidereal_year_s)
    spec = RunSpec(
        body=body, scenario=scenario, years=years, grid=grid, steps_per_orbit=steps, output=output or OutputPolicy()
    )
    plan = make_plan((spec,) * members)
    return to_tree(run_layout(plan, {"title": f"{body.name}: {scenario.pattern}, {years} years"}), run_in_memory(plan))
