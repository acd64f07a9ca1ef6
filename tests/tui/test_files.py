"""The files pane: what a layer brings and removes, while it is read."""

from __future__ import annotations

from textual.pilot import Pilot

from regtui.errors import ContentError
from regtui.operations.files import Entry
from regtui.tui.widgets.files.files import Files
from tests.tui.stage import HOSTILE, Stage, on_stage


def entry(path: str, type: str = "file", size: int = 0, mode: int = 0o644, link: str = "") -> Entry:
    return Entry(path=path, type=type, size=size, mode=mode, uid=0, gid=0, mtime=0, link=link)


LAYER = [
    entry("bin", "symlink", mode=0o777, link="usr/bin"),
    entry("etc/.wh.passwd"),
    entry("usr", "dir", mode=0o755),
    entry("usr/bin", "dir", mode=0o755),
    entry("usr/bin/bash", size=5_000_000, mode=0o4755),
    entry("usr/bin/sh", "hardlink", link="usr/bin/bash"),
    entry("var/.wh..wh..opq"),
    entry("var/log", size=10),
    entry("dev/null", "char", mode=0o666),
    entry(b"caf\xe9".decode("utf-8", "surrogateescape"), size=3),
]


async def listed(pane: Files, pilot: Pilot[None]) -> None:
    while pane._portions.busy:
        await pilot.pause(0.01)


async def settled(pane: Files, pilot: Pilot[None]) -> None:
    pane._paced.run()
    await listed(pane, pilot)
    await pilot.pause()


def rows(stage: Stage) -> list[str]:
    return [line for line in stage.lines() if line]


async def test_a_layer_is_a_tree_with_sizes_links_and_what_it_removes() -> None:
    pane = Files()
    async with on_stage(pane, size=(50, 20)) as (stage, pilot):
        pane.start("layer 1 · 14.1 MB")
        pane.add(LAYER)
        pane.finish("10 entries · 5.0 MB unpacked")
        await settled(pane, pilot)
        assert pane.title_text == "Files · layer 1 · 14.1 MB"
        assert rows(stage) == [
            " 10 entries · 5.0 MB unpacked",
            "▌  bin → usr/bin",
            "   caf\\xe9                                    3 B",
            " ▸ dev/                                       0 B",
            " ▸ etc/                                       0 B",
            " ▸ usr/                                    5.0 MB",
            " ▸ var/ · replaces the one below             10 B",
        ]
        await pilot.press("G", "k", "l", "k", "l", "k", "l")
        assert rows(stage)[3:] == [
            "▌▾ dev/                                       0 B",
            "     null                                    char",
            " ▾ etc/                                       0 B",
            "     passwd                               removed",
            " ▾ usr/                                    5.0 MB",
            "   ▾ bin/                                  5.0 MB",
            "       bash                                5.0 MB",
            "       sh ⇒ usr/bin/bash",
            " ▸ var/ · replaces the one below             10 B",
        ]


async def test_a_wide_pane_shows_modes_too() -> None:
    pane = Files()
    async with on_stage(pane, size=(70, 20)) as (stage, pilot):
        pane.start("layer 1")
        pane.add(LAYER)
        await settled(pane, pilot)
        assert rows(stage)[1].endswith("lrwxrwxrwx")
        await pilot.press("G", "k", "l")
        assert rows(stage)[-3].endswith("-rwsr-xr-x   5.0 MB")


async def test_it_says_how_far_the_layer_is_read_and_fills_meanwhile() -> None:
    pane = Files()
    async with on_stage(pane, size=(60, 10)) as (stage, pilot):
        pane.start("layer 1")
        await pilot.pause()
        assert rows(stage) == [" reading …"]
        pane.add(LAYER[:1])
        pane.say("reading 3.0 MB of 14.1 MB · 1 entry", reading=True)
        await settled(pane, pilot)
        assert rows(stage) == [" reading 3.0 MB of 14.1 MB · 1 entry", "▌  bin → usr/bin"]
        pane.add(LAYER[1:])
        await settled(pane, pilot)
        assert len(rows(stage)) == 7


async def test_a_layer_that_breaks_off_says_so_and_keeps_what_was_read() -> None:
    pane = Files()
    async with on_stage(pane, size=(60, 10)) as (stage, pilot):
        pane.start("layer 1")
        pane.add(LAYER[:1])
        pane.fail(ContentError("The layer ends in the middle of a file", "It may be damaged."))
        await settled(pane, pilot)
        assert rows(stage) == [
            " ! The layer ends in the middle of a file. It may be",
            " damaged.",
            "▌  bin → usr/bin",
        ]
        pane.start("layer 2")
        pane.fail(ContentError("Nothing came", "Try again."))
        await settled(pane, pilot)
        assert rows(stage) == [" ! Nothing came", " Try again."]


async def test_another_layer_begins_with_nothing_of_the_last() -> None:
    pane = Files()
    async with on_stage(pane, size=(60, 10)) as (stage, pilot):
        pane.start("layer 1")
        pane.add(LAYER)
        await settled(pane, pilot)
        pane.set_filter("bin")
        await pilot.press("G")
        pane.start("layer 2")
        pane.finish("0 entries · 0 B unpacked")
        await settled(pane, pilot)
        assert rows(stage) == [" 0 entries · 0 B unpacked", " This layer holds no files."]


async def test_the_filter_finds_paths() -> None:
    pane = Files()
    async with on_stage(pane, size=(50, 12)) as (stage, pilot):
        pane.start("layer 1")
        pane.add(LAYER)
        await settled(pane, pilot)
        pane.set_filter("usr/bin/*")
        await pilot.pause()
        assert [row[1:].strip(" ▾").split(" ")[0] for row in rows(stage)[1:]] == ["usr/", "bin/", "bash", "sh"]


async def test_hostile_paths_are_shown_written_out() -> None:
    pane = Files()
    async with on_stage(pane, size=(60, 20)) as (stage, pilot):
        pane.start("layer \x1b[31m")
        pane.add([entry(f"{name}/{name}", "symlink", link=name) for name in HOSTILE])
        pane.add([entry("/".join("x" * 3000), size=1)])
        pane.fail(ContentError("\x1b]0;owned\x07[bold]"))
        await settled(pane, pilot)
        await pilot.press("G", "l", "l", "k", "l")
        pane.set_filter("o")
        await pilot.pause()
        assert all(line.isprintable() for line in stage.lines())


async def test_a_hundred_thousand_entries_show_a_screen_of_rows() -> None:
    pane = Files()
    async with on_stage(pane) as (stage, pilot):
        pane.start("layer 1")
        pane.add([entry(f"usr/d{n % 100}/file{n}", size=n) for n in range(100_000)])
        pane.finish("100,000 entries · 5.0 GB unpacked")
        await settled(pane, pilot)
        assert rows(stage) == [" 100,000 entries · 5.0 GB unpacked", "▌▸ usr/" + " " * 66 + "5.0 GB"]
        await pilot.press("l", "j", "l")
        assert pane.row_count == 1101
        pane.set_filter("file99999")
        await listed(pane, pilot)
        assert pane.row_count == 3
