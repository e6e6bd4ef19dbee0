"""How uncertain a number of a body is, as a distribution that ensembles draw from; physics.md E."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Annotated, Literal

from pydantic import Field, model_validator

from twinpipe.part import Finite, Part, Positive

SIXTY_EIGHT = NormalDist().inv_cdf(0.84)  # standard deviations between the median and an end of a 68 % interval


class Uniform(Part):
    """Equally likely between two values."""

    kind: Literal["uniform"]
    source: str = Field("", description="where its width comes from")
    low: Finite
    high: Finite

    @model_validator(mode="after")
    def _ordered(self) -> Uniform:
        if self.low >= self.high:
            raise ValueError("low must lie below high")
        return self

    def at(self, quantile: float) -> float:
        """Value at a quantile 0..1."""
        return self.low + quantile * (self.high - self.low)


class LogUniform(Part):
    """Equally likely in the logarithm between two values."""

    kind: Literal["loguniform"]
    source: str = Field("", description="where its width comes from")
    low: Positive
    high: Positive

    @model_validator(mode="after")
    def _ordered(self) -> LogUniform:
        if self.low >= self.high:
            raise ValueError("low must lie below high")
        return self

    def at(self, quantile: float) -> float:
        """Value at a quantile 0..1."""
        return self.low * math.exp(quantile * math.log(self.high / self.low))


class Normal(Part):
    """Normal, cut off beyond four standard deviations."""

    kind: Literal["normal"]
    source: str = Field("", description="where its width comes from")
    mean: Finite
    standard_deviation: Positive

    def at(self, quantile: float) -> float:
        """Value at a quantile 0..1."""
        return NormalDist(self.mean, self.standard_deviation).inv_cdf(_inside(quantile))


class LogNormal(Part):
    """Normal in the logarithm, by its median and the ends of the interval that holds 68 %; cut off like Normal."""

    kind: Literal["lognormal"]
    source: str = Field("", description="where its width comes from")
    median: Positive
    low_68: Positive
    high_68: Positive

    @model_validator(mode="after")
    def _ordered(self) -> LogNormal:
        if not self.low_68 < self.median < self.high_68:
            raise ValueError("median must lie between low_68 and high_68")
        return self

    def at(self, quantile: float) -> float:
        """Value at a quantile 0..1; each side of the median has its own width."""
        z = NormalDist().inv_cdf(_inside(quantile))
        end = self.high_68 if z > 0 else self.low_68
        return self.median * math.exp(abs(z) / SIXTY_EIGHT * math.log(end / self.median))


Prior = Annotated[Uniform | LogUniform | Normal | LogNormal, Field(discriminator="kind")]

_TAIL = NormalDist().cdf(-4.0)


def _inside(quantile: float) -> float:
    return min(max(quantile, _TAIL), 1 - _TAIL)
