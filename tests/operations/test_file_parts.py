"""A file of a layer that is known costs one request for a part of it, on a real registry and on bad ones."""

from __future__ import annotations

import gzip
import io
import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from regtui.config import Settings
from regtui.errors import ContentError, DigestMismatch, NotFound
from regtui.layers.merged import MergedTree
from regtui.layers.tar import Entry
from regtui.oci.digest import digest_of
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations.contents import FileRead, copy_file, file_content, is_known, read_files
from regtui.operations.extracting import extract
from regtui.operations.files import Entries, layer_files
from regtui.operations.image_files import image_files
from regtui.operations.session import DEMO, Session, open_session
from tests.layers.toc_layers import (
    Annotated,
    Json,
    estargz_entries,
    table,
    with_estargz_table,
    with_zstd_table,
    zstd_chunked_entries,
)
from tests.operations.fake_registry import LAYER, FakeRegistry
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.images import layer_tar

RANDOM = random.Random(3)
FILES = {f"usr/share/{number}": RANDOM.randbytes(40_000) for number in range(250)} | {"etc/last": b"the last"}
PACKED = gzip.compress(layer_tar(FILES), 1)
SMALL = {f"etc/{number}": b"%d" % number * 30 for number in range(40)} | {"var/big": RANDOM.randbytes(3_000_000)}


@pytest.fixture
async def opened(registry: DockerRegistry, tmp_path: Path) -> AsyncIterator[Session]:
    settings = Settings(tmp_path / "config.toml", tmp_path / "cache", tmp_path / "state", timeout=5)
    session = await open_session(registry.host, settings)
    yield session
    await session.aclose()


async def pushed(session: Session, layer: bytes, annotations: dict[str, str] | None = None) -> Descriptor:
    async def chunks() -> AsyncIterator[bytes]:
        yield layer

    digest = digest_of(layer)
    await session.client.upload_blob("app", digest, len(layer), chunks())
    return Descriptor(LAYER, digest, len(layer), annotations=annotations)


async def listed(session: Session, layer: Descriptor, diff_id: str = "") -> dict[str, Entry]:
    async with aclosing(layer_files(session, "app", layer, diff_id=diff_id)) as events:
        entries = [entry async for event in events if isinstance(event, Entries) for entry in event.entries]
    return {entry.path: entry for entry in entries}


async def content(session: Session, layer: Descriptor, entry: Entry, limit: int | None = None) -> bytes:
    async with aclosing(file_content(session, "app", layer, entry, limit=limit)) as events:
        return b"".join([event async for event in events if isinstance(event, bytes)])


async def tree_of(session: Session, *layers: Descriptor) -> MergedTree:
    tree = MergedTree()
    async with aclosing(image_files(session, "app", layers, tree)) as events:
        async for _ in events:
            pass
    return tree


async def extracted(session: Session, layer: Descriptor, tree: MergedTree, target: Path, *paths: str) -> None:
    image = Reference(session.registry, "app", "1")
    async with aclosing(extract(session, image, [layer], tree, paths, target)) as events:
        async for _ in events:
            pass


class Asked:
    """The requests for blobs since it was made: their statuses and the bytes that came."""

    def __init__(self, session: Session) -> None:
        self._log = session.log
        self._before = session.log.count

    @property
    def answers(self) -> list[tuple[int, int]]:
        return [
            (asked.status, asked.received)
            for asked in self._log.records()
            if asked.number >= self._before and not asked.cached and "/blobs/" in asked.url
        ]

    @property
    def statuses(self) -> list[int]:
        return [status for status, _ in self.answers]


# What it costs


async def test_a_file_of_a_gzip_layer_costs_one_request_once_the_layer_was_listed(
    registry: DockerRegistry, opened: Session
) -> None:
    layer = await pushed(opened, PACKED)
    assert not await is_known(opened, layer)
    entries = await listed(opened, layer)
    assert await is_known(opened, layer)
    later = await open_session(registry.host, opened.settings)
    for session in (opened, later):
        for path in ("usr/share/0", "usr/share/120", "usr/share/249", "etc/last"):
            asked = Asked(session)
            assert await content(session, layer, entries[path]) == FILES[path]
            [(status, received)] = asked.answers
            assert status == 206
            assert received < len(PACKED) / 3  # a point at least each 1.5 MiB
    asked = Asked(later)
    assert await listed(later, layer) == entries
    assert asked.answers == []
    await later.aclose()


