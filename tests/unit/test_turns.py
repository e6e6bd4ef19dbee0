"""Laws of turns: never more holders than there are turns, in the order of asking, and none is lost."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock, Thread

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from twinpipe.db.turns import Turns


def test_who_asks_first_is_served_first() -> None:
    turns, served, threads = Turns(1, 10.0), [], []
    for_a_while = Event()

    def ask(number: int) -> None:
        with turns.one():
            served.append(number)

    with turns.one():
        for number in range(8):
            threads.append(Thread(target=ask, args=(number,)))
            threads[-1].start()
            while len(turns._waiting) <= number:
                for_a_while.wait(0.001)
    with turns.one():  # asked after all of them, though by the thread that is awake
        assert served == list(range(8))
    for thread in threads:
        thread.join()


def test_never_more_than_so_many_hold_a_turn_and_none_is_lost() -> None:
    turns, lock, held, most = Turns(3, 10.0), Lock(), 0, 0
    together = Barrier(3)

    def work(_: int) -> None:
        nonlocal held, most
        with turns.one():
            with lock:
                held += 1
                most = max(most, held)
            time.sleep(0.0005)
            with lock:
                held -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(300)))
    assert most <= 3

    def meet(_: int) -> None:
        with turns.one():
            together.wait(5)  # all three are there again

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(meet, range(3)))


def test_who_waits_too_long_gets_an_error_and_leaves_the_queue() -> None:
    turns = Turns(1, 0.01)
    with turns.one(), pytest.raises(PoolTimeout, match=r"0\.01 s"), turns.one():
        raise AssertionError("two hold one turn")
    with pytest.raises(ValueError, match="broken"), turns.one():
        raise ValueError("broken")
    with turns.one():  # neither of them took it along
        pass


def test_an_interrupted_wait_loses_no_turn() -> None:
    turns = Turns(1, 2.0)

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with turns.one():
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(KeyboardInterrupt), turns.one():
                pass
    finally:
        signal.signal(signal.SIGALRM, before)
    with turns.one():  # nobody waits any more, so that it is free again
        pass
