"""Laws of `twinpipe sweep`: its commands say what they do, and what is refused leaves no trace."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.pipeline.terminal import Terminal

GOOD = """
name: by hand
base: {years: 2, grid: 4x6}
axes:
- {kind: list, name: factory_rate, values: [1e4 kg/s, 2e4 kg/s]}
"""


@pytest.mark.parametrize(
    ("content", "settings", "sentence"),
    [
        ("axes: [{kind: list, name: warmth, values: [1]}]", {}, "no axis named 'warmth'; known: "),
        ("design: {replicates: 10000000}", {}, "members: 10000000 is not allowed"),
        ("axes: [{kind: list, name: mirror_area, values: []}]", {}, "values"),
        (GOOD, {"TWINPIPE_MEMORY_LIMIT": "1MB"}, "TWINPIPE_MEMORY_LIMIT: '1 MB' is not allowed; a worker of"),
        (GOOD, {"TWINPIPE_MEMORY_LIMIT": "much"}, "TWINPIPE_MEMORY_LIMIT: 'much' is not allowed"),
        ("a: &a [x]\nb: [*a, *a]", {}, "aliases are not allowed"),
        ("name: !!bool maybe", {}, "a value is not of the kind that its tag says"),
        ("base: {seed: 9007199254740993}", {}, "base.seed: 9007199254740993 is not allowed"),
    ],
)
def test_what_is_refused_leaves_no_trace(
    terminal: Terminal, tmp_path: Path, content: str, settings: dict[str, str], sentence: str
) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(content, encoding="utf-8")
    assert terminal("sweep", "list").code == 0  # makes an empty folder of stores
    before = terminal.traces()
    assert sentence in terminal("sweep", file, **settings).refusal(2)
    assert sentence in terminal("sweep", file, "--dry-run", **settings).refusal(2)
    assert terminal.traces() == before


def test_a_sweep_from_the_command_line(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(GOOD, encoding="utf-8")
    before = terminal.traces()
    quoted = terminal("sweep", file, "--dry-run", "--json").json
    assert (quoted["members"], quoted["new"], quoted["reused"], quoted["rows"]) == (2, 2, 0, 8)
    assert quoted["stored_bytes"] > 0
    assert terminal.traces() == before
    done = terminal("sweep", file, "--json").json
    assert (done["sweep"]["status"], done["receipt"]["computed"]) == ("completed", 2)
    number = str(done["sweep"]["id"])
    shown = terminal("sweep", "show", number, "--json").json
    assert shown["ranking"] == done["ranking"]
    assert len(shown["pareto"]) >= 1
    assert [s["id"] for s in terminal("sweep", "list", "--json").json] == [int(number)]
    said = terminal("sweep", file)
    assert "2 members, 2 computed, 0 reused, 2 completed" in said.out
    assert "there are already" not in said.out
    assert terminal("sweep", file, "--dry-run", "--json").json["reused"] == 2
    assert terminal("sweep", "cancel", number, "--json").json == {
        "sweep": int(number),
        "changed": False,
        "status": "completed",
    }
    assert "nothing to resume" in terminal("sweep", "resume", number).refusal(1)
    assert "no sweep named 99" in terminal("sweep", "show", "99").refusal(2)
    assert "no twin named 99" in terminal("sweep", file, "--twin", "99").refusal(2)