def estargz(told: Callable[[list[Json]], None] = lambda told: None) -> Annotated:
    layer, entries = estargz_entries(SMALL, 100_000)
    told(entries)
    return with_estargz_table(layer, table(entries))


def zstd_chunked(told: Callable[[list[Json]], None] = lambda told: None) -> Annotated:
    layer, entries = zstd_chunked_entries(SMALL, 100_000)
    told(entries)
    return with_zstd_table(layer, table(entries))


@pytest.mark.parametrize("write", [estargz, zstd_chunked])
@pytest.mark.parametrize("is_annotated", [True, False])
async def test_a_file_of_a_layer_with_a_table_costs_one_request(
    opened: Session, write: Callable[[], Annotated], is_annotated: bool
) -> None:
    data, annotations = write()
    layer = await pushed(opened, data, annotations if is_annotated else None)
    asked = Asked(opened)
    entries = await listed(opened, layer)
    assert len(asked.answers) <= 2
    assert sum(received for _, received in asked.answers) < 30_000
    for path in ("etc/7", "var/big"):
        asked = Asked(opened)
        assert await content(opened, layer, entries[path]) == SMALL[path]
        assert asked.statuses == [206]
    asked = Asked(opened)
    assert await content(opened, layer, entries["var/big"], 150_000) == SMALL["var/big"][:150_000]
    [(status, received)] = asked.answers
    assert (status, received < 201_000) == (206, True)  # two chunks


async def test_of_an_empty_file_nothing_is_asked(opened: Session) -> None:
    layer = await pushed(opened, gzip.compress(layer_tar({"empty": b""})))
    entries = await listed(opened, layer)
    asked = Asked(opened)
    assert await content(opened, layer, entries["empty"]) == b""
    assert asked.answers == []


@pytest.mark.parametrize("write", [estargz, zstd_chunked])
async def test_many_small_files_that_are_near_to_each_other_come_at_once(
    opened: Session, write: Callable[[], Annotated]
) -> None:
    layer, plain = await pushed(opened, *write()), await pushed(opened, PACKED)
    tree = await tree_of(opened, layer, plain)
    nodes = [node for path in (*SMALL, "usr/share/3", "usr/share/4") if (node := tree.find(path))]
    asked = Asked(opened)
    async with aclosing(read_files(opened, "app", [layer, plain], nodes, each=50_000)) as events:
        read = {event.node.path: event.data async for event in events if isinstance(event, FileRead)}
    assert read == {path: (SMALL | FILES)[path] if path != "var/big" else None for path in read}
    assert len(read) == len(SMALL) + 2
    assert asked.statuses == [206, 206]


async def test_what_is_most_of_a_layer_is_read_with_it(opened: Session, tmp_path: Path) -> None:
    layer = await pushed(opened, PACKED)
    tree = await tree_of(opened, layer)
    asked = Asked(opened)
    await extracted(opened, layer, tree, tmp_path / "two", "usr/share/7", "etc/last")
    assert asked.statuses == [206, 206]
    assert (tmp_path / "two/usr/share/7").read_bytes() == FILES["usr/share/7"]
    asked = Asked(opened)
    await extracted(opened, layer, tree, tmp_path / "all", "/")
    assert asked.statuses == [200]
    assert (tmp_path / "all/usr/share/7").read_bytes() == FILES["usr/share/7"]


async def test_the_demo_in_this_process_answers_for_parts_too(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "config.toml", tmp_path / "cache", tmp_path / "state", timeout=5)
    session = await open_session(DEMO, settings)

    async def chunks() -> AsyncIterator[bytes]:
        yield PACKED

    await session.client.upload_blob("app", digest_of(PACKED), len(PACKED), chunks())
    layer = Descriptor(LAYER, digest_of(PACKED), len(PACKED))
    entries = await listed(session, layer)
    asked = Asked(session)
    assert await content(session, layer, entries["usr/share/120"]) == FILES["usr/share/120"]
    assert asked.statuses == [206]
    await session.aclose()


# What goes wrong


@pytest.fixture
def layer(fake: FakeRegistry) -> Descriptor:
    described = fake.blob(PACKED, LAYER)
    return Descriptor(LAYER, described["digest"], len(PACKED))


