"""Elsewhere on this machine: another network, or a view of the disk that lacks a folder.  Only root can go there."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Network:
    """A network of two addresses: ours, and that of whatever the command within runs."""

    here: str
    there: str
    within: tuple[str, ...]


def _do(*command: str) -> None:
    """Run a command; skips the test where it is not there or not allowed."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{' '.join(command)}: {done.stderr.strip()}")


@contextmanager
def network() -> Iterator[Network]:
    """A network namespace with a cable to ours, and no loopback or route in common."""
    pid = os.getpid()
    name, ours, theirs = f"twinpipe-{pid}", f"tp{pid}a", f"tp{pid}b"
    # of the addresses kept for benchmarks of networks, four that no other process has
    first = f"198.18.{pid // 64 % 256}.{pid % 64 * 4}".rsplit(".", 1)
    here, there = (f"{first[0]}.{int(first[1]) + i}" for i in (1, 2))
    _do("ip", "netns", "add", name)
    try:
        _do("ip", "link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name)
        _do("ip", "addr", "add", f"{here}/30", "dev", ours)
        _do("ip", "link", "set", ours, "up")
        _do("ip", "-n", name, "addr", "add", f"{there}/30", "dev", theirs)
        _do("ip", "-n", name, "link", "set", theirs, "up")
        yield Network(here, there, ("ip", "netns", "exec", name))
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)  # the cable goes with it


def blind_to(folder: Path) -> tuple[str, ...]:
    """A command that runs another to which a folder is empty."""
    _do("unshare", "--mount", "true")
    return ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(folder))
