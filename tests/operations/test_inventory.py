"""A repository's tags: listed and read at once, what is looked at first, each digest once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from regtui.errors import NotFound, RegistryError
from regtui.oci.kinds import Kind
from regtui.operations.inventory import Attention, Failed, Listed, Read, TagEvent, TagFacts, rows, tags
from regtui.operations.session import Session
from regtui.store.cache import Cache
from tests.operations.fake_registry import FakeRegistry, Gate, Json

JANUARY = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


async def until(
    events: AsyncGenerator[TagEvent, None], done: Callable[[list[TagEvent]], bool], seconds: float = 5
) -> list[TagEvent]:
    """The events up to the one that makes `done` true."""
    seen: list[TagEvent] = []
    async with asyncio.timeout(seconds):
        while not done(seen):
            seen.append(await anext(events))
    return seen


def read(events: list[TagEvent]) -> list[str]:
    return [event.tag for event in events if isinstance(event, Read)]


def number_read(count: int) -> Callable[[list[TagEvent]], bool]:
    return lambda events: len(read(events)) == count


async def facts_of(session: Session, tag: str) -> TagFacts:
    """What is known of a tag in the end."""
    async with aclosing(rows(session, "app", "name")) as found:
        async for row in found:
            if row.tag == tag:
                assert isinstance(row, Read)
                return row.facts
    raise AssertionError(f"no {tag}")


# What is read


async def test_names_come_as_they_arrive_and_then_what_they_point_to(fake: FakeRegistry, session: Session) -> None:
    image = fake.image("v1", layers=[100, 200])
    async with aclosing(tags(session, "app", Attention())) as events:
        seen = await until(events, number_read(1))
    assert [event for event in seen if isinstance(event, Listed)] == [Listed(("v1",), False), Listed((), True)]
    facts = next(event.facts for event in seen if isinstance(event, Read))
    assert (facts.digest, facts.kind, facts.created, facts.platforms) == (
        image["digest"],
        Kind.IMAGE,
        JANUARY,
        ("linux/amd64",),
    )
    assert facts.size == 300 + len(fake.blobs[fake.config_of(image)])


async def test_an_empty_repository_has_a_complete_list(fake: FakeRegistry, session: Session) -> None:
    async with aclosing(tags(session, "app", Attention())) as events:
        assert await anext(events) == Listed((), True)


async def test_a_date_before_2000_is_none_and_the_annotation_counts(fake: FakeRegistry, session: Session) -> None:
    fake.image("zero", created="1970-01-01T00:00:00Z")
    fake.image("noted", created=None, annotations={"org.opencontainers.image.created": "2026-01-02T03:04:05Z"})
    noted, zero = await facts_of(session, "noted"), await facts_of(session, "zero")
    assert (noted.created, noted.created_source) == (JANUARY, "annotation")
    assert (zero.created, zero.created_source) == (None, "")


async def test_a_layer_that_occurs_twice_counts_once(fake: FakeRegistry, session: Session) -> None:
    image = fake.image("v1", layers=[500, 32, 32])
    assert (await facts_of(session, "v1")).size == 532 + len(fake.blobs[fake.config_of(image)])


async def test_an_artifact_s_size_is_its_layers_and_its_config_is_not_read(
    fake: FakeRegistry, session: Session
) -> None:
    config = fake.blob(b'{"name":"chart"}', "application/vnd.cncf.helm.config.v1+json")
    chart = fake.blob(b"chart", "application/vnd.cncf.helm.chart.content.v1.tar+gzip", size=4321)
    fake.manifest(
        {"mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [chart]}, "1.0.0"
    )
    facts = await facts_of(session, "1.0.0")
    assert (facts.kind, facts.size, facts.platforms, facts.created) == (Kind.HELM, 4321, (), None)
    assert f"GET {config['digest']}" not in fake.requests


def two_platforms(fake: FakeRegistry, *names: str) -> tuple[Json, Json]:
    one = fake.image(platform="linux/amd64", layers=[1000, 10], created="2026-01-01T00:00:00Z", name=f"a{names}")
    two = fake.image(platform="linux/arm64/v8", layers=[1000, 20], name=f"b{names}")
    fake.index(one, two, fake.attestation(one), tags=names)
    return one, two


async def test_an_index_sums_its_images_each_blob_once_without_attestations(
    fake: FakeRegistry, session: Session
) -> None:
    images = two_platforms(fake, "v1")
    facts = await facts_of(session, "v1")
    configs = sum(len(fake.blobs[fake.config_of(image)]) for image in images)
    assert (facts.kind, facts.platforms) == (Kind.INDEX, ("linux/amd64", "linux/arm64/v8"))
    assert (facts.created, facts.size, facts.partial) == (JANUARY, 1030 + configs, False)


async def test_an_index_is_answered_after_three_requests_and_made_whole_afterwards(
    fake: FakeRegistry, session: Session
) -> None:
    two_platforms(fake, "index")
    fake.image("v1")
    async with aclosing(tags(session, "app", Attention())) as events:
        seen = await until(events, number_read(3))
    first, whole = (event.facts for event in seen if isinstance(event, Read) and event.tag == "index")
    assert (first.partial, whole.partial) == (True, False)
    assert first.platforms == whole.platforms
    assert first.size < whole.size
    assert read(seen)[-1] == "index"


async def test_an_index_of_one_image_is_whole_at_once(fake: FakeRegistry, session: Session) -> None:
    fake.index(fake.image(name="only"), tags=["v1"])
    async with aclosing(tags(session, "app", Attention())) as events:
        seen = await until(events, number_read(1))
    assert [event.facts.partial for event in seen if isinstance(event, Read)] == [False]


async def test_an_index_without_all_its_images_stays_partial(fake: FakeRegistry, session: Session) -> None:
    one, two = two_platforms(fake, "v1")
    del fake.manifests[one["digest"]]
    facts = await facts_of(session, "v1")
    assert (facts.partial, facts.created) == (True, JANUARY)
    del fake.manifests[two["digest"]]
    session = replace(session, cache=Cache(session.settings.cache_dir, size_limit=0))
    facts = await facts_of(session, "v1")
    assert (facts.partial, facts.created, facts.platforms) == (True, None, ("linux/amd64", "linux/arm64/v8"))


async def test_an_index_in_an_index_counts_its_images(fake: FakeRegistry, session: Session) -> None:
    inner = fake.index(fake.image(name="inner", layers=[7]))
    fake.index(inner, fake.image(name="outer", layers=[5]), tags=["v1"])
    facts = await facts_of(session, "v1")
    assert facts.created == JANUARY
    assert facts.size > 12


# In how many requests


async def test_a_cold_image_takes_two_requests_and_a_known_one_one_head(fake: FakeRegistry, session: Session) -> None:
    for number in range(20):
        fake.image(f"v{number}")
    await facts_of(session, "v0")
    assert len(fake.requests) == 1 + 40
    assert not [request for request in fake.requests if request.startswith("HEAD")]
    fake.requests.clear()
    await facts_of(session, "v0")
    assert len(fake.requests) == 1 + 20
    assert sum(request.startswith("HEAD") for request in fake.requests) >= 20 - 2 * session.concurrency


async def test_tags_on_one_digest_share_what_was_read(fake: FakeRegistry, session: Session) -> None:
    image = fake.image("v1", "v1.0", "v1.0.0", "latest")
    async with aclosing(tags(session, "app", Attention())) as events:
        seen = await until(events, number_read(4))
    assert fake.requests.count(f"GET {fake.config_of(image)}") == 1
    facts = [event.facts for event in seen if isinstance(event, Read)]
    assert all(one is facts[0] for one in facts)


async def test_a_cache_that_keeps_nothing_is_no_hindrance(fake: FakeRegistry, session: Session) -> None:
    two_platforms(fake, "v1")
    without = replace(session, cache=Cache(session.settings.cache_dir, size_limit=0))
    assert not (await facts_of(without, "v1")).partial


async def test_a_tag_is_asked_anew_though_its_digest_is_known(fake: FakeRegistry, session: Session) -> None:
    old = fake.image("v1", name="old")
    attention = Attention()
    async with aclosing(tags(session, "app", attention)) as events:
        await until(events, number_read(1))
        new = fake.image("v1", name="new")
        attention.again(["v1"])
        seen = await until(events, number_read(1))
    assert old != new
    assert [event.facts.digest for event in seen if isinstance(event, Read)] == [new["digest"]]


# In which order


@pytest.fixture
def slow(fake: FakeRegistry, tmp_path: Path) -> Session:
    """One request at a time."""
    return fake.session(tmp_path / "slow", concurrency=1)


async def test_the_newest_version_is_read_first(fake: FakeRegistry, slow: Session) -> None:
    for tag in ("1.9", "1.10", "latest", "1.2", "1.11-rc1"):
        fake.image(tag)
    async with aclosing(tags(slow, "app", Attention())) as events:
        seen = await until(events, number_read(5))
    assert read(seen) == ["latest", "1.11-rc1", "1.10", "1.9", "1.2"]


async def test_reading_begins_while_the_list_still_arrives(fake: FakeRegistry, session: Session) -> None:
    for number in range(4):
        fake.image(f"v{number}")
    fake.page_size = 2

    async def hold_the_second_page(last: str) -> None:
        if fake.requests.count("GET list") == 2 and last == "list":
            await gate("second page")

    gate = Gate("second page")
    fake.before = hold_the_second_page
    async with aclosing(tags(session, "app", Attention())) as events:
        seen = await until(events, number_read(2))
        gate.open("second page")
        seen += await until(events, number_read(2))
    assert [event.tags for event in seen if isinstance(event, Listed)] == [("v0", "v1"), ("v2", "v3"), ()]
    assert set(read(seen)[:2]) == {"v0", "v1"}


async def test_what_is_looked_at_is_read_first_and_moving_on_changes_what_is_next(
    fake: FakeRegistry, slow: Session
) -> None:
    for number in range(20):
        fake.image(f"v{number}")
    attention = Attention()
    attention.look_at(["v3", "v4", "v5"])
    gate = fake.before = Gate("v4")
    async with aclosing(tags(slow, "app", attention)) as events:
        seen = await until(events, number_read(1))
        await gate.held(1)
        attention.look_at(["v15", "v16"])
        gate.open("v4")
        seen += await until(events, lambda events: "v18" in read(events))
    assert read(seen)[:6] == ["v3", "v4", "v15", "v16", "v19", "v18"]


async def test_an_index_in_view_is_made_whole_before_what_is_not_in_view(fake: FakeRegistry, slow: Session) -> None:
    fake.image("v1")
    two_platforms(fake, "v2")
    two_platforms(fake, "v3")
    attention = Attention()
    attention.look_at(["v2", "v1"])
    async with aclosing(tags(slow, "app", attention)) as events:
        seen = await until(events, number_read(5))
    assert read(seen) == ["v2", "v1", "v2", "v3", "v3"]


async def test_only_what_is_visible_is_read_when_that_is_wanted(fake: FakeRegistry, session: Session) -> None:
    for number in range(5):
        fake.image(f"v{number}")
    attention = Attention(details="visible")
    async with aclosing(tags(session, "app", attention)) as events:
        assert await anext(events) == Listed(("v0", "v1", "v2", "v3", "v4"), False)
        attention.look_at(["v2"])
        seen = await until(events, number_read(1))
        with pytest.raises(TimeoutError):
            await until(events, number_read(1), seconds=0.05)
    assert read(seen) == ["v2"]
    assert "GET v3" not in fake.requests


# When something fails


async def test_a_tag_that_can_t_be_read_is_an_event_and_can_be_tried_again(
    fake: FakeRegistry, session: Session
) -> None:
    image = fake.image("v1")
    raw = fake.manifests.pop(image["digest"])
    fake.image("v2")
    attention = Attention()
    async with aclosing(tags(session, "app", attention)) as events:
        seen = await until(events, lambda events: any(isinstance(event, Failed) for event in events))
        failed = next(event for event in seen if isinstance(event, Failed))
        assert failed.tag == "v1"
        assert isinstance(failed.error, NotFound)
        fake.manifests[image["digest"]] = raw
        attention.again(["v1"])
        await until(events, lambda events: "v1" in read(events))


async def test_a_config_that_is_missing_fails_its_tag(fake: FakeRegistry, session: Session) -> None:
    image = fake.image("v1")
    del fake.blobs[fake.config_of(image)]
    async with aclosing(tags(session, "app", Attention())) as events:
        await until(events, lambda events: any(isinstance(event, Failed) for event in events))


async def test_links_to_what_is_no_digest_fail_the_tag(fake: FakeRegistry, session: Session) -> None:
    fake.index(
        {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "../../etc", "size": 1}, tags=["x"]
    )
    async with aclosing(tags(session, "app", Attention())) as events:
        seen = await until(events, lambda events: any(isinstance(event, Failed) for event in events))
    assert "which is no digest" in str(next(event.error for event in seen if isinstance(event, Failed)))


async def test_a_list_that_can_t_be_read_raises(fake: FakeRegistry, session: Session) -> None:
    fake.failing["list"] = 403
    with pytest.raises(RegistryError):
        await anext(tags(session, "app", Attention()))
    with pytest.raises(RegistryError):
        await anext(rows(session, "app", "name"))


# Stopping


async def test_closing_ends_all_requests(fake: FakeRegistry, session: Session) -> None:
    for number in range(10):
        fake.image(f"v{number}")
    gate = fake.before = Gate(*(f"v{number}" for number in range(10)))
    events = tags(session, "app", Attention())
    await anext(events)
    async with asyncio.timeout(5):
        await gate.held(session.concurrency)
        await events.aclose()
    assert len(gate.cancelled) == len(gate.waiting) == session.concurrency


async def test_reading_pauses_while_nobody_takes_the_events(fake: FakeRegistry, session: Session) -> None:
    for number in range(2000):
        fake.image(f"v{number}", name="the same")
    async with aclosing(tags(session, "app", Attention())) as events:
        await anext(events)
        await asyncio.sleep(0.5)
        before = len(fake.requests)
        await asyncio.sleep(0.1)
        assert before == len(fake.requests) < 400


# For the command line


async def test_rows_come_whole_and_in_order(fake: FakeRegistry, session: Session) -> None:
    fake.image("1.9", created="2026-01-01T00:00:00Z", layers=[10_000])
    fake.image("1.10", created="2026-02-01T00:00:00Z", layers=[10])
    fake.image("no-date", created=None, layers=[20_000])
    two_platforms(fake, "latest")
    gone = fake.image("gone", name="gone")
    del fake.manifests[gone["digest"]]

    async def order(sort: str) -> list[str]:
        async with aclosing(rows(session, "app", sort)) as found:
            return [row.tag async for row in found]

    assert await order("name") == ["gone", "latest", "no-date", "1.10", "1.9"]
    assert await order("created") == ["1.10", "latest", "1.9", "no-date", "gone"]
    assert await order("size") == ["no-date", "1.9", "latest", "1.10", "gone"]


async def test_rows_by_name_stream(fake: FakeRegistry, session: Session) -> None:
    for number in range(30):
        fake.image(f"v{number}")
    gate = fake.before = Gate("v0")
    async with asyncio.timeout(5), aclosing(rows(session, "app", "name")) as found:
        assert [(await anext(found)).tag for _ in range(20)] == [f"v{number}" for number in range(29, 9, -1)]
        gate.open("v0")
