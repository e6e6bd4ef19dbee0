"""The same content has the same name, everywhere and for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpipe.body import Body, builtin_body
from twinpipe.digest import array_digest, canonical_json, digest, source_digest
from twinpipe.scenario import load_pattern
from twinpipe.spec import OutputPolicy, RunSpec

MARS = builtin_body("mars")
SPEC = RunSpec(body=MARS, scenario=load_pattern("mars_terraform").scenario(MARS), years=100)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def turned(value: Any) -> Any:
    """The same content with every table written in reverse."""
    if isinstance(value, dict):
        return {k: turned(value[k]) for k in reversed(value)}
    return [turned(v) for v in value] if isinstance(value, list) else value


def test_canonical_form_is_written_down() -> None:
    assert canonical_json({"b": [1, 2.5, 1e-7], "a": {"y": None, "x": True}}) == (
        b'{"a":{"x":true,"y":null},"b":[1,2.5,1e-7]}'
    )
    assert digest({"b": 1, "a": "ä"}) == hashlib.sha256('{"a":"ä","b":1}'.encode()).hexdigest()


@given(values)
def test_order_of_keys_does_not_matter(value: Any) -> None:
    assert digest(turned(value)) == digest(value)


def test_a_spec_keeps_its_name_through_json() -> None:
    again = RunSpec.model_validate_json(SPEC.model_dump_json())
    assert again == SPEC
    assert again.digest == SPEC.digest
    assert Body.model_validate_json(MARS.model_dump_json()).digest == MARS.digest


@pytest.mark.parametrize(
    "change",
    [
        {"years": 101},
        {"grid": "24x48"},
        {"steps_per_orbit": 48},
        {"spin_up_orbits": 29},
        {"seed": 1},
        {"code_fingerprint": "x"},
        {"output": OutputPolicy(maps_every_orbits=2)},
        {"scenario": load_pattern("custom").scenario(MARS)},
        {"body": MARS.model_copy(update={"name": "Ares"})},
    ],
)
def test_whatever_decides_the_bits_changes_the_name(change: dict[str, Any]) -> None:
    fields = {name: getattr(SPEC, name) for name in RunSpec.model_fields}
    assert RunSpec(**{**fields, **change}).digest != SPEC.digest


def test_a_copy_with_a_change_has_a_name_of_its_own() -> None:
    assert MARS.digest  # known before the copy is made
    assert MARS.model_copy(update={"name": "Ares"}).digest != MARS.digest
    assert SPEC.digest != SPEC.model_copy(update={"years": 7}).digest
    assert MARS.model_copy().digest == MARS.digest


def test_a_grid_written_otherwise_is_the_same_run() -> None:
    fields = {name: getattr(SPEC, name) for name in RunSpec.model_fields}
    assert RunSpec(**{**fields, "grid": " 36 × 72 "}).digest == SPEC.digest


def test_arrays_are_named_by_bits_shape_and_type() -> None:
    a = np.arange(6.0)
    names = {
        array_digest(a),
        array_digest(a.reshape(2, 3)),
        array_digest(a.reshape(3, 2)),
        array_digest(a.astype("f4")),
        array_digest(a, a),
        array_digest(np.nextafter(a, 9.0)),
    }
    assert len(names) == 6
    assert array_digest(a[::-1][::-1]) == array_digest(a.copy())
    assert array_digest(np.asfortranarray(a.reshape(2, 3))) == array_digest(a.reshape(2, 3))


def test_sources_are_named_by_path_and_text(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    first = source_digest(tmp_path)
    assert source_digest(tmp_path) == first
    (tmp_path / "notes.txt").write_text("not code", encoding="utf-8")
    assert source_digest(tmp_path) == first
    (tmp_path / "a.py").write_text("x = 2\n", encoding="utf-8")
    second = source_digest(tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert len({first, second, source_digest(tmp_path)}) == 3
