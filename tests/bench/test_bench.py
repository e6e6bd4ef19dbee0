"""The benchmarks run, tiny, so that they cannot rot."""

from __future__ import annotations

import pytest

from tests.bench.__main__ import main
from tests.bench.ensemble import ensemble, time_ensemble, warm_up
from tests.bench.kernel import compile_lines, peer_lines


def test_the_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main(tiny=True)
    printed = capsys.readouterr().out
    assert "cell-steps per second and core" in printed
    assert "share of wall outside the kernel" in printed
    assert "kernel over C" in printed or "not built" in printed
    assert "bands on 2 processes over one block" in printed
    assert "scheduler, of a task" in printed
    assert "bulk import" in printed
    assert "dashboard at" in printed


@pytest.mark.slow
def test_peers_and_compilation_are_timed() -> None:
    lines = [*compile_lines(), *peer_lines(2, 2)]
    assert len(lines) in (3, 6)


def test_the_kernel_is_part_of_the_whole() -> None:
    warm_up()
    timing = time_ensemble(ensemble(3, 2, "6x8", 2), threads=2)
    assert 0 < timing.kernel < timing.wall * timing.threads
    assert 0 < timing.outside < 1
    assert timing.cell_steps == 3 * 102 * 48  # two years
