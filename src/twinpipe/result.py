"""The result of a run: the six payloads of its row, built from what the store holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from xarray import DataTree

from twinpipe.caveats import caveats
from twinpipe.errors import StoreError
from twinpipe.events import check_sanity, key_events
from twinpipe.fields import MAPS, SERIES_FIELDS, ZONALS, Field, active
from twinpipe.grid import Array
from twinpipe.measures import Outcome, gas_by_name, state
from twinpipe.metrics import success_metrics
from twinpipe.physics.budget import ENERGY_TOLERANCE, MASS_TOLERANCE
from twinpipe.physics.plants import PLANTS
from twinpipe.physics.substances import GASES
from twinpipe.place import Place
from twinpipe.plan import Block, Plan
from twinpipe.resources import resource_consumption
from twinpipe.store import RunStore, open_run


def read_outcome(plan: Plan, path: Place, member: int) -> Outcome:
    """The outputs of a member, read back from the store, which must be complete; raises StoreError."""
    slab = plan.slabs[member // plan.members_per_block]
    with open_run(path) as tree:
        return read_outcomes(plan, RunStore(path), tree, slab, [member])[member]


def read_outcomes(
    plan: Plan, store: RunStore, tree: DataTree, slab: tuple[Block, ...], members: Sequence[int]
) -> dict[int, Outcome]:
    """The outputs of members of a slab, read back together from its open tree; raises StoreError."""
    first = slab[0]  # any band knows what belongs to the planet
    block, last = first.index, len(plan.segments) - 1
    final = store.load_state(block, last)
    seal = store.seals.read(block, last)
    if seal is None:
        raise StoreError(f"segment {last} of block {block} is not sealed in {store.path}.")
    per_orbit = plan.clock.steps_per_orbit // plan.specs[members[0]].output.zonal_every_steps

    def read(fields: Iterable[Field], prefix: str = "", records: slice = slice(None)) -> dict[str, Array]:
        return {
            f.name: tree[f.group][prefix + f.name].isel(member=list(members)).to_numpy()[:, records].astype(float)
            for f in fields
        }

    maps, series = active(MAPS, plan.processes), active(SERIES_FIELDS, plan.processes)
    read_maps, read_initial_maps = read(maps), read(maps, "initial_")
    read_series, read_initial_series = read(series), read(series, "initial_")
    zonals = read(ZONALS, records=slice(-per_orbit, None))
    outcomes = {}
    for i, member in enumerate(members):
        within, spec = member - first.members[0], plan.specs[member]
        outcomes[member] = Outcome(
            plan=plan,
            spec=spec,
            maps={k: a[i] for k, a in read_maps.items()},
            initial_maps={k: a[i] for k, a in read_initial_maps.items()},
            series={k: a[i] for k, a in read_series.items()},
            initial_series={k: a[i] for k, a in read_initial_series.items()},
            last_zonals={k: a[i] for k, a in zonals.items()},
            gas_kg=gas_by_name(final["gas"][within]),
            books={
                "imported_kg": gas_by_name(final["imported"][within]),
                "exchanged_kg": dict(zip(GASES, final["imported"][within].tolist(), strict=True)),
                "escaped_kg": gas_by_name(final["escaped"][within]),
                "decayed_kg": float(final["decayed"][within].sum()),
                "reacted_mol": dict(zip(PLANTS, final["reacted"][within].tolist(), strict=True)),
                # as long as the longest scenario of all members
                "seconds_at_full_rate": final["control"][within, : len(spec.scenario.interventions), 1].tolist(),
                **{k: seal["record"][k][within] for k in ("mass_error", "energy_error", "transport_error")},
            },
        )
    return outcomes


def story(outcome: Outcome) -> list[dict[str, float]]:
    """The planet at the start, a quarter, half and the end of the run: means over the orbit before."""
    years = outcome.spec.years
    names = ("global_surface_temperature", "global_surface_pressure", "co2_ice_mass_north", "co2_ice_mass_south")
    trailing = {n: outcome.trailing_mean(n) for n in names}
    rows = []
    for year in sorted({0, years / 4, years / 2, float(years)}):
        step = min(outcome.plan.clock.step_at_year(year), outcome.plan.n_steps) - 1
        t, p, n, s = (outcome.start_mean(x) if step < 0 else float(trailing[x][step]) for x in names)
        rows.append({"year": year, "surface_temperature_k": t, "surface_pressure_pa": p, "co2_ice_kg": n + s})
    return rows


def build_result(outcome: Outcome) -> dict[str, Any]:
    """The six payloads: start_state, end_state, key_events, resource_consumption, success_metrics, performance_data.

    Raises SimulationError for a run in which something happens that cannot be.
    """
    check_sanity(outcome)
    resources = resource_consumption(outcome)
    mass, energy = outcome.books["mass_error"], outcome.books["energy_error"]
    transport = outcome.books["transport_error"]
    return {
        "start_state": state(outcome, end=False),
        "end_state": state(outcome, end=True),
        "key_events": key_events(outcome, resources),
        "resource_consumption": resources,
        "success_metrics": success_metrics(outcome, resources),
        "performance_data": {
            "budget_closes": bool(mass <= MASS_TOLERANCE and max(energy, transport) <= ENERGY_TOLERANCE),
            "mass_error": mass,
            "energy_error": energy,
            "transport_error": transport,
            "story": story(outcome),
            "caveats": caveats(outcome),
            "cell_steps": outcome.plan.n_steps * outcome.plan.grid.n_cells,
        },
    }
