"""Execute a notebook of examples/ in a folder and a home of its own: python -m tests.docs.notebooks NAME [FILE]."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[2] / "examples"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PASSING = re.compile(r"\d% (\d|-)+:|preparing: ")  # bars of progress, and what is waited for
SHOWN_HOME = "~/twinpipe"  # in what is kept, whatever folder it was


def names() -> list[str]:
    """Names of the notebooks."""
    return sorted(path.stem for path in EXAMPLES.glob("*.ipynb"))


def execute(name: str, folder: Path) -> Any:
    """The notebook with its outputs; raises CellExecutionError at the first error."""
    book = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)  # type: ignore[no-untyped-call]  # of nbformat
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TWINPIPE_", "PREFECT_", "COLUMNS"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    environment |= {
        "TWINPIPE_HOME": str(folder / "home"),
        "PATH": path,
        "COLUMNS": "120",
        "TERM": "dumb",
        "NO_COLOR": "1",
    }
    client = NotebookClient(book, timeout=600, resources={"metadata": {"path": str(folder)}})
    client.execute(env=environment)
    return _kept(book, str(folder / "home"))


def _kept(book: Any, home: str) -> Any:
    """Without what differs from one execution to the next: when, where, how fast."""
    for cell in book.cells:
        cell.metadata = {}
        for output in cell.get("outputs", ()):
            if output.get("name") == "stderr":
                output["text"] = ""
            for text in [output] if "text" in output else [output.get("data", {})]:
                for kind in text:
                    if isinstance(text[kind], str) and not kind.startswith("image/"):
                        text[kind] = _plain(text[kind]).replace(home, SHOWN_HOME)
        if "outputs" in cell:
            cell.outputs = [o for o in cell.outputs if o.get("text") != ""]
    return book


def _plain(text: str) -> str:
    """Text without colours and bars of progress, which a notebook's shell asks for."""
    lines = ESCAPES.sub("", text).replace("\r", "").splitlines(keepends=True)
    return "".join(line for line in lines if not PASSING.search(line))


def main(name: str, target: Path | None = None) -> None:
    """Execute a notebook and keep it with its outputs, in its own place or in another file."""
    with tempfile.TemporaryDirectory(prefix="twinpipe-notebook-") as folder:
        Path(folder).chmod(0o711)  # as root, the embedded Postgres runs as another account
        book = execute(name, Path(folder))
    nbformat.write(book, target or EXAMPLES / f"{name}.ipynb")  # type: ignore[no-untyped-call]  # of nbformat


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None)
