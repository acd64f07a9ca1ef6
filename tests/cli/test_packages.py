"""`packages` against a real registry."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.cli.conftest import regtui
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Files, Layout

STATUS = b"""\
Package: libc6
Status: install ok installed
Version: 2.36-9
Architecture: amd64
Multi-Arch: same
Source: glibc
Installed-Size: 12

Package: left
Status: deinstall ok config-files
Version: 1:1
Architecture: all

Package: broken
"""
BASE: Files = {
    "etc/os-release": b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "var/lib/dpkg/status": STATUS,
}
APP: Files = {
    "app/site-packages/Some_Name-1.dist-info/METADATA": b"Name: Some_Name\nVersion: 1\n\n",
    "app/node_modules/@s/b/package.json": b'{"name": "@s/b", "version": "2.0.0"}',
    "app/node_modules/@s/b/node_modules/c/package.json": b'{"name": "c", "version": "1.0.0"}',
    "caf\udce9/node_modules/c/package.json": b'{"name": "c", "version": "1.0.0"}',
}


@pytest.fixture
def image(registry: DockerRegistry, layout: Layout) -> str:
    layout.push(layout.image(BASE, APP), registry, "team/app:1")
    return f"{registry.host}/team/app:1"


def test_packages_lists_by_kind_and_name_and_says_what_it_left_out(image: str) -> None:
    ran = regtui("packages", image)
    assert ran.code == 0
    assert ran.err == "regtui: 1 record can't be read and is left out, in var/lib/dpkg/status\n"
    assert ran.out.splitlines() == [
        "NAME       VERSION             ARCH   KIND    SOURCE",
        "left       1:1 (config-files)  all    deb     left",
        "libc6      2.36-9              amd64  deb     glibc",
        "Some_Name  1                   -      python  -",
        "@s/b       2.0.0               -      npm     -",
        "c          1.0.0               -      npm     -",
        "c          1.0.0               -      npm     -",
    ]


def test_only_some_kinds(image: str) -> None:
    rows = regtui("packages", image, "--kind", "npm", "--kind", "python").out.splitlines()[1:]
    assert [row.split()[0] for row in rows] == ["Some_Name", "@s/b", "c", "c"]
    ran = regtui("packages", image, "--kind", "apk")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith(f"regtui: {image} has no packages of this kind: apk\n")
    assert regtui("packages", image, "--kind", "gem").code == 2


def test_packages_as_json(image: str) -> None:
    rows = regtui("packages", image, "--json").objects
    assert rows[1] == {
        "kind": "deb",
        "name": "libc6",
        "package_version": "2.36-9",
        "architecture": "amd64",
        "source": "glibc",
        "state": "installed",
        "size_bytes": 12 * 1024,
        "path": "var/lib/dpkg/status",
        "layer": 0,
    }
    assert rows[0]["state"] == "config-files"
    assert (rows[2]["architecture"], rows[2]["source"], rows[2]["size_bytes"], rows[2]["layer"]) == (None,) * 3 + (1,)
    assert rows[-1]["path"] == "caf\ufffd/node_modules/c/package.json"
    assert "path_bytes" in rows[-1]


def test_this_machine_s_packages_are_those_that_dpkg_query_lists(registry: DockerRegistry, layout: Layout) -> None:
    status = Path("/var/lib/dpkg/status").read_bytes()
    layout.push(layout.image({"var/lib/dpkg/status": status}), registry, "app:1")
    rows = regtui("packages", f"{registry.host}/app:1", "--json").objects
    asked = ["dpkg-query", "--show", "--showformat", r"${Package}\t${Version}\t${Architecture}\n"]
    told = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines()
    assert sorted(f"{row['name']}\t{row['package_version']}\t{row['architecture']}" for row in rows) == sorted(told)


def test_a_cyclonedx_document_is_right_by_its_schema(image: str) -> None:
    ran = regtui("packages", image, "--cyclonedx")
    assert ran.code == 0
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(ran.out) is None


def test_a_cyclonedx_document_names_packages_by_url_and_the_image_by_digest(image: str) -> None:
    document = json.loads(regtui("packages", image, "--cyclonedx").out)
    components = {component["bom-ref"]: component for component in document["components"]}
    glibc = "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12"
    assert set(components) == {
        glibc,
        "pkg:npm/%40s/b@2.0.0",
        "pkg:npm/c@1.0.0",
        "pkg:pypi/some-name@1",
        "os:debian@12",
    }
    assert all(component["purl"] == name for name, component in components.items() if name.startswith("pkg:"))
    assert components[glibc]["properties"] == [{"name": "regtui:source", "value": "glibc"}]
    assert (components["pkg:npm/%40s/b@2.0.0"]["group"], components["pkg:npm/%40s/b@2.0.0"]["name"]) == ("@s", "b")
    assert [place["location"] for place in components["pkg:npm/c@1.0.0"]["evidence"]["occurrences"]] == [
        "app/node_modules/@s/b/node_modules/c/package.json",
        "caf\ufffd/node_modules/c/package.json",
    ]
    whole = document["metadata"]["component"]
    digest = regtui("inspect", image, "--json").objects[0]["digest"]
    assert (whole["type"], whole["name"], whole["version"]) == ("container", image.rpartition(":")[0], "1")
    assert whole["hashes"] == [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")}]
    assert whole["purl"].startswith(f"pkg:oci/app@{digest}?")
    assert document["metadata"]["tools"]["components"][0]["name"] == "regtui"


def test_a_cyclonedx_document_is_the_same_every_time_but_for_its_time(image: str) -> None:
    documents = [json.loads(regtui("packages", image, "--cyclonedx").out) for _ in range(2)]
    for document in documents:
        del document["metadata"]["timestamp"]
    assert documents[0] == documents[1]
    some = json.loads(regtui("packages", image, "--cyclonedx", "--kind", "npm").out)
    assert some["serialNumber"] != documents[0]["serialNumber"]


def test_what_has_no_packages_is_one_sentence(registry: DockerRegistry, layout: Layout) -> None:
    layout.push(layout.image({"var/lib/rpm/Packages": b"x"}), registry, "app:1")
    ran = regtui("packages", f"{registry.host}/app:1")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.splitlines() == [
        f"regtui: {registry.host}/app:1 has no packages of the kinds that regtui reads: deb, apk, python, npm",
        "regtui: The image has an rpm database, which regtui doesn't read: var/lib/rpm/Packages",
    ]
    ran = regtui("packages", f"{registry.host}/app:1", "--json", "--cyclonedx")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("regtui: --json and --cyclonedx exclude each other")
