"""A terminal for tests: the command line in this process or in its own, and what it left behind."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from twinpipe import cli
from twinpipe.db.migrate import migrate
from twinpipe.db.session import engine

TABLES = ("solar_systems", "celestial_bodies", "digital_twins", "simulation_runs", "simulation_results")


@dataclass(frozen=True)
class Said:
    """What a command left on the terminal."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON, with success and not a word beside it."""
        assert (self.code, self.err) == (0, "")
        return orjson.loads(self.out)

    def refusal(self, code: int) -> str:
        """The one sentence of a refusal."""
        lines = [line for line in self.err.splitlines() if line.strip()]
        assert (self.code, self.out) == (code, ""), self
        assert len(lines) == 1, self.err
        assert lines[0].startswith("twinpipe: "), self.err
        assert lines[0].endswith("."), self.err
        assert not lines[0].endswith(".."), self.err
        return lines[0]


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment without settings of the person who runs the tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TWINPIPE_", "PREFECT_", "COLUMNS"))}
    return kept | {"TWINPIPE_HOME": str(home)} | more


@dataclass(frozen=True)
class Terminal:
    """Runs twinpipe with a home."""

    home: Path
    url: str

    def __call__(self, *arguments: str | Path, **settings: str) -> Said:
        """Run the command in this process."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in [n for n in os.environ if n.startswith(("TWINPIPE_", "PREFECT_"))]:
                patch.delenv(name)
            for name, value in {"TWINPIPE_HOME": str(self.home), "COLUMNS": "200", **settings}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["twinpipe", *map(str, arguments)])
            with pytest.raises(SystemExit) as ended:
                cli.main()
        code = ended.value.code
        assert isinstance(code, int)
        return Said(code, out.getvalue(), err.getvalue())

    def spawn(self, *arguments: str | Path, **settings: str) -> Said:
        """Run the installed command in a process of its own."""
        done = subprocess.run(
            [Path(sys.executable).with_name("twinpipe"), *arguments],
            env=environment(self.home, **settings),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def traces(self) -> tuple[dict[str, int], set[str]]:
        """Rows by table, and files and folders outside the database."""
        migrate(self.url)
        with engine(self.url).connect() as connection:
            rows = {t: connection.scalars(text(f"SELECT count(*) FROM {t}")).one() for t in TABLES}
        paths = {str(p.relative_to(self.home)) for p in self.home.rglob("*")}
        return rows, {p for p in paths if not p.startswith("postgres")}
