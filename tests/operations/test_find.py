"""Finding a path: which layers are read, and what becomes of what is found in the layers above."""

from __future__ import annotations

import gzip
from contextlib import aclosing
from pathlib import Path

import pytest

from regtui.errors import NotFound, RegtuiError
from regtui.oci import media_types
from regtui.oci.digest import digest_of
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations import find as finding
from regtui.operations.find import Event, Failed, Found, PathFilter, Plan, Progress, Reading, find
from regtui.operations.session import Session
from tests.layers.archives import archive, member
from tests.operations.fake_registry import HOST, LAYER, FakeRegistry

APP = Reference(HOST, "app")


def layer(*paths: str) -> bytes:
    return gzip.compress(archive([member(path, 10) for path in paths]), mtime=0)


BASE = layer("etc/passwd", "etc/motd", "usr/bin/sh")


def image(fake: FakeRegistry, tags: tuple[str, ...], *layers: bytes, architecture: str = "amd64") -> str:
    config = fake.blob(f'{{"os":"linux","architecture":"{architecture}"}}'.encode(), media_types.OCI_CONFIG)
    content = {
        "mediaType": media_types.OCI_MANIFEST,
        "config": config,
        "layers": [fake.blob(data, LAYER) for data in layers],
    }
    digest: str = fake.manifest(content, *tags)["digest"]
    return digest


async def events(
    session: Session, reference: Reference, pattern: str, *, platform: str = "", known_only: bool = False
) -> list[Event]:
    async with aclosing(find(session, reference, PathFilter(pattern), platform, known_only=known_only)) as search:
        return [event async for event in search]


def rows(seen: list[Event]) -> list[tuple[str, int, str, str]]:
    """Path, layer, state and the tags."""
    found = [event for event in seen if isinstance(event, Found)]
    return [
        (each.path, each.number, each.state_text, " ".join(tag for image in each.images for tag in image.tags))
        for each in found
    ]


def plan(seen: list[Event]) -> Plan:
    (found,) = (event for event in seen if isinstance(event, Plan))
    return found


def read(fake: FakeRegistry) -> list[str]:
    """The layers that were asked for, however often each."""
    return [request[4:] for request in fake.requests if request[4:] in fake.blobs and request.startswith("GET")]


async def test_a_path_is_found_in_every_layer_with_what_becomes_of_it(fake: FakeRegistry, session: Session) -> None:
    image(fake, ("1",), BASE, layer("etc/passwd"), layer("etc/.wh.passwd", "etc/.wh.motd"), layer("etc/passwd", "x"))
    assert rows(await events(session, APP.at("1"), "etc/*")) == [
        ("etc/passwd", 3, "in the image", "1"),
        ("etc/passwd", 1, "removed by 2", "1"),
        ("etc/passwd", 0, "overwritten by 1", "1"),
        ("etc/motd", 0, "removed by 2", "1"),
    ]


async def test_what_lies_on_top_is_read_and_said_first(fake: FakeRegistry, session: Session) -> None:
    image(fake, ("1",), BASE, layer("opt/sh"), layer("srv/sh"))
    seen = await events(session, APP.at("1"), "sh")
    kinds = [type(event) for event in seen if not isinstance(event, Progress)]
    assert kinds == [Plan, Found, Found, Found]
    assert [number for _, number, _, _ in rows(seen)] == [2, 1, 0]
    assert isinstance(seen[1], Progress)


async def test_it_says_what_will_be_read_before_a_layer_is_asked_for(fake: FakeRegistry, session: Session) -> None:
    image(fake, ("1",), BASE, layer("opt/sh"))
    async with aclosing(find(session, APP.at("1"), PathFilter("sh"))) as search:
        first = await anext(search)
        assert first == Plan(1, 2, 0, len(BASE) + len(layer("opt/sh")))
        assert first.text == f"1 image, 2 layers, 0 known, {first.to_read} B to read"
    assert not {digest_of(BASE), digest_of(layer("opt/sh"))} & set(read(fake))


async def test_of_a_repository_each_digest_and_each_layer_is_read_once(fake: FakeRegistry, session: Session) -> None:
    tops = [layer(f"srv/{number}") for number in range(200)]
    for number, top in enumerate(tops):
        image(fake, (f"1.{number}",), BASE, top)
    fake.tags["latest"] = fake.tags["1.199"]
    seen = await events(session, APP, "sh")
    assert plan(seen) == Plan(200, 201, 0, len(BASE) + sum(map(len, tops)))
    blobs = read(fake)
    assert sorted(blobs) == sorted(digest_of(data) for data in (BASE, *tops))
    (found,) = (event for event in seen if isinstance(event, Found))
    assert found.state == "present"
    assert len(found.images) == 200
    assert found.images[0].tags == ("latest", "1.199")
    assert [image.tags[0] for image in found.images[1:4]] == ["1.198", "1.197", "1.196"]
    steps = [event for event in seen if isinstance(event, Progress)]
    assert (steps[-1].layers, steps[-1].bytes_read) == (201, plan(seen).to_read)
    assert [event for event in seen if isinstance(event, Reading)][-1] == Reading(201, 201)


