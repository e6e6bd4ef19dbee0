"""Without any network but its own machine, all of `twinpipe up` works, and nobody even tries to reach another."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.pipeline.terminal import environment
from tests.ui.upstairs import come_down, go_up, processes, within

from twinpipe.tree import simulate

INSIDE = """
import sys
from pathlib import Path
from subprocess import Popen
from typing import cast
from urllib.request import urlopen
from tests.ui.upstairs import Upstairs
home, links, prefect = sys.argv[1:]
up = Upstairs(Path(home), cast("Popen[bytes]", None), links, prefect)
assert up.until(up.start("simulate", years=3, grid="6x8"), "Completed", "Failed", "Crashed", seconds=120)[
    "state_name"] == "Completed"
assert b"prefect" in urlopen(f"{up.api}/collections/views/aggregate-worker-metadata").read()
heads, counts = (line.split() for line in open("/proc/self/net/snmp") if line.startswith("Ip:"))
print("tried", dict(zip(heads, counts))["OutNoRoutes"])
"""


def _may() -> bool:
    if shutil.which("unshare") is None or shutil.which("ip") is None or shutil.which("nsenter") is None:
        return False
    return subprocess.run(["unshare", "-n", "ip", "link", "set", "lo", "up"], capture_output=True).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not _may(), reason="only who may make a network namespace can take it off the network")
def test_everything_works_off_the_network_and_nobody_tries_to_reach_it(open_folder: Path) -> None:
    simulate("mars", "mars_terraform", years=1, grid="6x8")  # compiles the kernel before anyone waits
    home = open_folder / "alone"
    up = go_up(home, "unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    try:
        command = ["nsenter", "-t", str(up.process.pid), "-n", sys.executable, "-c", INSIDE]
        done = subprocess.run(
            [*command, str(home), up.links, up.prefect],
            env=environment(home),
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert (done.returncode, done.stdout) == (0, "tried 0\n"), done.stderr
    finally:
        assert come_down(up) == 0
    within(10, lambda: not processes(home), lambda: processes(home))
