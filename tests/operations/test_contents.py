"""Files of an image: read, and written to a folder, whatever the image's names and links say."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import tarfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from regtui.config import Settings
from regtui.errors import ContentError, DigestMismatch, RegtuiError
from regtui.layers.merged import MergedNode, MergedTree
from regtui.oci.digest import digest_of
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations.contents import copy_file, find_file
from regtui.operations.extracting import Extracted, LeftOut, extract, write
from regtui.operations.extraction_plan import plan_of_node
from regtui.operations.image_files import image_files
from regtui.operations.session import Session, open_session
from tests.layers.archives import member
from tests.layers.toc_layers import Annotated, estargz_layer, zstd_chunked_layer
from tests.operations.fake_registry import HOST, LAYER, FakeRegistry
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Files, HardLink, Symlink, layer_tar

IMAGE = Reference(HOST, "app", "1")
BASE: Files = {
    "etc/": b"",
    "etc/passwd": b"root:x:0:0",
    "etc/old": b"old",
    "usr/bin/sh": b"\x7fELF" + bytes(100_000),
    "usr/bin/dash": HardLink("usr/bin/sh"),
    "bin": Symlink("usr/bin"),
}
TOP: Files = {"etc/passwd": b"root:x:0:0\nme:x:1:1", "etc/.wh.old": b"", "etc/name": Symlink("/etc/passwd")}


class Image:
    """An image of these layers, and the tree of its files."""

    def __init__(self, session: Session, layers: Sequence[Descriptor]) -> None:
        self.session, self.layers, self.tree = session, layers, MergedTree()

    async def content(self, path: str) -> bytes:
        file = io.BytesIO()
        async with aclosing(copy_file(self.session, IMAGE, self.layers, self.find(path), file)) as events:
            async for _ in events:
                pass
        return file.getvalue()

    def find(self, path: str) -> MergedNode:
        return find_file(self.tree, IMAGE, path)

    def find_any(self, path: str) -> MergedNode:
        node = self.tree.find(path)
        assert node
        return node

    async def extract(self, target: Path, *paths: str, force: bool = False) -> dict[str, str]:
        """What was left out, and why; the target has the rest."""
        left_out, done = {}, None
        async with aclosing(extract(self.session, IMAGE, self.layers, self.tree, paths, target, force=force)) as events:
            async for event in events:
                if isinstance(event, LeftOut):
                    left_out[event.path] = event.why
                elif isinstance(event, Extracted):
                    done = event
        assert done or left_out
        return left_out


async def image_of(fake: FakeRegistry, session: Session, *tars: bytes) -> Image:
    described = [fake.blob(gzip.compress(tar, 1), LAYER) for tar in tars]
    return await listed(session, *(Descriptor(LAYER, each["digest"], each["size"]) for each in described))


async def listed(session: Session, *layers: Descriptor) -> Image:
    image = Image(session, layers)
    async with aclosing(image_files(session, "app", image.layers, image.tree)) as events:
        async for _ in events:
            pass
    return image


def packed(*members: tuple[str, bytes, bytes | str]) -> bytes:
    """A tar of (path, type, content or link), for what no decent writer would write. All modes are 0o6755."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path, type, content in members:
            info = tarfile.TarInfo(path)
            info.type, info.mode = type, 0o6755
            if isinstance(content, str):
                info.linkname = content
            else:
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return buffer.getvalue()


def found_in(target: Path) -> dict[str, bytes | str]:
    """Path → content or link, of all that isn't a folder."""
    return {
        str(path.relative_to(target)): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in target.rglob("*")
        if path.is_symlink() or path.is_file()
    }


async def test_a_file_is_the_one_of_the_topmost_layer_that_has_it(fake: FakeRegistry, session: Session) -> None:
    image = await image_of(fake, session, layer_tar(BASE), layer_tar(TOP))
    assert await image.content("etc/passwd") == TOP["etc/passwd"]
    assert await image.content("/usr/bin/sh") == BASE["usr/bin/sh"]


async def test_links_are_followed_within_the_image(fake: FakeRegistry, session: Session) -> None:
    image = await image_of(fake, session, layer_tar(BASE), layer_tar(TOP))
    assert await image.content("/etc/name") == TOP["etc/passwd"]
    assert await image.content("/bin/../bin/dash") == BASE["usr/bin/sh"]
    assert await image.content("../../../etc/passwd") == TOP["etc/passwd"]


async def test_a_hard_link_keeps_what_it_shared_when_a_later_layer_replaced_that(
    fake: FakeRegistry, session: Session, tmp_path: Path
) -> None:
    image = await image_of(fake, session, layer_tar(BASE), layer_tar({"usr/bin/sh": b"new"}))
    assert await image.content("usr/bin/dash") == BASE["usr/bin/sh"]
    assert await image.extract(tmp_path / "out", "usr") == {}
    assert found_in(tmp_path / "out") == {"usr/bin/sh": b"new", "usr/bin/dash": BASE["usr/bin/sh"]}


