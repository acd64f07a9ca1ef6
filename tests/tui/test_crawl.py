"""Goes everywhere in the demo: every repository, its tags, each tab of the details, the files of a layer."""

from __future__ import annotations

import pytest

from regtui.oci.reference import Reference
from regtui.tui.history import spot_of
from tests.tui.running import DEMO, NARROW, Running, running

TAGS = 12
"""Tags of a repository that are gone to."""


@pytest.mark.slow
@pytest.mark.parametrize("size", [NARROW, (200, 60)])
async def test_the_app_shows_whatever_there_is(size: tuple[int, int]) -> None:
    async with running(DEMO, size) as at:
        await at.until(lambda: at.browser.repositories._complete)
        for repository in sorted(at.browser.repositories._known):
            await go_through(at, repository)


async def go_through(at: Running, repository: str) -> None:
    browser, registry = at.browser, DEMO.rstrip("/")
    browser.open(spot_of(Reference(registry, repository)))
    await at.until(lambda: browser.tags.repository == repository and browser.tags._complete)
    await at.press("2", ".")
    for tag in browser.tags._table.names[:TAGS]:
        browser.open(spot_of(Reference(registry, repository, tag)))
        await at.until(lambda: browser.inspected or "Press r to try again" in at.text)
        await at.press("]", "]", "]", "]", "]")
        if browser.details.current_layer:
            await at.press("4")
            await at.pilot.pause(0.1)
    await at.press("2", ".")