async def test_images_in_which_a_path_has_another_fate_stand_apart(fake: FakeRegistry, session: Session) -> None:
    image(fake, ("1",), BASE, layer("usr/bin/.wh.sh"))
    image(fake, ("2",), BASE, layer("usr/bin/sh"))
    image(fake, ("3", "4"), BASE, layer("srv/x"))
    image(fake, ("5",), layer("srv/below"), BASE)
    assert sorted(rows(await events(session, APP, "usr/bin/sh"))) == [
        ("usr/bin/sh", 0, "in the image", "4 3"),
        ("usr/bin/sh", 0, "overwritten by 1", "2"),
        ("usr/bin/sh", 0, "removed by 1", "1"),
        ("usr/bin/sh", 1, "in the image", "2"),
        ("usr/bin/sh", 1, "in the image", "5"),
    ]


async def test_a_layer_that_an_image_has_twice_is_found_twice(fake: FakeRegistry, session: Session) -> None:
    image(fake, ("1",), BASE, layer("srv/x"), BASE)
    seen = await events(session, APP.at("1"), "motd")
    assert plan(seen).layers == 2
    assert sorted(rows(seen)) == [("etc/motd", 0, "overwritten by 2", "1"), ("etc/motd", 2, "in the image", "1")]


async def test_a_broken_layer_ends_nothing_and_leaves_what_it_may_have_done_open(
    fake: FakeRegistry, session: Session
) -> None:
    broken = layer("etc/hosts", *(f"srv/{number}" for number in range(50)))[:-40]
    image(fake, ("1",), BASE, broken, layer("etc/.wh.motd"))
    image(fake, ("2",), broken)
    seen = await events(session, APP, "etc/*")
    (failed,) = (event for event in seen if isinstance(event, Failed))
    assert failed.text.startswith(f"Layer 0 of {HOST}/app:2 and 1 more image: The layer")
    assert sorted(rows(seen)) == [
        ("etc/hosts", 0, "in the image", "2"),
        ("etc/hosts", 1, "in the image", "1"),
        ("etc/motd", 0, "removed by 2", "1"),
        ("etc/passwd", 0, "unknown, 1 unread", "1"),
    ]


async def test_a_tag_that_cant_be_read_is_said_and_the_others_are_searched(
    fake: FakeRegistry, session: Session
) -> None:
    image(fake, ("1",), BASE)
    fake.tags["2"] = "sha256:" + "0" * 64
    arm = fake.image(platform="linux/arm64")
    fake.index(arm, fake.image(platform="linux/arm"), tags=["3"])
    fake.manifest({"mediaType": media_types.OCI_MANIFEST, "config": fake.blob(b"{}", "x/y"), "layers": []}, "a-chart")
    seen = await events(session, APP, "sh")
    failed = [event for event in seen if isinstance(event, Failed)]
    assert [event.reference.tag for event in failed] == ["3", "2"]
    assert failed[0].text == f"{HOST}/app:3 has no image for linux/amd64"
    assert [row[0] for row in rows(seen)] == ["usr/bin/sh"]


async def test_of_an_index_the_platform_s_image_is_searched(fake: FakeRegistry, session: Session) -> None:
    fake.index(
        {"digest": image(fake, (), layer("amd")), "platform": {"os": "linux", "architecture": "amd64"}},
        {
            "digest": image(fake, (), layer("arm"), architecture="arm64"),
            "platform": {"os": "linux", "architecture": "arm64"},
        },
        tags=["1"],
    )
    for reference in (APP, APP.at("1")):
        assert [row[0] for row in rows(await events(session, reference, "a"))] == ["amd"]
        assert [row[0] for row in rows(await events(session, reference, "a", platform="linux/arm64"))] == ["arm"]
    image(fake, ("2",), layer("another"))
    seen = await events(session, APP, "a", platform="linux/arm64")
    assert [row[0] for row in rows(seen)] == ["arm"]
    (failed,) = (event for event in seen if isinstance(event, Failed))
    assert "app:2" in failed.text
    assert "has no image for linux/arm64. It has linux/amd64." in failed.text


async def test_what_is_known_is_answered_first(
    fake: FakeRegistry, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = layer("srv/x")
    image(fake, ("1",), BASE)
    image(fake, ("2",), BASE, top)
    known = {digest_of(BASE)}

    async def is_known(session: Session, layer: Descriptor) -> bool:
        return layer.digest in known

    monkeypatch.setattr(finding, "is_known", is_known)
    seen = await events(session, APP, "sh")
    assert plan(seen) == Plan(2, 2, 1, len(top))
    assert rows(seen) == [("usr/bin/sh", 0, "in the image", "1"), ("usr/bin/sh", 0, "in the image", "2")]
    fake.requests.clear()
    seen = await events(session, APP, "sh", known_only=True)
    assert digest_of(top) not in read(fake)
    assert rows(seen) == [("usr/bin/sh", 0, "in the image", "1"), ("usr/bin/sh", 0, "unknown, 1 unread", "2")]


async def test_what_isn_t_there_is_an_error(fake: FakeRegistry, session: Session) -> None:
    with pytest.raises(NotFound):
        await events(session, APP.at("1"), "sh")
    fake.failing["list"] = 404
    with pytest.raises(RegtuiError):
        await events(session, APP, "sh")


async def test_too_much_of_it_is_an_error(
    fake: FakeRegistry, session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(finding, "_HELD", 2)
    image(fake, ("1",), BASE, layer("srv/x"))
    assert len(rows(await events(session, APP.at("1"), "etc"))) == 2
    known = {digest_of(BASE)}

    async def is_known(session: Session, layer: Descriptor) -> bool:
        return layer.digest in known

    monkeypatch.setattr(finding, "is_known", is_known)
    with pytest.raises(RegtuiError, match="More than 2 paths match '/'"):
        await events(session, APP.at("1"), "/")
