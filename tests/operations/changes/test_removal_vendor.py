"""A registry whose vendor has a verb of its own for one tag: that verb, and nothing below (PROTOCOL.md)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import ClassVar

import pytest

from regtui.errors import Unsupported
from regtui.oci.digest import Digest
from regtui.operations.plan import Method
from regtui.operations.removal import plan_removal
from regtui.operations.undo import plan_undo
from regtui.registry.vendors import Removal, Vendor, VendorTag
from tests.operations.changes.stage import Stage
from tests.registry_servers.images import Layout

REPOSITORY = "team/app"


class Shop(Vendor):
    """Takes a tag by a verb of its own, and cleans up at once what has no tag any more, with all its parts."""

    name = "Shop"
    tells_tags = True
    afterwards = "Shop cleans up what has no tag"
    locked: ClassVar[set[str]] = set()
    left_alone: ClassVar[set[str]] = set()
    verbs: ClassVar[list[str]] = []
    cleans: ClassVar[list[str]] = []

    @classmethod
    def recognises(cls, registry: str, front: object) -> bool:
        return True

    async def tags(self, repository: str) -> AsyncGenerator[list[VendorTag], None]:
        answer = await self.api.ask("GET", f"/v2/{repository}/tags/list")
        names = self.api.read(answer, dict[str, str | list[str] | None], repository)["tags"]
        heads = [(name, await self.api.ask("HEAD", f"/v2/{repository}/manifests/{name}")) for name in names or ()]
        yield [VendorTag(name, head.digest, immutable=name in self.locked) for name, head in heads]

    async def removal(self, repository: str, tag: str) -> tuple[Removal, str]:
        if tag in self.left_alone:  # the verb would take more than this tag
            return Removal.REGISTRY, ""
        return (Removal.NONE, "it is locked there") if tag in self.locked else (Removal.VERB, "")

    async def remove_tag(self, repository: str, tag: str) -> None:
        self.verbs.append(tag)
        for version in (tag, *self.cleans):
            await self.api.ask("DELETE", f"/v2/{repository}/manifests/{version}")


@pytest.fixture
async def shop(embedded: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr("regtui.registry.vendors.known.VENDORS", (Shop,))
    monkeypatch.setattr(Shop, "locked", set())
    monkeypatch.setattr(Shop, "left_alone", set())
    monkeypatch.setattr(Shop, "verbs", [])
    monkeypatch.setattr(Shop, "cleans", [])
    await embedded.session.client.ping()
    return embedded


async def test_one_tag_goes_by_the_verb_and_its_siblings_stay(shop: Stage, layout: Layout) -> None:
    digest = await shop.push(layout, layout.image({"app": b"1"}), REPOSITORY, "1.0", "latest")
    plan = await plan_removal(shop.session, REPOSITORY, ["1.0"])
    assert plan.method is Method.VENDOR
    assert dict(plan.lines())["How"] == "by Shop's own API, one tag at a time"
    assert dict(plan.lines())["Stays"] == "latest (same digest); checked all 2 tags"
    assert (await shop.run(plan)).finished.failed == 0
    assert (Shop.verbs, await shop.state()) == (["1.0"], {"latest": digest})


async def test_what_the_vendor_cleans_up_can_be_undone_with_all_its_parts(shop: Stage, layout: Layout) -> None:
    image, other = layout.image({"app": b"1"}), layout.image({"app": b"2"}, platform="linux/arm64")
    digest = await shop.push(layout, layout.index(image, other), REPOSITORY, "1.0")
    Shop.cleans[:] = [digest, image["digest"], other["digest"]]
    plan = await plan_removal(shop.session, REPOSITORY, ["1.0"])
    assert dict(plan.lines())["Reclaims"] == "Shop cleans up what has no tag"
    assert (await shop.run(plan)).finished.failed == 0
    assert not await shop.has(image["digest"])
    assert (await shop.run(await plan_undo(shop.session))).finished.failed == 0
    assert await shop.state() == {"1.0": digest}
    assert await shop.has(image["digest"])
    assert await shop.has(other["digest"])


async def test_all_tags_of_a_digest(shop: Stage, layout: Layout) -> None:
    digest = await shop.push(layout, layout.image({"app": b"1"}), REPOSITORY, "1.0", "latest")
    other = await shop.push(layout, layout.image({"app": b"2"}), REPOSITORY, "2.0")
    plan = await plan_removal(shop.session, REPOSITORY, (), digest=Digest(digest))
    assert (await shop.run(plan)).finished.failed == 0
    assert (sorted(Shop.verbs), await shop.state()) == (["1.0", "latest"], {"2.0": other})


async def test_signatures_of_an_image_that_loses_its_last_tag_go_along(shop: Stage, layout: Layout) -> None:
    digest = await shop.push(layout, layout.image({"app": b"1"}), REPOSITORY, "1.0")
    signature = digest.replace(":", "-") + ".sig"
    await shop.push(layout, layout.image({"sig": b"1"}), REPOSITORY, signature)
    plan = await plan_removal(shop.session, REPOSITORY, ["1.0"])
    assert [item.tags for item in plan.companions] == [(signature,)]
    await shop.run(plan)
    assert await shop.state() == {}


async def test_a_locked_tag_cannot_be_removed_and_the_reason_is_said(shop: Stage, layout: Layout) -> None:
    digest = await shop.push(layout, layout.image({"app": b"1"}), REPOSITORY, "1.0", "latest")
    Shop.locked.add("latest")
    with pytest.raises(Unsupported, match=r"team/app:latest can't be deleted: it is locked there"):
        await plan_removal(shop.session, REPOSITORY, ["latest"])
    with pytest.raises(Unsupported, match="locked"):
        await plan_removal(shop.session, REPOSITORY, (), digest=Digest(digest))
    assert Shop.verbs == []


async def test_a_digest_without_tags_is_not_the_verbs(shop: Stage, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    await shop.push(layout, layout.index(image), REPOSITORY, "1.0")
    with pytest.raises(Unsupported, match="no tag on that digest"):
        await plan_removal(shop.session, REPOSITORY, (), digest=Digest(image["digest"]))


async def test_a_tag_that_the_verb_is_not_for_is_never_given_to_it_beside_others(shop: Stage, layout: Layout) -> None:
    digest = await shop.push(layout, layout.image({"app": b"1"}), REPOSITORY, "1.0", "odd")
    Shop.left_alone.add("odd")
    with pytest.raises(Unsupported, match=r"team/app:odd can't be deleted along with the others") as caught:
        await plan_removal(shop.session, REPOSITORY, ["1.0", "odd"])
    assert caught.value.advice == "Delete it on its own."
    with pytest.raises(Unsupported, match="odd can't be deleted along"):
        await plan_removal(shop.session, REPOSITORY, (), digest=Digest(digest))
    with pytest.raises(Unsupported, match="odd can't be deleted along"):
        await plan_removal(shop.session, REPOSITORY, ["1.0"], whole_digests=True)
    assert Shop.verbs == []
    plan = await plan_removal(shop.session, REPOSITORY, ["odd"])
    assert plan.method is not Method.VENDOR
    await shop.run(plan)
    assert (Shop.verbs, await shop.state()) == ([], {"1.0": digest})


async def test_a_signature_that_the_verb_can_not_take_stays(shop: Stage, layout: Layout) -> None:
    digest = await shop.push(layout, layout.image({"app": b"1"}), REPOSITORY, "1.0")
    name = digest.replace(":", "-")
    await shop.push(layout, layout.image({"sig": b"1"}), REPOSITORY, f"{name}.sig", f"{name}.att")
    Shop.locked.add(f"{name}.sig")
    Shop.left_alone.add(f"{name}.att")
    plan = await plan_removal(shop.session, REPOSITORY, ["1.0"])
    await shop.run(plan)
    assert (Shop.verbs, set(await shop.state())) == (["1.0"], {f"{name}.sig", f"{name}.att"})


async def test_a_tag_that_was_locked_since_the_plan_stays(shop: Stage, layout: Layout) -> None:
    digest = await shop.push(layout, layout.image({"app": b"1"}), REPOSITORY, "1.0", "2.0")
    plan = await plan_removal(shop.session, REPOSITORY, ["1.0", "2.0"])
    Shop.locked.add("1.0")
    Shop.left_alone.add("2.0")
    assert (await shop.run(plan)).finished.failed == 2
    assert (Shop.verbs, await shop.state()) == ([], {"1.0": digest, "2.0": digest})


async def test_all_tags_of_a_digest_are_looked_for_however_many_there_are(
    shop: Stage, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regtui.operations.removal_vendor.LOOKS", 1)
    monkeypatch.setattr(Shop, "tells_tags", False)
    digest = await shop.push(layout, layout.image({"app": b"1"}), REPOSITORY, "1.0", "2.0", "3.0", "4.0")
    plan = await plan_removal(shop.session, REPOSITORY, (), digest=Digest(digest))
    assert {item.tag for item in plan.going} == {"1.0", "2.0", "3.0", "4.0"}
    one = await plan_removal(shop.session, REPOSITORY, ["1.0"])
    assert (one.checked, one.total) == (2, 4)
