"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated, Any

import typer

LARGEST = 2**63 - 1  # of what the ledger's columns hold
TwinId = Annotated[int, typer.Argument(metavar="TWIN", min=1, max=LARGEST)]
RunId = Annotated[int, typer.Argument(metavar="RUN", min=1, max=LARGEST)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
MOST = 10_000  # rows that a list shows
Limit = Annotated[int, typer.Option(min=1, max=MOST, help="The newest so many.")]
# As people come to need them; the commands of a group stay as they are there.
ORDER = [
    "demo",
    "up",
    "body",
    "pattern",
    "twin",
    "run",
    "sweep",
    "result",
    "plot",
    "report",
    "export",
    "learn",
    "learned",
    "cleanup",
    "audit",
    "reap",
    "db",
]


class Commands(typer.core.TyperGroup):
    """A group whose help says the first sentence of each command whole."""

    def list_commands(self, ctx: Any) -> list[str]:
        names = list(self.commands)
        return sorted(names, key=ORDER.index) if set(names) <= set(ORDER) else names

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(n, self.commands[n].get_short_help_str(10_000)) for n in self.list_commands(ctx)])


def tell_more(total: int, shown: int, what: str, command: str = "") -> None:
    """Say on standard error, where it spoils no JSON, how many of them are shown and how to see all."""
    if total > shown:
        how = f"{command}--limit {min(total, MOST)} shows {'all' if total <= MOST else 'more'}"
        typer.echo(f"shown: {shown:,} of {total:,} {what}; {how}", err=True)
