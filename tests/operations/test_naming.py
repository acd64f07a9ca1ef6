"""What a short name means: Docker Hub's image, unless podman's registries.conf says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from regtui.errors import ConfigError, ReferenceError, UsageError
from regtui.oci.digest import digest_of
from regtui.oci.reference import Reference
from regtui.operations.naming import resolve, target_beside

DIGEST = "sha256:" + "a" * 64
ALIASES = '[aliases]\n"fedora" = "registry.fedoraproject.org/fedora"\n"team/app" = "docker.io/ours"\n'


def one(*names: str) -> str:
    return f"unqualified-search-registries = {list(names)}\n"


@pytest.mark.parametrize(
    ("conf", "text", "meant"),
    [
        ("", "debian:12", "docker.io/library/debian:12"),
        ("", "team/app", "docker.io/team/app"),
        (one(), "debian:12", "docker.io/library/debian:12"),
        (one("quay.io"), "debian:12", "quay.io/debian:12"),
        (one("quay.io"), f"team/app@{DIGEST}", f"quay.io/team/app@{DIGEST}"),
        (one("localhost:5000"), " app ", "localhost:5000/app"),
        (one("docker.io"), "debian", "docker.io/library/debian"),
        (one("quay.io", "docker.io"), "debian:12", "docker.io/library/debian:12"),
        (ALIASES, "fedora:40", "registry.fedoraproject.org/fedora:40"),
        (ALIASES, f"fedora:40@{DIGEST}", f"registry.fedoraproject.org/fedora:40@{DIGEST}"),
        (ALIASES, "team/app", "docker.io/library/ours"),
        (ALIASES, "fedora/fedora", "docker.io/fedora/fedora"),
        (one("a.example", "b.example") + ALIASES, "fedora", "registry.fedoraproject.org/fedora"),
        # what has a registry is left as it is
        (one("quay.io") + ALIASES, "docker.io/fedora", "docker.io/library/fedora"),
        (one("quay.io") + ALIASES, "localhost/fedora", "localhost/fedora"),
        (one("quay.io") + ALIASES, "localhost:5000", "localhost:5000"),
        (one("quay.io") + ALIASES, "registry.example.com", "registry.example.com"),
        (one("quay.io") + ALIASES, "registry:5000/", "registry:5000"),
        (one("quay.io") + ALIASES, "https://registry.example.com/v2/", "registry.example.com"),
    ],
)
def test_a_short_name_is_the_reference_that_podman_would_take(
    isolated_environment: Path, conf: str, text: str, meant: str
) -> None:
    write(isolated_environment, conf)
    assert str(resolve(text)) == meant


def write(home: Path, conf: str) -> None:
    file = home / "config/containers/registries.conf"
    file.parent.mkdir(parents=True)
    file.write_text(conf)


def test_a_name_that_could_be_of_several_registries_lists_them(isolated_environment: Path) -> None:
    write(isolated_environment, one("a.example", "b.example"))
    with pytest.raises(
        UsageError, match=r"'debian:12' could be of several registries \(.*registries\.conf\)"
    ) as caught:
        resolve("debian:12")
    assert caught.value.advice == "Write one of: a.example/debian:12, b.example/debian:12"


def test_what_is_no_reference_is_told_as_ever(isolated_environment: Path) -> None:
    write(isolated_environment, one("quay.io"))
    for text in ("", ":12", "Team/App", "app:"):
        with pytest.raises(ReferenceError):
            resolve(text)


def test_a_broken_file_hinders_only_names_that_need_it(isolated_environment: Path) -> None:
    write(isolated_environment, "[[[")
    assert str(resolve("docker.io/debian")) == "docker.io/library/debian"
    with pytest.raises(ConfigError, match=r"registries\.conf can't be used: .*line 1"):
        resolve("debian")


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("stable", "registry.example.com:5000/team/app:stable"),
        ("other:2.0", "registry.example.com:5000/other:2.0"),
        ("team/api", "registry.example.com:5000/team/api:1.4"),
        ("team/api:2.0", "registry.example.com:5000/team/api:2.0"),
        ("ghcr.io/", "ghcr.io/team/app:1.4"),
        ("localhost:5000/x", "localhost:5000/x:1.4"),
        ("docker.io/nginx", "docker.io/library/nginx:1.4"),
        ("oci:/tmp/out", "oci:/tmp/out:1.4"),
    ],
)
def test_a_target_leaves_out_what_is_as_in_the_source(text: str, target: str) -> None:
    assert str(target_beside(text, Reference("registry.example.com:5000", "team/app", "1.4"))) == target


@pytest.mark.parametrize("text", ["", "No Tag", f"team/app@sha256:{'0' * 64}", "https://", "ghcr.io/Me/app:1"])
def test_what_is_no_target_is_said(text: str) -> None:
    with pytest.raises(UsageError):
        target_beside(text, Reference("registry.example.com:5000", "team/app", "1.4"))
    with pytest.raises(UsageError, match="none to take over"):
        target_beside("ghcr.io/", Reference("registry.example.com:5000", "team/app", digest=digest_of(b"")))