async def test_of_a_path_that_an_archive_holds_twice_the_last_counts(
    fake: FakeRegistry, session: Session, tmp_path: Path
) -> None:
    image = await image_of(
        fake,
        session,
        packed(("a", tarfile.REGTYPE, b"first"), ("b", tarfile.REGTYPE, b"b"), ("a", tarfile.REGTYPE, b"later")),
    )
    assert await image.content("a") == b"later"
    await image.extract(tmp_path / "out", "/")
    assert found_in(tmp_path / "out") == {"a": b"later", "b": b"b"}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("etc", "etc is a folder, which has no content to read. All in it: regtui extract"),
        ("/", "/ is a folder"),
        ("etc/old", "has no etc/old. What it has: regtui files fake.example/app:1"),
        ("nowhere/\x1b", r"has no nowhere/\x1b"),
        ("null", "null is a device, which has no content to read"),
        ("loop", "loop is a link to loop, which leads to nothing"),
    ],
)
async def test_what_has_no_content_says_why(fake: FakeRegistry, session: Session, path: str, message: str) -> None:
    odd = packed(("null", tarfile.CHRTYPE, ""), ("loop", tarfile.SYMTYPE, "loop"))
    image = await image_of(fake, session, layer_tar(BASE), layer_tar(TOP), odd)
    with pytest.raises(RegtuiError) as error:
        image.find(path)
    assert message in str(error.value)


async def test_files_and_folders_are_written_under_their_paths(
    fake: FakeRegistry, session: Session, tmp_path: Path
) -> None:
    image = await image_of(fake, session, layer_tar(BASE), layer_tar(TOP))
    left_out = await image.extract(tmp_path / "out", "/etc", "bin/sh")
    assert left_out == {}
    assert found_in(tmp_path / "out") == {
        "etc/passwd": TOP["etc/passwd"],
        "etc/name": "../etc/passwd",
        "usr/bin/sh": BASE["usr/bin/sh"],
    }


async def test_a_link_that_is_named_comes_with_what_it_leads_to(
    fake: FakeRegistry, session: Session, tmp_path: Path
) -> None:
    links: Files = {"a": Symlink("d/b"), "d/b": Symlink("../c"), "c": b"content", "unasked": b""}
    image = await image_of(fake, session, layer_tar(links))
    await image.extract(tmp_path / "out", "a")
    assert found_in(tmp_path / "out") == {"a": "d/b", "d/b": "../c", "c": b"content"}
    assert (tmp_path / "out/a").read_bytes() == b"content"


async def test_hard_links_stay_hard_links(fake: FakeRegistry, session: Session, tmp_path: Path) -> None:
    image = await image_of(fake, session, layer_tar(BASE))
    await image.extract(tmp_path / "out", "usr")
    assert (tmp_path / "out/usr/bin/sh").samefile(tmp_path / "out/usr/bin/dash")


