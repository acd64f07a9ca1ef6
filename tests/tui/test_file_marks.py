"""The files pane on an image up to a layer, and on all of it: marks, layers, order, the largest, what is removed."""

from __future__ import annotations

from collections.abc import Sequence

from regtui.oci.reference import Reference
from regtui.operations.files import Entry, FileTree
from regtui.operations.image_files import MergedTree
from regtui.tui.file_scopes import FilesShown, Scope
from regtui.tui.widgets.files.files import Files
from tests.tui.stage import Stage, on_stage
from tests.tui.test_files import entry, listed, rows, settled

BASE = [
    entry("etc", "dir", mode=0o755),
    entry("etc/motd", size=5),
    entry("etc/passwd", size=9),
    entry("lib", "dir", mode=0o755),
    entry("lib/a.so", size=700),
    entry("opt", "dir", mode=0o755),
    entry("opt/old", size=40),
    entry("usr/lib/x.so", size=30),
]
UPPER = [
    entry("etc", "dir", mode=0o755),
    entry("etc/.wh.motd"),
    entry("etc/passwd", size=12),
    entry("lib", "symlink", link="usr/lib"),
    entry("new/file", size=100),
    entry("opt", "dir", mode=0o755),
]
IMAGE = Reference("demo.localhost", "app", digest=None)


def merged(*layers: Sequence[Entry]) -> MergedTree:
    tree = MergedTree()
    for number, entries in enumerate(layers):
        tree.add_layer(number, entries)
    return tree


def shown(tree: FileTree | MergedTree, scope: Scope, number: int = 1) -> FilesShown:
    return FilesShown(IMAGE, [], number, scope, tree)


def marks(stage: Stage) -> dict[str, str]:
    """By what a row begins with, its mark."""
    return {row[1:].strip(" ▾▸").split(" ")[0]: row[-1] if row[-1] in "+~-" else "" for row in rows(stage)[1:]}


async def test_what_the_layer_added_changed_and_removed_is_marked_and_folders_above_it_too() -> None:
    pane = Files()
    async with on_stage(pane, size=(50, 20)) as (stage, pilot):
        pane.start("layers 0 to 1", shown(merged(BASE, UPPER), "below"))
        pane.finish("14 entries")
        await settled(pane, pilot)
        assert marks(stage) == {"etc/": "~", "lib": "~", "new/": "+", "opt/": "", "usr/": ""}
        await pilot.press("e")
        assert rows(stage)[1:] == [
            "▌▾ etc/                                     12 B ~",
            "     motd                                    5 B -",
            "     passwd                                 12 B ~",
            " ▾ lib → usr/lib                                 ~",
            "     a.so                                  700 B -",
            " ▾ new/                                    100 B +",
            "     file                                  100 B +",
            " ▾ opt/                                     40 B",
            "     old                                    40 B",
            " ▾ usr/                                     30 B",
            "   ▾ lib/                                   30 B",
            "       x.so                                 30 B",
        ]
        for path, is_there in (("etc/motd", True), ("lib/a.so", True), ("opt/old/er", False)):
            assert pane.go_to(path) is is_there
        assert pane.at
        assert pane.at.path == "opt/old"
        await pilot.press("full_stop")
        assert not pane.go_to("etc/motd")
        assert list(marks(stage)) == ["etc/", "passwd", "lib", "new/", "file", "opt/", "old", "usr/", "lib/", "x.so"]
        await pilot.press("E")
        assert len(rows(stage)) == 6


async def test_one_layer_has_marks_once_those_below_it_are_known() -> None:
    pane, tree = Files(), FileTree()
    async with on_stage(pane, size=(50, 20)) as (stage, pilot):
        pane.start("layer 1", shown(tree, "layer"))
        pane.add(UPPER)
        pane.finish("6 entries")
        await settled(pane, pilot)
        assert set(marks(stage).values()) == {""}
        pane.set_below(merged(BASE, UPPER))
        await pilot.press("e")
        expected = {"etc/": "~", "motd": "-", "passwd": "~", "lib": "~", "new/": "+", "file": "+", "opt/": ""}
        assert marks(stage) == expected


