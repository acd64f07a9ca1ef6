"""The packages tab: what is installed in an image, when one asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot

from regtui.errors import ContentError, RegtuiError
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations.packages import Done, Package, Progress, Release
from regtui.operations.session import Session
from regtui.tui import reading_packages
from regtui.tui.widgets.details.packages import ImageLayers, Packages
from tests.tui.running import NARROW, WIDE, Running, running
from tests.tui.stage import HOSTILE, Stage, on_stage

IMAGE = ImageLayers(Reference("registry.example.com", "app", "1"), (Descriptor(digest="sha256:1", size=1000),))
FOUND = [
    Package("npm", "zod", "3.0.0"),
    Package("deb", "zlib1g", "1:1.2", "amd64", size=200_000),
    Package("deb", "apt", "2.6.1", "amd64", size=4_000_000),
    Package("deb", "left", "1", "all", size=10, state="config-files"),
    Package("python", "attrs", "26.1"),
]
DONE = Done(Release("debian", "12", "Debian GNU/Linux 12"), ("3 records can't be read",))
DEBIAN = "demo.localhost/base/debian:latest"  # an index
BUILDER = "demo.localhost/tools/builder:nightly"


@asynccontextmanager
async def filled(
    found: list[Package] = FOUND, done: Done = DONE, *, size: tuple[int, int] = (80, 12)
) -> AsyncIterator[tuple[Packages, Stage, Pilot[None]]]:
    async with on_stage(packages := Packages(), size=size) as (stage, pilot):
        packages.offer(IMAGE)
        packages.start()
        packages.add(found)
        packages.finish(done)
        await pilot.pause()
        yield packages, stage, pilot


async def test_packages_stand_by_kind_and_name_and_below_them_what_is_not_read() -> None:
    async with filled() as (packages, stage, _):
        assert stage.lines()[:9] == [
            " 3 deb · 1 python · 1 npm · by kind · Debian GNU/Linux 12",
            " NAME                                   VERSION                      SIZE KIND",
            "▌apt                                    2.6.1                      4.0 MB deb",
            " left                                   1 (config-files)             10 B deb",
            " zlib1g                                 1:1.2                    200.0 kB deb",
            " attrs                                  26.1                              python",
            " zod                                    3.0.0                             npm",
            " 3 records can't be read.",
            "",
        ]
        assert packages.row_count == 6


async def test_sorting_keeps_the_cursor_on_its_package() -> None:
    async with filled() as (_, stage, pilot):
        await pilot.press("down", "down", "s")
        assert [line.split()[0] for line in stage.lines()[2:7]] == ["apt", "attrs", "left", "▌zlib1g", "zod"]
        await pilot.press("s")
        assert [line.split()[0] for line in stage.lines()[2:5]] == ["apt", "▌zlib1g", "left"]
        assert "largest first" in stage.lines()[0]
        await pilot.press("S")
        assert [line.split()[0] for line in stage.lines()[4:7]] == ["left", "▌zlib1g", "apt"]


async def test_a_filter_looks_at_names_versions_and_kinds() -> None:
    async with filled() as (packages, stage, _):
        assert packages.set_filter("deb z") == ""
        assert stage.lines()[0].startswith(" 1 of 5 · 3 deb")
        assert [line.split()[0] for line in stage.lines()[2:4]] == ["▌zlib1g", "3"]
        assert "regular expression" in packages.set_filter("re:(")


async def test_narrow_panes_leave_out_the_size() -> None:
    async with filled(size=(40, 12)) as (_, stage, _):
        assert stage.lines()[2] == "▌apt                  2.6.1       deb"


async def test_a_registry_s_text_does_no_harm() -> None:
    hostile = [Package("deb", text, text, state=text) for text in HOSTILE]
    async with filled(hostile, Done(Release(name=HOSTILE[0]), HOSTILE), size=(80, 30)) as (_, stage, _):
        assert all(line.isprintable() for line in stage.lines())


async def test_an_image_without_packages_says_so() -> None:
    async with filled([], Done(Release(), ())) as (_, stage, _):
        assert "No packages of the kinds that regtui reads: deb, apk, python, npm." in "\n".join(stage.lines())


async def test_what_was_read_before_an_error_stays() -> None:
    async with on_stage(packages := Packages(), size=(80, 12)) as (stage, _):
        packages.offer(IMAGE)
        packages.start()
        packages.fail(RegtuiError("It isn't there", "Look again."))
        assert "It isn't there. Look again." in "\n".join(stage.lines())
        packages.start()
        packages.add(FOUND)
        packages.fail(ContentError("It is damaged"))
        assert stage.lines()[0] == " ! It is damaged"
        assert stage.lines()[2].startswith("▌apt")


# In the app


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_k_goes_to_the_packages_and_reads_them(size: tuple[int, int]) -> None:
    async with running(BUILDER, size) as at:
        await at.until(lambda: at.browser.inspected)
        await at.press("K")
        await at.until("[Packages]")
        await at.until(" deb · ")
        assert at.browser.details.packages.row_count > 20
        await at.press("backspace")
        await at.until("[Overview]")


async def test_of_an_index_k_shows_the_image_for_this_machine() -> None:
    async with running(DEBIAN, WIDE) as at:
        await at.until(lambda: at.browser.inspected)
        await at.press("K")
        await at.until(" deb · by kind · Debian GNU/Linux")
        assert "linux/" in at.lines[0]


async def test_passing_by_reads_nothing_and_says_what_reading_costs() -> None:
    async with running(BUILDER) as at:
        await at.until(lambda: at.browser.inspected)
        await at.press("3", "]", "]", "]", "]")
        await at.until("Press K to read the packages (")
        await at.press("K")
        await at.until(" deb · ")


async def test_where_the_layers_are_known_passing_by_shows_them() -> None:
    async with running(BUILDER) as at:
        await read(at)
        await at.press("2", "down", "down")  # another day's image differs by a small layer
        await at.until(lambda: "nightly-2026-11-19" in at.lines[0] and " deb · " in at.lines[2])


async def read(at: Running) -> None:
    await at.until(lambda: at.browser.inspected)
    await at.press("K")
    await at.until(" deb · ")


async def test_the_filter_of_the_packages_ends_with_their_tab() -> None:
    async with running(BUILDER) as at:
        await read(at)
        await at.press("slash")
        await at.type("libc")
        await at.until(lambda: " of " in at.lines[2])
        await at.press("enter", "[")
        await at.until("[Layers]")
        assert "/ libc" not in at.text
        await at.press("]")
        await at.until("[Packages]")
        assert " of " not in at.lines[2]


async def test_esc_stops_the_reading_and_k_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = reading_packages._packages
    monkeypatch.setattr(reading_packages, "_packages", endless)
    async with running(BUILDER) as at:
        await at.until(lambda: at.browser.inspected)
        await at.press("K")
        await at.until("reading … 1.0 MB of 2.0 MB")
        await at.until("stop")
        await at.press("escape")
        await at.until("Stopped. Press K to read them.")
        monkeypatch.setattr(reading_packages, "_packages", whole)
        await at.press("K")
        await at.until(" deb · ")


async def endless(session: Session, image: ImageLayers) -> AsyncIterator[Any]:
    yield Progress(1_000_000, 2_000_000, 5)
    await asyncio.Event().wait()


async def test_what_went_wrong_stands_in_the_tab(monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(session: Session, image: ImageLayers) -> AsyncIterator[Any]:
        yield FOUND
        raise ContentError("Layer 1 is damaged")

    monkeypatch.setattr(reading_packages, "_packages", failing)
    async with running(BUILDER) as at:
        await at.until(lambda: at.browser.inspected)
        await at.press("K")
        await at.until("! Layer 1 is damaged")
        assert "zlib1g" in at.text


async def test_a_chart_has_no_packages() -> None:
    async with running("demo.localhost/charts/app") as at:
        await at.until(lambda: at.browser.inspected)
        await at.press("K")
        await at.until("Packages are in images only.")
