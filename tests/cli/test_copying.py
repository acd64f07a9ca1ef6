"""`cp` and `mv` between real registries: what is copied, what is asked before, and what is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import at_terminal, regtui
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.images import Layout, skopeo_digest, skopeo_tags


@pytest.fixture
def other(tmp_path: Path) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path / "other") as server:
        yield server


@pytest.fixture
def filled(registry: DockerRegistry, layout: Layout) -> DockerRegistry:
    """team/app:1.0 is an index of two images; 2.0 and latest are one other image."""
    index = layout.index(layout.image({"app": b"1"}), layout.image({"app": b"2"}, platform="linux/arm64"))
    layout.push(index, registry, "team/app:1.0")
    layout.push(layout.image({"app": b"3"}), registry, "team/app:2.0")
    registry.tag("team/app", "2.0", "latest")
    return registry


def test_cp_takes_over_what_the_target_leaves_out(filled: DockerRegistry, other: DockerRegistry) -> None:
    digest = skopeo_digest(filled, "team/app:1.0")
    ran = regtui("cp", "--yes", f"{filled.host}/team/app:1.0", f"{other.host}/")
    assert (ran.code, ran.out) == (0, f"{other.host}/team/app:1.0 points to {digest}\n")
    assert "Undo: regtui undo 1" in ran.err
    assert skopeo_digest(other, "team/app:1.0") == digest
    again = regtui("cp", "--yes", f"{filled.host}/team/app:1.0", f"{other.host}/")
    assert (again.code, again.out) == (0, f"{other.host}/team/app:1.0 points to {digest} already\n")
    assert regtui("undo", "--yes").code == 0
    assert skopeo_tags(other, "team/app") == []


def test_cp_of_one_platform_and_into_another_repository(filled: DockerRegistry, other: DockerRegistry) -> None:
    source, target = f"{filled.host}/team/app:1.0", f"{other.host}/arm:1"
    (told,) = regtui("cp", "--yes", "--json", "--platform", "linux/arm64", source, target).objects
    assert (told["platform"], told["done"], told["failed"], told["change"]) == ("linux/arm64", len(told["steps"]), 0, 1)
    assert skopeo_digest(other, "arm:1") == told["digest"] != skopeo_digest(filled, "team/app:1.0")
    missing = regtui("cp", "--yes", "--platform", "linux/s390x", source, f"{other.host}/s390x:1")
    assert missing.code == 1
    assert "has no image for linux/s390x" in missing.err


def test_cp_dry_run_says_what_would_be_sent_and_sends_nothing(filled: DockerRegistry, other: DockerRegistry) -> None:
    ran = regtui("cp", "--dry-run", f"{filled.host}/team/app:1.0", f"{other.host}/")
    assert ran.code == 0
    assert "which is new" in ran.out
    assert "to send" in ran.out
    (told,) = regtui("cp", "--dry-run", "--json", f"{filled.host}/team/app:1.0", f"{other.host}/").objects
    assert (told["dry_run"], told["action"], told["done"]) == (True, "copy", 0)
    assert not [line for line in other.requests() if not line.startswith(("GET", "HEAD"))]


def test_a_tag_that_exists_is_moved_with_force_only(filled: DockerRegistry) -> None:
    digest = skopeo_digest(filled, "team/app:1.0")
    source, target = f"{filled.host}/team/app:1.0", f"{filled.host}/team/app:latest"
    refused = regtui("cp", "--yes", source, target)
    assert refused.code == 2
    assert "exists and points to" in refused.err
    assert "is protected" in refused.err
    assert regtui("cp", "--yes", "--force", source, target).code == 0
    assert skopeo_digest(filled, "team/app:latest") == digest


def test_what_cannot_be_copied_is_said(filled: DockerRegistry, other: DockerRegistry) -> None:
    ran = regtui("cp", "--yes", f"{filled.host}/team/app:nope", f"{other.host}/")
    assert (ran.code, ran.out) == (1, "")
    assert "has no tag nope" in ran.err
    ran = regtui("cp", "--yes", f"{filled.host}/team/app@sha256:{'0' * 64}", f"{other.host}/")
    assert ran.code == 2
    assert "names no tag" in ran.err
    ran = regtui("cp", "--read-only", "--yes", f"{filled.host}/team/app:1.0", f"{other.host}/")
    assert ran.code != 0
    assert "reading only" in ran.err
    ran = regtui("cp", f"{filled.host}/team/app:1.0", f"{other.host}/")
    assert ran.code == 2
    assert "--yes" in ran.err


def test_mv_leaves_siblings_and_takes_two_undos(filled: DockerRegistry, other: DockerRegistry) -> None:
    digest = skopeo_digest(filled, "team/app:2.0")
    before = sorted(skopeo_tags(filled, "team/app"))
    assert regtui("mv", "--yes", f"{filled.host}/team/app:2.0", f"{other.host}/moved:2").code == 0
    assert skopeo_digest(other, "moved:2") == digest
    assert sorted(skopeo_tags(filled, "team/app")) == ["1.0", "latest"]
    assert skopeo_digest(filled, "team/app:latest") == digest
    assert regtui("undo", "--yes").code == 0
    assert regtui("undo", "--yes", "1").code == 0
    assert sorted(skopeo_tags(filled, "team/app")) == before
    assert skopeo_tags(other, "moved") == []


def test_mv_within_a_repository_renames(filled: DockerRegistry) -> None:
    digest = skopeo_digest(filled, "team/app:1.0")
    (told,) = regtui("mv", "--yes", "--json", f"{filled.host}/team/app:1.0", f"{filled.host}/team/app:1.1").objects
    assert told["action"] == "move"
    assert [change["failed"] for change in told["changes"]] == [0, 0]
    assert sorted(skopeo_tags(filled, "team/app")) == ["1.1", "2.0", "latest"]
    assert skopeo_digest(filled, "team/app:1.1") == digest


def test_mv_of_a_protected_tag_or_onto_itself(filled: DockerRegistry) -> None:
    ran = regtui("mv", "--yes", f"{filled.host}/team/app:latest", f"{filled.host}/team/app:3.0")
    assert ran.code == 2
    assert "is protected" in ran.err
    ran = regtui("mv", "--yes", f"{filled.host}/team/app:2.0", f"{filled.host}/team/app:2.0")
    assert ran.code == 2
    assert "onto itself" in ran.err
    assert sorted(skopeo_tags(filled, "team/app")) == ["1.0", "2.0", "latest"]


def test_at_a_terminal_it_asks_and_no_changes_nothing(filled: DockerRegistry, other: DockerRegistry) -> None:
    with at_terminal("cp", f"{filled.host}/team/app:1.0", f"{other.host}/") as terminal:
        terminal.wait_for("Copy? [y/N]")
        terminal.type("n\n")
        ended = terminal.end()
    assert ended.code == 1
    assert not [line for line in other.requests() if not line.startswith(("GET", "HEAD"))]
