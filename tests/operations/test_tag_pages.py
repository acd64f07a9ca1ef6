"""Tags as a vendor's own API tells them: no manifest is fetched for them, and where it fails the registry goes on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from regtui.errors import Forbidden
from regtui.oci import media_types
from regtui.oci.digest import Digest, digest_of
from regtui.oci.kinds import Kind
from regtui.operations import inventory
from regtui.operations.inventory import Attention, Listed, Read
from regtui.operations.session import Session
from regtui.operations.tag_pages import TagPage, tag_pages
from regtui.registry.vendors import Vendor, VendorTag
from tests.operations.fake_registry import FakeRegistry

MARCH, APRIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


class Shop(Vendor):
    """Tells what a test gives it, page by page; an error among the pages is raised."""

    name = "Shop"
    tells_tags = True
    pages: list[list[VendorTag] | Exception]

    async def tags(self, repository: str) -> AsyncGenerator[list[VendorTag], None]:
        for page in self.pages:
            if isinstance(page, Exception):
                raise page
            yield page


@pytest.fixture
def registry() -> FakeRegistry:
    fake = FakeRegistry()
    fake.image("1.0", "latest")
    fake.image("2.0")
    return fake


@pytest.fixture
async def session(registry: FakeRegistry, tmp_path: Path) -> AsyncIterator[Session]:
    opened = registry.session(tmp_path)
    yield opened
    await opened.aclose()


def tell(session: Session, *pages: list[VendorTag] | Exception) -> None:
    shop = Shop(session.client.vendor.exchange)
    shop.pages = list(pages)
    session.client.vendor = shop


def told(registry: FakeRegistry, tag: str, pushed: datetime | None = MARCH, size: int | None = 5) -> VendorTag:
    return VendorTag(tag, Digest(registry.tags[tag]), media_types.OCI_MANIFEST, size, pushed=pushed)


async def first_page(session: Session) -> TagPage:
    async with aclosing(tag_pages(session, "app")) as pages:
        return await anext(pages)


async def events(session: Session, count: int) -> list[Listed | Read | inventory.Failed]:
    async with aclosing(inventory.tags(session, "app", Attention("all"))) as arriving:
        return [await anext(arriving) for _ in range(count)]


async def test_a_told_tag_needs_no_manifest(session: Session, registry: FakeRegistry) -> None:
    tell(session, [told(registry, "2.0", APRIL)], [told(registry, "1.0")])
    found = await events(session, 5)
    read = {event.tag: event.facts for event in found if isinstance(event, Read)}
    assert (read["2.0"].created, read["2.0"].created_source, read["2.0"].size) == (APRIL, "pushed", 5)
    assert isinstance(found[-1], Listed)
    assert found[-1].complete
    assert registry.requests == []


async def test_a_date_of_its_building_is_no_date_of_a_push(session: Session, registry: FakeRegistry) -> None:
    tell(session, [VendorTag("2.0", Digest(registry.tags["2.0"]), size=1, created=MARCH, pushed=APRIL, pulled=APRIL)])
    page = await first_page(session)
    facts = page.facts["2.0"]
    assert (facts.created, facts.created_source, facts.pushed, facts.pulled) == (MARCH, "vendor", APRIL, APRIL)


async def test_tags_on_one_digest_are_as_old_as_the_first_that_was_pushed(
    session: Session, registry: FakeRegistry
) -> None:
    tell(session, [told(registry, "latest", APRIL), told(registry, "1.0", MARCH)], [told(registry, "latest", APRIL)])
    pages = [page async for page in tag_pages(session, "app")]
    assert pages[0].facts["1.0"].pushed == MARCH
    assert pages[1].names == []


async def test_what_the_vendor_does_not_say_is_read(session: Session, registry: FakeRegistry) -> None:
    tell(session, [told(registry, "1.0", size=None), told(registry, "2.0")])
    rows = {
        row.tag: row.facts
        for row in [row async for row in inventory.rows(session, "app", "name")]
        if isinstance(row, Read)
    }
    assert (rows["1.0"].created_source, rows["1.0"].size) == (
        "config",
        1000 + len(registry.blobs[config(registry, "1.0")]),
    )
    assert rows["2.0"].created_source == "pushed"
    assert "GET 1.0" in registry.requests
    assert "GET 2.0" not in registry.requests


def config(registry: FakeRegistry, tag: str) -> str:
    return registry.config_of({"digest": registry.tags[tag]})


@pytest.mark.parametrize("pages_before", [0, 1])
async def test_where_the_vendor_fails_the_registry_goes_on(
    session: Session, registry: FakeRegistry, pages_before: int
) -> None:
    tell(session, *[[told(registry, "2.0")]] * pages_before, Forbidden("no", status=403))
    names = [name async for page in tag_pages(session, "app") for name in page.names]
    assert sorted(names) == ["1.0", "2.0", "latest"]


async def test_locked_tags_are_told(session: Session, registry: FakeRegistry) -> None:
    tell(session, [VendorTag("1.0", immutable=True), VendorTag("2.0")])
    listed = (await events(session, 1))[0]
    assert isinstance(listed, Listed)
    assert listed.immutable == {"1.0"}


async def test_kinds_are_known_by_media_type_and_name(session: Session) -> None:
    digest = digest_of(b"x")
    signature = digest.replace(":", "-") + ".sig"
    tell(
        session,
        [
            VendorTag("index", digest, media_types.OCI_INDEX, 1),
            VendorTag(signature, digest_of(b"y"), media_types.OCI_MANIFEST, 1),
            VendorTag("image", digest_of(b"z"), media_types.OCI_MANIFEST, 1),
        ],
    )
    page = await first_page(session)
    assert [page.facts[name].kind for name in page.names] == [Kind.INDEX, Kind.SIGNATURE, Kind.IMAGE]
