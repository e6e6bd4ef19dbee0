"""Ice lines of the classic energy-balance model on the rows of this one, beside the printed ones; X5."""

from __future__ import annotations

from collections.abc import Iterator

from tests.laws import ice_lines
from tests.laws.ice_lines import ENDS, FOLDS, LINE_BAND, SMALL_CAP_FOLD, SMALL_CAP_PRINTED, SNOWBALL_FOLD, SUN, SUN_BAND
from tests.planets.bodies_today import near
from tests.planets.mars_today import Row


def ice_line_rows() -> Iterator[Row]:
    """Three ice lines under today's sun, both folds, and where the branches without a line end."""
    *large, small = ice_lines.lines_at(SUN)
    for line, printed, what in zip(large, ice_lines.TODAY, ("unstable", "stable"), strict=True):
        yield near(f"{what} ice line under today's sun", printed, line, LINE_BAND, "°", "-")
    exact = f"{ice_lines.of_series(small, 600):.1f} W m-2 by a series, {ice_lines.of_volumes(small):.1f} by volumes"
    yield near(
        *("unstable small cap under today's sun", SMALL_CAP_PRINTED, small, LINE_BAND, "°", exact),
        why="the printed number is not of the printed equation. A series of 600 Legendre polynomials and 8000 volumes"
        f" of equal area, which share nothing with the model, both give today's {SUN} W m-2 at {small:.1f} degrees and"
        f" {ice_lines.of_series(SMALL_CAP_PRINTED, 600):.1f} at {SMALL_CAP_PRINTED}. That is within the band in W m-2,"
        " since the curve is flat there, 0.8 W m-2 to the degree.",
    )
    at_printed = ice_lines.of_rows(SMALL_CAP_PRINTED)
    yield near(f"solar constant of a cap down to {SMALL_CAP_PRINTED}°", SUN, at_printed, SUN_BAND, "W m-2", "-")
    for where, (line, sun), what in zip(
        (SNOWBALL_FOLD, SMALL_CAP_FOLD), FOLDS, ("snowball fold", "small-cap fold"), strict=True
    ):
        found = ice_lines.fold_of_rows(*where)
        yield near(f"{what}: ice line", line, found[0], LINE_BAND, "°", "-")
        yield near(f"{what}: solar constant", sun, found[1], SUN_BAND, "W m-2", "-")
    thaws, freezes = ENDS
    yield near("a snowball melts: solar constant", thaws, ice_lines.of_rows(0.0), SUN_BAND, "W m-2", "-")
    yield near("the first ice: solar constant", freezes, ice_lines.of_rows(90.0), SUN_BAND, "W m-2", "-")
