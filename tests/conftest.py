"""What tests of whole commands share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that other accounts may enter, unlike pytest's own: as root the server runs as one."""
    folder = Path(tempfile.mkdtemp(prefix="twinpipe-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)