async def test_a_whole_image_says_which_layer_a_path_is_from_where_there_is_room() -> None:
    pane = Files()
    async with on_stage(pane, size=(70, 20)) as (stage, pilot):
        pane.start("whole image", shown(merged(BASE, UPPER), "image"))
        pane.finish("14 entries")
        await settled(pane, pilot)
        await pilot.press("l")
        assert rows(stage)[1:3] == [
            "▌▾ etc/                                  layer 1  drwxr-xr-x     12 B",
            "     passwd                              layer 1  -rw-r--r--     12 B",
        ]


async def test_m_goes_to_the_largest_file_and_on_to_the_next() -> None:
    pane = Files()
    async with on_stage(pane, size=(50, 20)) as (_, pilot):
        pane.start("whole image", shown(merged(BASE), "image"))
        pane.finish("8 entries")
        await settled(pane, pilot)
        found = []
        for _ in range(6):
            await pilot.press("m")
            await listed(pane, pilot)
            found.append(pane.at.path if pane.at else "")
        assert found == ["lib/a.so", "opt/old", "usr/lib/x.so", "etc/passwd", "etc/motd", "lib/a.so"]
        pane.set_filter("etc")
        await pilot.press("m")
        assert pane.at
        assert pane.at.path == "etc/passwd"


async def test_s_sorts_by_size_and_back_and_the_cursor_keeps_its_file() -> None:
    pane = Files()
    async with on_stage(pane, size=(50, 20)) as (stage, pilot):
        pane.start("whole image", shown(merged(BASE), "image"))
        pane.finish("8 entries")
        await settled(pane, pilot)
        await pilot.press("G", "s")
        assert list(marks(stage)) == ["lib/", "opt/", "usr/", "etc/"]
        assert (pane.at and pane.at.path, pane.title_text) == ("usr", "Files · whole image · largest first")
        await pilot.press("S")
        assert list(marks(stage)) == ["etc/", "usr/", "opt/", "lib/"]
        await pilot.press("s")
        assert list(marks(stage)) == ["etc/", "lib/", "opt/", "usr/"]


async def test_globs_go_by_the_path_and_find_what_was_removed() -> None:
    pane = Files()
    async with on_stage(pane, size=(50, 20)) as (stage, pilot):
        pane.start("layers 0 to 1", shown(merged(BASE, UPPER), "below"))
        pane.finish("14 entries")
        await settled(pane, pilot)
        for text, found in (("/usr/lib/*.so", ["usr/", "lib/", "x.so"]), ("mot?", ["etc/", "motd"])):
            pane.set_filter(text)
            await pilot.pause()
            assert list(marks(stage)) == found
        pane.set_filter("re:^lib/")
        await pilot.pause()
        assert list(marks(stage)) == ["lib", "a.so"]


async def test_another_scope_of_the_same_image_is_shown_as_one_stood_in_the_last() -> None:
    pane = Files()
    async with on_stage(pane, size=(50, 20)) as (_, pilot):
        pane.start("whole image", shown(merged(BASE, UPPER), "image"))
        pane.finish("14 entries")
        await settled(pane, pilot)
        await pilot.press("G", "l", "down", "down")
        assert pane.at
        assert pane.at.path == "usr/lib/x.so"
        layer = FileTree()
        layer.add(UPPER)
        pane.start("layer 1", shown(layer, "layer"))  # it has no such path
        pane.finish("6 entries")
        pane.start("layers 0 to 1", shown(merged(BASE, UPPER), "below"))
        pane.finish("14 entries")
        await settled(pane, pilot)
        assert pane.at
        assert pane.at.path == "usr/lib/x.so"


async def test_two_hundred_thousand_files_in_one_folder_are_listed_in_turns() -> None:
    pane = Files()
    async with on_stage(pane) as (_, pilot):
        tree = merged([entry(f"usr/file{n * 7919 % 200_000}", size=n) for n in range(200_000)])
        pane.start("whole image", shown(tree, "image"))
        pane.finish("200,000 entries")
        await settled(pane, pilot)
        pane.action_right()
        assert pane._portions.busy  # it gives the loop back before it is done
        await listed(pane, pilot)
        assert pane.row_count == 200_001
        pane.action_sort()
        await listed(pane, pilot)
        await pilot.press("down")
        assert pane.at
        assert pane.at.size == 199_999
