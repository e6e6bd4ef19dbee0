"""The schemas that are checked in are those of the models, and a second validator agrees with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter
from sqlalchemy.dialects.postgresql import JSONB

from twinpipe import schemas
from twinpipe.db.models import Base
from twinpipe.digest import canonical_json
from twinpipe.payloads import COLUMNS
from twinpipe.shared import shared_folder


def test_what_is_checked_in_is_what_the_models_say() -> None:
    folder = shared_folder("schemas")
    made = dict(schemas.files())
    stale = [name for name, text in made.items() if (folder / name).read_text(encoding="utf-8") != text]
    assert not stale, "run python -m twinpipe.schemas"
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*.json")}
    assert there == made.keys() | {f"examples/{name}.json" for name in schemas.SCHEMAS}


def test_one_command_writes_them_all_and_again_changes_nothing(tmp_path: Path) -> None:
    assert schemas.main(tmp_path) == len(dict(schemas.files()))
    assert schemas.main(tmp_path) == 0


@pytest.mark.parametrize("name", schemas.SCHEMAS)
def test_an_example_is_valid_by_model_and_by_schema(name: str) -> None:
    described, value = schemas.schema(name), schemas.example(name)
    Draft202012Validator.check_schema(described)
    Draft202012Validator(described).validate(value)
    TypeAdapter[Any](schemas.SCHEMAS[name]).validate_json(canonical_json(value), strict=True)


def test_every_json_column_is_typed_and_has_a_schema() -> None:
    tables = Base.metadata.sorted_tables
    assert COLUMNS.keys() == {(t.name, c.name) for t in tables for c in t.columns if isinstance(c.type, JSONB)}
    assert {schemas.schema_name(*column) for column in COLUMNS} <= schemas.SCHEMAS.keys()