HOSTILE = {
    "a way up": packed(("../up", tarfile.REGTYPE, b"x"), ("a/../../../up", tarfile.REGTYPE, b"x")),
    "an absolute path": packed(("/up", tarfile.REGTYPE, b"x"), ("//up2", tarfile.REGTYPE, b"x")),
    "a link to outside, and a file behind it": packed(
        ("d", tarfile.SYMTYPE, "../outside"), ("d/up", tarfile.REGTYPE, b"x"), ("d/secret", tarfile.REGTYPE, b"x")
    ),
    "an absolute link": packed(("l", tarfile.SYMTYPE, "/etc"), ("l/up", tarfile.REGTYPE, b"x")),
    "a link, replaced by a folder": packed(
        ("d", tarfile.SYMTYPE, "../outside"), ("d", tarfile.DIRTYPE, b""), ("d/up", tarfile.REGTYPE, b"x")
    ),
    "links that climb over each other": packed(
        ("s", tarfile.SYMTYPE, "."), ("t", tarfile.SYMTYPE, "s/s/../../outside"), ("t/up", tarfile.REGTYPE, b"x")
    ),
    "a hard link to outside": packed(
        ("h", tarfile.LNKTYPE, "../outside/secret"), ("i", tarfile.LNKTYPE, "/etc/passwd"), ("h", tarfile.REGTYPE, b"x")
    ),
    "a hard link to a link to outside": packed(
        ("l", tarfile.SYMTYPE, "../outside/secret"), ("h", tarfile.LNKTYPE, "l"), ("h", tarfile.REGTYPE, b"x")
    ),
    "devices": packed(
        ("dev/sda", tarfile.BLKTYPE, ""), ("dev/pipe", tarfile.FIFOTYPE, ""), ("f", tarfile.REGTYPE, b"")
    ),
    "odd names": packed(("two\nlines", tarfile.REGTYPE, b"x"), ("\x1b[31m", tarfile.REGTYPE, b"x")),
    "setuid": packed(("su", tarfile.REGTYPE, b"x"), ("d", tarfile.DIRTYPE, b"")),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_nothing_is_written_outside_and_nothing_runs_as_somebody_else(
    fake: FakeRegistry, session: Session, tmp_path: Path, name: str
) -> None:
    outside, target = tmp_path / "outside", tmp_path / "target"
    outside.mkdir()
    (outside / "secret").write_text("mine")
    image = await image_of(fake, session, HOSTILE[name], layer_tar({"fine": b"fine"}))
    known = {*os.listdir(tmp_path), "target"}
    for force in (False, True):
        await image.extract(target, "/", force=force)
        check_tame(target)
        assert {*os.listdir(tmp_path)} == known
        assert found_in(outside) == {"secret": b"mine"}
        assert (outside / "secret").stat().st_nlink == 1


def check_tame(target: Path) -> None:
    """Only files, folders and links that stay inside, without special bits."""
    assert (target / "fine").read_bytes() == b"fine"
    for path in target.rglob("*"):
        assert path.resolve().is_relative_to(target)
        assert path.is_symlink() or path.is_dir() or path.is_file()
        assert not path.lstat().st_mode & 0o7000


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("../c", True),
        ("b", True),
        ("./b/c", True),
        ("../../c", False),
        ("/c", True),
        ("//a/./c", True),
        ("/", True),
        ("/../c", False),
        ("/a/../c", False),
        ("b/../c", False),
        ("../a/../../c", False),
    ],
)
async def test_a_link_is_written_when_it_can_t_lead_outside(
    fake: FakeRegistry, session: Session, tmp_path: Path, text: str, stays: bool
) -> None:
    image = await image_of(fake, session, layer_tar({"a/link": Symlink(text), "c": b""}))
    left_out = await image.extract(tmp_path / "out", "/")
    assert ("a/link" in found_in(tmp_path / "out")) is stays
    assert ("a/link" in left_out) is not stays


async def test_an_absolute_link_leads_to_the_same_within_the_folder(
    fake: FakeRegistry, session: Session, tmp_path: Path
) -> None:
    links: Files = {"c": b"content", "top": Symlink("/c"), "a/b/deep": Symlink("/c"), "a/root": Symlink("/")}
    image = await image_of(fake, session, layer_tar(links))
    assert await image.extract(tmp_path / "out", "/") == {}
    assert found_in(tmp_path / "out") == {"c": b"content", "top": "c", "a/b/deep": "../../c", "a/root": ".."}
    assert (tmp_path / "out/a/b/deep").read_bytes() == b"content"


async def test_a_folder_alone_is_written_under_its_name_and_its_links_stay_in_it(
    fake: FakeRegistry, session: Session, tmp_path: Path
) -> None:
    files: Files = {
        "usr/share/app/data": b"data",
        "usr/share/app/in": Symlink("/usr/share/app/data"),
        "usr/share/app/beside": Symlink("../other"),
        "usr/share/app/far": Symlink("../../lib"),
        "usr/share/app/out": Symlink("/etc/passwd"),
    }
    image = await image_of(fake, session, layer_tar(files))
    plan = plan_of_node(image.find_any("usr/share/app"))
    assert (plan.count, plan.size, plan.turned) == (3, 4, 1)
    assert [left.path for left in plan.left_out] == ["usr/share/app/far", "usr/share/app/out"]
    async for _ in write(session, "app", image.layers, plan, tmp_path):
        pass
    assert found_in(tmp_path / "app") == {"data": b"data", "in": "../app/data", "beside": "../other"}
    assert plan.in_the_way(tmp_path) == 3


async def test_when_all_is_left_out_nothing_is_written(fake: FakeRegistry, session: Session, tmp_path: Path) -> None:
    image = await image_of(fake, session, packed(("dev/null", tarfile.CHRTYPE, "")))
    assert await image.extract(tmp_path / "out", "dev/null") == {"dev/null": "is a device"}
    assert not (tmp_path / "out").exists()


async def test_nothing_is_written_when_something_is_in_the_way(
    fake: FakeRegistry, session: Session, tmp_path: Path
) -> None:
    image = await image_of(fake, session, layer_tar(BASE), layer_tar(TOP))
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("mine")
    fake.requests.clear()
    with pytest.raises(RegtuiError, match=r"etc/passwd is there already\. Add --force"):
        await image.extract(tmp_path, "/")
    assert not (tmp_path / "usr").exists()
    assert fake.requests == []
    await image.extract(tmp_path, "/", force=True)
    assert (tmp_path / "etc/passwd").read_bytes() == TOP["etc/passwd"]


