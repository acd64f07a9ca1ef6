"""What a removal says before anything is done."""

from __future__ import annotations

import pytest

from regtui.errors import NotFound, PlanStale, ReadOnly, ReferenceError
from regtui.oci.digest import digest_of
from regtui.oci.kinds import Kind
from regtui.operations.plan import Method
from regtui.operations.removal import plan_removal
from tests.operations.changes.conftest import stage_of
from tests.operations.changes.stage import Stage, answering
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Layout


def rows(plan_lines: list[tuple[str, str]]) -> dict[str, str]:
    return dict(plan_lines)


async def test_a_tag_that_shares_its_digest(real: Stage, layout: Layout) -> None:
    digest = await real.push(layout, layout.image({"app": b"1"}), "team/app", "1.4.2", "1.4", "latest")
    plan = await plan_removal(real.session, "team/app", ["1.4.2"])
    assert (plan.title, plan.action) == ("Delete 1 tag from team/app", "Delete 1 tag")
    assert [(item.tag, item.digest, item.kind, item.methods) for item in plan.going] == [
        ("1.4.2", digest, Kind.IMAGE, (Method.THROW_AWAY,))
    ]
    assert plan.going[0].created is not None
    assert plan.staying == (("latest", digest), ("1.4", digest))
    assert (plan.checked, plan.total, plan.reclaimable, plan.removed_digests) == (3, 3, 0, ())
    said = rows(plan.lines())
    assert "latest" in said["Stays"]
    assert said["Stays"].endswith("(same digest); checked all 3 tags")
    assert said["How"].startswith("this registry can't delete a tag by name: a throw-away manifest takes its place")
    assert said["Reclaims"] == "nothing: latest and 1.4 use the image"
    assert said["Undo"] == "u, until the registry's garbage collection runs"


async def test_the_last_tag_of_an_image_takes_it_along(real: Stage, layout: Layout) -> None:
    image = layout.image({"app": b"1" * 50_000})
    digest = await real.push(layout, image, "team/app", "1.0")
    await real.push(layout, layout.image({"app": b"2"}), "team/app", "2.0")
    plan = await plan_removal(real.session, "team/app", ["1.0"])
    assert plan.method is Method.DIGEST
    assert plan.removed_digests == (digest,)
    assert rows(plan.lines())["How"] == "by digest: nothing that stays needs the image"
    assert plan.reclaimable is not None
    assert plan.reclaimable > image["size"]
    assert not real.wire.writes[1:]  # only the probe


async def test_all_tags_of_a_digest_given_one_by_one_take_it_along(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1", "1.0", "latest")
    plan = await plan_removal(either.session, "team/app", ["latest", "1", "1.0", "1"])
    assert [item.tag for item in plan.going] == ["latest", "1", "1.0"]
    assert (plan.removed_digests, len(plan.steps), plan.staying) == ((digest,), 1, ())
    assert plan.protected == ("latest",)


async def test_a_registry_that_deletes_tags_by_name_is_known_before(embedded: Stage, layout: Layout) -> None:
    await embedded.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "latest")
    plan = await plan_removal(embedded.session, "team/app", ["1.0"])
    assert plan.going[0].methods == (Method.TAG,)
    assert rows(plan.lines())["How"] == "the registry deletes a tag by its name"


async def test_an_image_that_an_index_has_only_loses_its_tag(either: Stage, layout: Layout) -> None:
    image, other = layout.image({"app": b"1"}), layout.image({"app": b"2"}, platform="linux/arm64")
    await either.push(layout, layout.index(image, other), "team/app", "multi")
    await either.push(layout, image, "team/app", "amd64")
    plan = await plan_removal(either.session, "team/app", ["amd64"])
    assert (plan.removed_digests, plan.reclaimable, plan.users) == ((), 0, ("multi",))
    said = rows(plan.lines())
    assert said["Stays"] == "the image, untagged: multi needs it; checked all 2 tags"
    assert said["Reclaims"] == "nothing: multi uses the image"
    assert plan.as_json()["tags"][0]["in_indexes"] == ["multi"]


