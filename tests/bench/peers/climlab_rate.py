"""Times climlab's seasonal energy-balance models; prints CPU seconds of a step as JSON.  For climlab's interpreter."""

import json
import sys
import time
import warnings

warnings.simplefilter("ignore")  # climlab says on import which of its optional radiation codes are not there

import climlab  # type: ignore[import-not-found]  # noqa: E402  (only where it is installed)


def seconds(model: object, steps: int) -> float:
    for _ in range(10):
        model.step_forward()  # type: ignore[attr-defined]  # of climlab
    began = time.process_time()
    for _ in range(steps):
        model.step_forward()  # type: ignore[attr-defined]  # of climlab
    return (time.process_time() - began) / steps


if __name__ == "__main__":
    n = int(sys.argv[1])
    flat = seconds(climlab.EBM_seasonal(num_lat=36, num_lon=72), n)
    rows = seconds(climlab.EBM_seasonal(num_lat=36), n)
    print(json.dumps({"36x72": flat, "36": rows}))
