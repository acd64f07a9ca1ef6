"""Saving files and folders of an image: what is written, what is asked, what is left when it is stopped."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from textual.widgets import Button, Input

from regtui.tui.screens.save import SaveDialog
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Files, HardLink, Layout, Symlink
from tests.tui.running import Running, running
from tests.tui.test_file_screen import at_files, left, opened

FILES: Files = {
    "etc/app/one": b"one",
    "etc/app/two": HardLink("etc/app/one"),
    "etc/app/abs": Symlink("/etc/app/one"),
    "etc/app/out": Symlink("/etc/passwd"),
    "etc/passwd": b"root",
    "usr/bin/tool": bytes(100_000),
    "tool": Symlink("usr/bin/tool"),
    "nowhere": Symlink("gone"),
}


@pytest.fixture
def image(registry: DockerRegistry, layout: Layout) -> str:
    top: Files = {"etc/app/.wh.two": b"", "etc/app/three": b"three"}
    layout.push(layout.image(FILES, top), registry, "team/app:1")
    return f"{registry.host}/team/app:1"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


async def asked(at: Running, path: str, target: Path) -> SaveDialog:
    """Presses w on a path, and types a folder."""
    assert at.browser.files.go_to(path)
    await at.press("w")
    await at.until(lambda: isinstance(at.app.screen, SaveDialog))
    dialog = at.app.screen
    assert isinstance(dialog, SaveDialog)
    dialog.query_one(Input).value = str(target)
    await at.pilot.pause()
    return dialog


def found_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


async def test_a_folder_is_saved_under_its_name_with_all_that_is_in_it(image: str, target: Path) -> None:
    async with running(image) as at:
        await at_files(at)
        await asked(at, "etc/app", target / "new/place")
        for text in ("Save /etc/app", "3 files, 3 B, in 1 folder", "1 absolute link made", "Save 3 files"):
            assert text in at.text
        assert "etc/app/out is a link to /etc/passwd" in at.text
        await at.press("enter")
        await at.until("Saved 3 files, 3 B")
    place = target / "new/place"
    assert found_in(place) == ["app", "app/abs", "app/one", "app/two"]
    assert (place / "app/abs").read_bytes() == b"one"
    assert os.readlink(place / "app/abs") == "../app/one"
    assert (place / "app/one").samefile(place / "app/two")


async def test_of_the_whole_image_it_is_what_the_image_has(image: str, target: Path) -> None:
    async with running(image) as at:
        await at_files(at, whole=True)
        await asked(at, "etc/app", target)
        await at.press("enter")
        await at.until("Saved 3 files, 8 B")
    assert found_in(target / "app") == ["abs", "one", "three"]


async def test_of_a_link_it_is_what_it_leads_to(image: str, target: Path) -> None:
    async with running(image) as at:
        await at_files(at)
        await asked(at, "tool", target)
        await at.press("enter")
        await at.until("Saved 1 file, 100.0 kB")
        at.browser.files.go_to("nowhere")
        await at.press("w")
        await at.until("nowhere is a link to gone, which leads to nothing here")
        assert at.app.screen is at.browser
    assert (target / "tool").read_bytes() == bytes(100_000)


async def test_nothing_is_overwritten_without_being_asked(image: str, target: Path) -> None:
    (target / "app").mkdir()
    (target / "app/one").write_text("mine")
    async with running(image) as at:
        await at_files(at)
        dialog = await asked(at, "etc/app", target)
        await at.press("enter")
        await at.until("1 of them is there already.")
        await at.until("Overwrite 1 file")
        assert (target / "app/one").read_text() == "mine"
        dialog.query_one(Input).value = str(target / "elsewhere")
        await at.until("Save 3 files")
        dialog.query_one(Input).value = str(target)
        await at.pilot.pause()
        await at.press("enter")
        await at.until("Overwrite 1 file")
        await at.press("enter")
        await at.until("Saved 3 files")
    assert (target / "app/one").read_text() == "one"


async def test_what_goes_wrong_is_said_in_the_dialog_and_leaves_nothing(image: str, target: Path) -> None:
    (target / "app").write_text("no folder")
    async with running(image) as at:
        await at_files(at)
        dialog = await asked(at, "etc/app", target)
        await at.press("enter")
        await at.until("is no folder")
        assert not dialog.query_one(".-doing", Button).disabled
        dialog.query_one(Input).value = " "
        await at.pilot.pause()
        await at.press("enter")
        await at.until("Name a folder")
    assert found_in(target) == ["app"]


async def test_esc_while_it_writes_leaves_nothing_behind(
    image: str, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = asyncio.Event()

    async def hold(*_: object, **__: object) -> AsyncGenerator[None, None]:
        held.set()
        await asyncio.Event().wait()
        yield

    monkeypatch.setattr("regtui.operations.extracting.file_contents", hold)
    async with running(image) as at:
        await at_files(at)
        await asked(at, "etc/app", target / "new")
        await at.press("enter")
        await held.wait()
        assert found_in(target) == ["new", "new/app", "new/app/abs"]
        await at.press("escape")
        await at.until(lambda: at.app.screen is at.browser)
        assert found_in(target) == []


async def test_an_open_file_is_saved_too_and_the_folder_is_remembered(image: str, target: Path) -> None:
    async with running(image) as at:
        await at_files(at)
        await asked(at, "etc/passwd", target)
        await at.press("enter")
        await at.until("Saved 1 file, 4 B")
        await opened(at, "etc/app/one")
        await at.press("w")
        await at.until(lambda: isinstance(at.app.screen, SaveDialog))
        assert at.app.screen.query_one(Input).value == str(target)
        await at.press("enter")
        await at.until("Saved 1 file, 3 B")
        await left(at)
    assert (target / "one").read_bytes() == b"one"
