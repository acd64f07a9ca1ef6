"""Commands against registries that want a login, a private CA's trust, a client's certificate or tokens."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Ran, regtui
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.guarded import MAINTAINER, READER, Guarded, keep_login
from tests.registry_servers.images import Layout, skopeo_digest, skopeo_tags


def run(at: Guarded, *arguments: str) -> Ran:
    return regtui(*arguments, *at.arguments)


def tags(registry: DockerRegistry, repository: str = "team/app") -> list[str]:
    return sorted(skopeo_tags(registry, repository))


# --- Every way in


def test_ls_tags_and_inspect_read_what_is_there(guarded: Guarded) -> None:
    assert run(guarded, "ls", guarded.host).out == "team/app\n"
    listed = run(guarded, "tags", "--json", f"{guarded.host}/team/app")
    assert [row["tag"] for row in listed.objects] == ["latest", "2.0", "1.0", "1"]
    [found] = run(guarded, "inspect", "--json", f"{guarded.host}/team/app:2.0").objects
    assert found["digest"] == skopeo_digest(guarded.registry, "team/app:2.0")
    assert found["config"]


def test_rm_deletes_one_tag_without_its_siblings(guarded: Guarded) -> None:
    before = skopeo_digest(guarded.registry, "team/app:1")
    ran = run(guarded, "rm", "--yes", f"{guarded.host}/team/app:1.0")
    assert ran.code == 0, ran.err
    assert tags(guarded.registry) == ["1", "2.0", "latest"]
    assert {skopeo_digest(guarded.registry, f"team/app:{tag}") for tag in ("1", "latest")} == {before}


def test_tag_points_a_new_tag_there_in_this_and_in_another_repository(guarded: Guarded) -> None:
    for new, repository in (("stable", "team/app"), ("team/other:from-app", "team/other")):
        ran = run(guarded, "tag", f"{guarded.host}/team/app:1.0", new)
        assert ran.code == 0, ran.err
        name = new.rpartition(":")[2]
        assert skopeo_digest(guarded.registry, f"{repository}:{name}") == skopeo_digest(
            guarded.registry, "team/app:1.0"
        )


def test_a_change_is_undone(guarded: Guarded) -> None:
    run(guarded, "rm", "--yes", f"{guarded.host}/team/app:2.0")
    assert tags(guarded.registry) == ["1", "1.0", "latest"]
    ran = run(guarded, "undo", "1", "--yes")
    assert ran.code == 0, ran.err
    assert tags(guarded.registry) == ["1", "1.0", "2.0", "latest"]


def test_the_log_of_requests_holds_no_login(guarded: Guarded, tmp_path: Path) -> None:
    log = tmp_path / "requests.log"
    assert run(guarded, "rm", "--yes", f"{guarded.host}/team/app:1.0", "--log", str(log)).code == 0
    text = log.read_text()
    assert "DELETE" in text
    assert not [word for word in ("Basic", "Bearer", "eyJ", *MAINTAINER) if word in text]


# --- Tokens: who may do what


def test_reading_asks_for_pull_only(with_tokens: Guarded) -> None:
    run(with_tokens, "ls", with_tokens.host)
    run(with_tokens, "tags", f"{with_tokens.host}/team/app")
    run(with_tokens, "inspect", f"{with_tokens.host}/team/app:2.0")
    scopes = {scope for asked in with_tokens.tokens.asked for scope in asked.scopes}
    assert scopes == {"registry:catalog:*", "repository:team/app:pull"}
    assert {(asked.way, asked.user) for asked in with_tokens.tokens.asked} == {("basic", MAINTAINER[0])}


def test_push_and_delete_are_asked_for_when_something_changes_and_of_nothing_else(with_tokens: Guarded) -> None:
    assert run(with_tokens, "tag", f"{with_tokens.host}/team/app:1.0", "team/other:1.0").code == 0
    wide = {scope for asked in with_tokens.tokens.asked for scope in asked.scopes if "push" in scope}
    assert {scope.split(":")[1] for scope in wide} == {"team/other"}
    assert not any("delete" in scope for scope in wide)
    with_tokens.tokens.asked.clear()
    assert run(with_tokens, "rm", "--yes", f"{with_tokens.host}/team/app:1.0").code == 0
    assert {"push", "delete"} <= {action for asked in with_tokens.tokens.asked for action in asked.actions}


def test_who_may_only_pull_reads_a_sentence_about_it_and_nothing_changes(
    with_tokens: Guarded, isolated_environment: Path
) -> None:
    keep_login(isolated_environment, with_tokens.host, READER)
    assert run(with_tokens, "ls", with_tokens.host).out == "team/app\n"
    for words in (("rm", "--yes", f"{with_tokens.host}/team/app:1.0"),
                  ("tag", f"{with_tokens.host}/team/app:1.0", "stable")):  # fmt: skip
        ran = run(with_tokens, *words)
        assert ran.code == 1
        assert f": {with_tokens.host} " in ran.err
        assert "team/app" in ran.err
        assert len(ran.err.splitlines()) == 1
    assert tags(with_tokens.registry) == ["1", "1.0", "2.0", "latest"]


def test_a_public_repository_is_read_without_a_login_and_others_ask_for_one(
    with_tokens: Guarded, isolated_environment: Path, layout: Layout
) -> None:
    layout.push(layout.image({"app": b"3"}), with_tokens.registry, "public/app:1.0")
    with_tokens.tokens.asked.clear()
    (isolated_environment / ".docker/config.json").unlink()
    assert run(with_tokens, "tags", "--json", f"{with_tokens.host}/public/app").objects[0]["tag"] == "1.0"
    assert {asked.way for asked in with_tokens.tokens.asked} == {"anonymous"}
    for words in (("tags", f"{with_tokens.host}/team/app"), ("ls", with_tokens.host)):
        ran = run(with_tokens, *words)
        assert ran.code == 1
        assert "Traceback" not in ran.err
        assert "og in" in ran.err


def test_an_identity_token_is_enough(with_tokens: Guarded, isolated_environment: Path) -> None:
    keep_login(isolated_environment, with_tokens.host, MAINTAINER, with_tokens.tokens.refresh_token(MAINTAINER[0]))
    assert run(with_tokens, "ls", with_tokens.host).out == "team/app\n"
    assert run(with_tokens, "rm", "--yes", f"{with_tokens.host}/team/app:1.0").code == 0
    assert {(asked.method, asked.way) for asked in with_tokens.tokens.asked} == {("POST", "refresh_token")}


def test_a_wrong_password_is_tried_once_and_said(with_tokens: Guarded, isolated_environment: Path) -> None:
    keep_login(isolated_environment, with_tokens.host, (MAINTAINER[0], "wrong-secret"))
    ran = run(with_tokens, "ls", with_tokens.host)
    assert ran.code == 1
    assert "wrong-secret" not in ran.err
    assert with_tokens.host in ran.err
    assert [asked.status for asked in with_tokens.tokens.asked] == [401]
