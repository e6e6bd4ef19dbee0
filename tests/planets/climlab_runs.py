"""Runs climlab's own models and prints their temperatures (degrees C) as JSON; for an interpreter that has climlab.

It is a file by itself: that interpreter has neither twinpipe nor these tests.
"""

import json
import sys
import warnings

warnings.simplefilter("ignore")  # climlab says on import which of its optional radiation codes are not there

import climlab  # type: ignore[import-not-found]  # noqa: E402  (only where it is installed)
import numpy as np  # noqa: E402


def main(rows: int, years: int, fine: int) -> None:
    found: dict[str, list[object]] = {}
    for name, model in (("ebm", climlab.EBM), ("annual", climlab.EBM_annual)):
        run = model(num_lat=rows)
        run.integrate_years(years, verbose=False)
        found[name] = np.ravel(run.Ts).tolist()
    for steps in (90, fine):
        run = climlab.EBM_seasonal(num_lat=rows, timestep=climlab.constants.seconds_per_year / steps)
        run.integrate_years(years, verbose=False)
        days, seen = [], []
        for _ in range(steps):
            run.step_forward()
            days.append(run.time["days_elapsed"])
            seen.append(np.ravel(run.Ts).tolist())
        found[f"days_{steps}"], found[f"season_{steps}"] = days, seen
    print(json.dumps(found))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
