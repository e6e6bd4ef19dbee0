"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

LARGEST = 2**63 - 1  # of what the ledger's columns hold
TwinId = Annotated[int, typer.Argument(metavar="TWIN", min=1, max=LARGEST)]
RunId = Annotated[int, typer.Argument(metavar="RUN", min=1, max=LARGEST)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
