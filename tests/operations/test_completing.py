"""What was listed completely is known to the shells from then on."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import pytest

from regtui.errors import RegtuiError
from regtui.operations.completing import Candidate, Wanted, references
from regtui.operations.inventory import Attention, Listed, rows, tags
from regtui.operations.session import Session
from tests.operations.fake_registry import HOST, FakeRegistry


def known(session: Session) -> list[str]:
    """The tags that a shell completes."""
    found = references(session.settings, f"{HOST}/app:", Wanted.VERSION)
    assert not any(each.goes_on for each in found)
    return [each.text.rpartition(":")[2] for each in found]


async def list_all(session: Session) -> None:
    async with aclosing(tags(session, "app", Attention())) as events:
        while await anext(events) != Listed((), complete=True):
            pass


async def test_tags_that_were_looked_at_are_known(fake: FakeRegistry, tmp_path: Path) -> None:
    fake.page_size = 1
    fake.image("1.0", "1.1", "2.0")
    session = fake.session(tmp_path)
    await list_all(session)
    await session.aclose()
    assert known(session) == ["1.0", "1.1", "2.0"]
    assert references(session.settings, f"{HOST[:3]}", Wanted.VERSION) == [Candidate(f"{HOST}/", goes_on=True)]
    assert references(session.settings, f"{HOST}/", Wanted.REPOSITORY) == [Candidate(f"{HOST}/app")]


async def test_tags_of_signatures_are_offered_when_they_are_begun(fake: FakeRegistry, tmp_path: Path) -> None:
    signature = f"sha256-{'a' * 64}.sig"
    fake.image("1.0", signature)
    session = fake.session(tmp_path)
    await list_all(session)
    await session.aclose()
    assert known(session) == ["1.0"]
    begun = references(session.settings, f"{HOST}/app:sha", Wanted.VERSION)
    assert begun == [Candidate(f"{HOST}/app:{signature}")]


async def test_a_list_that_was_not_read_to_its_end_leaves_the_one_before(fake: FakeRegistry, tmp_path: Path) -> None:
    fake.image("1.0", "1.1")
    session = fake.session(tmp_path)
    await list_all(session)
    fake.image("3.0", "3.1")
    fake.page_size = 1
    async with aclosing(tags(session, "app", Attention())) as events:
        assert await anext(events) == Listed(("1.0",), complete=False)
    fake.failing["list"] = 400
    with pytest.raises(RegtuiError):
        [row async for row in rows(session, "app", "name")]
    await session.aclose()
    assert known(session) == ["1.0", "1.1"]


async def test_a_tag_that_is_gone_is_forgotten_with_the_next_list(fake: FakeRegistry, tmp_path: Path) -> None:
    fake.image("1.0", "1.1")
    session = fake.session(tmp_path)
    [row async for row in rows(session, "app", "name")]
    del fake.tags["1.0"]
    [row async for row in rows(session, "app", "name")]
    await session.aclose()
    assert known(session) == ["1.1"]
