"""A shaft through a shell of ice, and the gate that planetary protection is; domain 3.6, B16."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from twinpipe.constants import DAY, YEAR
from twinpipe.part import Fraction, NotNegative, Part, Positive

MELT_J_M3 = 5.42e8  # to warm and melt a cubic metre of ice from 100 K; B16
FREEZING_J_M3 = 3.06e8  # L_fus rho of ice; B0
ICE_K_W_M_K = 3.0  # of ice between 100 and 270 K, kappa_0 / T in the mean; B13


class Shaft(Part):
    """A shaft that heat melts: its years are depth x bore x 5.42e8 J m-3 over the power that melts; B16."""

    depth_m: Positive
    bore_m2: Positive = Field(1.0, description="cross-section")
    power_w: Positive = Field(description="of the melting head")
    efficiency: Annotated[float, Field(gt=0, le=1)] = Field(0.5, description="share that melts; the rest is lost")
    start_year: NotNegative = 0.0

    @property
    def end_year(self) -> float:
        """Year in which the shaft reaches the ocean."""
        joules = self.depth_m * self.bore_m2 * MELT_J_M3 / self.efficiency
        return self.start_year + joules / self.power_w / YEAR

    @property
    def closure_days(self) -> float:
        """Days in which water in it freezes shut if nothing heats it: r^2 L rho / (4 k dT), with 170 K around."""
        return self.bore_m2 / math.pi * FREEZING_J_M3 / (4 * ICE_K_W_M_K * 100.0) / DAY


class Gate(Part):
    """Planetary protection: the chance that a living cell of ours reaches the ocean, over what is allowed.

    index = missions x spores x 10^-reduction x survival / limit; the ocean may be tapped while it is at most 1.
    The limit is for all missions together, what COSPAR allows a single one; the other numbers are assumed.
    """

    missions: Positive = 3.0
    spores: NotNegative = Field(3.0e5, description="on a craft before it is sterilised; of landers, from memory")
    reduction_log10: NotNegative = Field(6.0, description="decades that sterilisation takes away")
    survival: Fraction = Field(1.0e-4, description="that a spore lives through cruise, radiation and ice (assumed)")
    limit: Positive = Field(1.0e-4, description="chance that is allowed, of all missions")

    @property
    def index(self) -> float:
        """The contamination index; the gate is open while it is at most 1."""
        return self.missions * self.spores * 10**-self.reduction_log10 * self.survival / self.limit

    @property
    def open(self) -> bool:
        return self.index <= 1.0
