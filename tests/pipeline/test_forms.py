"""Laws of the forms: every body that can be imported can be chosen, and no file of the worker's machine can be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flows.choices import ImportedName, imported_name
from flows.create_twin import CreateTwin
from flows.run_sweep import RunSweep, asked
from flows.simulate_twin import SimulateTwin
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError
from tests.factories.game_files import GENERATED

from twinpipe.body import Body, load_body
from twinpipe.errors import InvalidInput
from twinpipe.game.importer import import_bodies, save_import
from twinpipe.sweep_spec import SweepSpec

OF_BODIES = next(m.pattern for m in Body.model_fields["identifier"].metadata if getattr(m, "pattern", None))
FORMS: list[type[CreateTwin] | type[SimulateTwin]] = [CreateTwin, SimulateTwin]
AXIS = {"kind": "list", "name": "factory_rate", "values": [1e5]}


def a_sweep_of(body: str) -> RunSweep:
    return RunSweep(sweep=SweepSpec.model_validate({"base": {"body": body, "years": 5}, "axes": [AXIS]}))


@given(st.from_regex(OF_BODIES, fullmatch=True).filter(lambda name: "\n" not in name))
def test_every_identifier_of_a_body_may_be_chosen(identifier: str) -> None:
    for form in FORMS:
        assert form(imported_body=identifier).imported_body == identifier
        # by their schema, with which the server judges what is submitted
        assert Draft202012Validator(form.model_json_schema()).is_valid({"imported_body": identifier})
    assert asked(a_sweep_of(identifier)).base.body == identifier


def test_a_body_with_a_dot_is_imported_chosen_and_found(tmp_path: Path) -> None:
    system = json.loads(GENERATED.read_text(encoding="utf-8"))
    system["celestial_bodies"]["terrestrial_planets"][0]["identifier"] = "KEPLER-442.B"
    file = tmp_path / "system.json"
    file.write_text(json.dumps(system), encoding="utf-8")
    [found] = import_bodies(file, only="KEPLER-442.B").bodies
    save_import(found, tmp_path / "bodies")
    form = SimulateTwin(imported_body="KEPLER-442.B")
    body = load_body(imported_name(form.body, form.imported_body), imported=tmp_path / "bodies")
    assert body.identifier == "KEPLER-442.B"
    assert asked(a_sweep_of("KEPLER-442.B")).base.body == "KEPLER-442.B"


@pytest.mark.parametrize(
    "path", ["../secret.toml", "/etc/secret.json", "secret.toml", "A.json", ".A", "a b", "MARS/01"]
)
def test_no_form_reads_a_file_of_the_workers_machine(path: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(ImportedName).validate_python(path)
    with pytest.raises(InvalidInput, match="it is a built-in body or the identifier of an imported one"):
        asked(a_sweep_of(path))


@pytest.mark.parametrize("name", ["mars", "Mars"])
def test_built_in_bodies_are_swept_by_form(name: str) -> None:
    form = asked(a_sweep_of(name))
    assert form.base.body == name
    assert load_body(form.base.body).name == "Mars"
