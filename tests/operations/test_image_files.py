"""The files of a whole image, beside what an unpacking to disk makes of the same layers."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from collections.abc import AsyncIterator
from contextlib import aclosing
from io import BytesIO
from pathlib import Path

import pytest

from regtui.config import Settings
from regtui.errors import ContentError, RegtuiError, TooLarge
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.merged import MergedNode, MergedTree
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import parse_reference
from regtui.operations.image_files import LayersProgress, find_layers, image_files
from regtui.operations.session import Session, open_session
from tests.layers.archives import archive, member
from tests.operations.fake_registry import LAYER, FakeRegistry
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Files, HardLink, Layout, Symlink, layer_tar

BASE: Files = {
    "etc/": b"",
    "etc/passwd": b"root",
    "etc/motd": b"hello",
    "etc/conf.d/": b"",
    "etc/conf.d/a": b"a",
    "etc/conf.d/deep/": b"",
    "etc/conf.d/deep/b": b"b",
    "usr/": b"",
    "usr/lib/": b"",
    "usr/lib/libc.so": b"libc" * 100,
    "lib": Symlink("usr/lib"),
    "bin/": b"",
    "bin/sh": b"shell",
    "bin/dash": HardLink("bin/sh"),
    "var/": b"",
    "var/cache/": b"",
    "var/cache/apt": b"c" * 3000,
    "opt": b"a file",
    "srv/": b"",
    "srv/data": b"data",
    "link": Symlink("opt"),
    "kept/": b"",
    "kept/all": b"all",
}
MIDDLE: Files = {
    "etc/": b"",
    "etc/.wh.motd": b"",
    "etc/conf.d/": b"",
    "etc/conf.d/c": b"c",
    "etc/conf.d/.wh..wh..opq": b"",  # after what it must spare
    "opt/": b"",
    "opt/run": b"a file became a directory",
    "srv": b"a directory became a file",
    "link/": b"",
    "link/x": b"a link became a directory",
    "lib/ld.so": b"through a link",
    "bin/sh": b"another shell",
    "var/.wh.cache": b"",
    "gone/": b"",
    "gone/soon": b"",
    "usr/bin/": b"",
    "usr/bin/y": b"why",
    "usr/bin/x": HardLink("usr/bin/y"),
}
TOP: Files = {
    "etc/motd": b"hello again",
    ".wh.gone": b"",
    "var/cache/": b"",
    "var/cache/new": b"new",
    "bin/.wh.sh": b"",
    "usr/bin/y": Symlink("x"),
    "kept/new/": b"",
    "kept/.wh.all": b"",
    "lib/.wh.libc.so": b"",
}
LAYERS = (BASE, MIDDLE, TOP)


@pytest.fixture
async def real(registry: DockerRegistry, layout: Layout, tmp_path: Path) -> AsyncIterator[Session]:
    """app:3, of three layers that write over each other."""
    layout.push(layout.image(*LAYERS), registry, "app:3")
    session = await open_session(
        registry.host, Settings(tmp_path / "config.toml", tmp_path / "cache", tmp_path / "state", timeout=5)
    )
    yield session
    await session.aclose()


def unpack(folder: Path, *layers: Files) -> dict[str, tuple[str, int, int, str]]:
    """Unpacks layers as a container runtime does: a layer's whiteouts first, then its files. What lies there then."""
    folder.mkdir()
    for files in layers:
        with tarfile.open(fileobj=BytesIO(layer_tar(files))) as tar:
            for name in tar.getnames():
                directory, _, last = name.rpartition("/")
                if last == ".wh..wh..opq":
                    for child in (folder / directory).iterdir():
                        remove(child)
                elif last.startswith(".wh."):
                    remove(folder / directory / last.removeprefix(".wh."))
            for info in tar:
                if "/.wh." in f"/{info.name}":
                    continue
                target = folder / info.name
                if not (info.isdir() and target.is_dir() and not target.is_symlink()):
                    remove(target)
                tar.extract(info, folder)
    found = (Path(parent) / name for parent, names, files in os.walk(folder) for name in (*names, *files))
    return {str(path.relative_to(folder)): on_disk(path) for path in found}


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def on_disk(path: Path) -> tuple[str, int, int, str]:
    info = path.lstat()
    if stat.S_ISLNK(info.st_mode):
        return "symlink", 0o644, 0, str(path.readlink())
    is_dir = stat.S_ISDIR(info.st_mode)
    return "dir" if is_dir else "file", stat.S_IMODE(info.st_mode), 0 if is_dir else info.st_size, ""


