"""The layers of an image laid over each other."""

from __future__ import annotations

import pytest

from regtui.errors import TooLarge
from regtui.layers.merged import MergedNode, MergedTree, Waste
from regtui.layers.tar import Entry


def file(path: str, size: int = 0) -> Entry:
    return Entry(path, "file", size, 0o644, 0, 0, 0)


def folder(path: str, mode: int = 0o755) -> Entry:
    return Entry(path, "dir", 0, mode, 0, 0, 0)


def symlink(path: str, text: str) -> Entry:
    return Entry(path, "symlink", 0, 0o777, 0, 0, 0, text)


def hard_link(path: str, target: str) -> Entry:
    return Entry(path, "hardlink", 0, 0o644, 0, 0, 0, target)


def merged(*layers: list[Entry]) -> MergedTree:
    tree = MergedTree()
    for number, entries in enumerate(layers):
        tree.add_layer(number, entries)
    return tree


def paths(tree: MergedTree) -> list[str]:
    return [node.path for node in tree.root.walk()]


def at(tree: MergedTree, path: str) -> MergedNode:
    node = tree.find(path, follow=False)
    assert node
    return node


def change(tree: MergedTree, path: str) -> tuple[int, bool]:
    node = at(tree, path)
    return node.layer, node.replaced


# What an image consists of


def test_layers_lie_over_each_other() -> None:
    tree = merged([folder("etc"), file("etc/hosts", 5), file("app", 10)], [file("app", 3), file("etc/motd", 1)])
    assert paths(tree) == ["app", "etc", "etc/hosts", "etc/motd"]
    assert [change(tree, path) for path in paths(tree)] == [(1, True), (0, False), (0, False), (1, False)]
    assert (tree.root.size, at(tree, "etc").size, tree.entries) == (9, 6, 5)


def test_a_directory_written_anew_keeps_what_is_in_it() -> None:
    tree = merged([folder("etc"), file("etc/hosts")], [folder("etc", 0o700)])
    assert paths(tree) == ["etc", "etc/hosts"]
    etc = at(tree, "etc")
    assert etc.entry
    assert (etc.entry.mode, etc.layer, etc.replaced) == (0o700, 1, True)


def test_a_directory_that_no_layer_lists_has_no_entry() -> None:
    etc = at(merged([file("etc/hosts")]), "etc")
    assert etc.is_directory
    assert etc.entry is None


def test_a_whiteout_removes_a_file_and_a_directory_with_all_in_it() -> None:
    tree = merged([file("a/b/c", 4), file("a/d", 2), file("e", 1)], [file(".wh.e"), file("a/.wh.b")])
    assert paths(tree) == ["a", "a/d"]
    assert tree.root.size == 2
    assert list(tree.removed[1]) == ["e", "a/b"]
    assert [node.path for node in tree.removed[1]["a/b"].walk()] == ["a/b/c"]


@pytest.mark.parametrize("whiteout_first", [True, False])
def test_a_whiteout_spares_what_its_own_layer_brings(whiteout_first: bool) -> None:
    """In whatever order: "whiteout files MUST only apply to resources in lower/parent layers"."""
    lower = [folder("a", 0o700), file("a/old", 1), file("a/both", 2), file("a/b/old", 4)]
    upper = [file(".wh.a"), file("a/both", 8), file("a/b/new", 16)]
    tree = merged(lower, upper if whiteout_first else upper[::-1])
    assert paths(tree) == ["a", "a/b", "a/b/new", "a/both"]
    assert tree.root.size == 24
    assert at(tree, "a").entry is None  # the old one's mode went with it
    assert [change(tree, path) for path in paths(tree)] == [(1, True), (1, True), (1, False), (1, True)]
    assert sorted(tree.removed[1]) == ["a/b/old", "a/old"]


@pytest.mark.parametrize("whiteout_first", [True, False])
def test_an_opaque_directory_hides_what_the_layers_below_have_in_it(whiteout_first: bool) -> None:
    upper = [file("a/.wh..wh..opq"), file("a/new")]
    tree = merged(
        [folder("a", 0o700), file("a/old"), file("a/b/old"), file("c")], upper if whiteout_first else upper[::-1]
    )
    assert paths(tree) == ["a", "a/new", "c"]
    assert at(tree, "a").entry == folder("a", 0o700)
    assert sorted(tree.removed[1]) == ["a/b", "a/old"]


