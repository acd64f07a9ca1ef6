"""What a tag pointed to before, from what was seen and from the journal."""

from __future__ import annotations

import pytest

from regtui.errors import UsageError
from regtui.oci.reference import Reference
from regtui.operations import inventory
from regtui.operations.removal import plan_removal
from regtui.operations.tag_log import tag_log
from regtui.operations.transfer import plan_copy
from regtui.operations.undo import plan_undo
from tests.operations.changes.stage import Stage
from tests.registry_servers.images import Layout


async def test_pushes_of_others_and_own_changes_are_one_history(either: Stage, layout: Layout) -> None:
    session = either.session
    tag = Reference(session.registry, "team/app", "stable")
    first = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "stable")
    await inventory.facts(session, "team/app", "stable")
    second = await either.push(layout, layout.image({"app": b"2"}), "team/app", "2.0", "stable")
    await inventory.facts(session, "team/app", "stable")
    third = await either.push(layout, layout.image({"app": b"3"}), "team/app", "3.0")
    await either.run(await plan_copy(session, tag.at("3.0"), session, tag))
    events = await tag_log(session, tag)
    assert [(event.digest, event.by and event.by.id, event.is_now, event.is_there) for event in events] == [
        (third, 1, True, True),
        (second, None, False, True),
        (first, None, False, True),
    ]
    await either.run(await plan_removal(session, "team/app", ["stable"]))
    deleted, was, *_ = await tag_log(session, tag)
    assert (deleted.digest, deleted.by and deleted.by.title) == (None, "Delete 1 tag from team/app")
    assert (was.digest, was.by and was.by.id) == (third, 1)
    await either.run(await plan_undo(session))
    back, *_ = await tag_log(session, tag)
    assert (back.digest, back.by and back.by.id, back.is_now) == (third, 3, True)


async def test_without_a_sighting_the_journal_knows_what_a_change_took_and_put(either: Stage, layout: Layout) -> None:
    session = either.session
    tag = Reference(session.registry, "team/app", "stable")
    first = await either.push(layout, layout.image({"app": b"1"}), "team/app", "stable")
    second = await either.push(layout, layout.image({"app": b"2"}), "team/app", "2.0")
    await either.run(await plan_copy(session, tag.at("2.0"), session, tag))
    assert [event.digest for event in await tag_log(session, tag)] == [second, first]


async def test_what_the_registry_has_no_more_is_told(either: Stage, layout: Layout) -> None:
    session = either.session
    tag = Reference(session.registry, "team/app", "1.0")
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    await inventory.facts(session, "team/app", "1.0")
    await either.run(await plan_removal(session, "team/app", ["1.0"]))
    _, gone = await tag_log(session, tag)
    assert (gone.digest, gone.is_there) == (digest, False)


async def test_a_tag_that_was_never_seen_has_an_empty_log(either: Stage) -> None:
    assert await tag_log(either.session, Reference(either.session.registry, "team/app", "none")) == []
    with pytest.raises(UsageError, match="names no tag"):
        await tag_log(either.session, Reference(either.session.registry, "team/app"))
