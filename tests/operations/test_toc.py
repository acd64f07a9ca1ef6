"""A layer that has a table of contents is listed by it, from a real registry that answers Range requests."""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from regtui.config import Settings
from regtui.errors import ContentError
from regtui.layers.decompress import Inflater
from regtui.layers.estargz import DIGEST, NO_FILES
from regtui.layers.zstd_chunked import CHECKSUM, POSITION
from regtui.oci.digest import digest_of
from regtui.oci.manifest import Descriptor
from regtui.operations.contents import is_known
from regtui.operations.files import Done, Entries, Entry, layer_files
from regtui.operations.session import Session, open_session
from tests.layers.archives import archive, member, walk
from tests.layers.toc_layers import (
    Annotated,
    estargz_footer,
    estargz_layer,
    record,
    skippable,
    table,
    with_estargz_table,
    with_zstd_table,
    zstd_chunked_layer,
)
from tests.operations.fake_registry import LAYER, FakeRegistry
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry

MEMBERS = [
    member("etc/", type=tarfile.DIRTYPE),
    member("etc/passwd", 1200),
    member("bin", type=tarfile.SYMTYPE, link="usr/bin"),
    member("etc/passwd-", type=tarfile.LNKTYPE, link="etc/passwd"),
    *(member(f"usr/share/{number}", number) for number in range(1500)),
]
BIG = [*MEMBERS, member("var/big", 400_000)]
ESTARGZ, CHUNKED = estargz_layer(MEMBERS), zstd_chunked_layer(MEMBERS)


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


async def listing(session: Session, layer: Descriptor) -> tuple[list[Entry], Done]:
    async with aclosing(layer_files(session, "app", layer)) as events:
        seen = [event async for event in events]
    assert isinstance(seen[-1], Done)
    return [entry for event in seen if isinstance(event, Entries) for entry in event.entries], seen[-1]


def image_files(layer: bytes) -> list[Entry]:
    """What a walk over the archive finds, but for what is no file of the image."""
    return [entry for entry in walk(layer) if entry.path not in NO_FILES]


def inflated(layer: bytes) -> bytes:
    inflater = Inflater()
    return b"".join((*inflater.feed(layer), *inflater.close()))


class Asked:
    """The requests for blobs since it was made: their statuses, 206 for a part and 200 for the whole."""

    def __init__(self, session: Session) -> None:
        self._log = session.log
        self._before = session.log.count

    @property
    def answers(self) -> list[int]:
        return [
            asked.status
            for asked in self._log.records()
            if asked.number >= self._before and not asked.cached and "/blobs/" in asked.url
        ]


@pytest.mark.parametrize(("made", "requests"), [(ESTARGZ, 2), (CHUNKED, 1)])
async def test_an_annotated_layer_costs_two_requests_at_most_and_then_none(
    opened: Session, made: Annotated, requests: int
) -> None:
    layer = await pushed(opened, *made)
    asked = Asked(opened)
    entries, done = await listing(opened, layer)
    assert entries == image_files(made[0])
    assert done == Done(len(entries), sum(entry.size for entry in entries))
    assert asked.answers == [206] * requests
    assert (await listing(opened, layer)) == (entries, done)
    assert asked.answers == [206] * requests


@pytest.mark.parametrize("made", [ESTARGZ, CHUNKED])
async def test_a_table_is_known_to_the_next_session(registry: DockerRegistry, opened: Session, made: Annotated) -> None:
    layer = await pushed(opened, *made)
    first = await listing(opened, layer)
    later = await open_session(registry.host, opened.settings)
    asked = Asked(later)
    assert await listing(later, layer) == first
    assert asked.answers == []
    await later.aclose()


async def test_without_annotations_the_footer_tells_and_only_this_session_knows(opened: Session) -> None:
    plain, _ = estargz_layer(BIG)
    padded, _ = with_zstd_table(zstd_chunked_layer(MEMBERS)[0] + skippable(bytes(400_000)), table(map(record, MEMBERS)))
    for data in (plain, padded):
        layer = await pushed(opened, data)
        for requests in ([206, 206], []):
            asked = Asked(opened)
            assert (await listing(opened, layer))[0] == image_files(data)
            assert asked.answers == requests
        later = await open_session(opened.registry, opened.settings)
        assert not await is_known(later, layer)  # no digest says that what a cache has is this layer's
        await later.aclose()


async def test_a_layer_without_a_table_is_streamed_as_ever(opened: Session) -> None:
    big = estargz_layer(BIG)[0] + b"\0"  # what is at the end is no footer then
    layer = await pushed(opened, big)
    asked = Asked(opened)
    entries, done = await listing(opened, layer)
    assert entries == walk(big)
    assert done.unpacked
    assert asked.answers == [206, 200]


async def test_a_small_layer_is_here_sooner_than_its_footer_would_be(opened: Session) -> None:
    layer = await pushed(opened, CHUNKED[0])
    asked = Asked(opened)
    await listing(opened, layer)
    assert asked.answers == [200]


