"""What the threads of a process make once and share."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class Memory:
    """The few most recent values by key; each is made once."""

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, threading.Lock()
        self._values: OrderedDict[Any, Future[Any]] = OrderedDict()

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        with self._lock:
            known = self._values.get(key)
            promise = known if known is not None else Future()
            self._values[key] = promise
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        if known is None:
            try:
                promise.set_result(make())
            except BaseException as error:
                promise.set_exception(error)
                with self._lock:
                    self._values.pop(key, None)
        return promise.result()
