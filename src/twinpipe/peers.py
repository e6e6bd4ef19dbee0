"""Bands of one planet on several workers: small vectors over Dask's own connections, asked for by who needs them.

Each worker keeps what its bands last handed over in an outbox; the others ask for it by turn, and wait at its door.
Connections, addresses and TLS are those of the cluster.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from distributed import Worker, WorkerPlugin, get_worker
from distributed.protocol.serialize import to_serialize

from twinpipe.errors import PeerLost
from twinpipe.grid import Array

KEPT_OUTBOXES = 8  # of a worker: who is slower may still ask for the last turn of a gang that is done
KNOCK_AGAIN = 0.02  # seconds until a worker that has not begun is asked again
PATIENCE = 60.0  # seconds, in which all workers of a gang must begin

_outboxes: OrderedDict[tuple[str, str], _Outbox] = OrderedDict()  # by worker and gang


@dataclass
class _Outbox:
    """The vectors of the last two turns, by band; lives in the worker's event loop."""

    turns: dict[int, dict[int, Array]] = field(default_factory=dict)
    failed: bool = False
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def put(self, turn: int, vectors: dict[int, Array]) -> None:
        async with self.news:
            self.turns[turn] = vectors
            self.turns.pop(turn - 2, None)
            self.news.notify_all()

    async def fail(self) -> None:
        async with self.news:
            self.failed = True
            self.news.notify_all()

    async def get(self, turn: int) -> dict[int, Array] | None:
        """The vectors of a turn once they are there; None if they will not be."""
        async with self.news:
            await self.news.wait_for(lambda: self.failed or turn in self.turns or min(self.turns, default=turn) > turn)
            return self.turns.get(turn)


async def _give(worker: str, gang: str, turn: int) -> dict[str, Any]:
    """Answer to another worker: the vectors of a turn, that the gang has failed, or that it has not begun."""
    box = _outboxes.get((worker, gang))
    if box is None:
        return {"state": "absent"}
    vectors = await box.get(turn)
    if vectors is None:
        return {"state": "failed"}
    return {"state": "there", "bands": list(vectors), "stack": to_serialize(np.stack(list(vectors.values())))}


class Letters(WorkerPlugin):
    """Lets a worker answer others that ask for what its bands handed over."""

    name = "twinpipe_bands"

    def setup(self, worker: Worker) -> None:
        """See WorkerPlugin."""
        worker.handlers["twinpipe_bands"] = _give


class Link:
    """What a circle of bands on this worker swaps with the circles at other addresses."""

    def __init__(self, gang: str, addresses: list[str]) -> None:
        self._worker: Worker = get_worker()
        self._loop: asyncio.AbstractEventLoop = self._worker.loop.asyncio_loop  # type: ignore[attr-defined]  # of tornado
        self._gang, self._others = gang, [a for a in addresses if a != self._worker.address]
        self._turn, self._seen = 0, set[str]()
        self._box = self._run(self._open())

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _open(self) -> _Outbox:
        box = _outboxes[self._worker.address, self._gang] = _Outbox()
        while len(_outboxes) > KEPT_OUTBOXES:
            _outboxes.popitem(last=False)
        return box

    def swap(self, own: dict[int, Array]) -> dict[int, Array]:
        """The vectors of all bands elsewhere for those of the bands here; raises PeerLost."""
        found: dict[int, Array] = self._run(self._swap(own))
        self._turn += 1
        return found

    async def _swap(self, own: dict[int, Array]) -> dict[int, Array]:
        await self._box.put(self._turn, own)
        found: dict[int, Array] = {}
        for vectors in await asyncio.gather(*map(self._ask, self._others)):
            found |= vectors
        return found

    async def _ask(self, address: str) -> dict[int, Array]:
        for _ in range(int(PATIENCE / KNOCK_AGAIN)):
            try:
                answer = await self._worker.rpc(address).twinpipe_bands(
                    worker=address, gang=self._gang, turn=self._turn
                )
            except OSError as error:
                raise PeerLost(f"the worker at {address}, which holds bands of the same planet, is gone.") from error
            match answer:
                case {"state": "there", "bands": bands, "stack": stack}:
                    self._seen.add(address)
                    return dict(zip(bands, stack, strict=True))
                case {"state": "failed"}:
                    break
            if address in self._seen:  # it has begun anew
                break
            await asyncio.sleep(KNOCK_AGAIN)
        raise PeerLost(f"the worker at {address} does not go on with its bands of the planet.")

    def fail(self) -> None:
        """Tell the others that there will be no more."""
        self._run(self._box.fail())
