"""The engine: advances blocks over segments, here or on a Dask cluster, with the same bits.

Truth is on disk: a task takes its state from the worker's memory or else from the last sealed segment, and
writes and seals its own.  What comes back is a token.  Client, scheduler and workers may die at any time.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import dask
from distributed import Client, LocalCluster, as_completed, get_worker, performance_report

from twinpipe.errors import BudgetError, Cancelled, Failure
from twinpipe.fields import ALL
from twinpipe.grid import Array
from twinpipe.layout import Layout
from twinpipe.physics.budget import ENERGY_TOLERANCE, MASS_TOLERANCE
from twinpipe.place import Place
from twinpipe.plan import BLOCKS_PER_THREAD, Block, Plan
from twinpipe.simulation import BlockState, climate, run_segment, start
from twinpipe.stepping import kernel_time
from twinpipe.store import RunStore

GROUP_OF: dict[str, str] = {f.name: f.group for f in ALL}
# Quiet: no sampling profiler, no work stealing (blocks stay where their state is), slow heartbeats.
QUIET: dict[str, Any] = {
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.work-stealing": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.memory.monitor-interval": "2s",
    "distributed.scheduler.allowed-failures": 10,
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 1_000_000_000,
}


@dataclass(frozen=True)
class Token:
    """The receipt of a segment of a block: small numbers only."""

    block: int
    segment: int
    mass_error: float
    energy_error: float
    seconds: float
    kernel_seconds: float
    kernel_cpu_seconds: float
    worker: str | None  # address of the Dask worker that holds the state


# The state of each block after the last segment that this process ran, by store, block and segment.
_states: dict[tuple[str, int], tuple[int, BlockState]] = {}


def advance(plan: Plan, path: Place, block: Block, segment: int, generation: int) -> Token:
    """The task: advance a block over a segment, write and seal it.

    Raises BudgetError when its books do not close, SimulationError, StoreError.
    """
    began, kernel_began = time.perf_counter(), kernel_time()
    store, key = RunStore(path), (str(path), block.index)
    if (seal := store.seals.read(block.index, segment)) is not None:  # whose token was lost with its worker
        mass, energy = max(seal["record"]["mass_error"]), max(seal["record"]["energy_error"])
        return Token(block.index, segment, mass, energy, 0.0, 0.0, 0.0, None)
    held = _states.pop(key, None)
    initial: dict[str, Array] = {}
    if segment == 0:
        state, initial = start(plan, block)
    elif held is not None and held[0] == segment - 1:
        state = held[1]
    else:
        state = BlockState.from_arrays(store.load_state(block.index, segment - 1))
    output = run_segment(plan, block, plan.segments[segment], state)
    mass, energy = max(output.record["mass_error"]), max(output.record["energy_error"])
    transport = max(output.record["transport_error"])
    if mass > MASS_TOLERANCE or max(energy, transport) > ENERGY_TOLERANCE:
        raise BudgetError(
            f"the books of block {block.index} do not close in segment {segment}: mass {mass:.1e}, energy {energy:.1e}."
        )
    arrays = {(GROUP_OF[name.removeprefix("initial_")], name): a for name, a in (output.arrays | initial).items()}
    written = {k: a for k, a in arrays.items() if a.size}
    store.write_segment(block.index, segment, written, output.state.arrays(), output.record, generation)
    # the newest to go on, and that which a run of more years begins with
    store.seals.drop_states(block.index, before=segment, keep=plan.shareable_segments - 1)
    if segment + 1 < len(plan.segments):
        _states[key] = (segment, output.state)
    seconds = time.perf_counter() - began
    wall, cpu = (after - before for after, before in zip(kernel_time(), kernel_began, strict=True))
    return Token(block.index, segment, mass, energy, seconds, wall, cpu, _worker_address())


def _worker_address() -> str | None:
    try:
        return str(get_worker().address)
    except ValueError:  # not on a worker
        return None


class Executor(Protocol):
    """Runs what is not sealed yet; yields a token for each segment that gets sealed."""

    def run(self, plan: Plan, path: Place, generation: int) -> Iterator[Token]: ...


class Serial:
    """Runs in this thread."""

    def run(self, plan: Plan, path: Place, generation: int) -> Iterator[Token]:
        for block in plan.blocks:
            for segment in range(RunStore(path).sealed_segments(block.index), len(plan.segments)):
                yield advance(plan, path, block, segment, generation)


@dataclass(frozen=True)
class Dask:
    """Runs on a cluster: one task in flight per block, next to the state of the block's last segment."""

    client: Client

    def run(self, plan: Plan, path: Place, generation: int) -> Iterator[Token]:
        plan_there = self.client.scatter(plan, broadcast=True, hash=False)
        store = RunStore(path)
        todo = ((b, store.sealed_segments(b.index)) for b in plan.blocks)
        waiting = deque((b, segment) for b, segment in todo if segment < len(plan.segments))
        running = as_completed([], loop=self.client.loop)  # no default client: threads share a process

        def begin_blocks(open_blocks: int) -> None:
            for _ in range(min(self._most_blocks() - open_blocks, len(waiting))):
                block, segment = waiting.popleft()
                running.add(self._submit(plan_there, path, block, segment, generation, None))

        try:
            begin_blocks(0)
            for future in running:
                token: Token = future.result()
                future.release()
                if token.segment + 1 < len(plan.segments):
                    block = plan.blocks[token.block]
                    running.add(self._submit(plan_there, path, block, token.segment + 1, generation, token.worker))
                begin_blocks(running.count())  # also where workers have joined
                yield token
        finally:
            self.client.cancel([*running.futures, plan_there], force=True)

    def _most_blocks(self) -> int:
        """Blocks that may be open at once: more states would lie in memory than anyone works on."""
        threads: int = sum(self.client.nthreads().values())
        return BLOCKS_PER_THREAD * max(1, threads)

    def _submit(self, plan: Any, path: Place, block: Block, segment: int, generation: int, where: str | None) -> Any:
        return self.client.submit(
            advance,
            plan,
            path,
            block,
            segment,
            generation,
            pure=False,
            workers=[where] if where else None,
            allow_other_workers=where is not None,
        )


