"""The files of a layer as a tree."""

from __future__ import annotations

import tarfile

from regtui.layers.tar import Entry
from regtui.layers.tree import FileTree, Node
from tests.layers.archives import archive, member, walk


def tree(*members: tarfile.TarInfo) -> FileTree:
    result = FileTree()
    result.add(walk(archive(members)))
    return result


def node(files: FileTree, path: str) -> Node:
    found = files.root
    for name in path.split("/"):
        assert found.children is not None
        found = found.children[name]
    return found


def test_a_directory_has_the_size_of_all_below_it() -> None:
    files = tree(member("usr/lib/a", 10), member("usr/lib/b", 20), member("usr/bin/c", 5), member("d", 1))
    assert (files.size, node(files, "usr").size, node(files, "usr/lib").size) == (36, 35, 30)


def test_names_are_listed_in_order() -> None:
    files = tree(member("b"), member("a/z"), member("a/y"), member("C"))
    assert [child.name for child in files.root.listing()] == ["C", "a", "b"]
    assert [child.path for child in node(files, "a").listing()] == ["a/y", "a/z"]


def test_a_directory_may_come_after_its_files_or_never() -> None:
    files = tree(member("a/f", 3), member("a/", type=tarfile.DIRTYPE), member("b/f", 4))
    found = node(files, "a")
    assert found.entry is not None
    assert (found.entry.type, found.size, found.is_directory) == ("dir", 3, True)
    assert node(files, "b").entry is None
    assert node(files, "b").is_directory


def test_the_root_keeps_its_own_entry() -> None:
    files = tree(member("./", type=tarfile.DIRTYPE), member("./a", 1))
    assert files.root.entry is not None
    assert [child.name for child in files.root.listing()] == ["a"]


def test_the_later_of_two_entries_counts() -> None:
    files = tree(member("a", 10), member("a", 3))
    assert files.size == 3
    files = tree(member("a/b/c", 10), member("a/b", 3), member("a/b/d", 5))
    assert (files.size, [child.name for child in node(files, "a/b").listing()]) == (5, ["d"])


def test_a_whiteout_marks_the_name_it_removes() -> None:
    files = tree(member("etc/.wh.motd"), member("etc/hosts", 2))
    removed = node(files, "etc/motd")
    assert removed.whiteout
    assert removed.entry is None
    assert not node(files, "etc/hosts").whiteout


def test_a_whiteout_and_a_new_file_of_that_name_are_one_node() -> None:
    for order in ((0, 1), (1, 0)):
        both = (member(".wh.app"), member("app", 7))
        files = tree(*(both[index] for index in order))
        assert node(files, "app").whiteout
        assert node(files, "app").size == 7


def test_an_opaque_directory_is_marked_and_what_aufs_leaves_is_not_shown() -> None:
    files = tree(member("var/.wh..wh..opq"), member("var/x"), member("var/.wh..wh.aufs"))
    assert node(files, "var").opaque
    assert [child.name for child in node(files, "var").listing()] == ["x"]


def test_dots_and_empty_parts_are_no_names() -> None:
    files = tree(member("a//b/./c", 1), member("x/../y", 1))
    assert node(files, "a/b/c").size == 1
    assert node(files, "x/../y").size == 1


def test_a_path_of_many_directories_ends_in_one_long_name() -> None:
    files = FileTree()
    files.add([Entry("d/" * 5000 + "f", "file", 1, 0o644, 0, 0, 0)])
    depth, found = 0, files.root
    while found.children:
        depth, found = depth + 1, found.listing()[0]
    assert depth < 200
    assert found.size == 1
