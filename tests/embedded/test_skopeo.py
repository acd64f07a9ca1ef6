"""Debian's skopeo as a client of the embedded registry, and as a reader of its folders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from regtui.embedded.app import registry_app
from tests.embedded.server import served
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Layout, skopeo, skopeo_digest, skopeo_inspect, skopeo_tags


@pytest.fixture
def server(root: Path) -> Iterator[DockerRegistry]:
    """The embedded registry where the tests' helpers expect a server."""
    with served(registry_app(root)) as host:
        yield DockerRegistry(host, root)


def test_what_skopeo_pushed_it_lists_inspects_and_pulls(server: DockerRegistry, layout: Layout, tmp_path: Path) -> None:
    image = layout.image({"etc/": b"", "etc/motd": b"hello"}, {"etc/.wh.motd": b""}, labels={"team": "app"})
    digest = layout.push(image, server, "team/app:1.0")
    layout.push(image, server, "team/app:latest")
    assert skopeo_tags(server, "team/app") == ["1.0", "latest"]
    assert skopeo_inspect(server, "team/app:1.0")["Labels"] == {"team": "app"}
    assert skopeo_digest(server, "team/app:latest") == digest
    skopeo("copy", "--src-tls-verify=false", f"docker://{server.host}/team/app:1.0", f"oci:{tmp_path}/pulled:1.0")
    assert (tmp_path / "pulled" / "blobs" / digest.replace(":", "/")).is_file()


@pytest.mark.parametrize("as_docker", [False, True])
def test_several_platforms_in_one_index(server: DockerRegistry, layout: Layout, as_docker: bool) -> None:
    images = [layout.image({"arch": p.encode()}, platform=p) for p in ("linux/amd64", "linux/arm64", "linux/arm/v7")]
    layout.push(layout.index(*images), server, "app:1.0", as_docker=as_docker)
    raw = json.loads(skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{server.host}/app:1.0"))
    assert len(raw["manifests"]) == 3
    assert ("docker" in raw["mediaType"]) is as_docker


def test_skopeo_deletes_the_digest_with_all_its_tags(server: DockerRegistry, layout: Layout) -> None:
    one, two = (layout.image({"number": number}) for number in (b"1", b"2"))
    for tag, image in (("1.0", one), ("1", one), ("2.0", two)):
        layout.push(image, server, f"app:{tag}")
    skopeo("delete", "--tls-verify=false", f"docker://{server.host}/app:1")
    assert skopeo_tags(server, "app") == ["2.0"]


def test_a_copy_between_repositories_keeps_the_digest(server: DockerRegistry, layout: Layout) -> None:
    digest = layout.push(layout.image({"file": b"content"}), server, "team/one:1")
    options = ("--src-tls-verify=false", "--dest-tls-verify=false")
    skopeo("copy", *options, f"docker://{server.host}/team/one:1", f"docker://{server.host}/team/two:1")
    assert skopeo_digest(server, "team/two:1") == digest


def test_skopeo_reads_and_writes_the_folders_themselves(server: DockerRegistry, layout: Layout, root: Path) -> None:
    digest = layout.push(layout.image({"file": b"content"}), server, "team/app:1.0")
    assert json.loads(skopeo("inspect", f"oci:{root}/team/app:1.0"))["Digest"] == digest
    skopeo("copy", f"oci:{root}/team/app:1.0", f"oci:{root}/team/app:2.0")
    skopeo("copy", f"oci:{root}/team/app:1.0", f"oci:{root}/team/new:1.0")
    assert skopeo_tags(server, "team/app") == ["1.0", "2.0"]
    assert skopeo_tags(server, "team/new") == ["1.0"]
