"""The engine: advances blocks over segments, here or on a Dask cluster, with the same bits.

Truth is on disk: a task takes its state from the worker's memory or else from the last sealed segment, and
writes and seals its own.  What comes back is a token.  Client, scheduler and workers may die at any time.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from distributed import Client, Future, KilledWorker, get_worker, secede
from distributed.comm.core import CommClosedError

from twinpipe.block_state import BlockState
from twinpipe.errors import BudgetError, Cancelled, Failure, PeerLost, StoreError, TwinpipeError
from twinpipe.fields import ALL
from twinpipe.gang import side_by_side
from twinpipe.grid import Array
from twinpipe.isolation import apart, ended_of, run_apart, start_apart
from twinpipe.layout import Layout
from twinpipe.makeup import check_alike, makeup
from twinpipe.neighbours import ALONE, Circle, Neighbours
from twinpipe.peers import Letters, Link
from twinpipe.physics.budget import ENERGY_TOLERANCE, MASS_TOLERANCE
from twinpipe.place import Place
from twinpipe.placement import Placement
from twinpipe.plan import BLOCKS_PER_THREAD, Block, Plan
from twinpipe.simulation import climate, own_outputs
from twinpipe.states import Kept
from twinpipe.stepping import kernel_time
from twinpipe.store import RunStore

log = logging.getLogger("twinpipe")
T = TypeVar("T")
SEATS_PER_THREAD = 2  # of bands that run at once: one that runs, and one while that gathers its neighbours
MOST_LOSSES = 10  # of workers in a segment of bands
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


_states: Kept[tuple[str, int], BlockState] = Kept()  # of this process, by store and block


def advance(plan: Plan, path: Place, block: Block, segment: int, generation: int) -> Token:
    """The task: advance a block over a segment, write and seal it.

    Raises BudgetError when its books do not close, SimulationError, StoreError.
    """
    if (seal := RunStore(path).seals.read(block.index, segment)) is not None:  # whose token was lost with its worker
        mass, energy = max(seal["record"]["mass_error"]), max(seal["record"]["energy_error"])
        return Token(block.index, segment, mass, energy, 0.0, 0.0, 0.0, None)
    return _advance(plan, path, block, segment, generation, ALONE)


def advance_bands(
    plan: Plan, path: Place, bands: tuple[Block, ...], segment: int, generation: int, circle: Circle
) -> list[Token]:
    """Advance bands of a planet that meet in a circle over a segment, write and seal each; raises as advance does."""
    return side_by_side(bands, lambda b, others: _advance(plan, path, b, segment, generation, others), circle)


def _advance(plan: Plan, path: Place, block: Block, segment: int, generation: int, neighbours: Neighbours) -> Token:
    began, kernel_began = time.perf_counter(), kernel_time()
    store, key = RunStore(path), (str(path), block.index)
    held = _states.take(key, segment - 1)
    initial: dict[str, Array] = {}
    if segment == 0:
        state, initial, ended = start_apart(plan, block, neighbours)
    else:
        state = held or BlockState.from_arrays(store.load_state(block.index, segment - 1))
        ended = ended_of(store.seals.read(block.index, segment - 1) if apart(plan) else None, block)
    output = run_apart(plan, block, plan.segments[segment], state, ended, neighbours)
    mass, energy = max(output.record["mass_error"]), max(output.record["energy_error"])
    transport = max(output.record["transport_error"])
    if mass > MASS_TOLERANCE or max(energy, transport) > ENERGY_TOLERANCE:
        raise BudgetError(
            f"the books of block {block.index} do not close in segment {segment}: mass {mass:.1e}, energy {energy:.1e}."
        )
    own = own_outputs(block, output.arrays | initial)
    arrays = {(GROUP_OF[name.removeprefix("initial_")], name): a for name, a in own.items()}
    written = {k: a for k, a in arrays.items() if a.size}
    store.write_segment(block.index, segment, written, output.state.arrays(), output.record, generation)
    # the newest to go on, of bands the one before too (not all may have sealed this segment), and that which a run of
    # more years begins with
    oldest = segment - (len(plan.bands) > 1)
    store.seals.drop_states(block.index, before=oldest, keep=plan.shareable_segments - 1)
    if segment + 1 < len(plan.segments):
        _states.keep(key, segment, output.state, max(BLOCKS_PER_THREAD * _own_threads(), len(plan.bands)))
    seconds = time.perf_counter() - began
    log.info("block %d: segment %d of %d sealed in %.1f s", block.index, segment + 1, len(plan.segments), seconds)
    wall, cpu = (after - before for after, before in zip(kernel_time(), kernel_began, strict=True))
    return Token(block.index, segment, mass, energy, seconds, wall, cpu, _worker_address())


def _worker_address() -> str | None:
    try:
        return str(get_worker().address)
    except ValueError:  # not on a worker
        return None


def _own_threads() -> int:
    try:
        return int(get_worker().state.nthreads)
    except ValueError:  # not on a worker
        return os.cpu_count() or 1


class Executor(Protocol):
    """Runs what is not sealed yet; yields a token for each segment that gets sealed, and now and then None.

    None says that some time has passed, so that whoever waits may end the run.
    """

    def run(self, plan: Plan, path: Place, generation: int) -> Iterator[Token | None]: ...


class Serial:
    """Runs in this thread, and bands of a planet one at a time."""

    def run(self, plan: Plan, path: Place, generation: int) -> Iterator[Token | None]:
        for slab in plan.slabs:
            for segment in range(_sealed(RunStore(path), slab), len(plan.segments)):
                if len(slab) == 1:
                    yield advance(plan, path, slab[0], segment, generation)
                else:
                    circle = Circle(tuple(b.band for b in slab), threads=1)
                    yield from advance_bands(plan, path, slab, segment, generation, circle)


def _sealed(store: RunStore, slab: tuple[Block, ...]) -> int:
    """Contiguous segments that all bands of a slab have sealed."""
    return min(store.sealed_segments(b.index) for b in slab)


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
    _check_worker(work)
    return advance(work.plan, work.path, block, segment, work.generation)


def _check_worker(work: Work) -> None:
    check_alike(work.makeup, makeup(), f"the Dask worker at {_worker_address()}")
    if not RunStore(work.path).exists():
        raise StoreError(f"the Dask worker at {_worker_address()} does not see {work.path}: stores are to be shared.")


@dataclass(frozen=True)
class Gang:
    """The workers that advance the bands of a planet over a segment, by their addresses."""

    name: str
    segment: int
    addresses: list[str]


def part_of(work: Work, gang: Gang, address: str, bands: tuple[Block, ...]) -> list[Token]:
    """Advance a worker's share of the bands of a planet, in touch with the other workers of the gang.

    Raises PeerLost when one of them is gone or this is not the worker that was meant, and what task raises.
    """
    worker = get_worker()
    if worker.address != address:
        raise PeerLost(f"the Dask worker at {address} is gone.")
    _check_worker(work)
    own, seats = tuple(b.band for b in bands), SEATS_PER_THREAD * worker.state.nthreads
    if len(gang.addresses) == 1:
        return advance_bands(work.plan, work.path, bands, gang.segment, work.generation, Circle(own, seats))
    secede()  # so that gangs that wait for each other's workers cannot block them
    link = Link(gang.name, gang.addresses)
    try:
        circle = Circle(own, seats, link.swap)
        return advance_bands(work.plan, work.path, bands, gang.segment, work.generation, circle)
    except BaseException:
        link.fail()
        raise


def _hold(work: Work) -> Work:
    return work


@dataclass(frozen=True)
class Dask:
    """Runs on a cluster: one task in flight per block, next to the state of the block's last segment.

    The bands of a planet go together, with a task for each worker's share of them.
    """

    client: Client

    def run(self, plan: Plan, path: Place, generation: int) -> Iterator[Token | None]:
        # as a task and not scattered: the scheduler makes it anew when the worker that holds it dies
        work = self.client.submit(_hold, Work(plan, path, generation, makeup()), pure=False)
        return self._blocks(work, plan, path) if len(plan.bands) == 1 else self._bands(work, plan, path)

    def _bands(self, work: Future[Work], plan: Plan, path: Place) -> Iterator[Token | None]:
        """One planet after the other: all workers are with it."""
        self.client.register_plugin(Letters())
        try:
            for slab in plan.slabs:
                segment, losses = _sealed(RunStore(path), slab), 0
                while segment < len(plan.segments):
                    try:
                        yield from self._together(work, slab, segment)
                    except PeerLost:
                        losses += 1
                        if losses > MOST_LOSSES:
                            raise
                    else:
                        segment += 1
        finally:
            self._drop([work])

    def _together(self, work: Future[Work], slab: tuple[Block, ...], segment: int) -> Iterator[Token | None]:
        """Advance a planet's bands over a segment; raises the error of the one that failed, if one did."""
        while not (addresses := sorted(self._threads())[: len(slab)]):
            yield None
            time.sleep(TICK)
            if work.cancelled():  # as all futures are when the scheduler is gone
                self._result(work)
        gang, n = Gang(uuid.uuid4().hex, segment, addresses), len(addresses)
        parts: list[Future[list[Token]]] = [
            # another worker, where this one has died, says just that
            self.client.submit(part_of, work, gang, a, slab[i::n], pure=False, workers=[a], allow_other_workers=True)
            for i, a in enumerate(addresses)
        ]
        ended: SimpleQueue[Future[list[Token]]] = SimpleQueue()
        for part in parts:
            part.add_done_callback(ended.put)
        try:
            tokens: list[list[Token]] = []
            errors: list[TwinpipeError] = []
            while len(tokens) + len(errors) < n:
                try:
                    tokens.append(self._result(ended.get(timeout=TICK)))
                except Empty:
                    yield None
                except TwinpipeError as error:
                    errors.append(error)
            if errors:  # what went wrong, and not that the others waited in vain
                raise min(errors, key=lambda e: isinstance(e, PeerLost))
            yield from (token for part in tokens for token in part)
        finally:
            self._drop(parts)

    def _blocks(self, work: Future[Work], plan: Plan, path: Place) -> Iterator[Token | None]:
        store = RunStore(path)
        todo = ((b, store.sealed_segments(b.index)) for b in plan.blocks)
        waiting = deque((b, segment) for b, segment in todo if segment < len(plan.segments))
        running: set[Future[Token]] = set()
        ended: SimpleQueue[Future[Token]] = SimpleQueue()

        placement = Placement(self._threads)

        def begin(block: Block, segment: int) -> None:
            where = placement.place(block.index)
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
                # no more states in memory than anyone works on; more where workers have joined
                while waiting and len(running) < BLOCKS_PER_THREAD * max(1, sum(placement.threads.values())):
                    begin(*waiting.popleft())
                try:
                    future = ended.get(timeout=TICK)
                except Empty:
                    yield None
                    continue
                token = self._result(future)
                running.discard(future)
                future.release()
                placement.was_at(token.block, token.worker)
                if token.segment + 1 < len(plan.segments):
                    begin(plan.blocks[token.block], token.segment + 1)
                else:
                    placement.closed(token.block)
                yield token
        finally:
            self._drop([*running, work])

    def _drop(self, futures: Sequence[Future[Any]]) -> None:
        """Let the cluster forget futures; whoever ends this process may have closed the client's loop before."""
        with suppress(RuntimeError):
            self.client.cancel(list(futures), force=True)

    def _result(self, future: Future[T]) -> T:
        """What a task returned; raises what it raised, and Failure when its workers died or the scheduler is gone."""
        try:
            result: T = future.result()
        except KilledWorker as error:
            n = error.allowed_failures + 1
            took = f"a task took {n} Dask worker{'s' if n > 1 else ''} with it"
            raise Failure(f"{took}; they may lack memory, and what is sealed stays.") from None
        except (CancelledError, CommClosedError):
            where = self.client.scheduler.address if self.client.scheduler else "its address"
            raise Failure(f"the Dask scheduler at {where} is gone; what is sealed stays.") from None
        return result

    def _threads(self) -> dict[str, int]:
        """Threads of each worker by its address; none when the scheduler is gone, as its futures tell."""
        try:
            return dict(self.client.nthreads())
        except (OSError, CommClosedError, TimeoutError):
            return {}


