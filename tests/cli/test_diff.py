"""`diff` against real registries."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import regtui
from tests.conftest import LOGIN
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.images import Files, Layout, Symlink

BASE: Files = {"etc/": b"", "etc/motd": b"hello", "sh": b"s" * 1234, "old/": b"", "old/a": b"a", "old/b": b"bb"}
UPPER: Files = {
    "etc/motd": b"hello, all",
    ".wh.old": b"",
    "new/": b"",
    "new/\x1b[31m": b"12",
    "new/link": Symlink("/sh"),
}
STATUS = b"Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: %s\n\n"


@pytest.fixture
def images(registry: DockerRegistry, layout: Layout) -> str:
    """The repository; its tags are `one` and `two`."""
    layout.push(layout.image(BASE, labels={"v": "1"}), registry, "app:one")
    layout.push(layout.image(BASE, UPPER, labels={"v": "2"}), registry, "app:two")
    layout.push(layout.image(BASE, labels={"v": "1"}), registry, "app:again")
    return f"{registry.host}/app"


def test_the_same_image_is_said_at_once_and_ends_with_0(images: str) -> None:
    ran = regtui("diff", f"{images}:one", ":again")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-1] == "The same image: one digest."


def test_different_images_end_with_3_and_say_in_what_they_differ(images: str) -> None:
    ran = regtui("diff", f"{images}:one", f"{images}:two")
    assert (ran.code, ran.err) == (3, "")
    lines = ran.out.splitlines()
    assert [line.partition("@")[0] for line in lines[:2]] == [f"A  {images}:one", f"B  {images}:two"]
    assert lines[2:6] == ["", "Labels", "  - v: 1", "  + v: 2"]
    assert lines[7].startswith("A and B share 1 layer, ")
    table = [line.split() for line in lines[9:11]]
    assert [(row[0], row[-3:]) for row in table] == [("=", ["COPY", "layer0", "/"]), ("+", ["COPY", "layer1", "/"])]
    assert lines[12:] == [
        "Files: 3 added, 3 removed, 1 changed; 8 B became 12 B",
        "  ~ etc/motd  size 5 B to 10 B",
        "  + new/  3 paths, 2 B",
        "  - old/  3 paths, 3 B",
        "  Each path by itself: --files",
    ]


def test_every_path_by_itself_safe_to_print(images: str) -> None:
    lines = regtui("diff", f"{images}:one", ":two", "--files").out.splitlines()
    assert lines[13:] == [
        "  ~ etc/motd  size 5 B to 10 B",
        "  + new/  3 paths, 2 B",
        "  + new/\\x1b[31m  2 B",
        "  + new/link  0 B",
        "  - old/  3 paths, 3 B",
        "  - old/a  1 B",
        "  - old/b  2 B",
    ]


def test_without_files_no_layer_is_read(images: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    lines = regtui("diff", f"{images}:one", ":two", "--no-files", "--log", str(log)).out.splitlines()
    assert lines[-1].endswith("COPY layer1 /")
    assert log.read_text().count("/blobs/") == 2  # the configs


def test_files_that_look_alike_are_said_and_compared_when_that_is_asked_for(
    registry: DockerRegistry, layout: Layout
) -> None:
    layout.push(layout.image({"app": b"1"}), registry, "app:1")
    layout.push(layout.image({"app": b"2"}), registry, "app:2")
    lines = regtui("diff", f"{registry.host}/app:1", ":2").out.splitlines()
    assert lines[-2:] == [
        "Files: no difference in type, size, mode, owner and links",
        "1 file looks alike; nothing tells whether its content is the same. --content compares them.",
    ]
    lines = regtui("diff", f"{registry.host}/app:1", ":2", "--content").out.splitlines()
    assert lines[-2:] == ["Files: 1 changed; 1 B became 1 B", "  ~ app  content"]


def test_packages_up_and_down(registry: DockerRegistry, layout: Layout) -> None:
    for tag, version in (("1", b"2.9"), ("2", b"2.10")):
        layout.push(layout.image({"var/lib/dpkg/status": STATUS % version}), registry, f"app:{tag}")
    lines = regtui("diff", f"{registry.host}/app:1", ":2").out.splitlines()
    assert [line.split() for line in lines[-3:]] == [
        ["Packages:", "1", "up"],
        ["KIND", "NAME", "A", "B"],
        ["up", "deb", "libc6", "2.9", "2.10"],
    ]


def test_as_json_each_difference_is_an_object(images: str) -> None:
    rows = regtui("diff", f"{images}:one", ":two", "--json").objects
    assert [row["what"] for row in rows] == [
        "references",
        "fact",
        "instruction",
        "instruction",
        "layers",
        *["file"] * 7,
        "files",
        "packages",
    ]
    by_path = {row["path"]: row for row in rows if row["what"] == "file"}
    side = {"type": "file", "mode": "0644", "uid": 0, "gid": 0, "mtime": "1970-01-01T00:00:00Z"}
    assert by_path["etc/motd"] == {
        "what": "file",
        "path": "etc/motd",
        "change": "changed",
        "reasons": ["size"],
        "a": {**side, "size_bytes": 5},
        "b": {**side, "size_bytes": 10},
    }
    assert by_path["new/\x1b[31m"]["a"] is None
    assert by_path["old/a"]["b"] is None
    assert rows[1] == {"what": "fact", "section": "Labels", "name": "v", "a": "1", "b": "2"}
    assert rows[-2] == {
        "what": "files",
        "added": 3,
        "removed": 3,
        "changed": 1,
        "a_bytes": 8,
        "b_bytes": 12,
        "maybe_changed": 0,
    }


def test_two_registries_have_a_session_each(images: str, layout: Layout, tmp_path: Path) -> None:
    with docker_registry(tmp_path / "other") as other:
        layout.push(layout.image(BASE, UPPER, labels={"v": "2"}), other, "mirror/app:two")
        ran = regtui("diff", f"{images}:two", f"{other.host}/mirror/app:two")
        assert (ran.code, ran.err) == (0, "")
        assert regtui("diff", f"{images}:one", f"{other.host}/mirror/app:two").code == 3


def test_a_login_on_the_command_line_is_for_the_first_registry_alone(
    registry_with_login: DockerRegistry, images: str, layout: Layout, tmp_path: Path
) -> None:
    name, password = LOGIN
    layout.push(layout.image(BASE, UPPER, labels={"v": "2"}), registry_with_login, "app:two")
    with docker_registry(tmp_path / "other", htpasswd=LOGIN) as other:
        layout.push(layout.image(BASE, UPPER, labels={"v": "2"}), other, "app:two")
        login = ("--username", name, "--password-stdin")
        first = f"{registry_with_login.host}/app:two"
        assert regtui("diff", first, f"{images}:two", *login, stdin=password).code == 0
        ran = regtui("diff", first, f"{other.host}/app:two", *login, stdin=password)
        assert (ran.code, ran.out) == (1, "")
        assert f"{other.host} asked for a login" in ran.err


def test_what_can_t_be_compared_is_one_sentence_and_no_3(images: str) -> None:
    ran = regtui("diff", f"{images}:one", ":three")
    assert (ran.code, ran.out) == (1, "")
    assert "has no tag three" in ran.err
    ran = regtui("diff", f"{images}:one", images)
    assert (ran.code, ran.out) == (2, "")
    assert "names no tag" in ran.err
    assert regtui("diff", f"{images}:one").code == 2
