"""A guard: runs a command, and ends it with all that it started when whoever asked for it is gone.

It holds the read end of a pipe from its parent; when that closes, in whatever way the parent ended, the guard ends
the command.  On Linux it adopts what outlives the command, whatever session or group that is in.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import psutil

ADOPT = 36  # PR_SET_CHILD_SUBREAPER


def guard(command: list[str], patience: float) -> int:
    """Run a command until it ends or standard input closes; its exit code.  patience: seconds before it is killed."""
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(ADOPT, 1, 0, 0, 0)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_listening)
    over = threading.Event()

    def when_over(waiting: Callable[[], object]) -> None:
        waiting()
        over.set()

    for waiting in (child.wait, sys.stdin.buffer.read):
        threading.Thread(target=when_over, args=(waiting,), daemon=True).start()
    over.wait()
    end(psutil.Process().children(recursive=True), patience if child.poll() is None else 1.0)
    return child.wait()


def end(processes: list[psutil.Process], patience: float) -> None:
    """End processes in order, and what does not listen by force; what they started meanwhile too."""
    for process in processes:
        with suppress(psutil.Error):
            process.terminate()
    psutil.wait_procs(processes, patience)
    while left := psutil.Process().children(recursive=True):
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, 1.0)


def _listening() -> None:
    """What the guard does not hear, its child does."""
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)


if __name__ == "__main__":
    code = guard(sys.argv[2:], float(sys.argv[1]))
    sys.stdout.flush()
    os._exit(code if code >= 0 else 128 - code)  # a thread may still read from the pipe
