"""Disasters: when they strike and how hard, drawn from the run's seed, the same for the same seed everywhere."""

from __future__ import annotations

import hashlib
import math
from typing import Annotated

from pydantic import Field

from twinpipe.errors import InvalidInput
from twinpipe.part import NotNegative, Part, Positive, Title

MOST = 1000  # strikes of a disaster that may be expected in a run


class Disaster(Part):
    """A disaster that strikes in a year of the run."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    title: Title = ""
    year: NotNegative
    size: Positive = Field(1.0, description="in units of the usual one")


def uniform(seed: int, *key: object) -> float:
    """A number in (0, 1) that follows from a seed and a key, by SHA-256: the same in every version and place."""
    text = ":".join(map(str, (seed, *key))).encode()
    return (int.from_bytes(hashlib.sha256(text).digest()[:7], "big") + 0.5) / 2**56


def strikes(identifier: str, per_century: float, years: float, seed: int, number: int = 0) -> list[tuple[float, float]]:
    """Years and sizes of a disaster in a run: a Poisson process, sizes lognormal with a factor 2 about 1.

    Raises InvalidInput where more than MOST are expected.
    """
    if (expected := per_century * years / 100) > MOST:
        allowed = f"a run has at most {MOST} of a disaster, and {years:g} years would have {expected:g}"
        raise InvalidInput(f"{identifier}.per_century", per_century, allowed)
    found: list[tuple[float, float]] = []
    year = 0.0
    while per_century > 0:
        k = len(found)
        year -= 100 / per_century * math.log(uniform(seed, identifier, number, k, "wait"))
        if year >= years:
            break
        a, b = uniform(seed, identifier, number, k, "a"), uniform(seed, identifier, number, k, "b")
        normal = math.sqrt(-2 * math.log(a)) * math.cos(2 * math.pi * b)  # Box and Muller
        found.append((year, math.exp(math.log(2.0) * normal)))
    return found