class Parts:
    """Answers as `fake` does, but to a request for a part."""

    def __init__(self, fake: FakeRegistry, answer: Callable[[int, int], httpx.Response]) -> None:
        self._whole, self._part = fake.answer, answer
        self.asked = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if "range" not in request.headers:
            return await self._whole(request)
        self.asked += 1
        start, _, last = request.headers["range"].removeprefix("bytes=").partition("-")
        return self._part(int(start), int(last))


def told(start: int, last: int) -> dict[str, str]:
    return {"Content-Range": f"bytes {start}-{last}/{len(PACKED)}"}


@pytest.mark.parametrize(
    ("answer", "requests"),
    [
        (lambda start, last: httpx.Response(200, content=PACKED), 1),
        (lambda start, last: httpx.Response(416), 2),
        (lambda start, last: httpx.Response(206, content=PACKED[: last - start + 1]), 2),
        (lambda start, last: httpx.Response(206, content=PACKED[start + 9 :], headers=told(start + 9, last)), 2),
        (lambda start, last: httpx.Response(206, content=PACKED[start : last - 9], headers=told(start, last)), 2),
        (lambda start, last: httpx.Response(206, content=b"\xff" * 5_000_000, headers=told(start, last)), 2),
    ],
)
async def test_a_registry_that_answers_badly_for_parts_is_asked_for_the_layer(
    fake: FakeRegistry, tmp_path: Path, layer: Descriptor, answer: Callable[[int, int], httpx.Response], requests: int
) -> None:
    parts = fake.answer = Parts(fake, answer)  # type: ignore[method-assign]
    session = fake.session(tmp_path)
    entries = await listed(session, layer)
    parts.asked = 0
    session.client.has_ranges = True  # a footer was looked for
    for _ in range(2):
        assert await content(session, layer, entries["usr/share/249"]) == FILES["usr/share/249"]
    assert parts.asked == requests
    await session.aclose()


async def test_a_layer_that_was_replaced_is_noticed_where_its_part_is_damaged(
    fake: FakeRegistry, session: Session, layer: Descriptor
) -> None:
    entries = await listed(session, layer)
    fake.blobs[layer.digest] = gzip.compress(layer_tar({"etc/last": b"not this"}))
    with pytest.raises((DigestMismatch, ContentError)):
        await content(session, layer, entries["usr/share/249"])
    del fake.blobs[layer.digest]
    with pytest.raises(NotFound):
        await content(session, layer, entries["usr/share/249"])


def wrong_digest(told: list[Json]) -> None:
    told[7]["chunkDigest"] = digest_of(b"something else")


def of_another(told: list[Json]) -> None:
    told[7]["offset"] = told[3]["offset"]


def no_end(told: list[Json]) -> None:
    told[7]["innerOffset"] = 2**62


@pytest.mark.parametrize("write", [estargz, zstd_chunked])
@pytest.mark.parametrize("lie", [wrong_digest, of_another, no_end])
async def test_where_a_table_lies_about_a_file_the_layer_itself_has_it(
    opened: Session, write: Callable[[Callable[[list[Json]], None]], Annotated], lie: Callable[[list[Json]], None]
) -> None:
    layer = await pushed(opened, *write(lie))
    entries = await listed(opened, layer)
    asked = Asked(opened)
    assert await content(opened, layer, entries["etc/7"]) == SMALL["etc/7"]
    assert asked.statuses == [206, 200]


async def test_what_is_written_to_disk_can_t_be_begun_anew_and_says_what_is_wrong(
    opened: Session, tmp_path: Path
) -> None:
    layer = await pushed(opened, *estargz(wrong_digest))
    tree = await tree_of(opened, layer)
    with pytest.raises(ContentError, match="What is there of etc/7 is not what the layer's table of contents says"):
        await extracted(opened, layer, tree, tmp_path / "out", "etc")
    assert not (tmp_path / "out").exists()
    nodes = [node for path in ("etc/6", "etc/7") if (node := tree.find(path))]
    async with aclosing(read_files(opened, "app", [layer], nodes, each=50_000)) as found:
        read = [event.data async for event in found if isinstance(event, FileRead)]
    assert read == [SMALL["etc/6"], SMALL["etc/7"]]


async def test_a_file_that_only_the_table_has(opened: Session) -> None:
    def more(told: list[Json]) -> None:
        told[7]["size"] += 1

    layer = await pushed(opened, *estargz(more))
    entries = await listed(opened, layer)
    with pytest.raises(ContentError, match="The layer doesn't hold etc/7, though it lists it"):
        await content(opened, layer, entries["etc/7"])


