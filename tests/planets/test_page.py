"""The page of the verification holds every row and verdict, and its pictures show something."""

from __future__ import annotations

import base64
import re
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from tests.planets.mars_today import Row, control_run
from tests.planets.page import png_uri, write_page
from tests.planets.pictures import Picture, ice_line_picture, mars_pictures, pair, snowball_picture

ROWS = {
    "Here": [Row("held", "K", "1", "1.1", 0.1, 0.2, "-"), Row("a < b", "1", "1", "9", 8.0, 0.2, "-")],
    "There": [
        Row("known", "K", "1", "2", 1.0, 0.2, "-", "the air is too thin"),
        Row("nan", "K", "1", "-", np.nan, 1.0, "-"),
    ],
}


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    """Every picture, on few cells."""
    return [*mars_pictures(control_run("18x2", 48)), ice_line_picture(), snowball_picture("12x1", 12, 31)]


def coloured(uri: str) -> int:
    """Pixels of a picture that are neither white, grey nor black: those of curves and points."""
    image = imread(BytesIO(base64.b64decode(uri.split(",", 1)[1])), format="png")[:, :, :3]
    return int((np.ptp(image, axis=-1) > 0.4).sum())


def test_page_holds_every_row_with_its_verdict(tmp_path: Path) -> None:
    text = write_page(tmp_path / "new", ROWS, []).read_text(encoding="utf-8")
    assert Counter(re.findall(r'<td class="\w+">(\w+)</td>', text)) == {"pass": 1, "missed": 1, "FAIL": 2}
    for quantity, verdict in (("held", "pass"), ("a &lt; b", "FAIL"), ("known", "missed"), ("nan", "FAIL")):
        assert re.search(rf"<tr><td>{quantity}</td>.*>{verdict}</td></tr>", text)
    assert "1 of 4 within" in text
    misses = text[text.index("<ul>") : text.index("</ul>")]
    assert misses.count("<li>") == 3
    assert "the air is too thin" in misses
    assert text.index("<ul>") < text.index("<table>") < text.index("Pictures")


def test_page_needs_nothing_beside_it_and_no_picture_is_blank(tmp_path: Path, pictures: list[Picture]) -> None:
    path = write_page(tmp_path, ROWS, pictures)
    uris = re.findall(r'src="([^"]+)"', path.read_text(encoding="utf-8"))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert len(set(uris)) == len(pictures) == 6
    assert all(uri.startswith("data:image/png;base64,") for uri in uris)
    assert min(coloured(uri) for uri in uris) > 1000
    assert coloured(png_uri(Picture("empty", "-", pair("axes without curves")[0]))) == 0


def test_both_panels_of_every_picture_show_a_curve_and_what_it_is_compared_with(pictures: list[Picture]) -> None:
    for picture in pictures:
        for axes in picture.figure.axes:
            (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
            inside = [
                int(((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)).sum())
                for x, y in (np.asarray(line.get_data(), dtype=np.float64) for line in axes.lines)
            ]
            assert max(inside) >= 10, picture.name  # a curve; a zoom shows a part of it
            assert sum(n > 0 for n in inside) >= 2, picture.name  # and what it is compared with
