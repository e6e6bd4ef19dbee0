"""Write what docs/ and the README have from the source: the picture of the architecture and the table of settings."""

from __future__ import annotations

from pathlib import Path

from tests.docs.architecture import svg
from tests.docs.settings_table import with_table

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Write the files; what is as it should be stays."""
    (ROOT / "docs" / "architecture.svg").write_text(svg(), encoding="utf-8")
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
