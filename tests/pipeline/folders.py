"""Stores of tests that look at files: folders, whatever else a place may be."""

from __future__ import annotations

from pathlib import Path

from twinpipe.db.rows import RunRow
from twinpipe.lifecycle import run_path
from twinpipe.place import Place
from twinpipe.workplace import Workplace


def folder(place: Place) -> Path:
    """A place that is a folder."""
    assert isinstance(place, Path)
    return place


def twin_folder(w: Workplace, twin: int) -> Path:
    """The folder of a twin's store."""
    return folder(w.twin_path(twin))


def run_folder(w: Workplace, run: RunRow) -> Path:
    """The folder of a run's outputs."""
    return folder(run_path(w, run))