def prepare(plan: Plan, store: RunStore, layout: Layout) -> None:
    """Make the arrays of a plan's outputs, and meanwhile the climate that its members start from.

    Raises StoreError, SimulationError.
    """
    s = plan.specs[0]
    if len(plan.bands) > 1 or any(other.body.digest != s.body.digest for other in plan.specs):  # which make their own
        store.create(layout)
        return
    with ThreadPoolExecutor(1) as beside:
        calm = beside.submit(climate, s.body, plan.grid, plan.clock, s.spin_up_orbits)
        store.create(layout)
        calm.result()


def run_plan(
    plan: Plan, path: Place, generation: int, how: Executor, progress: Callable[[float], bool] | None = None
) -> list[Token]:
    """Run what a plan owes to a store that was created for it; the tokens of what was sealed now.

    progress gets the fraction 0..1 that is sealed after each segment, and every second or so meanwhile; it stops the
    run by returning False: Cancelled is raised, and what is sealed stays.
    """
    store = RunStore(path)
    owed = len(plan.blocks) * len(plan.segments)
    done = sum(_sealed(store, slab) * len(slab) for slab in plan.slabs)
    tokens: list[Token] = []
    for token in how.run(plan, path, generation):
        if token is not None:
            tokens.append(token)
        if progress is not None and not progress((done + len(tokens)) / owed):
            raise Cancelled("the run was cancelled.")
    return tokens
