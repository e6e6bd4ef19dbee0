"""The engine: advances blocks over segments, here or on a Dask cluster, with the same bits.

Truth is on disk: a task takes its state from the worker's memory or else from the last sealed segment, and
writes and seals its own.  What comes back is a token.  Client, scheduler and workers may die at any time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Protocol

from distributed import Client, Future, KilledWorker, get_worker
from distributed.comm.core import CommClosedError

from twinpipe.errors import BudgetError, Cancelled, Failure, StoreError
from twinpipe.fields import ALL
from twinpipe.grid import Array
from twinpipe.layout import Layout
from twinpipe.makeup import check_alike, makeup
from twinpipe.physics.budget import ENERGY_TOLERANCE, MASS_TOLERANCE
from twinpipe.place import Place
from twinpipe.plan import BLOCKS_PER_THREAD, Block, Plan
from twinpipe.simulation import BlockState, climate, run_segment, start
from twinpipe.stepping import kernel_time
from twinpipe.store import RunStore

GROUP_OF: dict[str, str] = {f.name: f.group for f in ALL}
TICK = 1.0  # seconds after which a caller is asked whether to go on


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
    """Runs what is not sealed yet; yields a token for each segment that gets sealed, and now and then None.

    None says that some time has passed, so that whoever waits may end the run.
    """

    def run(self, plan: Plan, path: Place, generation: int) -> Iterator[Token | None]: ...


class Serial:
    """Runs in this thread."""

    def run(self, plan: Plan, path: Place, generation: int) -> Iterator[Token | None]:
        for block in plan.blocks:
            for segment in range(RunStore(path).sealed_segments(block.index), len(plan.segments)):
                yield advance(plan, path, block, segment, generation)


@dataclass(frozen=True)
class Work:
    """What the tasks of a run share; makeup: of the process that began it."""

    plan: Plan
    path: Place
    generation: int
    makeup: dict[str, str]


def task(work: Work, block: Block, segment: int) -> Token:
    """Advance a block on a worker, which may have joined meanwhile.

    Raises Failure when the worker is not like the process that began the run, StoreError when it does not see the
    stores, and what advance raises.
    """
    check_alike(work.makeup, makeup(), f"the Dask worker at {_worker_address()}")
    if not RunStore(work.path).exists():
        raise StoreError(f"the Dask worker at {_worker_address()} does not see {work.path}: stores are to be shared.")
    return advance(work.plan, work.path, block, segment, work.generation)


def _hold(work: Work) -> Work:
    return work


@dataclass(frozen=True)
class Dask:
    """Runs on a cluster: one task in flight per block, next to the state of the block's last segment."""

    client: Client

    def run(self, plan: Plan, path: Place, generation: int) -> Iterator[Token | None]:
        # as a task and not scattered: the scheduler makes it anew when the worker that holds it dies
        work = self.client.submit(_hold, Work(plan, path, generation, makeup()), pure=False)
        store = RunStore(path)
        todo = ((b, store.sealed_segments(b.index)) for b in plan.blocks)
        waiting = deque((b, segment) for b, segment in todo if segment < len(plan.segments))
        running: set[Future[Token]] = set()
        ended: SimpleQueue[Future[Token]] = SimpleQueue()

        def begin(block: Block, segment: int, where: str | None = None) -> None:
            future = self.client.submit(
                task,
                work,
                block,
                segment,
                pure=False,
                workers=[where] if where else None,
                allow_other_workers=where is not None,
            )
            running.add(future)
            future.add_done_callback(ended.put)

        try:
            while waiting or running:
                while waiting and len(running) < self._most_blocks():  # more where workers have joined
                    begin(*waiting.popleft())
                try:
                    future = ended.get(timeout=TICK)
                except Empty:
                    yield None
                    continue
                token = self._token(future)
                running.discard(future)
                future.release()
                if token.segment + 1 < len(plan.segments):
                    begin(plan.blocks[token.block], token.segment + 1, token.worker)
                yield token
        finally:
            self.client.cancel([*running, work], force=True)

    def _token(self, future: Future[Token]) -> Token:
        """What a task returned; raises what it raised, and Failure when its workers died or the scheduler is gone."""
        try:
            token: Token = future.result()
        except KilledWorker as error:
            n = error.allowed_failures + 1
            took = f"a task took {n} Dask worker{'s' if n > 1 else ''} with it"
            raise Failure(f"{took}; they may lack memory, and what is sealed stays.") from None
        except (CancelledError, CommClosedError):
            where = self.client.scheduler.address if self.client.scheduler else "its address"
            raise Failure(f"the Dask scheduler at {where} is gone; what is sealed stays.") from None
        return token

    def _most_blocks(self) -> int:
        """Blocks that may be open at once: more states would lie in memory than anyone works on."""
        try:
            threads: int = sum(self.client.nthreads().values())
        except (OSError, CommClosedError, TimeoutError):  # its futures tell
            threads = 0
        return BLOCKS_PER_THREAD * max(1, threads)


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

    progress gets the fraction 0..1 that is sealed after each segment, and every second or so meanwhile; it stops the
    run by returning False: Cancelled is raised, and what is sealed stays.
    """
    store = RunStore(path)
    owed = len(plan.blocks) * len(plan.segments)
    done = sum(store.sealed_segments(b.index) for b in plan.blocks)
    tokens: list[Token] = []
    for token in how.run(plan, path, generation):
        if token is not None:
            tokens.append(token)
        if progress is not None and not progress((done + len(tokens)) / owed):
            raise Cancelled("the run was cancelled.")
    return tokens
