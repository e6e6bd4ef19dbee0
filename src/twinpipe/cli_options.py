"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

LARGEST = 2**63 - 1  # of what the ledger's columns hold
TwinId = Annotated[int, typer.Argument(metavar="TWIN", min=1, max=LARGEST)]
RunId = Annotated[int, typer.Argument(metavar="RUN", min=1, max=LARGEST)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
MOST = 10_000  # rows that a list shows
Limit = Annotated[int, typer.Option(min=1, max=MOST, help="The newest so many.")]


def tell_more(total: int, shown: int, what: str, command: str = "") -> None:
    """Say on standard error, where it spoils no JSON, how many of them are shown and how to see all."""
    if total > shown:
        how = f"{command}--limit {min(total, MOST)} shows {'all' if total <= MOST else 'more'}"
        typer.echo(f"shown: {shown:,} of {total:,} {what}; {how}", err=True)
