"""`files` against a real registry."""

from __future__ import annotations

import gzip
import json

import pytest

from regtui.oci.digest import digest_of
from regtui.oci.media_types import OCI_CONFIG
from tests.cli.conftest import regtui
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import LAYER, Files, HardLink, Layout, Symlink, layer_tar

LOWER: Files = {"etc/": b"", "etc/motd": b"hi", "etc/issue": b"12", "sh": b"s" * 1234, "ash": HardLink("sh")}
UPPER: Files = {"etc/.wh.motd": b"", "old/.wh..wh..opq": b"", "etc/issue": b"new", "evil\x1b[31m": Symlink("/sh")}


@pytest.fixture
def image(registry: DockerRegistry, layout: Layout) -> str:
    layout.push(layout.image(LOWER, UPPER), registry, "app:1")
    return f"{registry.host}/app:1"


def test_files_lists_an_image(image: str) -> None:
    ran = regtui("files", image)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "MODE        OWNER   SIZE  CHANGED               LAYER  PATH",
        "hrw-r--r--  0/0        0  1970-01-01T00:00:00Z      0  ash link to sh",
        "drwxr-xr-x  0/0        0  1970-01-01T00:00:00Z      0  etc",
        "-rw-r--r--  0/0        3  1970-01-01T00:00:00Z      1  etc/issue",
        "lrw-r--r--  0/0        0  1970-01-01T00:00:00Z      1  evil\\x1b[31m -> /sh",
        "-rw-r--r--  0/0    1,234  1970-01-01T00:00:00Z      0  sh",
    ]


def test_files_lists_one_layer_in_its_own_order_with_what_it_removes(image: str) -> None:
    assert regtui("files", image, "--layer", "1").out.splitlines() == [
        "MODE        OWNER  SIZE  CHANGED               PATH",
        "removed     -         -  -                     etc/motd",
        "emptied     -         -  -                     old",
        "-rw-r--r--  0/0       3  1970-01-01T00:00:00Z  etc/issue",
        "lrw-r--r--  0/0       0  1970-01-01T00:00:00Z  evil\\x1b[31m -> /sh",
    ]


def test_files_as_json(image: str) -> None:
    common = {"mode": "0644", "uid": 0, "gid": 0, "mtime": "1970-01-01T00:00:00Z"}
    rows = {row.pop("path"): row for row in regtui("files", image, "--json").objects}
    assert list(rows) == ["ash", "etc", "etc/issue", "evil\x1b[31m", "sh"]
    assert rows["etc/issue"] == {"type": "file", "size_bytes": 3, **common, "layer": 1, "change": "changed"}
    assert rows["ash"] == {
        "type": "hardlink",
        "size_bytes": 0,
        **common,
        "link": "sh",
        "layer": 0,
        "change": "added",
    }
    assert regtui("files", image, "--json", "--layer", "1").objects == [
        {"path": "etc/motd", "type": "whiteout"},
        {"path": "old", "type": "opaque"},
        {"path": "etc/issue", "type": "file", "size_bytes": 3, **common},
        {"path": "evil\x1b[31m", "type": "symlink", "size_bytes": 0, **common, "link": "/sh"},
    ]


def test_names_that_aren_t_utf_8_have_their_bytes_too(registry: DockerRegistry, layout: Layout) -> None:
    layout.push(layout.image({"caf\udce9/x": b""}), registry, "app:1")
    rows = regtui("files", f"{registry.host}/app:1", "--json").objects
    assert [row["path"] for row in rows] == ["caf\ufffd", "caf\ufffd/x"]
    assert [row["path_bytes"] for row in rows] == ["Y2Fm6Q==", "Y2Fm6S94"]
    assert (rows[0]["type"], rows[0]["mode"]) == ("dir", None)  # no layer lists that directory
    assert regtui("files", f"{registry.host}/app:1").out.splitlines()[1].split() == [
        *("d?????????", "-", "-", "-", "0", "caf\\xe9")
    ]


def test_a_layer_that_is_another_one_than_the_config_tells_is_listed_and_then_it_is_said(
    registry: DockerRegistry, layout: Layout
) -> None:
    tar, told = layer_tar(LOWER), digest_of(b"another archive")
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [told]}}
    layer = layout.blob(gzip.compress(tar, mtime=0), LAYER)
    layout.push(layout.artifact(OCI_CONFIG, layer, config=json.dumps(config).encode()), registry, "app:2")
    for options in ((), ("--layer", "0")):
        ran = regtui("files", f"{registry.host}/app:2", *options)
        assert ran.code == 1
        assert f"another one than the image's config tells: its digest is {digest_of(tar)}, not {told}" in ran.err
        assert "etc/motd" in ran.out


def test_what_can_t_be_listed_is_one_sentence(image: str) -> None:
    ran = regtui("files", image, "--layer", "2")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith("has no layer 2. It has 2, numbered from 0.\n")
    ran = regtui("files", image, "--platform", "linux/arm64")
    assert (ran.code, ran.out) == (1, "")
    assert "has no image for linux/arm64. It has linux/amd64." in ran.err
    assert regtui("files", image.rpartition(":")[0]).code == 2


def test_waste_is_what_several_layers_bring_or_one_removes_and_what_that_comes_to(image: str) -> None:
    assert regtui("files", image, "--waste").out.splitlines() == [
        "WASTED  SIZE  LAYERS  PATH",
        "     3     5       2  etc/issue",
        "     2     2       2  etc/motd",
        "5 B wasted in 2 paths; the image is 99.6% efficient",
    ]
    assert regtui("files", image, "--waste", "--json").objects == [
        {"path": "etc/issue", "wasted_bytes": 3, "size_bytes": 5, "layers": 2},
        {"path": "etc/motd", "wasted_bytes": 2, "size_bytes": 2, "layers": 2},
        {"wasted_bytes": 5, "paths": 2, "efficiency": 0.996},
    ]
    ran = regtui("files", image, "--waste", "--layer", "1")
    assert (ran.code, ran.err.endswith("--layer names one. Leave one of them out.\n")) == (2, True)
