"""How fast climlab and VPLanet are: CPU seconds for a cell and step and for a planet's year."""

from __future__ import annotations

import json
import resource
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench.peers.environments import scripts

CLIMLAB_STEPS = 90  # a year, climlab's default
POISE_STEPS, POISE_ROWS = 60, 36
SYSTEM = """\
sSystemName solar
iVerbose 0
bOverwrite 1
saBodyFiles sun.in earth.in
sUnitMass solar
sUnitLength AU
sUnitTime YEARS
sUnitAngle d
sUnitTemp K
bDoLog 0
bDoForward 1
bVarDt 0
dTimeStep 1
dStopTime 1
dOutputTime 1
"""
STAR = """\
sName sun
saModules stellar
sStellarModel none
dMass 1.0
dRadius 0.00465
dAge 4.5e9
dLuminosity -1.0
saOutputOrder Time Luminosity
"""
PLANET = """\
sName earth
saModules poise
dMass 3.00316726e-06
dRadius -1.0
dRotPeriod -1.0
dObliquity 23.44
dSemi 1.0
dEcc 0.0167
dLongP 283
dPrecA 0
iLatCellNum {rows}
sClimateModel sea
iNStepInYear {steps}
iNumYears {years}
dDiffusion 0.58
dPlanckA 203.3
dPlanckB 2.09
bIceSheets 0
bSeaIceModel 0
saOutputOrder Time TGlobal
"""


@dataclass(frozen=True)
class Rate:
    """CPU seconds of a peer."""

    cell_step: float  # for one cell (or row) and one step
    year: float  # for a planet's year


def climlab(steps: int) -> tuple[Rate, Rate]:
    """climlab's seasonal model on 36x72 cells and on 36 rows, over a number of steps; raises NotInstallable."""
    script = Path(__file__).with_name("climlab_rate.py")
    command = [str(scripts("climlab") / "python"), str(script), str(steps)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
    return (
        Rate(found["36x72"] / (36 * 72), found["36x72"] * CLIMLAB_STEPS),
        Rate(found["36"] / 36, found["36"] * CLIMLAB_STEPS),
    )


def poise(years: int) -> Rate:
    """VPLanet's POISE, seasonal, 36 rows of land and water, no sea ice; raises NotInstallable.

    From the difference between a run of some years and one of ten times as many, so that neither its start nor its
    writing counts.  An Earth of 285 to 292 K shows that it ran as meant: with other inputs it ends at 1e32 K.
    """
    program = scripts("vplanet") / "vplanet"
    few, many = _poise(program, years), _poise(program, 10 * years)
    year = (many - few) / (9 * years)
    return Rate(year / (POISE_STEPS * POISE_ROWS), year)


def _poise(program: Path, years: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        planet = PLANET.format(rows=POISE_ROWS, steps=POISE_STEPS, years=years)
        for name, text in (("vpl.in", SYSTEM), ("sun.in", STAR), ("earth.in", planet)):
            (Path(folder) / name).write_text(text)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([str(program), "vpl.in"], cwd=folder, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        warmth = float((Path(folder) / "solar.earth.forward").read_text().split()[-1])
    if not 285 < warmth < 292:
        raise RuntimeError(f"POISE's Earth has {warmth:.4g} K, so that it did not run as meant.")
    return after.ru_utime - before.ru_utime
