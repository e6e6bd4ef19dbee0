"""The wheel alone is enough: it carries migrations and flows, and does the main job outside a checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from tests.pipeline.terminal import environment

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, env: dict[str, str], cwd: Path) -> str:
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment with the wheel, and with what it depends on but not this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "source"  # hatchling leaves nothing behind in the checkout, but reads all of it
    kept = ("src", "sql", "flows", "deploy", "schemas", "pyproject.toml", "README.md", "LICENSE")
    copy.mkdir()
    for name in kept:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
    env = environment(folder) | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    env.pop("PYTHONPATH", None)
    pip = (sys.executable, "-m", "pip")
    run(*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, copy, env=env, cwd=folder)
    [wheel] = folder.glob("twinpipe-*.whl")
    shutil.rmtree(copy)
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    site = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", env=env, cwd=folder).strip()
    )
    run(*pip, "--python", python, "install", "-q", "--no-deps", "--no-index", wheel, env=env, cwd=folder)
    # a .pth in a folder that is named by a .pth is not read, so that the editable twinpipe stays out
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python


@pytest.mark.slow
def test_the_wheel_does_the_main_job_outside_a_checkout(installed: Path, open_folder: Path) -> None:
    home = open_folder / "wheel"
    env = environment(home)
    env.pop("PYTHONPATH", None)
    command = installed.with_name("twinpipe")
    where = run(installed, "-c", "import twinpipe; print(twinpipe.__file__)", env=env, cwd=open_folder)
    assert str(installed.parents[1]) in where
    shared = Path(where.strip()).parent / "_share"
    for pattern in ("sql/versions/*.py", "sql/queries/*.sql", "flows/*.py", "deploy/*.yaml", "schemas/*.json"):
        assert {p.name for p in shared.glob(pattern)} == {p.name for p in ROOT.glob(pattern)} != set()
    status = json.loads(run(command, "db", "migrate", "--json", env=env, cwd=open_folder))
    assert status["up_to_date"]
    twin = json.loads(run(command, "twin", "create", "mars", "--grid", "6x8", "--json", env=env, cwd=open_folder))
    result = json.loads(run(command, "run", str(twin["id"]), "--years", "2", "--json", env=env, cwd=open_folder))
    assert result["performance_data"]["budget_closes"]
    assert os.path.commonpath([result["performance_data"]["store"], home]) == str(home)
    drawn = json.loads(run(command, "plot", str(result["run_id"]), "--json", env=env, cwd=open_folder))
    assert Path(drawn["report"]).is_file()