def test_whiteouts_of_what_isn_t_there_and_aufs_s_own_change_nothing() -> None:
    upper = [
        file(".wh.x"),
        file("y/z/.wh.x"),
        file("y/.wh..wh..opq"),
        file(".wh..wh.aufs"),
        file(".wh."),
        file(".wh.."),
    ]
    assert paths(merged([file("a")], upper)) == ["a"]


def test_another_kind_replaces_what_was_there() -> None:
    tree = merged(
        [file("file", 4), file("dir/a", 2), file("dir/b/c", 1), file("link")],
        [file("file/inside", 8), file("dir", 16), symlink("link", "dir")],
    )
    assert paths(tree) == ["dir", "file", "file/inside", "link"]
    assert tree.root.size == 24
    assert [change(tree, path)[1] for path in paths(tree)] == [True, True, False, True]
    assert sorted(tree.removed[1]) == ["dir/a", "dir/b"]


def test_what_is_removed_and_written_again_is_there() -> None:
    tree = merged([file("a/b", 1)], [file(".wh.a")], [file("a/b", 2)])
    assert change(tree, "a/b") == (2, False)
    assert (list(tree.removed[1]), list(tree.removed[2])) == (["a"], [])


def test_a_layer_may_come_in_portions() -> None:
    tree = merged([file("a/old")])
    for entry in (file("a/new"), file("a/.wh..wh..opq"), file("b")):
        tree.add_layer(1, [entry])
    assert paths(tree) == ["a", "a/new", "b"]


def test_entries_behind_a_link_land_where_it_leads() -> None:
    """Images built by other tools than Docker bring `lib/x` though `lib` is a link since Debian merged /usr."""
    tree = merged(
        [folder("usr/lib"), symlink("lib", "/usr/lib"), file("usr/lib/old")], [file("lib/x"), file("lib/.wh.old")]
    )
    assert paths(tree) == ["lib", "usr", "usr/lib", "usr/lib/x"]
    node = at(tree, "usr/lib/x")
    assert node.entry
    assert node.entry.path == "lib/x"
    assert paths(merged([symlink("run", "/var/run")], [file("run/x")])) == ["run", "var", "var/run", "var/run/x"]
    assert paths(merged([symlink("a", "a")], [file("a/x")])) == ["a", "a/x"]


def test_dots_lead_nowhere_outside() -> None:
    assert paths(merged([file("../../etc/x"), file("a/../b")])) == ["b", "etc", "etc/x"]


# Finding a path


def test_links_are_followed_within_the_image() -> None:
    tree = merged(
        [
            file("usr/lib/libc.so.6", 7),
            symlink("usr/lib/libc.so", "libc.so.6"),
            symlink("lib", "usr/lib"),
            symlink("usr/up", "../../../lib"),
            symlink("absolute", "/usr/up/libc.so"),
        ]
    )
    for path in ("/usr/lib/libc.so.6", "lib/libc.so", "usr/up/libc.so", "absolute", "./usr/../lib//libc.so.6"):
        found = tree.find(path)
        assert found
        assert found.path == "usr/lib/libc.so.6"
    assert at(tree, "absolute").path == "absolute"
    assert tree.find("") is tree.root
    assert tree.find("usr/nothing") is None


def test_links_in_a_loop_and_to_nowhere_are_not_found() -> None:
    tree = merged([symlink("a", "b"), symlink("b", "a"), symlink("c", "c/c/c"), symlink("d", "nowhere")])
    assert [tree.find(path) for path in ("a", "b/x", "c", "d")] == [None] * 4


def test_a_hard_link_keeps_the_file_that_its_layer_linked() -> None:
    tree = merged(
        [file("bin/sh", 10), hard_link("bin/dash", "bin/sh"), hard_link("bin/ash", "bin/dash")],
        [file("bin/sh", 20)],
        [file("bin/.wh.sh")],
    )
    for path in ("bin/dash", "bin/ash"):
        assert at(tree, path).path == path
        found = tree.find(path)
        assert found
        assert found.entry == file("bin/sh", 10)
        assert found.layer == 0


