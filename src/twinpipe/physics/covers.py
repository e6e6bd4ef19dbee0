"""Ground under a clear insulating cover, which lets light through and keeps heat and ultraviolet; B16."""

from __future__ import annotations

LABORATORY = 65.0  # K: the most that 2-3 cm of aerogel have kept warm under a lamp; [S14], 150 F


def under_cover_temperature(outside: float, absorbed: float, transmission: float, resistance: float) -> float:
    """Mean temperature T_c = T + min(t F d/k, 65 K) of ground under a cover; B16.

    Light t F (W m-2) passes the cover and leaves again through its resistance d/k (m2 K W-1) towards a top that is
    about as warm as the ground outside (K), since it radiates as much.  What heat would still radiate through the
    layer is not counted, so no more is believed than the laboratory has shown.
    """
    return outside + min(transmission * max(absorbed, 0.0) * resistance, LABORATORY)
