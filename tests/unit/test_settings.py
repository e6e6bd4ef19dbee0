"""The table of settings that people read names the settings that there are."""

from __future__ import annotations

import re
from pathlib import Path

from twinpipe.settings import Settings

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_names_every_setting_once_and_no_other() -> None:
    named = re.findall(r"^\| `TWINPIPE_(\w+)` \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)