OTHER = digest_of(b"something else")
LIES = table([{"type": "reg", "name": "not/there", "size": 1, "offset": 10**9}])


@pytest.mark.parametrize(
    "made",
    [
        (ESTARGZ[0], {DIGEST: OTHER}),
        (ESTARGZ[0], {DIGEST: "no digest"}),
        (ESTARGZ[0], {CHECKSUM: OTHER, POSITION: "0:0:0:1"}),
        (ESTARGZ[0][:-51] + estargz_footer(77), ESTARGZ[1]),
        (ESTARGZ[0][:-51], ESTARGZ[1]),
        (CHUNKED[0], {CHECKSUM: OTHER, POSITION: CHUNKED[1][POSITION]}),
        (CHUNKED[0], {CHECKSUM: CHUNKED[1][CHECKSUM]}),
        (CHUNKED[0], {**CHUNKED[1], POSITION: "1:2:3:1"}),
        (CHUNKED[0], {**CHUNKED[1], POSITION: "99999999:2:3:1"}),
        with_estargz_table(ESTARGZ[0], LIES),
        with_zstd_table(CHUNKED[0], LIES),
    ],
)
async def test_when_the_table_is_wrong_the_layer_itself_tells(opened: Session, made: Annotated) -> None:
    layer = await pushed(opened, *made)
    asked = Asked(opened)
    entries, done = await listing(opened, layer)
    assert entries == (image_files(made[0]) if DIGEST in made[1] else walk(made[0]))
    assert done.unpacked == len(inflated(made[0]))
    assert asked.answers[-1] == 200


async def test_a_wrong_footer_of_a_layer_without_annotations(opened: Session) -> None:
    data = estargz_layer(BIG)[0]
    for offset in (9, len(data)):
        wrong = data[:-51] + estargz_footer(offset)
        assert (await listing(opened, await pushed(opened, wrong)))[0] == image_files(wrong)


async def test_an_annotation_that_came_along_from_another_layer(opened: Session) -> None:
    await listing(opened, await pushed(opened, *ESTARGZ))
    rebuilt = archive([member("rebuilt")])
    layer = await pushed(opened, rebuilt, ESTARGZ[1])
    assert (await listing(opened, layer))[0] == walk(rebuilt)


async def test_a_table_with_a_digest_may_be_a_mirror_s_and_one_without_is_not_looked_for(
    registry: DockerRegistry, opened: Session, tmp_path: Path, isolated_environment: Path
) -> None:
    conf = isolated_environment / "config/containers/registries.conf"
    conf.parent.mkdir(parents=True)
    with docker_registry(tmp_path / "mirror") as mirror:
        places = f'location = "{registry.host}"\nmirror = [{{location = "{mirror.host}"}}]'
        conf.write_text(f'[[registry]]\nprefix = "{registry.host}"\n{places}\n')
        there = await open_session(mirror.host, opened.settings)
        big, _ = estargz_layer(BIG)
        annotated, plain = await pushed(there, *ESTARGZ), await pushed(there, big)
        await there.aclose()
        session = await open_session(registry.host, opened.settings)
        asked = Asked(session)
        assert (await listing(session, annotated))[0] == image_files(ESTARGZ[0])
        assert asked.answers == [206, 206]
        assert (await listing(session, plain))[0] == walk(big)
        assert asked.answers == [206, 206, 200]
        assert not any("/blobs/" in line for line in registry.requests())
        await session.aclose()


async def test_a_registry_that_keeps_one_waiting_for_the_footer_is_asked_for_the_layer(
    fake: FakeRegistry, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regtui.operations.toc._FOOTER_PATIENCE", 0.05)
    data, told = ESTARGZ
    layer = Descriptor(LAYER, fake.blob(data, LAYER)["digest"], len(data), annotations=told)

    async def slow_at_first(last: str) -> None:
        if len(fake.requests) == 1:
            await asyncio.sleep(60)

    fake.before = slow_at_first
    assert (await listing(session, layer))[0] == image_files(data)
    assert len(fake.requests) == 2


async def test_a_registry_that_ignores_ranges_is_asked_for_a_part_once(fake: FakeRegistry, session: Session) -> None:
    for (data, told), requests in ((ESTARGZ, 2), (CHUNKED, 1)):
        layer = Descriptor(LAYER, fake.blob(data, LAYER)["digest"], len(data), annotations=told)
        fake.requests.clear()
        assert (await listing(session, layer))[0] == image_files(data)
        assert len(fake.requests) == requests


async def test_a_layer_that_is_kept_elsewhere_is_not_asked_for(fake: FakeRegistry, session: Session) -> None:
    foreign = Descriptor(
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", OTHER, 10**6, annotations=ESTARGZ[1]
    )
    with pytest.raises(ContentError, match="isn't kept in the registry"):
        await listing(session, foreign)
    assert fake.requests == []
