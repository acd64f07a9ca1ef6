"""What is found in a layer, and what the layers above make of it."""

from __future__ import annotations

import random

import pytest

from regtui.layers.findings import Findings
from regtui.layers.merged import MergedTree
from regtui.layers.tar import Entry
from regtui.patterns import PathFilter


def entry(path: str, type: str = "file") -> Entry:
    return Entry(path=path, type=type, size=1, mode=0o644, uid=0, gid=0, mtime=0)


def findings(*paths: str, pattern: str = "") -> Findings:
    """Of a layer with these; a path that ends in `/` is a folder."""
    made = Findings(PathFilter(pattern).keep)
    made.add([entry(path.rstrip("/"), "dir" if path.endswith("/") else "file") for path in paths])
    return made


def test_what_matches_is_found_and_whiteouts_are_no_files() -> None:
    layer = findings("etc/", "etc/passwd", "./etc/passwd-", "a/../etc/passwd+", "etc/.wh.passwd", pattern="passwd*")
    assert list(layer.found) == ["etc/passwd", "etc/passwd-", "etc/passwd+"]


def test_of_two_entries_with_one_path_the_later_counts() -> None:
    layer = Findings(PathFilter("passwd").keep)
    layer.add([entry("etc/passwd"), later := entry("etc/passwd", "symlink")])
    assert layer.found == {"etc/passwd": later}


@pytest.mark.parametrize(
    ("above", "loss"),
    [
        ("etc/ssl/key", "overwritten"),
        ("etc/ssl/key/", "overwritten"),
        ("etc/ssl/.wh.key", "removed"),
        ("etc/.wh.ssl", "removed"),
        (".wh.etc", "removed"),
        ("etc/ssl/.wh..wh..opq", "removed"),
        (".wh..wh..opq", "removed"),
        ("etc", "removed"),  # a file where the folder was
        ("etc/ssl/", None),
        ("etc/ssl/key2", None),
        ("etc/ssl/.wh.key2", None),
        ("etc/ssl/key/.wh..wh..opq", None),
        ("etc/ssl/.wh..wh.plnk", None),
    ],
)
def test_what_a_layer_takes_away_from_one_below(above: str, loss: str | None) -> None:
    below = findings("etc/ssl/key")
    assert findings(above).losses(below).get("etc/ssl/key") == loss


def test_nothing_is_taken_within_a_layer() -> None:
    assert findings("etc/key", "etc/.wh.key", "etc/.wh..wh..opq").found.keys() == {"etc/key"}


@pytest.mark.parametrize("seed", range(200))
def test_what_is_left_is_what_the_tree_of_the_whole_image_has(seed: int) -> None:
    chance = random.Random(seed)
    layers = [_layer(chance) for _ in range(4)]
    tree, found = MergedTree(), []
    for number, entries in enumerate(layers):
        tree.add_layer(number, entries)
        found.append(Findings(PathFilter().keep))
        found[-1].add(entries)
    for number, each in enumerate(found):
        lost = {path for above in found[number + 1 :] for path in above.losses(each)}
        for path, those in each.found.items():
            node = tree.find(path, follow=False)
            assert (path not in lost) == (node is not None and node.entry is those), (path, layers)


def _layer(chance: random.Random) -> list[Entry]:
    """Each path once, and nothing below a file: what such a layer holds would depend on the order."""
    entries = {each.path: each for each in (_anything(chance) for _ in range(chance.randrange(1, 12)))}
    files = [f"{each.path}/" for each in entries.values() if each.type == "file"]
    return [each for each in entries.values() if not each.path.startswith(tuple(files))]


def _anything(chance: random.Random) -> Entry:
    """A file, a folder or a whiteout, in one of few places, so that they meet."""
    path = "/".join(chance.choice("ab") for _ in range(chance.randrange(1, 4)))
    kind = chance.randrange(5)
    if kind == 0:
        folder, _, name = path.rpartition("/")
        return entry(f"{folder}/.wh.{name}" if folder else f".wh.{name}")
    if kind == 1:
        return entry(f"{path}/.wh..wh..opq")
    return entry(path, "dir" if kind == 2 else "file")
