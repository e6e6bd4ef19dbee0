"""Markdown in which what people have written is text and nothing else."""

from __future__ import annotations

from collections.abc import Sequence


def plain(text: str) -> str:
    """Text in which Markdown and HTML see nothing to act on."""
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("\n", " ")):
        text = text.replace(sign, safe)
    for sign in "`*_[]#!":
        text = text.replace(sign, f"\\{sign}")
    return text


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, "" without rows."""
    if not rows:
        return ""
    lines = [header, ["---"] * len(header), *([plain(c) for c in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
