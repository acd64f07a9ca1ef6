"""Two images' files beside each other."""

from __future__ import annotations

import msgspec
import pytest

from regtui.layers.compare import Comparison, compare_trees
from regtui.layers.merged import MergedNode, MergedTree
from regtui.layers.tar import Entry
from tests.layers.test_merged import file, folder, hard_link, merged, symlink

BASE = [folder("etc"), file("etc/passwd", 10), folder("usr"), folder("usr/bin"), file("usr/bin/sh", 100)]


def untold(before: MergedNode, after: MergedNode) -> None:
    """Nothing tells whether two files of one size have the same content."""


def compared(before: MergedTree, after: MergedTree, *, times: bool = False) -> Comparison:
    return compare_trees(before, after, untold, times=times)


def listed(comparison: Comparison) -> list[str]:
    """What differs, as lines."""
    signs = {"added": "+", "removed": "-", "changed": "~"}
    return [" ".join((signs[at.change], at.path, *at.reasons)) for at in comparison.root.walk() if at.change]


# What is a difference


def test_files_come_go_and_change_in_size() -> None:
    after = [folder("etc"), file("etc/passwd", 12), folder("usr"), folder("usr/bin"), file("usr/bin/bash", 7)]
    comparison = compared(merged(BASE), merged(after))
    assert listed(comparison) == ["~ etc/passwd size", "+ usr/bin/bash", "- usr/bin/sh"]
    assert comparison.counts == {"added": 1, "removed": 1, "changed": 1}
    assert (comparison.root.size_before, comparison.root.size_after) == (110, 19)


def test_equal_trees_have_no_difference_however_they_are_cut_into_layers() -> None:
    assert not compared(merged(BASE), merged(BASE[:3], BASE[3:]))


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"mode": 0o755}, ("mode",)),
        ({"uid": 33, "gid": 33}, ("owner",)),
        ({"mode": 0o755, "gid": 1, "size": 11}, ("size", "mode", "owner")),
        ({"mtime": 1_700_000_000}, ()),
    ],
)
def test_a_file_s_mode_and_owner_count_its_time_alone_doesn_t(
    changes: dict[str, int], reasons: tuple[str, ...]
) -> None:
    entry = file("etc/passwd", 10)
    found = compared(merged([entry]), merged([msgspec.structs.replace(entry, **changes)]))
    assert [at.reasons for at in found.root.walk() if at.change] == ([reasons] if reasons else [])


def test_times_count_when_they_are_asked_for() -> None:
    later = msgspec.structs.replace(file("etc/passwd", 10), mtime=1)
    assert listed(compared(merged([file("etc/passwd", 10)]), merged([later]), times=True)) == ["~ etc/passwd time"]


def test_files_of_one_size_differ_when_their_content_is_told_to() -> None:
    before, after = merged(BASE), merged(BASE)
    assert listed(compare_trees(before, after, lambda old, new: old.path != "etc/passwd")) == ["~ etc/passwd content"]


def test_files_that_nothing_tells_of_are_said_to_be_untold_but_not_empty_ones() -> None:
    tree = merged([file("a", 1), file("empty", 0), symlink("c", "a")])
    assert [old.path for old, _ in compared(tree, merged([file("a", 1), file("empty", 0)])).untold] == ["a"]


def test_a_link_differs_by_where_it_leads_and_its_permissions_mean_nothing() -> None:
    other = Entry("sh", "symlink", 0, 0o755, 0, 0, 0, "dash")
    assert not compared(merged([symlink("sh", "dash")]), merged([other]))
    assert listed(compared(merged([symlink("sh", "dash")]), merged([symlink("sh", "bash")]))) == ["~ sh link"]


def test_a_hard_link_is_the_file_whose_bytes_it_shares() -> None:
    """Which of two names an archive has as the file, and which as the link, is chance."""
    before = merged([file("perl", 9), hard_link("perl5", "perl")])
    after = merged([file("perl5", 9), hard_link("perl", "perl5")])
    assert not compared(before, after)
    assert listed(compared(before, merged([file("perl", 8), hard_link("perl5", "perl")]))) == [
        "~ perl size",
        "~ perl5 size",
    ]


def test_another_kind_in_the_same_place_is_a_changed_type() -> None:
    assert listed(compared(merged([file("opt", 1)]), merged([symlink("opt", "/srv")]))) == ["~ opt type"]


def test_a_directory_in_place_of_a_file_brings_what_is_in_it_and_takes_it_along_again() -> None:
    before, after = merged([file("opt", 5)]), merged([folder("opt"), file("opt/a", 3)])
    assert listed(compared(before, after)) == ["~ opt type", "+ opt/a"]
    assert listed(compared(after, before)) == ["~ opt type", "- opt/a"]
    root = compared(before, after).root
    assert (root.count, root.size_before, root.size_after) == (2, 5, 3)


def test_a_directory_that_no_layer_lists_equals_the_one_that_is_listed() -> None:
    assert not compared(merged([file("srv/a")]), merged([folder("srv"), file("srv/a")]))
    assert listed(compared(merged([folder("srv")]), merged([folder("srv", 0o700)]))) == ["~ srv mode"]


def test_what_a_layer_removes_is_gone_and_what_it_writes_anew_is_compared() -> None:
    upper = [file("etc/.wh.passwd"), file("usr/bin/sh", 100)]
    assert listed(compared(merged(BASE), merged(BASE, upper))) == ["- etc/passwd"]


# Folding


def rows(comparison: Comparison, most: int = 0) -> list[str]:
    return [f"{at.path}{'/' * at.is_directory} {at.count}" for at in comparison.folded(most)]


def test_a_new_directory_is_one_line_with_all_that_is_in_it() -> None:
    new = [folder("usr/share"), folder("usr/share/doc"), file("usr/share/doc/a", 4), file("usr/share/doc/b", 5)]
    comparison = compared(merged(BASE), merged([*BASE, *new]))
    assert rows(comparison) == ["usr/share/ 4"]
    assert comparison.folded()[0].size_after == 9


def test_directories_that_only_hold_differences_have_no_line_those_that_differ_do() -> None:
    after = [folder("etc", 0o700), file("etc/passwd", 11), *BASE[2:4]]
    assert rows(compared(merged(BASE), merged(after))) == ["etc/ 2", "etc/passwd 1", "usr/bin/sh 1"]


def test_more_rows_than_wanted_fold_into_their_directories() -> None:
    many = [*BASE, *(file(f"usr/bin/{name}", 1) for name in "abcdefgh"), file("etc/hosts", 1), file("etc/motd", 1)]
    comparison = compared(merged(BASE), merged(many))
    assert rows(comparison, 4) == ["etc/hosts 1", "etc/motd 1", "usr/bin/ 8"]
    assert rows(comparison, 1) == ["etc/ 2", "usr/ 8"]
    assert len(rows(comparison, 10)) == 10
