"""What the pages take from the source is what the source says, and their links lead somewhere."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from tests.docs.architecture import BOXES, svg
from tests.docs.settings_table import table, with_table

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_picture_of_the_architecture_is_the_one_that_is_drawn() -> None:
    assert (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8") == svg()
    assert all(20 + 15 * len(box.lines) + 5 <= box.height for box in BOXES)  # words stay in their boxes


def test_the_table_of_settings_is_that_of_the_settings() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert table() in text, "run `make docs`"
    assert with_table(text) == text


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|data:)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def blocks(page: str, language: str) -> list[str]:
    """Blocks of code of a page, without the indent of a list."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [textwrap.dedent(m[1]) for m in re.finditer(rf"^ *```{language}\n(.*?)^ *```$", text, re.M | re.S)]


@pytest.mark.parametrize(("page", "file"), [("add-a-body.md", "ceres.toml"), ("add-a-pattern.md", "plan.toml")])
def test_who_follows_a_page_gets_there(page: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    [content] = blocks(page, "toml")
    Path(file).write_text(content, encoding="utf-8")
    [program] = blocks(page, "python")
    names: dict[str, Any] = {}
    exec(program.replace("12x24", "6x8").replace("years=10", "years=4"), names)
    temperature = names["tree"]["atmosphere"]["surface_temperature"]
    assert 100 < float(temperature.mean()) < 260


def test_the_pages_name_files_and_things_that_are_there() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        for path in re.findall(r"`((?:src|tests|sql|schemas|docs)/[\w/.-]+)`", page.read_text(encoding="utf-8")):
            assert "NAME" in path or (ROOT / path).exists(), f"{page.name}: {path}"