def test_a_hard_link_to_nothing_is_listed_and_not_found() -> None:
    tree = merged([hard_link("a", "b"), folder("d"), hard_link("c", "d")])
    assert paths(tree) == ["a", "c", "d"]
    assert (tree.find("a"), tree.find("c")) == (None, None)


def test_a_hard_link_to_a_symbolic_link_leads_where_that_leads() -> None:
    tree = merged([folder("usr"), symlink("a", "usr"), hard_link("b", "a")], [file("b/x", 1)])
    assert paths(tree) == ["a", "b", "usr", "usr/x"]


# Waste


def test_nothing_is_wasted_in_one_layer() -> None:
    tree = merged([file("a", 5), file("a", 7)])
    assert (tree.efficiency(), tree.waste()) == (1.0, [])
    assert MergedTree().efficiency() == 1.0


def test_each_path_needs_the_smallest_of_its_sizes() -> None:
    tree = merged([file("a", 100), file("b", 50), file("c", 10)], [file("a", 30), file("b", 50)], [file("a", 60)])
    assert tree.waste() == [Waste("a", 3, 190, 160), Waste("b", 2, 100, 50)]
    assert tree.efficiency() == (30 + 50 + 10) / (190 + 100 + 10)


@pytest.mark.parametrize("removal", [".wh.a", "a/.wh..wh..opq", "a"])
def test_nothing_is_needed_of_what_is_removed_or_replaced_by_another_kind(removal: str) -> None:
    tree = merged([file("a/b", 100), file("a/c/d", 50), file("e", 50)], [file(removal)])
    assert tree.waste() == [Waste("a/b", 2, 100, 100), Waste("a/c/d", 2, 50, 50)]
    assert tree.efficiency() == 50 / 200


def test_what_comes_back_after_its_removal_was_wasted_before() -> None:
    tree = merged([file("a", 10)], [file(".wh.a")], [file("a", 10)])
    assert tree.waste() == [Waste("a", 3, 20, 20)]
    assert tree.efficiency() == 0.0


@pytest.mark.parametrize("order", [1, -1])
def test_removed_and_written_by_the_same_layer_is_written_over(order: int) -> None:
    tree = merged([file("a", 10)], [file(".wh.a"), file("a", 4)][::order])
    assert tree.waste() == [Waste("a", 2, 14, 10)]


# Hostile images


def test_deep_paths_end_in_one_long_name_also_behind_links() -> None:
    deep = "d/" * 100
    tree = merged([file("d/" * 5000 + "f", 1)])
    for number in range(20):  # each link leads deeper than the one before
        before = f"{number - 1}/{deep}" if number else deep
        tree.add_layer(1, [symlink(f"{number}", before), file(f"{number}/{deep}f", 1)])
    assert max(node.depth for node in tree.root.walk()) < 200
    assert sum(node.size for node in tree.root.walk() if not node.is_directory) == tree.root.size
    tree.add_layer(2, [file(f".wh.{name}") for name in ("d", *range(20))])
    assert paths(tree) == []


def test_a_whiteout_repeated_costs_its_search_once() -> None:
    tree = merged([file(f"d/old{number}") for number in range(20_000)])
    tree.add_layer(1, [file(f"d/new{number}") for number in range(20_000)])
    tree.add_layer(1, [file(".wh.d"), file("d/.wh..wh..opq")] * 20_000)  # hours if each looked through them all
    assert len(paths(tree)) == 20_001


def test_endless_links_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regtui.layers.merged._LINKED", 1000)
    tree = merged([folder("d"), symlink("l", "./" * 100 + "d")])
    with pytest.raises(TooLarge, match="too many symbolic links"):
        tree.add_layer(1, [file(f"{name}/{number}") for number in range(20) for name in ("l", "x")])
    assert tree.find("d/1")


def test_a_link_of_more_characters_than_linux_reads_leads_to_nothing() -> None:
    name = "d" * 250
    there = f"{name}/../"
    tree = merged([file(f"{name}/f"), symlink("short", there * 15 + name), symlink("long", there * 16 + name)])
    assert tree.find("short/f")
    assert tree.find("long/f") is None