@contextmanager
def _off_the_network() -> Iterator[None]:
    """Without the remark that a machine has no address to the outside, which threads of a process do not need."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Couldn't detect a suitable IP address", category=RuntimeWarning)
        yield


@contextmanager
def executor(scheduler: str | None = None, workers: int = 0) -> Iterator[Dask]:
    """A Dask executor on the scheduler at an address, or on a local cluster of this process's threads.

    One process with a thread per core: the kernel releases the GIL, and nothing has to be sent.
    Raises Failure when the scheduler does not answer.
    """
    logging.getLogger("distributed").setLevel(logging.ERROR)  # its own configuration is read at import only
    with dask.config.set(QUIET):
        if scheduler:
            try:
                client = Client(scheduler, timeout="10s", set_as_default=False)
            except (OSError, ValueError, TimeoutError) as error:
                raise Failure(f"the Dask scheduler at {scheduler} does not answer: {error}.") from None
            with client:
                yield Dask(client)
            return
        threads = workers or os.cpu_count() or 1
        with (
            _off_the_network(),
            LocalCluster(
                n_workers=1,
                threads_per_worker=threads,
                processes=False,
                memory_limit=0,
                # their web servers start anyhow: on loopback only, at ports that no other cluster has
                dashboard_address=None,
                worker_dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0", "dashboard": False},
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            yield Dask(client)


@contextmanager
def performance_report_of(how: Dask, path: Path) -> Iterator[None]:
    """Write what Dask saw meanwhile as a page that needs no network; needs bokeh."""
    with how.client.as_current(), performance_report(str(path), mode="inline"):
        yield


def prepare(plan: Plan, store: RunStore, layout: Layout) -> None:
    """Make the arrays of a plan's outputs, and meanwhile the climates that its members start from.

    Raises StoreError, SimulationError.
    """
    with ThreadPoolExecutor(1) as beside:
        climates = beside.submit(lambda: [climate(s.body, plan.grid, plan.clock, s.spin_up_orbits) for s in plan.specs])
        store.create(layout)
        climates.result()


def run_plan(
    plan: Plan, path: Place, generation: int, how: Executor, progress: Callable[[float], bool] | None = None
) -> list[Token]:
    """Run what a plan owes to a store that was created for it; the tokens of what was sealed now.

    progress gets the fraction 0..1 that is sealed after each segment, and stops the run by returning False:
    Cancelled is raised, and what is sealed stays.
    """
    store = RunStore(path)
    owed = len(plan.blocks) * len(plan.segments)
    done = sum(store.sealed_segments(b.index) for b in plan.blocks)
    tokens = []
    for token in how.run(plan, path, generation):
        tokens.append(token)
        if progress is not None and not progress((done + len(tokens)) / owed):
            raise Cancelled("the run was cancelled.")
    return tokens
