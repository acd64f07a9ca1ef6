"""`rm` and `tag` against a real registry: what goes, what stays, and what is asked before."""

from __future__ import annotations

import re
import signal
import subprocess

import pytest

from regtui.oci.digest import Digest
from tests.cli.conftest import at_terminal, command, regtui
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Layout, skopeo_digest, skopeo_tags


@pytest.fixture
def filled(registry: DockerRegistry, layout: Layout) -> DockerRegistry:
    """team/app with three tags on one image, and 2.0 on another."""
    layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
    registry.tag("team/app", "1.0", "1", "latest")
    layout.push(layout.image({"app": b"2"}), registry, "team/app:2.0")
    return registry


def tags(registry: DockerRegistry) -> list[str]:
    return sorted(skopeo_tags(registry, "team/app"))


def writes(registry: DockerRegistry) -> list[str]:
    """What was sent that may change something. The probes, of a digest and of a tag that nothing has, can't."""
    probes = re.compile(rf"GET |HEAD |DELETE .*/manifests/(sha256:{'0' * 64}|regtui-probe-\w{{48}})$")
    return [line for line in registry.requests() if not probes.match(line)]


def test_rm_deletes_one_of_three_tags_and_leaves_two(filled: DockerRegistry) -> None:
    digest = skopeo_digest(filled, "team/app:latest")
    ran = regtui("rm", "--yes", f"{filled.host}/team/app:1.0")
    assert ran.code == 0
    assert ran.out
    assert tags(filled) == ["1", "2.0", "latest"]
    assert skopeo_digest(filled, "team/app:latest") == digest


def test_rm_of_a_digest_deletes_every_tag_on_it_and_lists_them_first(filled: DockerRegistry) -> None:
    digest = skopeo_digest(filled, "team/app:1.0")
    ran = regtui("rm", "--yes", "--force", f"{filled.host}/team/app@{digest}")
    assert ran.code == 0
    assert all(f"  {tag} " in ran.err for tag in ("1.0", "1", "latest"))
    assert tags(filled) == ["2.0"]


def test_rm_of_tag_and_digest_deletes_the_tag_only_while_it_has_that_digest(filled: DockerRegistry) -> None:
    one, two = (skopeo_digest(filled, f"team/app:{tag}") for tag in ("1.0", "2.0"))
    ran = regtui("rm", "--yes", f"{filled.host}/team/app:1.0@{two}")
    assert ran.code == 1
    assert tags(filled) == ["1", "1.0", "2.0", "latest"]
    assert regtui("rm", "--yes", f"{filled.host}/team/app:1.0@{one}").code == 0
    assert tags(filled) == ["1", "2.0", "latest"]


def test_several_references_become_one_plan_a_repository(filled: DockerRegistry, layout: Layout) -> None:
    layout.push(layout.image({"app": b"3"}), filled, "team/other:3.0")
    host, digest = filled.host, skopeo_digest(filled, "team/app:2.0")
    ran = regtui(
        "rm", "--yes", "--json", f"{host}/team/app:1", f"{host}/team/other:3.0", f"{host}/team/app:1.0",
        f"{host}/team/app@{digest}", f"{host}/team/app:2.0",
    )  # fmt: skip
    assert ran.code == 0
    assert [plan["repository"] for plan in ran.objects] == ["team/app", "team/app", "team/other"]
    assert all((plan["dry_run"], plan["failed"], plan["left"]) == (False, 0, 0) for plan in ran.objects)
    assert tags(filled) == ["latest"]


def test_dry_run_prints_the_plan_and_changes_nothing(filled: DockerRegistry) -> None:
    before = writes(filled)
    ran = regtui("rm", "--dry-run", f"{filled.host}/team/app:latest", f"{filled.host}/team/app:2.0")
    assert ran.code == 0
    assert "Protected" in ran.out
    assert "latest, by the settings" in ran.out
    assert "Stays" in ran.out
    (plan,) = regtui("rm", "--dry-run", "--json", f"{filled.host}/team/app:1.0").objects
    assert plan["dry_run"] is True
    assert plan["repository"] == "team/app"
    assert writes(filled) == before


