"""Folders that lie outside the package in the repository and inside it once installed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from twinpipe.errors import NotFound


def shared_folder(name: Literal["sql", "flows", "deploy", "schemas"]) -> Path:
    """The folder of migrations, flows, deployments or schemas; raises NotFound when the installation lacks it."""
    package = Path(__file__).resolve().parent
    for folder in (package / "_share" / name, package.parents[1] / name):
        if folder.is_dir():
            return folder
    raise NotFound("shared folder", name)
