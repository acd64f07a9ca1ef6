"""Which file a node of a tree means, whatever links lead to it, and what is read of it."""

from __future__ import annotations

import gzip
import tarfile
from contextlib import aclosing

import pytest

from regtui.errors import RegtuiError
from regtui.layers.merged import MergedTree
from regtui.layers.tar import Entry
from regtui.layers.tree import FileTree
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations.opening import FileOfImage, Opened, file_of, merged, open_file
from regtui.operations.saving import plan_to_save
from regtui.operations.session import Session
from tests.operations.fake_registry import HOST, LAYER, FakeRegistry
from tests.operations.test_contents import packed
from tests.registry_servers.images import layer_tar

IMAGE = Reference(HOST, "app", "1")
LAYERS = [Descriptor(LAYER, f"sha256:{number:064x}", 100) for number in range(2)]


def entry(path: str, type: str = "file", link: str = "", size: int = 0) -> Entry:
    return Entry(path=path, type=type, size=size, mode=0o644, uid=0, gid=0, mtime=0, link=link)


LOWER = [
    entry("a", size=1),
    entry("b", "hardlink", "c"),  # before what it shares its bytes with
    entry("c", size=3),
    entry("dir", "dir"),
    entry("dir/up", "symlink", "../a"),
    entry("to-dir", "symlink", "dir"),
    entry("null", "char"),
    entry("pipe", "fifo"),
    entry("to-null", "symlink", "/null"),
    entry("gone", "symlink", "nowhere"),
    entry(".wh.old"),
]
UPPER = [entry("a", size=10), entry("only-above", "symlink", "c")]


def in_layer(path: str, entries: list[Entry] = LOWER, number: int = 0) -> FileOfImage:
    tree = FileTree()
    tree.add(entries)
    node = tree.root
    for name in path.split("/"):
        node = (node.children or {})[name]
    return file_of(node, tree, IMAGE, LAYERS, number)


def in_image(path: str) -> FileOfImage:
    tree = MergedTree()
    tree.add_layer(0, LOWER)
    tree.add_layer(1, UPPER)
    node = tree.find(path, follow=False)
    assert node
    return file_of(node, tree, IMAGE, LAYERS, 1)


def test_a_file_of_a_layer_is_that_layer_s() -> None:
    assert in_layer("a") == FileOfImage("a", LAYERS[0], 0, LOWER[0])
    assert in_layer("a", UPPER, 1) == FileOfImage("a", LAYERS[1], 1, UPPER[0])


def test_links_lead_within_the_layer_or_within_the_image() -> None:
    assert in_layer("dir/up") == FileOfImage("a", LAYERS[0], 0, LOWER[0], "dir/up")
    assert in_image("dir/up") == FileOfImage("a", LAYERS[1], 1, UPPER[0], "dir/up")
    assert in_image("only-above") == FileOfImage("c", LAYERS[0], 0, LOWER[2], "only-above")
    assert in_layer("b") == FileOfImage("c", LAYERS[0], 0, LOWER[2], "b")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("null", "null is a device: it has no content to look at"),
        ("pipe", "pipe is a named pipe: it has no content to look at"),
        ("dir", "dir is a folder: it has no content to look at"),
        ("to-dir", "to-dir leads to dir, which is a folder: it has no content to look at"),
        ("to-null", "to-null leads to null, which is a device: it has no content to look at"),
        ("gone", "gone is a link to nowhere, which leads to nothing in layer 0"),
        ("old", "old is removed by layer 0: it has no content"),
    ],
)
def test_what_can_t_be_looked_at_says_why(path: str, why: str) -> None:
    with pytest.raises(RegtuiError) as error:
        in_layer(path)
    assert str(error.value) == why


def test_a_link_that_leads_to_another_layer_leads_to_nothing_in_its_own() -> None:
    with pytest.raises(RegtuiError, match="only-above is a link to c, which leads to nothing in layer 1"):
        in_layer("only-above", UPPER, 1)


def test_one_layer_as_a_tree_of_its_own_has_all_but_what_it_removes() -> None:
    tree = FileTree()
    tree.add(LOWER)
    assert sorted(node.path for node in merged(tree, 0).root.walk()) == sorted(
        each.path for each in LOWER if "wh." not in each.path
    )


def test_what_is_removed_or_a_device_can_t_be_saved() -> None:
    tree = FileTree()
    tree.add(LOWER)
    children = tree.root.children or {}
    for name, why in (("old", "old is removed by layer 0"), ("null", "null is a device"), ("gone", "leads to nothing")):
        with pytest.raises(RegtuiError, match=why):
            plan_to_save(children[name], tree, 0)
    assert plan_to_save(children["dir"], tree, 0).count == 1


async def test_what_was_opened_is_read_once(fake: FakeRegistry, session: Session) -> None:
    blob = fake.blob(gzip.compress(layer_tar({"a": "hällo".encode("utf-16")})), LAYER)
    file = FileOfImage("a", Descriptor(LAYER, blob["digest"], blob["size"]), 0, entry("a", size=12))
    assert (await opened(session, file)).text.decode() == "hällo"
    asked = len(fake.requests)
    assert asked
    assert (await opened(session, file)).text.decode() == "hällo"
    assert len(fake.requests) == asked


async def opened(session: Session, file: FileOfImage) -> Opened:
    async with aclosing(open_file(session, "app", file)) as events:
        async for event in events:
            if isinstance(event, Opened):
                return event
    raise AssertionError("nothing was opened")


async def test_a_file_that_the_layer_doesn_t_hold_says_so(fake: FakeRegistry, session: Session) -> None:
    blob = fake.blob(gzip.compress(packed(("b", tarfile.REGTYPE, b"b"))), LAYER)
    file = FileOfImage("a", Descriptor(LAYER, blob["digest"], blob["size"]), 0, entry("a", size=12))
    with pytest.raises(RegtuiError, match="doesn't hold a"):
        await opened(session, file)


async def test_a_long_text_of_utf_16_is_decoded_step_by_step(fake: FakeRegistry, session: Session) -> None:
    text = "a" + "\N{SMILING FACE WITH SUNGLASSES}" * 200_000  # a step ends in the middle of a character
    data = text.encode("utf-16")
    blob = fake.blob(gzip.compress(layer_tar({"a": data}), 1), LAYER)
    layer = Descriptor(LAYER, blob["digest"], blob["size"])
    assert (await opened(session, FileOfImage("a", layer, 0, entry("a", size=len(data))))).text.decode() == text
