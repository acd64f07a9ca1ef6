"""What is installed in an image, read from its layers."""

from __future__ import annotations

import gzip
from contextlib import aclosing

import pytest

from regtui.errors import DigestMismatch
from regtui.layers.merged import MergedTree
from regtui.layers.packages import databases
from regtui.oci.manifest import Descriptor
from regtui.operations import packages as packages_module
from regtui.operations.image_files import image_files
from regtui.operations.packages import Done, Package, Release, packages_of
from regtui.operations.session import Session
from tests.operations.fake_registry import LAYER, FakeRegistry
from tests.registry_servers.images import Files, layer_tar

STATUS = b"Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\nArchitecture: amd64\nSource: glibc\n"
BASE: Files = {
    "etc/os-release": b"ID=debian\nVERSION_ID=12\n",
    "var/lib/dpkg/status": STATUS,
    "opt/old/node_modules/gone/package.json": b'{"name": "gone", "version": "1"}',
}
TOP: Files = {
    "var/lib/dpkg/status": STATUS + b"\nPackage: curl\nVersion: 7.88\n\nPackage: broken\n",
    "app/site-packages/a-1.dist-info/METADATA": b"Name: a\nVersion: 1\n\n",
    "app/node_modules/b/package.json": b'{"name": "b", "version": "2"}',
    "opt/old/.wh.node_modules": b"",
}


class Image:
    """Layers at a registry, and what is installed by them."""

    def __init__(self, fake: FakeRegistry, session: Session, *layers: Files) -> None:
        blobs = [fake.blob(gzip.compress(layer_tar(files), 1), LAYER) for files in layers]
        self.layers = [Descriptor(LAYER, blob["digest"], blob["size"]) for blob in blobs]
        self.session = session

    async def tree(self) -> MergedTree:
        tree = MergedTree()
        async with aclosing(image_files(self.session, "app", self.layers, tree)) as events:
            async for _ in events:
                pass
        return tree

    async def packages(self) -> tuple[list[Package], Done]:
        found: list[Package] = []
        async for event in packages_of(self.session, "app", self.layers, await self.tree()):
            if isinstance(event, list):
                found += event
            elif isinstance(event, Done):
                return found, event
        raise AssertionError("it never ended")


async def test_the_databases_of_the_whole_image_are_read(fake: FakeRegistry, session: Session) -> None:
    found, done = await Image(fake, session, BASE, TOP).packages()
    assert {(package.kind, package.name, package.version, package.layer) for package in found} == {
        ("deb", "libc6", "2.36-9", 1),
        ("deb", "curl", "7.88", 1),
        ("python", "a", "1", 1),
        ("npm", "b", "2", 1),
    }
    assert done.release == Release("debian", "12")
    assert done.notes == ("1 record can't be read and is left out, in var/lib/dpkg/status",)


async def test_an_image_without_databases_has_no_packages(fake: FakeRegistry, session: Session) -> None:
    assert await Image(fake, session, {"app": b"x"}).packages() == ([], Done(Release(), ()))


async def test_what_is_not_read_is_said(fake: FakeRegistry, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "SMALL", 40)
    rpm: Files = {
        "var/lib/rpm/rpmdb.sqlite": b"SQLite format 3",
        "node_modules/a/package.json": b'{"name": "a", "version": "1"}' + b" " * 20,
        "node_modules/b/package.json": b'{"name": "b", "version": "1"}',
        "node_modules/c/package.json": b"{}",
        "node_modules/d/package.json": b"{}",
    }
    found, done = await Image(fake, session, rpm).packages()
    assert [package.name for package in found] == ["b"]
    assert done.notes == (
        "The image has an rpm database, which regtui doesn't read: var/lib/rpm/rpmdb.sqlite",
        "node_modules/a/package.json has 49 B; regtui reads 40 B at most",
        "2 records can't be read and are left out, in node_modules/c/package.json and 1 more",
    )


async def test_no_more_files_are_read_than_the_bound_allows(
    fake: FakeRegistry, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "FILES", 2)
    many: Files = {
        f"node_modules/{name}/package.json": f'{{"name": "{name}", "version": "1"}}'.encode() for name in "abc"
    }
    found, done = await Image(fake, session, many).packages()
    assert [package.name for package in found] == ["a", "b"]
    assert done.notes == ("Too many files tell of packages: regtui reads 50,000 of 134.2 MB together at most",)


async def test_no_more_packages_are_held_than_the_bound_allows(
    fake: FakeRegistry, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages_module, "_MOST", 2)
    found, done = await Image(fake, session, BASE, TOP).packages()
    assert len(found) <= 2
    assert done.notes[0] == "The image has more than 2 packages; regtui reads no further"


async def test_a_layer_that_changed_meanwhile_is_an_error(fake: FakeRegistry, session: Session) -> None:
    image = Image(fake, session, BASE)
    tree = await image.tree()
    digest = image.layers[0].digest
    fake.blobs[digest] = gzip.compress(layer_tar({**BASE, "var/lib/dpkg/status": STATUS.replace(b"2", b"3")}), 1)
    with pytest.raises(DigestMismatch):
        async for _ in packages_of(session, "app", image.layers, tree):
            pass
