"""Errors that twinpipe raises; each carries one sentence for the person who can act on it.

TwinpipeError
├── UsageError               exit code 2: the request is wrong
│   ├── InvalidInput         a field has a value that is not allowed
│   └── NotFound             a name or id that does not exist
├── Cancelled                exit code 1: somebody asked for it to stop
└── Failure                  exit code 1: the request is right, but it could not be done
    ├── DatabaseUnavailable  Postgres does not answer or cannot be started
    ├── StoreError           outputs cannot be written, or are missing or damaged
    ├── BudgetError          mass or energy books do not close
    ├── SimulationError      the simulation left the range in which it means anything
    ├── PeerLost             a worker that holds bands of the same planet is gone
    └── Conflict             another run or a deletion holds the twin
        └── Busy             and gives it back when it ends
"""

from __future__ import annotations


class TwinpipeError(Exception):
    """Anything that twinpipe refuses or fails to do, in one sentence."""

    exit_code = 1


class UsageError(TwinpipeError):
    """The request is wrong."""

    exit_code = 2


class InvalidInput(UsageError):
    """A field has a value that is not allowed."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(field, value, allowed)  # all of them, so that it survives a pickle
        self.field, self.value, self.allowed = field, value, allowed

    def __str__(self) -> str:
        huge = isinstance(self.value, int) and abs(self.value) >= 10**100  # Python refuses to write the longest
        value = "a number of more than 100 digits" if huge else repr(self.value)
        return f"{self.field}: {value} is not allowed; {self.allowed}."


class NotFound(UsageError):
    """A name or id that does not exist."""

    def __init__(self, what: str, name: object, known: list[str] | None = None) -> None:
        super().__init__(what, name, known)
        self.what, self.name, self.known = what, name, known

    def __str__(self) -> str:
        hint = f"; known: {', '.join(self.known)}" if self.known else ""
        return f"no {self.what} named {self.name!r}{hint}."


class Cancelled(TwinpipeError):
    """Somebody asked for it to stop."""


class Failure(TwinpipeError):
    """The request is right, but it could not be done."""


class DatabaseUnavailable(Failure):
    """Postgres does not answer or cannot be started."""


class StoreError(Failure):
    """Outputs cannot be written, or are missing or damaged."""


class BudgetError(Failure):
    """Mass or energy books do not close."""


class SimulationError(Failure):
    """The simulation left the range in which it means anything."""


class PeerLost(Failure):
    """A worker that holds bands of the same planet is gone, or has failed."""


class Conflict(Failure):
    """Another run or a deletion holds the twin."""


class Busy(Conflict):
    """Another run or sweep is running on the twin, which is free when that ends."""