# What is kept


def change(session: Session, statement: str) -> None:
    with sqlite3.connect(session.settings.cache_dir / "cache.db") as cache:
        cache.execute(statement)


@pytest.mark.parametrize(
    ("statement", "listing", "file"),
    [
        ("UPDATE made SET data = x'00' WHERE key LIKE 'points%'", [], [200]),
        ("UPDATE made SET data = x'00' WHERE key LIKE 'index%'", [200], [206]),
        ("UPDATE made SET key = replace(key, '-1 ', '-0 ')", [200], [206]),  # of another format
        ("DELETE FROM made WHERE key LIKE 'points%'", [], [200]),
    ],
)
async def test_what_is_kept_and_of_no_use_is_read_anew(
    registry: DockerRegistry, opened: Session, statement: str, listing: Sequence[int], file: Sequence[int]
) -> None:
    layer = await pushed(opened, PACKED)
    entries = await listed(opened, layer)
    change(opened, statement)
    later = await open_session(registry.host, opened.settings)
    asked = Asked(later)
    assert await listed(later, layer) == entries
    assert [status for status in asked.statuses if status == 200] == listing
    asked = Asked(later)
    assert await content(later, layer, entries["usr/share/249"]) == FILES["usr/share/249"]
    assert asked.statuses == file
    await later.aclose()


async def test_a_layer_that_is_not_what_its_digest_or_diff_id_says_is_not_kept(
    fake: FakeRegistry, session: Session, layer: Descriptor
) -> None:
    with pytest.raises(ContentError, match=f"its digest is {digest_of(gzip.decompress(PACKED))}, not {layer.digest}"):
        await listed(session, layer, layer.digest)
    assert not await is_known(session, layer)
    fake.blobs[layer.digest] = gzip.compress(layer_tar(FILES), 2)
    with pytest.raises(ContentError):
        await listed(session, layer)
    assert not await is_known(session, layer)


async def test_a_layer_that_is_known_is_still_held_to_its_diff_id(session: Session, layer: Descriptor) -> None:
    right = digest_of(gzip.decompress(PACKED))
    entries = await listed(session, layer, right)
    assert await listed(session, layer, right) == entries
    with pytest.raises(ContentError, match="another one than the image's config tells"):
        await listed(session, layer, layer.digest)


async def test_a_table_that_another_manifest_tells_of_is_not_this_layer_s(opened: Session) -> None:
    data, annotations = estargz()
    layer = await pushed(opened, data, annotations)
    await listed(opened, layer)
    assert await is_known(opened, layer)
    for other in (None, {key: str(digest_of(b"another")) for key in annotations}):
        assert not await is_known(opened, Descriptor(LAYER, layer.digest, layer.size, annotations=other))


# Mirrors


async def test_parts_that_no_digest_checks_come_from_the_registry_itself(
    registry: DockerRegistry, opened: Session, tmp_path: Path, isolated_environment: Path
) -> None:
    conf = isolated_environment / "config/containers/registries.conf"
    conf.parent.mkdir(parents=True)
    with docker_registry(tmp_path / "mirror") as mirror:
        places = f'location = "{registry.host}"\nmirror = [{{location = "{mirror.host}"}}]'
        conf.write_text(f'[[registry]]\nprefix = "{registry.host}"\n{places}\n')
        there = await open_session(mirror.host, opened.settings)
        layer = await pushed(there, PACKED)
        await pushed(opened, PACKED)
        await there.aclose()
        session = await open_session(registry.host, opened.settings)
        before = len(registry.requests())
        entries = await listed(session, layer)
        assert not any("/blobs/" in line for line in registry.requests()[before:])
        file = io.BytesIO()
        tree = await tree_of(session, layer)
        node = tree.find("usr/share/249")
        assert node
        image = Reference(registry.host, "app", "1")
        async with aclosing(copy_file(session, image, [layer], node, file)) as events:
            async for _ in events:
                pass
        assert file.getvalue() == FILES["usr/share/249"]
        assert [line for line in registry.requests()[before:] if "/blobs/" in line] == [
            f"GET /v2/app/blobs/{layer.digest}"
        ]
        assert entries
        await session.aclose()
