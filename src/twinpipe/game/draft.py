"""A body on its way from the file: its numbers, where each came from, what was assumed, what does not fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Draft:
    """Numbers by dotted field of a Body, with a source for each and sentences for people."""

    data: dict[str, Any]
    sources: dict[str, str] = field(default_factory=dict)
    assumptions: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    def take(self, target: str, value: object, key: str, how: str = "") -> None:
        """Set a field from the game's field `key`; how tells its unit and what became of it."""
        self._set(target, value, f"game file, field `{key}`{how}")

    def suppose(self, target: str, value: object, why: str) -> None:
        """Set a field that the file lacks, and say so."""
        self._set(target, value, f"assumed: {why}")
        shown = f"{value:.4g}" if isinstance(value, float) else "given" if value else "none"
        self.assume(f"{target} {shown}: {why}")

    def assume(self, line: str) -> None:
        self.assumptions.append(line)

    def differ(self, line: str) -> None:
        self.differences.append(line)

    def _set(self, target: str, value: object, source: str) -> None:
        part = self.data
        *parents, last = target.split(".")
        for name in parents:
            part = part.setdefault(name, {})
        part[last] = value
        self.sources = {k: v for k, v in self.sources.items() if k != target and not k.startswith(target + ".")}
        for leaf in value if isinstance(value, dict) and value else [""]:
            self.sources[f"{target}.{leaf}".rstrip(".")] = source
