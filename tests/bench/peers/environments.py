"""Environments of peers, made once and kept in the user's cache."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

from platformdirs import user_cache_path

# climlab asks for its compiled radiation codes, which the energy-balance models do not use; the rest it imports.
PACKAGES = {
    "climlab": (("attrs", "future", "numpy>=2", "pooch", "scipy", "six", "xarray"), ("--no-deps", "climlab==0.9.2")),
    "vplanet": (("vplanet==2.5.36",),),
}


class NotInstallable(Exception):
    """A peer whose packages cannot be had here; the message says why."""


def scripts(peer: str) -> Path:
    """The folder of a peer's interpreter and commands; raises NotInstallable."""
    home = user_cache_path("twinpipe") / "peers" / peer
    folder, ready = home / "bin", home / ".ready"
    if not ready.exists():
        venv.create(home, with_pip=True, clear=True)
        for arguments in PACKAGES[peer]:
            pip = [str(folder / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
            done = subprocess.run([*pip, *arguments], capture_output=True, text=True)
            if done.returncode:
                raise NotInstallable((done.stderr.strip() or "pip failed").splitlines()[-1])
        ready.touch()
    return folder
