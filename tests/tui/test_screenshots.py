"""The main screen as a picture, at the two sizes that everything is looked at in."""

import re
from html import unescape
from xml.etree import ElementTree

import pytest

from tests.tui.running import APP, NARROW, WIDE, running

SVG = "{http://www.w3.org/2000/svg}"


def words_of(svg: str) -> str:
    """The text of a screenshot, line by line as it stands in the picture."""
    rows: dict[float, list[tuple[float, str]]] = {}
    for text in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        if text.get("y") and text.text:
            rows.setdefault(float(text.get("y", "0")), []).append((float(text.get("x", "0")), text.text))
    lines = ("".join(piece for _, piece in sorted(row)) for _, row in sorted(rows.items()))
    return re.sub("\xa0", " ", unescape("\n".join(lines)))


@pytest.mark.parametrize(
    ("size", "panes", "columns"),
    [
        (NARROW, ("2 Tags", "3 [Overview]"), ("TAG", "CREATED", "SIZE", "=")),
        (WIDE, ("1 Repositories", "2 Tags", "3 [Overview]", "4 Files"), ("TAG", "CREATED", "SIZE", "PLATFORMS", "=")),
    ],
)
async def test_the_main_screen_shows_tags_by_date_and_size_whole(
    size: tuple[int, int], panes: tuple[str, ...], columns: tuple[str, ...]
) -> None:
    async with running(APP, size) as at:
        await at.until("newest first")
        await at.press("2")
        await at.until("sha256:")
        picture = words_of(at.app.export_screenshot(simplify=True))
        screen = at.lines
    assert all(pane in picture for pane in panes)
    heading = next(line for line in screen if "CREATED" in line)
    assert [heading.find(column) for column in columns] == sorted(heading.find(column) for column in columns)
    assert "2 Tags · 406 · newest first" in picture
    assert re.search(r"v1\.14\.2 +.*ago +2\.1 MB", picture)
    assert "demo.localhost › team/app › latest" in screen[0]
    assert len(screen) == size[1]
    assert all(len(line) <= size[0] for line in screen)
    borders = [line[-1] for line in screen[1:-1]]
    assert set(borders) <= set("┐│┘┓┃┛"), "a pane is cut at the right"
