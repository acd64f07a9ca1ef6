"""`find`: a path in the layers of an image, and in all images of a repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Ran, regtui
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Files, Layout, Symlink

BASE: Files = {
    "etc/": b"",
    "etc/passwd": b"root",
    "etc/shadow": b"secret",
    "usr/lib/app.conf": b"1",
    "usr/bin/again": Symlink("app"),
}
MIDDLE: Files = {"etc/passwd": b"root\nuser", "usr/lib/app.conf": b"22", "etc/.wh.shadow": b""}
TOP: Files = {"usr/lib/.wh..wh..opq": b"", "usr/lib/b\n\x1b[31m.conf": b"333"}


@pytest.fixture
def repository(registry: DockerRegistry, layout: Layout) -> str:
    layout.push(layout.image(BASE), registry, "team/app:1.0")
    layout.push(layout.image(BASE, MIDDLE), registry, "team/app:1.1")
    both = layout.image(BASE, MIDDLE, TOP)
    for tag in ("1.2", "latest"):
        layout.push(both, registry, f"team/app:{tag}")
    return f"{registry.host}/team/app"


def table(ran: Ran) -> list[list[str]]:
    return [[cell for cell in line.split("  ") if cell] for line in ran.out.splitlines()]


def test_an_image_s_layers_are_searched_from_the_top(repository: str) -> None:
    ran = regtui("find", f"{repository}:1.2", "*.conf")
    assert ran.code == 0
    assert [[cell.strip() for cell in row] for row in table(ran)] == [
        ["LAYER", "MODE", "SIZE", "STATE", "PATH"],
        ["2", "-rw-r--r--", "3", "in the image", "usr/lib/b\\n\\x1b[31m.conf"],
        ["1", "-rw-r--r--", "2", "removed by 2", "usr/lib/app.conf"],
        ["0", "-rw-r--r--", "1", "overwritten by 1", "usr/lib/app.conf"],
    ]
    assert ran.err.startswith("regtui: 1 image, 3 layers, 0 known, ")
    assert ran.err.endswith(" to read\n")


def test_a_repository_s_images_stand_together_where_they_are_alike(repository: str) -> None:
    ran = regtui("find", repository, "/etc/*s*", "--quiet")
    assert (ran.code, ran.err) == (0, "")
    assert sorted(" ".join("  ".join(row).split()) for row in table(ran)[1:]) == [
        "1.0 0 -rw-r--r-- 4 in the image etc/passwd",
        "1.0 0 -rw-r--r-- 6 in the image etc/shadow",
        "latest and 1 more 0 -rw-r--r-- 4 overwritten by 1 etc/passwd",
        "latest and 1 more 0 -rw-r--r-- 6 removed by 1 etc/shadow",
        "latest and 1 more 1 -rw-r--r-- 9 in the image etc/passwd",
    ]


def test_json_has_all_that_is_known(repository: str) -> None:
    first, second = regtui("find", repository, r"re:again$|\.conf$", "--json").objects[:2]
    assert first["path"] == "usr/lib/b\n\x1b[31m.conf"
    assert (first["state"], first["by"], first["layer"], first["size_bytes"]) == ("present", None, 2, 3)
    assert [image["tags"] for image in first["images"]] == [["latest", "1.2"]]
    assert first["images"][0]["reference"].startswith(f"{repository}:latest@{first['images'][0]['digest']}")
    assert first["layer_digest"].startswith("sha256:")
    assert (second["path"], second["state"], second["by"]) == ("usr/lib/app.conf", "removed", 2)
    found = regtui("find", repository, "again", "--json").objects
    assert {(each["type"], each["link"]) for each in found} == {("symlink", "app")}


def test_nothing_found_is_exit_code_1(repository: str) -> None:
    ran = regtui("find", repository, "nowhere", "--quiet")
    assert (ran.code, ran.out, ran.err) == (1, "", "")
    assert "Nothing was found." in regtui("find", repository, "nowhere").err


def test_a_broken_layer_is_said_at_the_end(repository: str, registry: DockerRegistry, layout: Layout) -> None:
    layout.push(layout.image(BASE, {"opt/x": b"x" * 5000}), registry, "team/app:2.0")
    digest = regtui("find", f"{repository}:2.0", "opt/x", "--json").objects[0]["layer_digest"].removeprefix("sha256:")
    blob = next(Path(registry.folder).rglob(f"{digest}/data"))
    blob.write_bytes(blob.read_bytes()[:-9] + b"!" * 9)
    ran = regtui("find", repository, "passwd", "--quiet", environ={"REGTUI_CACHE_DIR": str(layout.folder / "other")})
    assert ran.code == 1
    assert ran.err.startswith(f"regtui: Layer 1 of {repository}:2.0: ")
    assert "unknown, 1 unread" in ran.out
    assert "in the image" in ran.out


def test_only_what_is_known_on_this_machine(repository: str) -> None:
    first = regtui("find", f"{repository}:1.0", "shadow", "--cached")
    assert (first.code, first.out) == (1, "")
    assert first.err.startswith("regtui: 1 image, 1 layer, 0 known, ")
    assert " to read, which is left out\n" in first.err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("HOST", "x"), "is a registry"),
        (("HOST/team/app", "re:("), "no regular expression"),
        (("HOST/team/app", " "), "The pattern is empty"),
        (("HOST/team/app",), "Missing argument"),
    ],
)
def test_what_can_t_be_looked_for_is_exit_code_2(arguments: tuple[str, ...], why: str) -> None:
    ran = regtui("find", *(word.replace("HOST", "localhost:1") for word in arguments))
    assert (ran.code, ran.out) == (2, "")
    assert why in ran.err


def test_a_repository_or_tag_that_isn_t_there(repository: str) -> None:
    for missing in (f"{repository}-2", f"{repository}:3"):
        ran = regtui("find", missing, "x")
        assert (ran.code, ran.out) == (1, "")
        assert "team/app" in ran.err