def test_protected_tags_want_force(filled: DockerRegistry) -> None:
    before = writes(filled)
    ran = regtui("rm", "--yes", f"{filled.host}/team/app:latest", f"{filled.host}/team/app:1.0")
    assert ran.code == 2
    assert "Protected: team/app:latest. --force deletes protected tags too." in ran.err
    assert writes(filled) == before
    assert regtui("rm", "--yes", "--force", f"{filled.host}/team/app:latest").code == 0
    assert tags(filled) == ["1", "1.0", "2.0"]


def test_without_a_yes_nothing_goes(filled: DockerRegistry) -> None:
    with at_terminal("rm", f"{filled.host}/team/app:1.0") as terminal:
        terminal.wait_for("Delete 1 tag? [y/N]")
        terminal.type("\n")
        ran = terminal.end()
    assert ran.code == 1
    assert "Nothing was deleted" in ran.err
    with at_terminal("rm", f"{filled.host}/team/app:1.0") as terminal:
        terminal.wait_for("[y/N]")
        terminal.type("\x03")
        assert terminal.end().code == 130
    assert tags(filled) == ["1", "1.0", "2.0", "latest"]


def test_a_yes_at_the_terminal_deletes(filled: DockerRegistry) -> None:
    with at_terminal("rm", f"{filled.host}/team/app:1.0") as terminal:
        terminal.wait_for("[y/N]")
        terminal.type("y\n")
        assert terminal.end().code == 0
    assert tags(filled) == ["1", "2.0", "latest"]


def test_many_tags_want_their_number(filled: DockerRegistry) -> None:
    many = [f"3.{n}" for n in range(21)]
    filled.tag("team/app", "1.0", *many)
    references = [f"{filled.host}/team/app:{tag}" for tag in many]
    with at_terminal("rm", *references) as terminal:
        terminal.wait_for("type 21 to go on:")
        terminal.type("y\n")
        assert terminal.end().code == 1
    assert len(tags(filled)) == 25
    with at_terminal("rm", *references) as terminal:
        terminal.wait_for("type 21 to go on:")
        terminal.type("21\n")
        assert terminal.end().code == 0
    assert tags(filled) == ["1", "1.0", "2.0", "latest"]


def test_a_protected_tag_has_to_be_typed(filled: DockerRegistry) -> None:
    with at_terminal("rm", "--force", f"{filled.host}/team/app:latest") as terminal:
        terminal.wait_for("Delete 1 tag: type latest to go on:")
        terminal.type("y\n")
        assert terminal.end().code == 1
    with at_terminal("rm", "--force", f"{filled.host}/team/app:latest") as terminal:
        terminal.wait_for("type latest to go on:")
        terminal.type("latest\n")
        assert terminal.end().code == 0
    assert tags(filled) == ["1", "1.0", "2.0"]


def test_all_tags_of_a_repository_want_its_name(filled: DockerRegistry) -> None:
    repository = f"{filled.host}/team/app"
    refused = regtui("rm", "--all", "--yes", repository)
    assert refused.code == 2
    assert "Protected: team/app:latest" in refused.err
    with at_terminal("rm", "--all", "--force", repository) as terminal:
        terminal.wait_for("Delete 4 tags, all that there are: type team/app to go on:")
        terminal.type("4\n")
        assert terminal.end().code == 1
    assert len(tags(filled)) == 4
    with at_terminal("rm", "--all", "--force", repository) as terminal:
        terminal.wait_for("type team/app to go on:")
        terminal.type("team/app\n")
        assert terminal.end().code == 0
    assert tags(filled) == []
    assert regtui("rm", "--all", f"{repository}:1.0").code == 2
    assert regtui("rm", "--all", "--yes", f"{filled.host}/team/none").code == 1


