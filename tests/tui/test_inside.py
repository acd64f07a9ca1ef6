"""Inside an image on the main screen: scopes, a stopped reading, what wastes, platforms, foreign layers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from unittest.mock import patch

import pytest

from regtui.oci.config import Step
from regtui.oci.manifest import Descriptor
from regtui.operations.files import Entries, FilesEvent, Progress
from regtui.tui import reading_files
from regtui.tui.arrangement import DETAILS, FILES
from regtui.tui.widgets.details.layers import Layers
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Files, Layout
from tests.tui.running import FEW, NARROW, WIDE, Running, running
from tests.tui.stage import on_stage
from tests.tui.test_files import entry

WORKER = "demo.localhost/team/app/worker:stable"  # six layers; the topmost removes


async def on_top_layer(at: Running) -> None:
    await at.until(lambda: at.browser.details.current_layer)
    await at.press("3", "right_square_bracket", "right_square_bracket", "right_square_bracket", "G", "up", "up")


async def test_a_goes_from_the_layer_to_those_below_to_the_whole_image_and_back() -> None:
    async with running(WORKER, WIDE) as at:
        await on_top_layer(at)
        await at.until("Press 4 to read this layer (372 B).")
        await at.press("enter")
        await at.until("Files · layer 5 · 372 B")
        await at.until("entries · ")
        await at.press("a")
        await at.until("Files · layers 0 to 5")
        await at.until("% efficient")
        assert at.browser.files_shown
        assert (at.browser.files_shown.scope, at.browser.files_shown.number) == ("below", 5)
        await at.press("e")
        await at.until("test_worker.py")
        assert next(line for line in at.lines if "test_worker.py" in line).rstrip("┃▐ ").endswith("-")
        await at.press("a")
        await at.until("Files · whole image · linux/amd64")
        await at.until("% efficient")
        assert "test_worker.py" not in at.text
        await at.press("a")
        await at.until("Files · layer 5 · 372 B")
        await at.until("removed -")  # the layers below are known by now


async def test_a_layer_that_is_chosen_is_shown_alone_after_the_whole_image_too() -> None:
    async with running(WORKER, NARROW) as at:
        await at.until(lambda: at.browser.details.current_layer)
        await at.press("4", "a")
        await at.until("Files · whole image")
        await at.press("3", "]", "]", "]", "enter")
        await at.until("Files · layer 0 · ")


async def test_the_last_line_names_what_one_does_with_files() -> None:
    async with running(WORKER, NARROW) as at:
        await at.until(lambda: at.browser.details.current_layer)
        await at.press("4")
        await at.until(lambda: "Esc stop" not in at.text and "w save" in at.lines[-1] and "details" not in at.lines[-1])
        for key in ("Enter open", "a layer or all", "W waste", "m largest", "/ filter"):
            assert key in at.lines[-1]
        assert "delete" not in at.lines[-1]


async def test_the_lowest_layer_has_none_below_it() -> None:
    async with running(WORKER, NARROW) as at:
        await at.until(lambda: at.browser.details.current_layer)
        await at.press("4")
        await at.until("Files · layer 0 · ")
        await at.press("a")
        await at.until("Files · whole image")


async def test_what_wastes_most_leads_to_its_place_in_the_tree() -> None:
    async with running(WORKER, NARROW) as at:
        await at.until(lambda: at.browser.details.current_layer)
        await at.press("4", "W")  # reads the whole image first
        await at.until("Waste · 331.4 kB · 96.1% efficient · 173 paths")
        await at.press("j")
        assert "13.7 kB   26.8 kB      2  var/lib/dpkg/status" in at.text
        await at.press("enter")
        await at.until(lambda: at.browser.files.at and at.browser.files.at.path == "var/lib/dpkg/status")
        await at.press("W", "enter")  # was removed: the cursor goes to where it was
        await at.until(lambda: at.browser.files.at and at.browser.files.at.path == "var/lib/apt/lists")
        await at.press("W")
        await at.until("Waste · ")
        await at.press("escape")
        assert at.app.screen is at.browser


async def test_esc_stops_a_reading_what_was_read_stays_and_r_reads_on() -> None:
    goes_on = asyncio.Event()

    async def slow(*_: object, **__: object) -> AsyncIterator[FilesEvent]:
        yield Entries([entry("etc/motd", size=5)])
        yield Progress(41_200_000, 120_000_000, 1)
        await goes_on.wait()
        yield Progress(50_000_000, 120_000_000, 1)
        yield Entries([entry("usr/bin/sh", size=9)])

    with patch.object(reading_files, "layer_files", slow):
        async with running(WORKER, NARROW) as at:
            await at.until(lambda: at.browser.details.current_layer)
            await at.press("4")
            await at.until("reading ")
            await at.until("Esc stop")
            await at.until("etc/")
            await at.press("escape")
            goes_on.set()
            await at.until("stopped at 41.2 MB")
            await at.until("r reads on")
            assert "Esc stop" not in at.text
            assert (at.browser.pane, "etc/" in at.text, "usr/" in at.text) == (FILES, True, False)
            await at.press("r")
            await at.until("usr/")
            await at.until("2 entries · ")
            await at.press("escape")
            assert at.browser.pane == DETAILS


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_n_goes_from_an_index_to_this_machine_s_platform_and_on_to_the_next(size: tuple[int, int]) -> None:
    async with running(f"{FEW}:latest", size, platform="linux/arm64") as at:
        await at.until("Platforms")
        await at.press("n")
        await at.until(lambda: at.lines[0].endswith("linux/arm64"))
        seen = ["linux/arm64"]
        while len(seen) < 2 or seen[-1] != seen[0]:
            await at.until(lambda: at.browser.inspected)
            await at.press("n")
            await at.until(lambda: not at.lines[0].endswith(seen[-1]))
            seen.append(at.lines[0].rpartition(" › ")[2].strip())
        assert len(seen) > 2
        assert not any("unknown" in platform for platform in seen)  # attestations are no platforms
        await at.press("backspace")
        await at.until(lambda: at.browser.inspected and "Platforms" in at.text)


async def test_the_files_of_an_index_are_those_for_this_machine() -> None:
    async with running(f"{FEW}:latest", WIDE, platform="linux/arm64") as at:
        await at.until("Press 4 to read the image for linux/arm64")
        await at.press("4")
        await at.until("Files · whole image · linux/arm64")
        await at.until("entries · ")
        assert at.browser.files_shown
        assert at.browser.files_shown.reference.digest != at.browser.inspected.reference.digest  # type: ignore[union-attr]


LOWER: Files = {"etc/": b"", "etc/motd": b"hello", "opt/": b"", "opt/data": b"d" * 5000}
UPPER: Files = {"etc/": b"", "etc/.wh.motd": b"", "opt/": b"", "opt/data": b"d" * 6000, "new": b"new"}


async def test_a_registry_s_image_has_marks_at_once_for_a_layer_whose_lower_layers_are_known(
    registry: DockerRegistry, layout: Layout
) -> None:
    layout.push(layout.image(LOWER, UPPER), registry, "app:1")
    async with running(f"{registry.host}/app:1", WIDE, plain_http=True) as at:
        await at.until(lambda: at.browser.details.current_layer)
        await at.press("3", "right_square_bracket", "right_square_bracket", "right_square_bracket", "enter")
        await at.until("Files · layer 0")
        await at.until("entries · ")
        await at.press("3", "down", "enter")
        await at.until("Files · layer 1")
        await at.until(lambda: [line.rstrip("┃▐ ")[-1] for line in at.lines if " new " in line] == ["+"])
        await at.press("e")
        await at.until(lambda: "removed -" in at.text)


async def test_what_can_t_be_read_is_said_in_full_with_the_layer_and_what_was_read_stays() -> None:
    async with running("demo.localhost/team/billing:2.0.1", NARROW) as at:
        await at.until(lambda: at.browser.details.current_layer)
        await at.press("3", "right_square_bracket", "right_square_bracket", "right_square_bracket", "G", "up")
        await at.press("4", "a", "z")
        await at.until("! Layer 1: demo.localhost/team/billing has no blob")
        await at.until("Press r to try again.")
        await at.until("bin → usr/bin")


async def test_a_layer_that_is_kept_elsewhere_says_so_in_its_row() -> None:
    layers = Layers()
    async with on_stage(layers, size=(80, 5)) as (stage, _):
        foreign = Descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "sha256:" + 64 * "a", 1000)
        layers.show([Step("ADD windows", foreign, 0)])
        assert "not in the registry · ADD" in stage.lines()[1]
