"""Chemistry conserves every atom and never takes what is not there; X19, B16."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from twinpipe.constants import FORMULA, MOLAR_MASS
from twinpipe.physics.chemistry import SUBSTANCES, equilibrium_pressure, limited_extent, react, reaction_matrix
from twinpipe.physics.substances import ELEMENTS, element_fractions
from twinpipe.reactions import REACTIONS, moles_per_kg, released_per_kg

MATRIX, SHARES = reaction_matrix(), element_fractions(SUBSTANCES).T
ROW = dict(zip(REACTIONS, MATRIX, strict=True))
reactions = st.sampled_from(sorted(REACTIONS))
amounts = arrays(float, len(SUBSTANCES), elements=st.floats(0, 1e21))


@pytest.mark.parametrize("name", list(REACTIONS))
def test_reactions_balance(name: str) -> None:
    for element in ELEMENTS:
        assert sum(n * FORMULA[s].get(element, 0) for s, n in REACTIONS[name].moles.items()) == 0
    assert np.abs(ROW[name] @ SHARES).max() <= 1e-14 * np.abs(ROW[name]).sum()


def test_bosch_has_its_printed_masses() -> None:
    row = ROW["bosch"]
    grams = {s: 1e3 * float(row[SUBSTANCES.index(s)]) for s in ("CO2", "H2", "C", "H2O")}
    assert grams == pytest.approx({"CO2": -44.01, "H2": -4.032, "C": 12.011, "H2O": 36.03}, rel=3e-5)
    hydrogen = 4.27e19  # kg, for the CO2 of Venus
    made = react_from({"H2": hydrogen, "CO2": 1e21}, "bosch", math.inf)
    assert made["H2O"] == pytest.approx(3.8e20, rel=0.01)
    assert made["C"] == pytest.approx(1.27e20, rel=0.01)
    assert released_per_kg("bosch", "H2") * hydrogen == pytest.approx(9.5e26, rel=0.01)


def test_photosynthesis_has_its_printed_masses() -> None:
    row = ROW["photosynthesis"] * 1e3
    seen = [float(row[SUBSTANCES.index(s)]) for s in ("CO2", "H2O", "CH2O", "O2")]
    assert seen == pytest.approx([-44, -18, 30, 32], abs=0.05)


def react_from(start: dict[str, float], name: str, wanted: float) -> dict[str, float]:
    held = np.array([start.get(s, 0.0) for s in SUBSTANCES])
    react(held, ROW[name], wanted)
    return dict(zip(SUBSTANCES, held.tolist(), strict=True))


@given(amounts, st.lists(st.tuples(reactions, st.floats(0, 1e24)), min_size=1, max_size=30))
@settings(max_examples=200, deadline=None)
def test_atoms_are_conserved_whatever_reacts(held: np.ndarray, chain: list[tuple[str, float]]) -> None:
    before = held @ SHARES
    scale = max(float(held.sum()), 1e-300)
    for name, wanted in chain:
        react(held, ROW[name], wanted)
        assert (held >= 0.0).all()
    assert np.abs(held @ SHARES - before).max() <= 1e-14 * scale


@given(amounts, reactions, st.floats(0, 1e30))
@settings(max_examples=200, deadline=None)
def test_a_reaction_stops_when_its_scarcest_reactant_is_gone(held: np.ndarray, name: str, wanted: float) -> None:
    allowed = min(held[SUBSTANCES.index(s)] / (-n * MOLAR_MASS[s]) for s, n in REACTIONS[name].moles.items() if n < 0)
    extent = limited_extent(held, ROW[name], wanted)
    assert extent == pytest.approx(min(allowed, wanted), rel=1e-13)
    react(held, ROW[name], math.inf)
    left = [held[SUBSTANCES.index(s)] for s, n in REACTIONS[name].moles.items() if n < 0]
    assert min(left) <= 1e-15 * float(held.sum())


def test_nothing_reacts_backwards() -> None:
    held = np.ones(len(SUBSTANCES))
    assert react(held, ROW["sabatier"], -5.0) == 0.0
    assert (held == 1.0).all()


def test_forward_and_back_cancel() -> None:
    assert ROW["respiration"] == pytest.approx(-ROW["photosynthesis"], abs=0.0)
    assert REACTIONS["respiration"].released_j_mol == -REACTIONS["photosynthesis"].released_j_mol


def test_a_carbonate_gives_its_co2_back_when_hot() -> None:
    """B16: carbonation stops above some 700 to 900 K; magnesite's at 1 and at Venus' 92 bar."""
    heat = REACTIONS["magnesia_carbonation"].released_j_mol
    assert equilibrium_pressure(675.0, heat, 675.0) == pytest.approx(1e5)
    assert equilibrium_pressure(700.0, heat, 675.0) > 1e5
    assert equilibrium_pressure(900.0, heat, 675.0) > 92e5 > equilibrium_pressure(850.0, heat, 675.0)
    lime = equilibrium_pressure(735.0, REACTIONS["lime_carbonation"].released_j_mol, 1171.0)
    assert lime == pytest.approx(6e-5 * 101325, rel=0.7)  # log10 p = 7.079 - 8308 / T atm of calcite


def test_venus_needs_its_printed_minerals() -> None:
    """B16: 5.9e20 kg of CaO or 4.3e20 kg of MgO bind the 4.67e20 kg of CO2."""
    for reaction, mineral, printed in (("lime_carbonation", "CaO", 5.9e20), ("magnesia_carbonation", "MgO", 4.3e20)):
        needed = 4.67e20 * moles_per_kg(reaction, "CO2") / moles_per_kg(reaction, mineral)
        assert needed == pytest.approx(printed, rel=0.01)


def test_a_missing_substance_is_refused() -> None:
    with pytest.raises(KeyError, match="H2"):
        reaction_matrix(("bosch",), ("CO2", "C", "H2O"))
