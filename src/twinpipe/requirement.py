"""What a pattern needs of a body, and what of that a body lacks; domain 6 (7)."""

from __future__ import annotations

from twinpipe.body import Body
from twinpipe.part import NotNegative, Part, Positive


class Requirement(Part):
    """What a pattern needs of a body; what is not named does not matter."""

    minimum_co2_kg: NotNegative = 0.0
    minimum_ch4_kg: NotNegative = 0.0
    minimum_n2_kg: NotNegative = 0.0
    minimum_pressure_pa: NotNegative = 0.0
    maximum_pressure_pa: Positive | None = None
    co2_ice: bool = False
    ice_shell: bool = False
    solid_surface: bool = True

    def told(self) -> list[str]:
        """What is needed, each in words."""
        gases = (("CO2", self.minimum_co2_kg), ("CH4", self.minimum_ch4_kg), ("N2", self.minimum_n2_kg))
        needs = [f"at least {least:g} kg of {gas} in the air" for gas, least in gases if least]
        needs += [f"a pressure of at least {self.minimum_pressure_pa:g} Pa"] if self.minimum_pressure_pa else []
        needs += [f"a pressure of at most {self.maximum_pressure_pa:g} Pa"] if self.maximum_pressure_pa else []
        needs += ["seasonal CO2 ice"] if self.co2_ice else []
        return needs + (["a shell of ice over an ocean"] if self.ice_shell else [])

    def missing(self, body: Body) -> list[str]:
        """What the body lacks, each in words; none when it fits.  A body of the model always has a solid surface."""
        lacks = []
        air: dict[str, float] = dict(body.atmosphere.mass_kg.items())
        for gas, least in (("CO2", self.minimum_co2_kg), ("CH4", self.minimum_ch4_kg), ("N2", self.minimum_n2_kg)):
            has = air.get(gas, 0.0)
            if has < least:
                lacks.append(f"at least {least:g} kg of {gas} in the air ({body.name} has {has:.3g})")
        pressure = body.surface_pressure_pa
        if pressure < self.minimum_pressure_pa:
            lacks.append(f"a pressure of at least {self.minimum_pressure_pa:g} Pa (it is {pressure:.3g})")
        if self.maximum_pressure_pa is not None and pressure > self.maximum_pressure_pa:
            lacks.append(f"a pressure of at most {self.maximum_pressure_pa:g} Pa (it is {pressure:.3g})")
        if self.co2_ice and (body.co2_ice is None or body.co2_ice.condensation != "frost"):
            lacks.append("seasonal CO2 ice")
        if self.ice_shell and body.ice_shell is None:
            lacks.append("a shell of ice over an ocean")
        return lacks
