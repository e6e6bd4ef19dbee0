"""Outputs as an xarray.DataTree in memory, the same tree that a store opens as."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from twinpipe.body import Body, load_body
from twinpipe.clock import usual_steps
from twinpipe.errors import InvalidInput
from twinpipe.grid import Array, Grid
from twinpipe.layout import Layout, run_layout
from twinpipe.plan import Plan, make_plan
from twinpipe.scenario import Scenario, load_pattern
from twinpipe.simulation import run_segment, start
from twinpipe.spec import OutputPolicy, RunSpec


def to_tree(layout: Layout, arrays: Mapping[str, Array]) -> xr.DataTree:
    """A tree from a layout and the arrays, by name, of the variables that it leaves open."""
    datasets = {}
    for group, variables in layout.groups.items():
        dataset = xr.Dataset()
        for v in variables:
            data = v.data if v.data is not None else arrays[v.name].astype(v.dtype)
            is_coordinate = (v.data is not None and v.dims[0] == v.name.split("_bnds")[0]) or (
                "_" in v.name and v.name.rsplit("_", 1)[0] in v.dims
            )
            variable = xr.Variable(v.dims, np.asarray(data), v.attributes)
            if is_coordinate:
                dataset = dataset.assign_coords({v.name: variable})
            else:
                dataset[v.name] = variable
        datasets[f"/{group}"] = dataset
    tree = xr.DataTree.from_dict(datasets)
    tree.attrs.update(layout.attributes)
    return tree


def run_in_memory(plan: Plan) -> dict[str, Array]:
    """All outputs of a plan, member first, by name."""
    blocks = []
    for block in plan.blocks:
        state, initial = start(plan, block)
        parts = []
        for segment in plan.segments:
            output = run_segment(plan, block, segment, state)
            state = output.state
            parts.append(output.arrays)
        blocks.append(initial | {n: np.concatenate([p[n] for p in parts], axis=1) for n in parts[0]})
    return {n: np.concatenate([b[n] for b in blocks]) for n in blocks[0]}


def simulate(
    body: Body | str,
    scenario: Scenario | str = "custom",
    *,
    years: int = 100,
    grid: str = "36x72",
    members: int = 1,
    output: OutputPolicy | None = None,
    **parameters: float | str,
) -> xr.DataTree:
    """Simulate a scenario or pattern on a body purely in memory; a tree with a group per sphere.

    parameters are those of the pattern.  Raises InvalidInput, NotFound, SimulationError.
    """
    body = load_body(body) if isinstance(body, str) else body
    if isinstance(scenario, str):
        scenario = load_pattern(scenario).scenario(body, parameters)
    elif parameters:
        raise InvalidInput("parameters", sorted(parameters), "only a pattern takes parameters")
    Grid.parse(grid)
    steps = usual_steps(body.orbit.sidereal_year_s)
    spec = RunSpec(
        body=body, scenario=scenario, years=years, grid=grid, steps_per_orbit=steps, output=output or OutputPolicy()
    )
    plan = make_plan((spec,) * members)
    return to_tree(run_layout(plan, {"title": f"{body.name}: {scenario.pattern}, {years} years"}), run_in_memory(plan))
