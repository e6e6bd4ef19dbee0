"""The table of settings, from the settings themselves."""

from __future__ import annotations

import re

from twinpipe.settings import Settings

HEAD = "| variable | meaning | default |\n|---|---|---|\n"
TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\n)+")


def table() -> str:
    """Markdown with a row for each setting."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = "the user's data folder" if field.default_factory else field.default
        shown = "not set" if default is None else f"{default}"
        rows.append(f"| `TWINPIPE_{name.upper()}` | {(field.description or '').rstrip('.')} | {shown} |\n")
    return HEAD + "".join(rows)


def with_table(text: str) -> str:
    """A page with its table of settings as it should be."""
    return TABLE.sub(lambda _: table(), text)
