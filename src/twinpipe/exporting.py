"""What leaves a run for the game: results, mission bundles, body files, comparisons; each noted in the audit log."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel

from twinpipe import durable, lifecycle
from twinpipe.db import ledger
from twinpipe.db.trail import note_export
from twinpipe.documents import BodyFile, Comparison
from twinpipe.errors import Conflict, InvalidInput
from twinpipe.game.comparison import compare
from twinpipe.game.completed import Completed
from twinpipe.game.exporter import body_file, exported_result
from twinpipe.game.manifest import check_bundle, mission_bundle, mission_id
from twinpipe.payloads import RESULT
from twinpipe.workplace import Workplace


def completed_run(w: Workplace, run_id: int) -> Completed:
    """A completed run with its spec and result; raises NotFound, Conflict when it is not completed or scrubbed."""
    run = ledger.get_run(w.engine, run_id)
    if run.status != "completed":
        raise Conflict(f"run {run_id} is {run.status}; only completed runs have a result.")
    row, twin = ledger.get_result(w.engine, run_id), ledger.get_twin(w.engine, run.twin_id)
    return Completed(
        run_id=run.id,
        run_key=run.run_key,
        twin_id=twin.id,
        twin_key=twin.twin_key,
        spec=lifecycle.run_spec(w, run),
        result={name: getattr(row, name) for name in RESULT},
        payload_sha256=row.payload_sha256,
        created_at=row.created_at.astimezone(UTC).isoformat(),
        code_version=row.performance_data["versions"].get("twinpipe", "unknown"),
    )


def compare_runs(w: Workplace, run_ids: Sequence[int]) -> Comparison:
    """Runs side by side; raises InvalidInput for fewer than two, NotFound, Conflict when one is not completed."""
    if len(set(run_ids)) < 2:
        raise InvalidInput("runs", ", ".join(map(str, run_ids)), "at least two different runs are compared")
    return compare([completed_run(w, run_id) for run_id in dict.fromkeys(run_ids)])


def export_results(w: Workplace, run_ids: Sequence[int], folder: Path | None) -> list[dict[str, Any]]:
    """Results as JSON, each in folder/run-<id>.json when there is a folder; raises NotFound, Conflict, StoreError.

    All are read before the first is written.
    """
    runs = [completed_run(w, run_id) for run_id in dict.fromkeys(run_ids)]
    made = [exported_result(run).model_dump(mode="json", exclude_unset=True) for run in runs]
    for run, value in zip(runs, made, strict=True):
        content = _text(value)
        note_export(w.engine, "result", run.run_id, _sha256(content))
        if folder is not None:
            write_file(folder / f"run-{run.run_id}.json", content)
    return made


@dataclass(frozen=True)
class Bundle:
    """A mission in a folder; new: it was not there before."""

    mission_id: str
    folder: Path
    files: tuple[str, ...]
    new: bool

    def as_dict(self) -> dict[str, Any]:
        return {"mission_id": self.mission_id, "folder": str(self.folder), "files": list(self.files), "new": self.new}


def export_manifest(w: Workplace, run_id: int, folder: Path | None = None) -> Bundle:
    """A completed run as a mission in folder/<mission id>, by default below HOME/exports; the same again is no change.

    Raises NotFound, Conflict when the run is not completed or another mission is there, StoreError.
    """
    run = completed_run(w, run_id)
    bundle = mission_bundle(run, datetime.now(UTC).isoformat())
    files = {name: _text(_json(document)) for name, document in bundle.items()}
    check_bundle({name: orjson.loads(content) for name, content in files.items()})
    mission = mission_id(run)
    target = (folder if folder is not None else w.settings.home / "exports") / mission
    note_export(w.engine, "manifest", run_id, _sha256(files["manifest_v1.1.json"]))
    with durable.disk(target):
        new = durable.create_folder(target, files)
        if not new and not _same(target, files):
            raise Conflict(f"{target} is there already, and is no export of run {run_id}; choose another folder.")
    return Bundle(mission, target, tuple(files), new)


def export_body(w: Workplace, run_id: int, file: Path | None = None) -> BodyFile:
    """The end state of a completed run as a body file, written when a file is named.

    Raises NotFound, Conflict when the run is not completed, StoreError.
    """
    made = body_file(completed_run(w, run_id))
    content = body_text(made)
    note_export(w.engine, "body", run_id, _sha256(content))
    if file is not None:
        write_file(file, content)
    return made


def body_text(made: BodyFile) -> bytes:
    """A body file as JSON, without what it does not have."""
    return _text(made.model_dump(mode="json", exclude_none=True, exclude_defaults=False))


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; raises StoreError."""
    with durable.disk(path):
        durable.replace(path, lambda out: out.write(content))


def _json(document: BaseModel) -> dict[str, Any]:
    value: dict[str, Any] = document.model_dump(mode="json")
    return value


def _text(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _same(folder: Path, files: dict[str, bytes]) -> bool:
    """Whether a folder holds these files, but for the time of the export."""
    try:
        there = {path.name: orjson.loads(path.read_bytes()) for path in folder.iterdir()}
    except (OSError, ValueError):
        return False
    wanted = {name: orjson.loads(content) for name, content in files.items()}
    return _timeless(there) == _timeless(wanted)


def _timeless(files: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {k: v for k, v in value.items() if k != "export_timestamp"} if isinstance(value, dict) else value
        for name, value in files.items()
    }
