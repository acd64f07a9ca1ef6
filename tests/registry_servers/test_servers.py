"""The servers and images that other tests stand on do what they say."""

from __future__ import annotations

import http.client
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.oci import media_types
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.images import (
    HardLink,
    Layout,
    Symlink,
    layer_tar,
    skopeo_digest,
    skopeo_inspect,
    skopeo_tags,
)
from tests.registry_servers.killing import Kill, killing_proxy
from tests.registry_servers.token_server import User, token_server


def test_a_pushed_image_keeps_its_digest(registry: DockerRegistry, layout: Layout) -> None:
    image = layout.image({"bin/": b"", "bin/app": b"x" * 100, "app": Symlink("bin/app"), "app2": HardLink("bin/app")})
    digest = layout.push(image, registry, "team/app:1.0")
    registry.tag("team/app", "1.0", "latest")
    assert skopeo_digest(registry, "team/app:latest") == digest
    assert sorted(skopeo_tags(registry, "team/app")) == ["1.0", "latest"]
    assert "PUT /v2/team/app/manifests/latest" in registry.requests()


def test_an_index_and_docker_schema_2_can_be_pushed(registry: DockerRegistry, layout: Layout) -> None:
    images = [layout.image({"app": b"1"}, platform=p, labels={"who": p}) for p in ("linux/amd64", "linux/arm/v7")]
    digest = layout.push(layout.index(*images), registry, "team/app:multi")
    assert skopeo_digest(registry, "team/app:multi") == digest
    assert layout.push(images[0], registry, "team/app:docker", as_docker=True) != images[0]["digest"]
    _, headers, _ = registry.request("GET", "/v2/team/app/manifests/docker", headers={"Accept": media_types.ACCEPT})
    assert headers["content-type"] == media_types.DOCKER_MANIFEST
    assert skopeo_inspect(registry, "team/app:docker")["Labels"] == {"who": "linux/amd64"}


def test_an_artifact_with_a_subject_can_be_pushed(registry: DockerRegistry, layout: Layout) -> None:
    image = layout.image({"app": b"1"})
    layout.push(image, registry, "team/app:1.0")
    sbom = layout.blob(b"{}", "application/spdx+json")
    artifact = layout.artifact("application/vnd.oci.empty.v1+json", sbom, subject=image)
    layout.push(artifact, registry, "team/app:sbom")
    _, _, raw = registry.request("GET", "/v2/team/app/manifests/sbom", headers={"Accept": artifact["mediaType"]})
    assert json.loads(raw)["subject"]["digest"] == image["digest"]


def test_the_login_is_asked_for(registry_with_login: DockerRegistry, layout: Layout) -> None:
    layout.push(layout.image({"app": b"1"}), registry_with_login, "team/app:1.0")
    stranger = DockerRegistry(registry_with_login.host, registry_with_login.folder)
    assert stranger.request("GET", "/v2/")[0] == 401


def test_deletion_is_off_as_it_comes(registry_without_deletion: DockerRegistry) -> None:
    assert registry_without_deletion.request("DELETE", f"/v2/a/manifests/sha256:{'0' * 64}")[0] == 405


def test_tls_and_the_packaged_configuration(tmp_path: Path, layout: Layout) -> None:
    with docker_registry(tmp_path / "server", tls=True, packaged_config=True) as registry:
        digest = layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
        assert skopeo_digest(registry, "team/app:1.0") == digest
        registry.garbage_collect()


def test_a_client_without_a_certificate_is_not_let_in(tmp_path: Path, layout: Layout) -> None:
    with docker_registry(tmp_path / "server", tls=True, client_cert=True) as registry:
        layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
        with pytest.raises(OSError, match="certificate"):
            replace(registry, client_cert=None).request("GET", "/v2/")


def test_the_login_server_grants_what_a_user_may_do_and_the_registry_verifies_it(
    tmp_path: Path, layout: Layout
) -> None:
    users = {"someone": User("secret", {"team/*": "pull,push"})}
    with (
        token_server(users) as tokens,
        docker_registry(tmp_path / "server", tokens=tokens, login=("someone", "secret")) as registry,
    ):
        layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
        assert skopeo_tags(registry, "team/app") == ["1.0"]
        with pytest.raises(RuntimeError, match="denied"):
            layout.push(layout.image({"app": b"1"}), registry, "other/app:1.0")
        assert tokens.asked[-1].granted == ()
        with pytest.raises(RuntimeError, match="incorrect username or password"):
            skopeo_tags(replace(registry, login=("someone", "guess")), "team/app")


def test_a_token_ends_when_it_says(tmp_path: Path) -> None:
    with token_server({}) as tokens, docker_registry(tmp_path / "server", tokens=tokens) as registry:
        assert registry.request("GET", "/v2/_catalog")[0] == 200
        tokens.lifetime = -1
        assert registry.request("GET", "/v2/_catalog")[0] == 401


@given(st.dictionaries(st.text("abc", min_size=1), st.binary()))
def test_layers_are_the_same_every_time(files: dict[str, bytes]) -> None:
    assert layer_tar(files) == layer_tar(files)


@pytest.mark.parametrize("when", Kill)
def test_a_process_is_killed_at_a_request(registry: DockerRegistry, when: Kill) -> None:
    def push_three() -> None:
        for number in range(3):
            connection = http.client.HTTPConnection(proxy.hosts[0])
            connection.request("POST", f"/v2/team/app{number}/blobs/uploads/", b"")
            assert connection.getresponse().status == 202

    with killing_proxy(registry) as proxy:
        ran = proxy.run(push_three, kill_at=2, when=when)
        assert (ran.killed, len(ran.requests)) == (True, 2)
        seen = [request for request in registry.requests() if request.startswith("POST")]
        assert seen == ran.requests[: 1 if when is Kill.UNSENT else 2]
        ran = proxy.run(push_three, kill_at=4, when=when)
        assert (ran.killed, ran.requests[0]) == (False, "POST /v2/team/app0/blobs/uploads/")


def test_what_a_process_raises_is_told(registry: DockerRegistry) -> None:
    def fail() -> None:
        raise ValueError("in the child")

    with killing_proxy(registry) as proxy, pytest.raises(AssertionError, match="in the child"):
        proxy.run(fail)
