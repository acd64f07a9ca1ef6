"""The files of a layer, read while it streams by."""

from __future__ import annotations

import asyncio
import gzip
import tarfile
from contextlib import aclosing

import pytest

from regtui.errors import ContentError, DigestMismatch, NotFound, TooLarge
from regtui.layers.limits import LIMITS, Limits
from regtui.oci.manifest import Descriptor
from regtui.operations.files import Done, Entries, FilesEvent, Progress, layer_files
from regtui.operations.session import Session
from tests.layers.archives import archive, member, zstd_frames
from tests.operations.fake_registry import LAYER, FakeRegistry, Gate

PACKED = archive([member("etc/", type=tarfile.DIRTYPE), member("etc/passwd", 120), member("bin/sh", 70_000)])


def layer_of(fake: FakeRegistry, data: bytes, size: int | None = None) -> Descriptor:
    described = fake.blob(data, LAYER)
    return Descriptor(LAYER, described["digest"], len(data) if size is None else size)


async def read(session: Session, layer: Descriptor, seen: list[FilesEvent], limits: Limits = LIMITS) -> None:
    async with aclosing(layer_files(session, "app", layer, limits)) as events:
        async for event in events:
            seen.append(event)


def paths(seen: list[FilesEvent]) -> list[str]:
    return [entry.path for event in seen if isinstance(event, Entries) for entry in event.entries]


@pytest.mark.parametrize("data", [PACKED, gzip.compress(PACKED), zstd_frames(PACKED)])
async def test_a_layer_is_read_whatever_it_is_compressed_with(
    fake: FakeRegistry, session: Session, data: bytes
) -> None:
    seen: list[FilesEvent] = []
    await read(session, layer_of(fake, data), seen)
    assert paths(seen) == ["etc", "etc/passwd", "bin/sh"]
    assert seen[-2:] == [Progress(len(data), len(data), 3), Done(3, len(PACKED))]


async def test_entries_come_in_portions_with_progress(fake: FakeRegistry, session: Session) -> None:
    big = archive([member(f"file-{number}") for number in range(1000)]).ljust(1_000_000, b"\0")
    seen: list[FilesEvent] = []
    await read(session, layer_of(fake, big), seen)
    assert len(paths(seen)) == 1000
    progress = [event for event in seen if isinstance(event, Progress)]
    assert len(progress) > 1
    assert [step.bytes_read for step in progress] == sorted({step.bytes_read for step in progress})


async def test_entries_that_came_in_few_bytes_come_in_portions_too(fake: FakeRegistry, session: Session) -> None:
    packed = zstd_frames(archive([member(f"file-{number % 10}") for number in range(20_000)]))
    assert len(packed) < 100_000
    seen: list[FilesEvent] = []
    await read(session, layer_of(fake, packed), seen)
    portions = [len(event.entries) for event in seen if isinstance(event, Entries)]
    assert sum(portions) == 20_000
    assert max(portions) < 10_000


async def test_a_layer_that_is_cut_off_gives_what_there_is_and_then_says_so(
    fake: FakeRegistry, session: Session
) -> None:
    seen: list[FilesEvent] = []
    with pytest.raises(ContentError, match="cut off"):
        await read(session, layer_of(fake, PACKED[:3000]), seen)
    assert paths(seen) == ["etc", "etc/passwd", "bin/sh"]
    seen.clear()
    with pytest.raises(ContentError, match="cut off"):
        await read(session, layer_of(fake, gzip.compress(PACKED)[:-20]), seen)
    assert "bin/sh" in paths(seen)


async def test_a_layer_that_isn_t_what_its_digest_says_is_noticed_at_the_end(
    fake: FakeRegistry, session: Session
) -> None:
    layer = layer_of(fake, PACKED)
    fake.blobs[layer.digest] = PACKED.replace(b"bin/sh", b"bin/zh")
    seen: list[FilesEvent] = []
    with pytest.raises((DigestMismatch, ContentError)):
        await read(session, layer, seen)
    assert not any(isinstance(event, Done) for event in seen)


async def test_more_than_the_manifest_tells_is_an_error(fake: FakeRegistry, session: Session) -> None:
    with pytest.raises(ContentError, match="longer than the 100 bytes"):
        await read(session, layer_of(fake, PACKED, size=100), [])


async def test_a_bomb_is_stopped_and_what_was_read_stays(fake: FakeRegistry, session: Session) -> None:
    bomb = gzip.compress(archive([member("first"), member("zeros", 20 * 2**20)]))
    seen: list[FilesEvent] = []
    with pytest.raises(TooLarge):
        await read(session, layer_of(fake, bomb), seen, Limits(unpacked=2**20))
    assert paths(seen) == ["first", "zeros"]


async def test_what_is_no_archive_says_so(fake: FakeRegistry, session: Session) -> None:
    with pytest.raises(ContentError, match="no tar archive"):
        await read(session, layer_of(fake, b"{}" * 1000), [])


async def test_a_missing_layer_and_one_that_is_kept_elsewhere(fake: FakeRegistry, session: Session) -> None:
    layer = layer_of(fake, PACKED)
    del fake.blobs[layer.digest]
    with pytest.raises(NotFound):
        await read(session, layer, [])
    foreign = Descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", layer.digest, 10, ("https://x",))
    with pytest.raises(ContentError, match="isn't kept in the registry"):
        await read(session, foreign, [])


async def test_leaving_ends_the_request(fake: FakeRegistry, session: Session) -> None:
    layer = layer_of(fake, gzip.compress(PACKED))
    gate = fake.before = Gate(layer.digest)
    events = layer_files(session, "app", layer)
    waiting = asyncio.ensure_future(anext(events))
    await gate.held(1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await events.aclose()
    assert gate.cancelled == [layer.digest]
