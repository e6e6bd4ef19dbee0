"""The profile command writes two files that can be read without a network, and refuses in one sentence."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


def profile(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "twinpipe.profiling", str(folder), "--grid", "6x8", "--members", "2", *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_a_report_and_a_flame_graph_of_a_run(tmp_path: Path) -> None:
    done = profile(tmp_path / "new", "--years", "40")
    if "ptrace" in done.stderr or "permission" in done.stderr.lower():
        pytest.skip("a process may not be watched here")
    assert (done.returncode, done.stderr) == (0, "")
    page, flames = (Path(line).read_text(encoding="utf-8") for line in done.stdout.split())
    assert "Dask Performance Report" in page
    assert re.search(r'"task-[0-9a-f]{8}-', page), "the task stream is empty"
    assert not re.search(r'<(script|link rel=.stylesheet)[^>]+(src|href)="http', page)
    assert "run_segment" in flames


@pytest.mark.parametrize(("option", "value"), [("--body", "vulcan"), ("--pattern", "vulcan"), ("--grid", "1x")])
def test_what_cannot_be_profiled_is_one_sentence(tmp_path: Path, option: str, value: str) -> None:
    done = profile(tmp_path / "new", option, value)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert value in done.stderr
    assert not (tmp_path / "new").exists()