async def test_nothing_stays_of_a_layer_that_isn_t_what_its_digest_says(
    fake: FakeRegistry, session: Session, tmp_path: Path
) -> None:
    image = await image_of(fake, session, layer_tar(BASE), layer_tar(TOP))
    digest = image.layers[1].digest
    fake.blobs[digest] = gzip.compress(gzip.decompress(fake.blobs[digest]).replace(b"me:x", b"me:y"), 1)
    with pytest.raises((DigestMismatch, ContentError)):
        await image.extract(tmp_path / "out", "/")
    assert not (tmp_path / "out").exists()
    with pytest.raises((DigestMismatch, ContentError)):
        await image.content("etc/passwd")


async def test_nothing_stays_when_it_is_stopped(fake: FakeRegistry, session: Session, tmp_path: Path) -> None:
    image = await image_of(fake, session, layer_tar(BASE), layer_tar(TOP))
    events = extract(session, IMAGE, image.layers, image.tree, ["/"], tmp_path / "out")
    async for event in events:
        if not isinstance(event, LeftOut):
            break
    assert found_in(tmp_path / "out")
    await events.aclose()
    assert not (tmp_path / "out").exists()


async def test_nothing_stays_when_its_task_is_cancelled_while_it_writes(
    fake: FakeRegistry, session: Session, tmp_path: Path
) -> None:
    image = await image_of(fake, session, layer_tar({f"d{n}/f{n}": bytes(1000) for n in range(500)}))
    for rounds in range(0, 60, 7):
        task = asyncio.create_task(image.extract(tmp_path / "out", "/"))
        for _ in range(rounds):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not (tmp_path / "out").exists()


async def test_a_layer_that_holds_less_than_it_lists(fake: FakeRegistry, session: Session, tmp_path: Path) -> None:
    image = await image_of(fake, session, layer_tar({"a": b"a", "b": b"b"}))
    less = fake.blob(layer_tar({"b": b"b"}), LAYER)
    image.layers = [Descriptor(LAYER, less["digest"], less["size"])]
    assert await image.extract(tmp_path / "out", "/") == {"a": "is listed in layer 0, which doesn't hold it"}
    assert found_in(tmp_path / "out") == {"b": b"b"}
    with pytest.raises(ContentError, match="The layer doesn't hold a, though it lists it"):
        await image.content("a")


@pytest.mark.parametrize("write", [estargz_layer, zstd_chunked_layer])
async def test_what_a_table_of_contents_lists_is_found_in_the_layer(
    registry: DockerRegistry, tmp_path: Path, write: Callable[[list[tarfile.TarInfo]], Annotated]
) -> None:
    members = [member("etc/passwd", 1200), member("again", type=tarfile.LNKTYPE, link="etc/passwd")]
    layer, annotations = write(members)

    async def chunks() -> AsyncIterator[bytes]:
        yield layer

    session = await open_session(registry.host, Settings(tmp_path / "c", tmp_path / "cache", tmp_path / "state"))
    try:
        await session.client.upload_blob("app", digest_of(layer), len(layer), chunks())
        image = await listed(session, Descriptor(LAYER, digest_of(layer), len(layer), annotations=annotations))
        assert await image.content("again") == bytes(1200)
        assert await image.extract(tmp_path / "out", "/") == {}
    finally:
        await session.aclose()
    found = found_in(tmp_path / "out")
    found.pop("stargz.index.json", None)  # the table itself is a file of the archive
    assert found == {"etc/passwd": bytes(1200), "again": bytes(1200)}


async def test_a_file_of_holes_costs_no_disk(fake: FakeRegistry, session: Session, tmp_path: Path) -> None:
    sparse = member("big", 5)
    sparse.pax_headers = {"GNU.sparse.map": "20000000,5", "GNU.sparse.realsize": "100000000"}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(sparse, io.BytesIO(b"there"))
    image = await image_of(fake, session, buffer.getvalue())
    assert await image.extract(tmp_path / "out", "big") == {}
    with (tmp_path / "copied").open("w+b") as copied:
        async with aclosing(copy_file(session, IMAGE, image.layers, image.find("big"), copied)) as events:
            async for _ in events:
                pass
    for path in (tmp_path / "out" / "big", tmp_path / "copied"):
        assert path.read_bytes() == bytes(20_000_000) + b"there" + bytes(79_999_995)
        assert path.stat().st_blocks * 512 < 40_000_000


async def test_a_name_that_no_disk_has_is_left_out(fake: FakeRegistry, session: Session, tmp_path: Path) -> None:
    image = await image_of(fake, session, layer_tar({"a" * 256: b"", "b" * 255: b""}))
    assert await image.extract(tmp_path / "out", "/") == {"a" * 256: "has a name that no file can have"}
    assert list(found_in(tmp_path / "out")) == ["b" * 255]
