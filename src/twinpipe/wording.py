"""How people read it: numbers with units, formulas, interventions and events in words."""

from __future__ import annotations

import math
import re

from twinpipe.errors import NotFound
from twinpipe.intervention import (
    AerogelCover,
    AerosolFactory,
    AlbedoPaint,
    ChemicalPlant,
    DarkDust,
    GasExport,
    Heater,
    Inoculation,
    Intervention,
    OrbitalMirror,
    Region,
    Schedule,
    StoreRelease,
    Sunshade,
    SuperGreenhouseGasFactory,
    VolatileImport,
)
from twinpipe.reactions import PlantReaction
from twinpipe.scenario import load_pattern
from twinpipe.spec import RunSpec

# Symbols with at least one count; longer digits than one are no formula but a reference, such as S37.
_FORMULA = re.compile(r"\b(?=[A-Za-z]*[2-9])(?:(?:Ar|He|[CHNOFS])[2-9]?)+\b")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")
_PREFIXED = frozenset({"J", "W", "Pa", "B"})
_GREAT = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))

# Endings of names in specs and results, and the unit that each stands for; the first that fits counts.
_UNITS: tuple[tuple[str, str], ...] = (
    ("_j_m2_k_s12", "J m⁻² K⁻¹ s⁻½"),
    ("_gcc_per_kg", "GCC/kg"),
    ("_gcc_per_j", "GCC/J"),
    ("_w_m2", "W/m²"),
    ("_kg_m2", "kg/m²"),
    ("_kg_m3", "kg/m³"),
    ("_kg_s", "kg/s"),
    ("_kg_a", "kg/year"),
    ("_j_kg", "J/kg"),
    ("_m_s", "m/s"),
    ("_percentage", "%"),
    ("_percent", "%"),
    ("_fraction", "%"),
    ("_degree", "°"),
    ("_seconds", "s"),
    ("_bytes", "B"),
    ("_steps", "steps"),
    ("_years", "years"),
    ("_year", "year"),
    ("_gcc", "GCC"),
    ("_pa", "Pa"),
    ("_kg", "kg"),
    ("_m2", "m²"),
    ("_k", "K"),
    ("_j", "J"),
    ("_w", "W"),
    ("_m", "m"),
    ("_s", "s"),
)
_EVENT_NAMES = {
    "triple_point_pressure": "triple point of water",
    "armstrong_limit": "Armstrong limit",
    "co2_caps_depleted": "CO₂ caps depleted",
    "warming_10K": "10 K warmer",
    "oxygen_threshold_reached": "0.1 % oxygen",
}
_REACTIONS: dict[PlantReaction, str] = {
    "bosch": "Bosch plants: CO₂ and H₂ to carbon and water",
    "sabatier": "Sabatier plants: CO₂ and H₂ to CH₄ and water",
    "lime_carbonation": "Carbonation of CaO",
    "magnesia_carbonation": "Carbonation of MgO",
    "water_electrolysis": "Electrolysis of water",
    "co2_electrolysis": "Electrolysis of CO₂",
}


def number(value: float, digits: int = 4) -> str:
    """A number in so many significant digits: 239.6, 7,889, 1.2×10⁸; "–" when it is not finite."""
    if not math.isfinite(value):
        return "–"
    rounded = float(f"{value:.{digits}g}")
    if rounded == 0:
        return "0"
    exponent = math.floor(math.log10(abs(rounded)))
    if -3 <= exponent < 5:
        text = f"{rounded:,.{max(0, digits - 1 - exponent)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa = f"{rounded / 10.0**exponent:.{digits - 1}f}".rstrip("0").rstrip(".")
    return f"{mantissa}×10{str(exponent).translate(_RAISED)}"


