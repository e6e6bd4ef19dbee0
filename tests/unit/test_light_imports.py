"""Nothing heavy is imported where it is not needed: by a simulation in memory, or by a worker."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIBRARIES = "alembic bokeh fastapi matplotlib pint prefect psycopg rich s3fs sqlalchemy typer"
NEVER = frozenset(LIBRARIES.split())
SIMULATION = "import twinpipe; twinpipe.simulate('mars', 'custom', years=1, grid='4x8')"


def imported_by(statement: str) -> set[str]:
    told = "print(*{name.partition('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", f"import sys; {statement}; {told}"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    ("statement", "also_never"),
    [
        ("import twinpipe", {"numpy", "numba", "xarray"}),
        (SIMULATION, {"dask", "distributed", "zarr"}),
        ("import twinpipe.engine", set()),
    ],
)
def test_heavy_libraries_stay_away(statement: str, also_never: set[str]) -> None:
    assert not imported_by(statement) & (NEVER | also_never)