def test_tags_that_match_a_pattern(filled: DockerRegistry) -> None:
    filled.tag("team/app", "1.0", "pr-1", "pr-10", "pr-2", "x-pr-1")
    repository = f"{filled.host}/team/app"
    assert regtui("rm", "--yes", "--tags", "pr-1", repository).code == 0  # the whole name
    assert "pr-10" in tags(filled)
    assert regtui("rm", "--yes", "--tags", "pr-*", "--tags", "re:^2", repository).code == 0
    assert tags(filled) == ["1", "1.0", "latest", "x-pr-1"]
    none = regtui("rm", "--yes", "--tags", "pr-*", repository)
    assert (none.code, none.out) == (0, "")
    assert "team/app has no tag to delete" in none.err
    assert regtui("rm", "--yes", "--tags", "", repository).code == 2
    assert regtui("rm", "--yes", "--tags", "a", "--all", repository).code == 2
    assert tags(filled) == ["1", "1.0", "latest", "x-pr-1"]


def test_references_from_standard_input(filled: DockerRegistry) -> None:
    lines = f"{filled.host}/team/app:1\n\n{filled.host}/team/app:2.0\n"
    without_yes = regtui("rm", "-", stdin=lines)
    assert (without_yes.code, without_yes.out) == (2, "")
    assert regtui("rm", "--yes", "-", stdin=lines).code == 0
    assert tags(filled) == ["1.0", "latest"]
    assert regtui("rm", "--yes", "-").code == 2


def test_a_server_without_deletion_is_sent_the_probe_and_nothing_else(
    registry_without_deletion: DockerRegistry, layout: Layout
) -> None:
    server = registry_without_deletion
    layout.push(layout.image({"app": b"1"}), server, "team/app:1.0")
    server.tag("team/app", "1.0", "latest")
    before = writes(server)
    repository = f"{server.host}/team/app"
    for what in ([f"{repository}:1.0"], [f"{repository}:1.0", f"{repository}:latest"], ["--all", repository]):
        ran = regtui("rm", "--yes", "--force", *what)
        assert ran.code == 1
        assert "REGISTRY_STORAGE_DELETE_ENABLED=true" in ran.err
    assert writes(server) == before


def test_read_only_changes_nothing(filled: DockerRegistry) -> None:
    before = filled.requests()
    for words in (["rm", "--yes", f"{filled.host}/team/app:1.0"], ["tag", f"{filled.host}/team/app:1.0", "new"]):
        ran = regtui("--read-only", *words)
        assert ran.code == 1
        assert "read-only" in ran.err
    assert all(line.startswith(("GET", "HEAD")) for line in filled.requests()[len(before) :])


def test_what_is_not_there_can_not_be_deleted(filled: DockerRegistry) -> None:
    for what in ("team/app:none", "team/none:1.0", f"team/app@{Digest('sha256:' + '1' * 64)}"):
        ran = regtui("rm", "--yes", f"{filled.host}/{what}")
        assert (ran.code, ran.out) == (1, "")


def test_tag_points_a_new_tag_to_the_same_digest(filled: DockerRegistry) -> None:
    digest = skopeo_digest(filled, "team/app:2.0")
    ran = regtui("tag", f"{filled.host}/team/app:2.0", "2")
    assert (ran.code, ran.out) == (0, f"{filled.host}/team/app:2 points to {digest}\n")
    assert skopeo_digest(filled, "team/app:2") == digest


def test_tag_into_another_repository(filled: DockerRegistry) -> None:
    digest = skopeo_digest(filled, "team/app:2.0")
    (done,) = regtui("tag", f"{filled.host}/team/app@{digest}", "team/copy:2.0", "--json").objects
    assert done["digest"] == skopeo_digest(filled, "team/copy:2.0") == digest
    assert (done["replaced"], done["changed"]) == (None, True)
    assert regtui("tag", f"{filled.host}/team/app:2.0", f"{filled.host}/team/copy:3.0").code == 0
    assert skopeo_digest(filled, "team/copy:3.0") == digest