def quantity(value: float | None, unit: str, digits: int = 4) -> str:
    """A number with its unit at a scale that can be read: 7.889 kPa, 1.43 ZJ, 62 billion GCC."""
    if value is None or not math.isfinite(value):
        return "–"
    if unit == "year":
        return f"year {number(value, digits)}"
    if unit == "°":
        return f"{number(value, digits)}°"
    if unit in _PREFIXED and 1e4 <= abs(value) < 1e27:
        step = min(int(math.log10(abs(float(f"{value:.{digits}g}"))) // 3), len(_PREFIXES) - 1)
        return f"{number(value / 1000.0**step, digits)} {_PREFIXES[step]}{unit}"
    if unit == "GCC" and 1e6 <= abs(value) < 1e15:
        size, word = next(g for g in _GREAT if abs(value) >= g[0])
        return f"{number(value / size, digits)} {word} GCC"
    if unit == "GCC" and 1e5 <= abs(value) < 1e6:
        return f"{round(value, digits - 6):,.0f} GCC"
    return f"{number(value, digits)} {unit}".rstrip()


def formula(text: str) -> str:
    """Chemical formulas in a text with their digits lowered: C3F8 to C₃F₈."""
    lowered = _FORMULA.sub(lambda m: m[0].translate(_LOWERED), text)
    return lowered.replace("co2", "CO₂")


def prose(text: str) -> str:
    """A field's description without its references to the specification and to sources."""
    return formula(re.sub(r"[;,]? ?(\[S\w+(, S\w+)*\]|\b[BD]\d+(\.\d+)?( \(\w\))?$)", "", text))


def split_unit(name: str) -> tuple[str, str]:
    """Words and unit of a field's name: surface_pressure_pa is ("surface pressure", "Pa"); "" for none."""
    ending, unit = next(((e, u) for e, u in _UNITS if f"_{name}".endswith(e)), ("", ""))
    counted = ending in ("_year", "_years", "_steps", "_fraction")  # the ending is more than a unit
    stem = name if counted else name.removesuffix(ending)
    return formula(stem.replace("_", " ")), unit


def field_value(name: str, value: float) -> str:
    """The value of a field with the unit that its name ends with; fractions in percent."""
    unit = split_unit(name)[1]
    return quantity(100 * value if name.endswith("_fraction") else value, unit)


def event_name(identifier: str) -> str:
    """A short name of an event."""
    return _EVENT_NAMES.get(identifier) or formula(identifier.replace("_", " "))


def scenario_title(spec: RunSpec) -> str:
    """What a run does, in words; without the body's name."""
    if not spec.scenario.interventions:
        return "control run"
    try:
        title = load_pattern(spec.scenario.pattern).title
    except NotFound:  # a pattern that this version no longer ships
        title = spec.scenario.pattern.replace("_", " ")
    title = "custom scenario" if title == "Custom" else title
    return title.split(": ")[-1]


def intervention_name(item: Intervention) -> str:
    """What an intervention is, in words."""
    match item:
        case SuperGreenhouseGasFactory():
            return f"Super-greenhouse gas {formula(item.gas)}"
        case AerosolFactory():
            return f"Particles in the air: {item.particle.replace('_', ' ')}"
        case OrbitalMirror():
            return f"Orbital mirror on {_band(item.target)}"
        case Sunshade():
            return "Sunshade"
        case DarkDust():
            return f"Dark dust on {_band(item.target)}"
        case AlbedoPaint():
            return f"{'Bright' if item.change > 0 else 'Dark'} paint on {_band(item.target)}"
        case Heater():
            return "Heater in the ocean" if item.into == "ocean" else f"Heater on {_band(item.target)}"
        case VolatileImport():
            mix = " + ".join(f"{number(100 * x)} % {formula(g)}" for g, x in item.composition.items() if x > 0)
            return f"Import of {mix}"
        case GasExport():
            return f"Export of {formula(item.gas)}"
        case StoreRelease():
            return f"Release of {formula(item.store.replace('_', ' ').replace('co2', 'CO2'))}"
        case ChemicalPlant():
            return _REACTIONS[item.reaction]
        case Inoculation():
            return f"Microbes on {_band(item.target)}"
        case AerogelCover():
            return f"Aerogel on {_band(item.target)}"


def intervention_rate(item: Intervention) -> str:
    """How much an intervention does at full rate."""
    match item:
        case OrbitalMirror():
            return quantity(item.area_m2, "m²")
        case Sunshade():
            return quantity(100 * item.fraction, "%")
        case AlbedoPaint():
            return f"{item.change:+.2f} of the albedo"
        case Heater():
            return quantity(item.power_w, "W")
        case AerogelCover():
            return f"{quantity(100 * item.share, '%')} of the area"
        case ChemicalPlant():
            return f"{quantity(item.rate_kg_s, 'kg/s')} of {formula(item.reactant)}"
        case _:
            return quantity(item.rate_kg_s, "kg/s")


def schedule_words(schedule: Schedule, years: float) -> str:
    """When an intervention acts in a run of so many years."""
    if schedule.start_year >= years:
        return f"would start in year {number(schedule.start_year)}, after the run"
    words = f"from year {number(schedule.start_year)}"
    if schedule.end_year < years:
        words += f" to {number(schedule.end_year)}"
    if schedule.shape == "ramp" and schedule.ramp_years > 0:
        words += f", ramp of {number(schedule.ramp_years)} years"
    if schedule.pulse_years is not None and schedule.period_years is not None:
        words += f", {number(schedule.pulse_years)} of every {number(schedule.period_years)} years"
    if schedule.feedback is not None:
        words += f", as {field_value(schedule.feedback.measure, schedule.feedback.target)} asks"
    return words


def _band(region: Region) -> str:
    return f"{_latitude(region.south_degree)} to {_latitude(region.north_degree)}"


def _latitude(degree: float) -> str:
    return f"{number(abs(degree))}° {'S' if degree < 0 else 'N'}" if degree else "0°"
