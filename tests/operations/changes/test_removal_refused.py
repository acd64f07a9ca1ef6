"""Registries that delete nothing, or not everything: they are asked once, and nothing is written to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from regtui.embedded.app import registry_app
from regtui.errors import Forbidden, Unsupported
from regtui.operations.plan import Method
from regtui.operations.removal import plan_removal
from regtui.registry.asgi import StreamingASGITransport
from tests.operations.changes.conftest import stage_of
from tests.operations.changes.stage import Stage, refusing
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Layout

PROBE = f"DELETE /v2/team/app/manifests/sha256:{'0' * 64}"


async def refuses(stage: Stage, layout: Layout) -> None:
    digest = await stage.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "latest")
    for tags, whole in ((["1.0"], False), (["1.0", "latest"], False), (["1.0"], True)):
        with pytest.raises(Unsupported, match="REGISTRY_STORAGE_DELETE_ENABLED=true"):
            await plan_removal(stage.session, "team/app", tags, whole_digests=whole)
    assert set(stage.wire.writes) == {PROBE}
    assert await stage.state() == {"1.0": digest, "latest": digest}
    await stage.session.aclose()


async def test_a_docker_registry_with_deletion_switched_off_hears_only_the_probe(
    registry_without_deletion: DockerRegistry, tmp_path: Path, layout: Layout
) -> None:
    stage = stage_of(registry_without_deletion, tmp_path)
    await refuses(stage, layout)
    heard = registry_without_deletion.requests()
    pushed = heard.index(PROBE)
    assert {line.split()[0] for line in heard[pushed:]} <= {"GET", "HEAD", "DELETE"}
    assert {line for line in heard[pushed:] if line.startswith("DELETE")} == {PROBE}


async def test_our_own_registry_with_deletion_switched_off(tmp_path: Path, layout: Layout) -> None:
    app = registry_app(tmp_path / "embedded", deletion=False)
    await refuses(Stage(tmp_path, "embedded.localhost", lambda: StreamingASGITransport(app)), layout)


async def test_a_user_who_may_not(either: Stage, layout: Layout) -> None:
    await either.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    either.wire.before(PROBE, refusing(403, "DENIED"))
    with pytest.raises(Forbidden, match="does not let you delete"):
        await plan_removal(either.session, "team/app", ["1.0"])
    assert either.wire.writes == [PROBE]


async def test_where_the_probe_says_nothing_only_deletion_by_name_is_tried(real: Stage, layout: Layout) -> None:
    digest = await real.push(layout, layout.image({"app": b"1"}), "team/app", "1.0")
    real.wire.before(PROBE, refusing(418, "TEAPOT"))
    plan = await plan_removal(real.session, "team/app", ["1.0"])
    assert plan.going[0].methods == (Method.TAG,)
    assert plan.removed_digests == ()
    done = await real.run(plan)
    assert "doesn't delete a tag by its name" in done.error
    assert real.wire.writes == [PROBE, "DELETE /v2/team/app/manifests/1.0"]
    assert await real.state() == {"1.0": digest}


async def test_a_registry_that_hides_whether_it_deletes_tags_is_asked_by_doing(real: Stage, layout: Layout) -> None:
    digest = await real.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "latest")
    real.wire.before(r"DELETE .*/regtui-probe-\w+", refusing(422, "UNKNOWN"))
    plan = await plan_removal(real.session, "team/app", ["1.0"])
    assert plan.going[0].methods == (Method.TAG, Method.THROW_AWAY)
    assert dict(plan.lines())["How"].startswith("by name; if the registry refuses that, a throw-away manifest")
    assert (await real.run(plan)).counts == (1, 0, 0)
    assert await real.state() == {"latest": digest}


async def test_a_registry_that_finds_no_tag_when_it_is_to_be_deleted(embedded: Stage, layout: Layout) -> None:
    """Nexus takes digests only, and answers 404 to any tag."""
    digest = await embedded.push(layout, layout.image({"app": b"1"}), "team/app", "1.0", "latest")
    plan = await plan_removal(embedded.session, "team/app", ["1.0"])
    embedded.wire.before("DELETE .*/1.0", refusing(404, "MANIFEST_UNKNOWN"))
    done = await embedded.run(plan)
    assert (
        "finds no tag 1.0 when it is to be deleted, though it is there. Its registry takes digests only" in done.error
    )
    assert await embedded.state() == {"1.0": digest, "latest": digest}
