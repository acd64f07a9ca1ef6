"""Copies between two registries: only what is missing is sent, and nothing is believed that isn't checked."""

from __future__ import annotations

import os

import httpx
import pytest

from regtui.errors import RegtuiError
from regtui.oci.reference import Reference
from regtui.operations.runner import Finished, Runner
from regtui.operations.transfer import CopyPlan, plan_copy
from regtui.operations.transfer_steps import CopyBlob
from regtui.store.rows import State
from tests.operations.changes.stage import Stage, cut_off, refusing
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Json, Layout, skopeo_digest


def at(stage: Stage, tag: str = "1.0") -> Reference:
    return Reference(stage.session.registry, "team/app", tag)


async def planned(source: Stage, target: Stage, *, platform: str = "", referrers: bool = False) -> CopyPlan:
    return await plan_copy(
        source.session, at(source), target.session, at(target), platform=platform, referrers=referrers
    )


def two_platforms(layout: Layout) -> tuple[Json, Json, Json]:
    """An index and its images."""
    one = layout.image({"app": b"1" * 1000}, platform="linux/amd64")
    two = layout.image({"app": b"2" * 1000}, platform="linux/arm64")
    return layout.index(one, two), one, two


async def test_a_whole_index(embedded: Stage, real: Stage, registry: DockerRegistry, layout: Layout) -> None:
    index, one, two = two_platforms(layout)
    digest = await embedded.push(layout, index, "team/app", "1.0")
    plan = await planned(embedded, real)
    assert (plan.digest, plan.manifests, plan.present, plan.mounted) == (digest, 3, 0, 0)
    assert not real.wire.writes
    assert (await real.run(plan)).counts == (len(plan.steps), 0, 0)
    assert skopeo_digest(registry, "team/app:1.0") == digest
    assert all([await real.has(child["digest"]) for child in (one, two)])
    assert (await planned(embedded, real)).same


async def test_one_platform_of_an_index(embedded: Stage, real: Stage, layout: Layout) -> None:
    index, one, two = two_platforms(layout)
    await embedded.push(layout, index, "team/app", "1.0")
    plan = await planned(embedded, real, platform="linux/arm64")
    await real.run(plan)
    assert await real.state() == {"1.0": two["digest"]}
    assert not await real.has(one["digest"])
    with pytest.raises(RegtuiError, match="no image for linux/s390x"):
        await planned(embedded, real, platform="linux/s390x")


async def test_only_what_is_missing_is_sent(
    embedded: Stage, real: Stage, registry: DockerRegistry, layout: Layout
) -> None:
    index, one, _ = two_platforms(layout)
    await embedded.push(layout, index, "team/app", "1.0")
    await real.push(layout, one, "team/app", "other")
    before = len(registry.requests())
    plan = await planned(embedded, real)
    assert 0 < plan.present < plan.size
    assert plan.to_send == plan.size - plan.present
    await real.run(plan)
    uploads = [each for each in registry.requests()[before:] if each.startswith("POST ")]
    assert len(uploads) == 2  # the other image's config and layer


async def test_referrers_come_along_where_the_target_has_no_list_of_them(
    embedded: Stage, real: Stage, layout: Layout
) -> None:
    image = layout.image({"app": b"1"})
    digest = await embedded.push(layout, image, "team/app", "1.0")
    sbom = layout.artifact("application/spdx+json", subject=image)
    await embedded.push(layout, sbom, "team/app")
    signature = layout.artifact("application/vnd.dev.cosign.artifact.sig.v1+json", config=b'{"sig":1}')
    await embedded.push(layout, signature, "team/app", f"sha256-{digest[7:]}.sig")
    assert (await planned(embedded, real)).referrers == ()
    await real.run(await planned(embedded, real, referrers=True))
    async with real.somebody() as client:
        assert [each.digest for each in await client.referrers("team/app", digest)] == [sbom["digest"]]
    assert set(await real.state()) == {"1.0", f"sha256-{digest[7:]}", f"sha256-{digest[7:]}.sig"}


async def test_an_upload_that_breaks_off_is_begun_anew(embedded: Stage, real: Stage, layout: Layout) -> None:
    digest = await embedded.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    real.wire.after("PUT /v2/team/app/blobs/uploads/.*", cut_off)
    assert (await real.run(await planned(embedded, real))).counts == (3, 0, 0)
    assert await real.state() == {"1.0": digest}


async def test_a_target_that_fails_gets_no_tag(embedded: Stage, real: Stage, layout: Layout) -> None:
    await embedded.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    real.wire.before("PUT /v2/team/app/blobs/uploads/.*", refusing(503, "UNAVAILABLE"))
    done = await real.run(plan := await planned(embedded, real))
    assert done.counts == (1, 1, 1)
    assert not [each for each in real.wire.writes if "/manifests/" in each]
    assert (await real.run(await planned(embedded, real))).counts == (2, 0, 0)
    assert await real.state() == {"1.0": plan.digest}


async def test_a_source_that_sends_something_else_is_refused(embedded: Stage, real: Stage, layout: Layout) -> None:
    await embedded.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    plan = await planned(embedded, real)
    blob = next(step for step in plan.steps if isinstance(step, CopyBlob))

    async def lie() -> httpx.Response:
        return httpx.Response(200, content=b"x" * blob.size)

    embedded.wire.before(f"GET /v2/team/app/blobs/{blob.digest}", lie)
    done = await real.run(plan)
    assert done.counts == (1, 1, 1)
    assert "is not what was asked for" in done.error
    assert not [each for each in real.wire.writes if "/manifests/" in each]


async def test_a_blob_on_its_way_ends_when_the_copy_is_stopped(
    embedded: Stage, real: Stage, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    await embedded.push(layout, layout.image({"app": os.urandom(4_000_000)}), "team/app", "1.0")
    plan = await planned(embedded, real)
    runner = Runner(real.session)

    def half_way(context: object, done: int, size: int) -> None:
        if 1_000_000 < done < size:
            runner.stop()

    with monkeypatch.context() as patched:
        patched.setattr("regtui.operations.runner._Context.tell", half_way)
        *_, last = [event async for event in runner.execute(plan)]
    assert isinstance(last, Finished)
    assert (last.failed, last.left) == (0, 2)  # the layer, and the tag
    assert not [write for write in real.wire.writes if "/manifests/" in write]
    again = [event async for event in Runner(real.session).execute(plan.rest([1, 2]), continues=last.change)]
    assert again[-1] == Finished(2, 0, 0, last.change)
    assert real.session.journal.change(last.change or 0).state == State.DONE