async def test_what_is_about_an_image_that_goes_and_stays_is_named(embedded: Stage, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    await embedded.push(layout, image, "team/app", "1.0")
    sbom = layout.artifact("application/vnd.oci.empty.v1+json", layout.blob(b"{}", "application/spdx"), subject=image)
    digest = await embedded.push(layout, sbom, "team/app", "sbom")
    plan = await plan_removal(embedded.session, "team/app", ["1.0"])
    assert (plan.orphaned, plan.warnings) == ((digest,), ("sbom is about what goes, and stays",))
    assert plan.as_json()["orphaned"] == [digest]


async def test_several_tags_each_with_its_own_fate(real: Stage, layout: Layout) -> None:
    in_index = layout.image({"app": b"1"})
    await real.push(layout, layout.index(in_index), "team/app", "multi")
    await real.push(layout, in_index, "team/app", "amd64")
    await real.push(layout, layout.image({"app": b"2"}), "team/app", "2.0", "latest")
    await real.push(layout, layout.image({"app": b"3"}), "team/app", "3.0")
    plan = await plan_removal(real.session, "team/app", ["3.0", "2.0", "amd64"])
    assert plan.method is None
    said = rows(plan.lines())
    assert said["Stays"] == "latest (same digest); 1 image, untagged: multi needs it; checked all 5 tags"
    assert said["How"].startswith("1 tag: by digest: nothing that stays needs the images; 2 tags: this registry can't")
    assert said["Reclaims"].endswith("in this repository, when its garbage collection runs")


async def test_an_index_takes_along_what_nothing_else_uses(either: Stage, layout: Layout) -> None:
    own, shared, tagged = (layout.image({"app": bytes([n]) * 100}, labels={"n": str(n)}) for n in range(3))
    await either.push(layout, layout.index(own, shared, tagged), "team/app", "1.0")
    await either.push(layout, layout.index(shared), "team/app", "2.0")
    await either.push(layout, tagged, "team/app", "plain")
    plan = await plan_removal(either.session, "team/app", ["1.0"])
    assert plan.removed_digests == (layout.index(own, shared, tagged)["digest"], own["digest"])
    assert [(item.digest, item.kind) for item in plan.companions] == [(own["digest"], Kind.IMAGE)]
    assert rows(plan.lines())["Along"] == "1 image"
    assert [step.needs for step in plan.steps] == [(), (0,)]


async def test_signatures_and_referrers_of_what_goes_go_along(either: Stage, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    digest = await either.push(layout, image, "team/app", "1.0")
    await either.push(layout, layout.image({"app": b"2"}), "team/app", "2.0")
    signature = layout.artifact(
        "application/vnd.oci.image.config.v1+json",
        layout.blob(b"signed", "application/vnd.dev.cosign.simplesigning.v1+json"),
        config=b'{"sig":1}',
    )
    await either.push(layout, signature, "team/app", f"sha256-{digest[7:]}.sig")
    sbom = layout.artifact("application/spdx+json", config=b'{"sbom":1}', subject=image)
    await either.push(layout, sbom, "team/app")
    if either.session.registry != "embedded.localhost":  # without the referrers API, clients keep a list by hand
        await either.push(layout, layout.index(sbom), "team/app", f"sha256-{digest[7:]}")
    plan = await plan_removal(either.session, "team/app", ["1.0"])
    assert set(plan.removed_digests) >= {digest, signature["digest"], sbom["digest"]}
    assert {item.kind for item in plan.companions} >= {Kind.SIGNATURE, Kind.SBOM}
    assert "1 signature" in rows(plan.lines())["Along"]
    assert f"sha256-{digest[7:]}.sig" in rows(plan.lines())["Along"]
    assert [item.tag for item in plan.going] == ["1.0"]


async def test_signatures_of_a_digest_that_stays_stay(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "latest")
    signature = layout.artifact("application/vnd.dev.cosign.artifact.sig.v1+json", config=b'{"sig":1}')
    await either.push(layout, signature, "team/app", f"sha256-{digest[7:]}.sig")
    plan = await plan_removal(either.session, "team/app", ["1.0"])
    assert plan.companions == ()
    assert plan.removed_digests == ()


async def test_a_referrer_of_an_image_that_stays_only_loses_its_tag(either: Stage, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    await either.push(layout, image, "team/app")  # no tag, and there
    sbom = layout.artifact("application/spdx+json", config=b'{"sbom":1}', subject=image)
    await either.push(layout, sbom, "team/app", "sbom")
    plan = await plan_removal(either.session, "team/app", ["sbom"])
    assert plan.removed_digests == ()
    whole = await plan_removal(either.session, "team/app", ["sbom"], whole_digests=True)
    assert whole.removed_digests == (sbom["digest"],)


async def test_a_whole_digest_names_every_tag_on_it(either: Stage, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    digest = await either.push(layout, image, "team/app", "1.0", "latest")
    index = layout.index(image)
    await either.push(layout, index, "team/app", "multi")
    plan = await plan_removal(either.session, "team/app", [], digest=digest)
    assert {item.tag for item in plan.going} == {"1.0", "latest"}
    assert plan.title == f"Delete {digest[7:19]} and its 2 tags from team/app"
    assert plan.protected == ("latest",)
    assert plan.warnings == ("multi has an image that goes: it will be broken",)
    assert rows(plan.lines())["How"] == "by digest, with every tag on it"
    untagged = await plan_removal(either.session, "team/app", ["multi"], whole_digests=True)
    assert untagged.removed_digests == (index["digest"],)


async def test_a_digest_without_tags_in_a_repository_without_tags(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app")
    plan = await plan_removal(either.session, "team/app", [], digest=digest)
    assert (plan.title, plan.action) == (f"Delete {digest[7:19]} from team/app", "Delete 1 digest")
    assert plan.method is Method.DIGEST
    assert (await either.run(plan)).counts == (1, 0, 0)
    assert not await either.has(digest)


async def test_in_a_large_repository_a_single_tag_only_loses_its_name(
    real: Stage, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regtui.operations.removal.FULL_CHECK", 5)
    monkeypatch.setattr("regtui.operations.removal.NEIGHBOURS", 1)
    for number in range(8):
        await real.push(layout, layout.image({"app": b"%d" % number}), "team/app", f"1.{number}")
    plan = await plan_removal(real.session, "team/app", ["1.3"])
    assert (plan.removed_digests, plan.checked, plan.total, plan.reclaimable) == ((), 3, 8, 0)
    said = rows(plan.lines())
    assert said["Stays"] == "the image, untagged; checked 3 of 8 tags"
    assert said["Reclaims"] == "nothing: the image stays, untagged"
    bulk = await plan_removal(real.session, "team/app", ["1.3", "1.4"])
    assert (len(bulk.removed_digests), bulk.checked) == (2, 8)


async def test_a_tag_that_cannot_be_read_keeps_every_image(
    real: Stage, registry: DockerRegistry, layout: Layout
) -> None:
    digest = await real.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    broken = await real.push(layout, layout.image({"app": b"2"}), "team/app", "broken")
    stored = registry.folder / "data/docker/registry/v2/blobs/sha256" / broken[7:9] / broken[7:] / "data"
    stored.write_bytes(stored.read_bytes().replace(b"layers", b"LAYERS"))
    plan = await plan_removal(real.session, "team/app", ["1.0"])
    assert plan.removed_digests == ()
    assert plan.going[0].methods == (Method.THROW_AWAY,)
    assert plan.warnings[0].startswith("Not everything could be read")
    whole = await plan_removal(real.session, "team/app", [], digest=digest)
    assert (whole.removed_digests, whole.reclaimable) == ((digest,), None)


async def test_a_name_that_can_be_no_tag_keeps_every_image(embedded: Stage, layout: Layout) -> None:
    await embedded.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    for _ in range(2):
        embedded.wire.before(
            "GET .*/tags/list", answering({"name": "team/app", "tags": ["1.0", "../../etc", "\x1b[31mred"]})
        )
    plan = await plan_removal(embedded.session, "team/app", ["1.0"])
    assert (plan.removed_digests, plan.total) == ((), 3)
    assert (await embedded.run(plan)).counts == (1, 0, 0)


async def test_progress_is_told(either: Stage, layout: Layout) -> None:
    for number in range(3):
        await either.push(layout, layout.image({"app": b"%d" % number}), "team/app", f"{number}")
    told: list[tuple[int, int]] = []
    await plan_removal(either.session, "team/app", ["1"], progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


async def test_a_digest_that_was_expected(either: Stage, layout: Layout) -> None:
    digest = await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    await plan_removal(either.session, "team/app", ["1.0"], expect={"1.0": digest})
    with pytest.raises(PlanStale, match=rf"team/app:1\.0 points to {digest}, not to"):
        await plan_removal(either.session, "team/app", ["1.0"], expect={"1.0": digest_of(b"other")})


async def test_what_is_not_there(either: Stage, layout: Layout) -> None:
    await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    for tags in (["2.0"], ["1.0", "2.0"]):
        with pytest.raises(NotFound):
            await plan_removal(either.session, "team/app", tags)
    with pytest.raises(NotFound):
        await plan_removal(either.session, "team/app", [], digest=digest_of(b"nothing"))
    with pytest.raises(NotFound):
        await plan_removal(either.session, "team/other", ["1.0"])
    with pytest.raises(ReferenceError):
        await plan_removal(either.session, "team/app", ["../x"])
    assert not either.wire.writes


async def test_read_only_plans_nothing_and_asks_nothing(registry: DockerRegistry) -> None:
    stage = stage_of(registry, registry.folder / "own", read_only=True)
    with pytest.raises(ReadOnly):
        await plan_removal(stage.session, "team/app", ["1.0"])
    assert stage.wire.requests == []
    await stage.session.aclose()


async def test_as_json(real: Stage, layout: Layout) -> None:
    digest = await real.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "latest")
    told = (await plan_removal(real.session, "team/app", ["1.0"])).as_json()
    assert told["version"] == 1
    assert told["tags"] == [
        {
            "tag": "1.0",
            "digest": digest,
            "kind": "image",
            "created": "2026-03-04T05:06:07Z",
            "size_bytes": told["tags"][0]["size_bytes"],
            "methods": ["throw-away"],
            "in_indexes": [],
        }
    ]
    assert [(step["verb"], step["methods"]) for step in told["steps"]] == [("remove tag", "throw-away")]
    assert told["stays"] == [{"tag": "latest", "digest": digest}]
    assert told["reclaimable_bytes"] == 0
