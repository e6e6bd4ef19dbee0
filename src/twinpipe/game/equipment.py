"""Units of the game that stand for interventions, and what the mission engine is to do with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from twinpipe.constants import ATOMIC_MASS, FORMULA, MOLAR_MASS
from twinpipe.documents import DeployUnit, Effect, InventoryUnit, Manufacture, Material, SetUnitState, TransferResource
from twinpipe.intervention import (
    ChemicalPlant,
    GasExport,
    Intervention,
    SuperGreenhouseGasFactory,
    VolatileImport,
    is_natural,
)
from twinpipe.reactions import REACTIONS
from twinpipe.undertaking import Undertaking

# kind of intervention -> id and name of a unit; one unit is the whole works, since the engine makes a row of each
UNITS: dict[str, tuple[str, str]] = {
    "super_greenhouse_gas": ("greenhouse_gas_factory", "Greenhouse Gas Factory"),
    "aerosol": ("aerosol_factory", "Aerosol Factory"),
    "orbital_mirror": ("orbital_mirror_array", "Orbital Mirror Array"),
    "sunshade": ("solar_shade_array", "Solar Shade Array"),
    "dark_dust": ("dust_spreader_fleet", "Dust Spreader Fleet"),
    "albedo_paint": ("albedo_coating_fleet", "Albedo Coating Fleet"),
    "heater": ("thermal_plant", "Thermal Plant"),
    "volatile_import": ("volatile_receiving_station", "Volatile Receiving Station"),
    "gas_export": ("gas_harvester", "Gas Harvester"),
    "store_release": ("volatile_extraction_complex", "Volatile Extraction Complex"),
    "reaction": ("chemical_processing_plant", "Chemical Processing Plant"),
    "inoculation": ("bioreactor_complex", "Bioreactor Complex"),
    "aerogel_cover": ("aerogel_cover_field", "Aerogel Cover Field"),
}


def inventory(items: Sequence[Intervention]) -> dict[int, InventoryUnit]:
    """One unit for each intervention of the plan by its place, each with a name of its own; none for nature's."""
    seen: Counter[str] = Counter()
    units = {}
    for k, item in enumerate(items):
        if is_natural(item):
            continue
        unit, name = UNITS[item.kind]
        seen[unit] += 1
        units[k] = InventoryUnit(id=unit, name=f"{name} {seen[unit]}")
    return units


def installations(items: Sequence[Undertaking]) -> list[InventoryUnit]:
    """One unit for each undertaking, however many installations it counts for, each with a name of its own."""
    many, seen = Counter(item.id for item in items), Counter[str]()
    units = []
    for item in items:
        seen[item.id] += 1
        number = f" {seen[item.id]}" if many[item.id] > 1 else ""
        units.append(InventoryUnit(id=item.id, name=item.id.replace("_", " ").title() + number))
    return units


def partner(item: Intervention, unit: str) -> InventoryUnit | None:
    """The unit from which imports come, or to which exports go."""
    match item:
        case VolatileImport():
            return InventoryUnit(id="cycler_fleet", name=_fleet(unit))
        case GasExport():
            return InventoryUnit(id="orbital_depot", name=_depot(unit))
    return None


def _fleet(unit: str) -> str:
    return f"Cycler Fleet of {unit}"


def _depot(unit: str) -> str:
    return f"Orbital Depot of {unit}"


def work(item: Intervention, unit: str, account: dict[str, Any]) -> list[Effect]:
    """What the unit of an intervention does once it stands: what it makes and moves, in kg over the whole run."""
    effects: list[Effect] = [SetUnitState(unit=unit, state="operational")]
    if (other := partner(item, unit)) is not None:
        effects = [DeployUnit(unit=other.name), *effects]
    match item:
        case SuperGreenhouseGasFactory():
            made = account["manufactured_kg"]
            effects.append(Manufacture(unit=unit, output=item.gas, inputs=_elements(item.gas), quantity=made))
        case ChemicalPlant():
            effects += _reaction(item, unit, account["useful_kg"])
        case VolatileImport():
            carried = [gas for gas, share in item.composition.items() if share > 0]
            effects += [TransferResource(source_unit=_fleet(unit), target_unit=unit, resource=gas) for gas in carried]
        case GasExport():
            effects.append(TransferResource(source_unit=unit, target_unit=_depot(unit), resource=item.gas))
        case _ if account["manufactured_kg"] > 0:
            output = item.kind.replace("_", " ")
            effects.append(Manufacture(unit=unit, output=output, quantity=account["manufactured_kg"]))
    return effects


def _elements(gas: str) -> list[Material]:
    """Elements in a kilogram of a gas."""
    whole = 1000 * MOLAR_MASS[gas]
    return [Material(material=e, quantity=n * ATOMIC_MASS[e] / whole) for e, n in FORMULA[gas].items()]


def _reaction(plant: ChemicalPlant, unit: str, turned_kg: float) -> list[Effect]:
    """What a plant makes of so many kg of its reactant, each product with the whole of its inputs' share."""
    moles = REACTIONS[plant.reaction].moles
    per_mol = abs(moles[plant.reactant]) * MOLAR_MASS[plant.reactant]
    mass = {s: abs(n) * MOLAR_MASS[s] for s, n in moles.items()}
    taken = [s for s, n in moles.items() if n < 0]
    made = [s for s, n in moles.items() if n > 0]
    total = sum(mass[s] for s in made)
    return [
        Manufacture(
            unit=unit,
            output=product,
            inputs=[Material(material=s, quantity=mass[s] / total) for s in taken],
            quantity=turned_kg * mass[product] / per_mol,
        )
        for product in made
    ]
