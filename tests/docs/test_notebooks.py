"""The notebooks of examples/ run as they are, and what they show was made by running them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.docs.notebooks import EXAMPLES, names


def test_there_is_one_for_each_kind_of_user() -> None:
    assert names() == ["analysts", "operators", "planners"]


@pytest.mark.parametrize("name", names())
def test_what_it_shows_was_made_in_order_and_says_nothing_of_the_machine(name: str) -> None:
    text = (EXAMPLES / f"{name}.ipynb").read_text(encoding="utf-8")
    for word in ("/tmp/", "/home/", "/root", "Traceback", "\\u001b"):
        assert word not in text
    cells = [c for c in nbformat.reads(text, as_version=4).cells if c.cell_type == "code"]  # type: ignore[no-untyped-call]  # of nbformat
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    assert any(c.outputs for c in cells)
    assert len(text) < 300_000


@pytest.mark.parametrize(
    "name",
    [
        "planners",  # in memory
        pytest.param("operators", marks=pytest.mark.slow),  # commands one by one
        pytest.param("analysts", marks=pytest.mark.slow),
    ],
)
def test_it_runs(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.docs.notebooks", name, str(tmp_path / "done.ipynb")]
    done = subprocess.run(command, cwd=EXAMPLES.parent, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    kept, again = (nbformat.read(p, as_version=4) for p in (EXAMPLES / f"{name}.ipynb", tmp_path / "done.ipynb"))  # type: ignore[no-untyped-call]  # of nbformat
    assert [len(c.get("outputs", ())) for c in again.cells] == [len(c.get("outputs", ())) for c in kept.cells]
