"""twinpipe: a what-if laboratory for planets.

import twinpipe as tp
tree = tp.simulate("mars", "mars_terraform", years=100)
tree["atmosphere"]["surface_temperature"]
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinpipe.area import area_mean, area_quantile, area_weights
    from twinpipe.body import load_body
    from twinpipe.catalogue import catalog
    from twinpipe.opening import open_run, open_sweep, open_twin
    from twinpipe.tree import simulate

__version__ = "0.1.0"
__all__ = [
    "area_mean",
    "area_quantile",
    "area_weights",
    "catalog",
    "load_body",
    "open_run",
    "open_sweep",
    "open_twin",
    "simulate",
]

_HOMES = {
    "area_mean": "twinpipe.area",
    "area_quantile": "twinpipe.area",
    "area_weights": "twinpipe.area",
    "catalog": "twinpipe.catalogue",
    "load_body": "twinpipe.body",
    "open_run": "twinpipe.opening",
    "open_sweep": "twinpipe.opening",
    "open_twin": "twinpipe.opening",
    "simulate": "twinpipe.tree",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: commands that need no physics start at once."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'twinpipe' has no attribute {name!r}")