def in_tree(node: MergedNode) -> tuple[str, int, int, str]:
    """As `on_disk`, where a hard link is a file as any other."""
    node = node.target or node
    assert node.entry
    return node.entry.type, node.entry.mode, node.entry.size, node.entry.link


async def read(session: Session, layers: list[Descriptor], limits: Limits = LIMITS) -> MergedTree:
    tree = MergedTree()
    async with aclosing(image_files(session, "app", layers, tree, limits)) as events:
        async for _ in events:
            pass
    return tree


async def test_the_tree_of_an_image_is_what_an_unpacking_leaves_on_disk(
    real: Session, registry: DockerRegistry, tmp_path: Path
) -> None:
    _, layers = await find_layers(real, parse_reference(f"{registry.host}/app:3"))
    for count in (1, 2, 3):  # up to each layer
        tree = await read(real, layers[:count])
        found = {node.path: in_tree(node) for node in tree.root.walk()}
        assert found == unpack(tmp_path / f"unpacked-{count}", *LAYERS[:count])
    assert "bin/sh" not in found
    assert found["bin/dash"] == ("file", 0o644, len("shell"), "")
    assert sorted(tree.removed[2]) == ["bin/sh", "gone", "kept/all", "usr/lib/libc.so"]


async def test_progress_is_that_of_all_layers(real: Session, registry: DockerRegistry) -> None:
    _, layers = await find_layers(real, parse_reference(f"{registry.host}/app:3"))
    async with aclosing(image_files(real, "app", layers, MergedTree())) as events:
        steps = [event async for event in events]
    size = sum(layer.size for layer in layers)
    assert steps[-1] == LayersProgress(size, size, sum(map(len, LAYERS)), layer=2, layers=3)
    assert [step.bytes_read for step in steps] == sorted(step.bytes_read for step in steps)


async def test_of_an_index_it_is_the_platform_named_the_only_one_or_this_machine_s(
    fake: FakeRegistry, session: Session
) -> None:
    arm, amd = fake.image(platform="linux/arm64", layers=[1]), fake.image(platform="linux/amd64", layers=[1, 2])
    fake.index(arm, amd, fake.attestation(amd), tags=["two"])
    fake.index(arm, fake.attestation(arm), tags=["one"])
    fake.image("image", platform="linux/s390x", layers=[1, 2, 3])
    for tag, platform, count in (("two", "", 2), ("two", "arm64", 1), ("one", "", 1), ("image", "", 3)):
        found, layers = await find_layers(session, parse_reference(f"fake.example/app:{tag}"), platform)
        assert len(layers) == count
        assert found.config
    with pytest.raises(RegtuiError, match="no image for linux/386"):
        await find_layers(session, parse_reference("fake.example/app:two"), "linux/386")


def packed(fake: FakeRegistry, *paths: str) -> Descriptor:
    data = archive([member(path) for path in paths])
    return Descriptor(LAYER, fake.blob(data, LAYER)["digest"], len(data))


async def test_an_error_names_the_layer_and_what_was_read_stays(fake: FakeRegistry, session: Session) -> None:
    bad = Descriptor(LAYER, fake.blob(b"{}" * 1000, LAYER)["digest"], 2000)
    tree = MergedTree()
    with pytest.raises(ContentError, match="Layer 1: The layer is no tar archive"):
        async for _ in image_files(session, "app", [packed(fake, "a"), bad, packed(fake, "b")], tree):
            pass
    assert [node.path for node in tree.root.walk()] == ["a"]


async def test_the_limits_hold_for_all_layers_together(fake: FakeRegistry, session: Session) -> None:
    layers = [packed(fake, "a", "b"), packed(fake, "c", "d")]
    for limits in (Limits(entries=3), Limits(names=3), Limits(unpacked=len(archive([])) + 1024)):
        with pytest.raises(TooLarge, match="Layer 1: The image has more than"):
            await read(session, layers, limits)