def test_moving_a_tag_wants_force_and_says_what_it_points_to(filled: DockerRegistry) -> None:
    one, two = (skopeo_digest(filled, f"team/app:{tag}") for tag in ("1.0", "2.0"))
    ran = regtui("tag", f"{filled.host}/team/app:2.0", "latest")
    assert ran.code == 2
    assert f"{filled.host}/team/app:latest exists and points to {one}. --force moves it." in ran.err
    assert skopeo_digest(filled, "team/app:latest") == one
    (done,) = regtui("tag", "--force", "--json", f"{filled.host}/team/app:2.0", "latest").objects
    assert done["replaced"] == one
    assert skopeo_digest(filled, "team/app:latest") == two
    (again,) = regtui("tag", "--json", f"{filled.host}/team/app:2.0", "latest").objects
    assert (again["changed"], again["replaced"]) == (False, None)


def test_undo_puts_back_what_was_deleted(filled: DockerRegistry) -> None:
    digest = skopeo_digest(filled, "team/app:2.0")
    ran = regtui("rm", "--yes", f"{filled.host}/team/app:2.0")
    assert "Undo: regtui undo 1, until the registry's garbage collection runs" in ran.err
    assert "2.0" not in tags(filled)
    assert regtui("tag", f"{filled.host}/team/app:1.0", "new").code == 0
    (made, deleted) = regtui("history", "--json").objects
    assert (made["id"], deleted["id"], deleted["title"]) == (2, 1, "Delete 1 tag from team/app")
    (plan,) = regtui("undo", "1", "--dry-run", "--json").objects
    assert plan["restored"] == [{"reference": f"{filled.host}/team/app:2.0", "digest": digest}]
    assert "2.0" not in tags(filled)
    assert regtui("undo", "--yes", "1").code == 0
    assert skopeo_digest(filled, "team/app:2.0") == digest
    assert regtui("undo", "--yes", "2").code == 0
    assert tags(filled) == ["1", "1.0", "2.0", "latest"]
    assert "Undo: Delete 1 tag from team/app" in regtui("history").out


def test_undo_of_the_last_change_is_asked_for(filled: DockerRegistry) -> None:
    assert "no change to undo" in regtui("undo", "--yes").err
    regtui("rm", "--yes", f"{filled.host}/team/app:2.0")
    with at_terminal("undo") as terminal:
        terminal.wait_for("Undo it? [y/N]")
        terminal.type("y\n")
        assert terminal.end().code == 0
    assert "2.0" in tags(filled)
    again = regtui("undo", "--yes", "1")
    assert again.code == 0
    assert "nothing left to do" in again.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_a_change_after_the_step_in_hand(filled: DockerRegistry, number: signal.Signals) -> None:
    many = [f"3.{n}" for n in range(60)]
    filled.tag("team/app", "1.0", *many)
    references = [f"{filled.host}/team/app:{tag}" for tag in many]
    process = subprocess.Popen(
        command("rm", "--yes", *references), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    process.stdout.readline()
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    deleted = 1 + len(out.splitlines())
    assert deleted < 60
    assert f"Stopped: {deleted} of 60 steps are done" in err
    assert len(tags(filled)) == 4 + 60 - deleted  # no less, no more, and none that leads nowhere
    assert "Traceback" not in err


def test_a_pipe_that_closes_stops_a_change_after_the_step_in_hand(filled: DockerRegistry) -> None:
    many = [f"3.{n}" for n in range(40)]
    filled.tag("team/app", "1.0", *many)
    references = [f"{filled.host}/team/app:{tag}" for tag in many]
    process = subprocess.Popen(
        command("rm", "--yes", "--quiet", *references), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (141, "")
    assert {"1", "1.0", "latest"} < set(tags(filled))
    assert 4 < len(tags(filled)) < 44
    (change,) = regtui("history", "--json").objects
    assert change["state"] == "partly done"
