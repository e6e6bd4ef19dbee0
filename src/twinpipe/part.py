"""What every part of a body, scenario or spec is: frozen, strict, with numbers that are finite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
GasName = Literal["CO2", "N2", "O2", "Ar", "CO", "CH4", "H2", "He", "H2O", "SO2", "NH3", "C2H6"]
# what people name, on one line: control characters would write over what a terminal shows, and NUL no database takes
Title = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")]
Named = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$")]


def check_target(measure: str, target: float) -> None:
    """Raises ValueError where the target of a share, a measure whose name ends so, is none."""
    if measure.endswith("_fraction") and not 0 <= target <= 1:
        raise ValueError(f"a target of {measure} is a share of 0 to 1, and not {target:g}")


class Part(BaseModel):
    """Base of everything in a body file: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values; what was derived from the old ones, such as a digest, is derived anew."""
        copy = super().model_copy(update=update, deep=deep)
        for name in set(copy.__dict__) - set(type(self).model_fields):
            del copy.__dict__[name]
        return copy
