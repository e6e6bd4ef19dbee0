"""A cold start: `tp.simulate` in a fresh interpreter, split into imports, the kernel from its cache, and computing."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.bench.kernel import Line
from tests.bench.ledger import verdict

WHOLE = "import twinpipe as tp; tp.simulate('mars', 'custom', years=1)"
# a first, tiny world costs the kernel and what is imported late; the second only its computing
SPLIT = """
import json, time
began = time.perf_counter()
import twinpipe as tp
simulate = tp.simulate
imported = time.perf_counter()
simulate("mars", "custom", years=1, grid="4x8")
loaded = time.perf_counter()
simulate("mars", "custom", years=1)
print(json.dumps([imported - began, loaded - imported, time.perf_counter() - loaded]))
"""


def cold_lines(repetitions: int) -> Iterator[Line]:
    """Seconds on the wall's clock, medians; the kernel is in numba's cache."""
    subprocess.run([sys.executable, "-c", WHOLE], check=True)
    whole, parts = [], []
    for _ in range(repetitions):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", WHOLE], check=True)
        whole.append(time.perf_counter() - began)
        said = subprocess.run([sys.executable, "-c", SPLIT], check=True, capture_output=True, text=True).stdout
        parts.append(json.loads(said))
    total = statistics.median(whole)
    yield "tp.simulate('mars', 'custom', years=1), a new process", f"{total:.2f} s", "< 3 s", verdict(total < 3)
    for what, seconds in zip(("imports", "kernel from the cache", "computing"), zip(*parts, strict=True), strict=True):
        yield f"of which {what}", f"{statistics.median(seconds):.2f} s", "", ""
