"""`cat` and `extract`: what skopeo pushed comes back byte by byte."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import command, regtui
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Files, HardLink, Layout, Symlink

BINARY = b"\x7fELF\0\xff\r\n" + bytes(range(256)) * 4000
MOTD = b"caf\xc3\xa9\tnow\n\x1b]0;owned\x07\n"
BASE: Files = {
    "etc/": b"",
    "etc/motd": MOTD,
    "etc/old": b"old",
    "usr/bin/app": BINARY,
    "usr/bin/again": HardLink("usr/bin/app"),
    "bin": Symlink("usr/bin"),
    "out": Symlink("/etc"),
}
TOP: Files = {"etc/.wh.old": b"", "etc/new": b"new\n"}


@pytest.fixture
def image(registry: DockerRegistry, layout: Layout) -> str:
    layout.push(layout.image(BASE, TOP), registry, "team/app:1")
    return f"{registry.host}/team/app:1"


def cat(*arguments: str) -> bytes:
    return subprocess.run(command("cat", *arguments), check=True, stdout=subprocess.PIPE, timeout=30).stdout


def test_cat_writes_the_exact_bytes(image: str) -> None:
    assert cat(image, "/bin/app") == BINARY
    assert cat(image, "usr/bin/again") == BINARY
    assert cat(image, "etc/motd") == MOTD


def test_cat_writes_several_files_one_after_the_other(image: str) -> None:
    assert cat(image, "etc/new", "/out/motd", "etc/new") == b"new\n" + MOTD + b"new\n"
    ran = regtui("cat", image, "etc/new", "nowhere")
    assert (ran.code, ran.out) == (1, "")


def test_a_layer_alone_has_what_later_ones_remove(image: str, tmp_path: Path) -> None:
    assert cat(image, "--layer", "0", "etc/old", "bin/again") == b"old" + BINARY
    ran = regtui("cat", image, "--layer", "1", "bin/again")
    assert (ran.code, ran.out) == (1, "")
    ran = regtui("extract", image, "--layer", "1", "/", "-o", str(tmp_path / "out"))
    assert (ran.code, ran.out) == (0, f"Wrote 1 file, 4 B, to {tmp_path}/out\n")
    assert regtui("extract", image, "--layer", "9", "/", "-o", str(tmp_path / "out")).code == 2


def test_cat_gives_no_orders_to_a_terminal(image: str) -> None:
    ours, theirs = os.openpty()
    subprocess.run(command("cat", image, "etc/motd", "--quiet"), check=True, stdout=theirs, timeout=30)
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        assert terminal.read(1000).decode() == "café    now\r\n\\x1b]0;owned\\x07\r\n"


def test_cat_of_what_is_no_file_says_why_and_writes_nothing(image: str) -> None:
    for path, why in (("etc", "etc is a folder"), ("etc/old", "has no etc/old"), ("nowhere", "has no nowhere")):
        ran = regtui("cat", image, path)
        assert (ran.code, ran.out) == (1, "")
        assert why in ran.err


def test_cat_to_a_pipe_that_closes_ends_quietly(image: str) -> None:
    with subprocess.Popen(command("cat", image, "bin/app"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.read(4) == b"\x7fELF"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 141


def test_extract_writes_what_the_image_has(image: str, tmp_path: Path) -> None:
    target = tmp_path / "some/where"
    ran = regtui("extract", image, "/", "-o", str(target))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"Wrote 6 files, 1.0 MB, to {target}; 1 absolute link leads inside of it now\n"
    found = sorted(str(path.relative_to(target)) for path in target.rglob("*"))
    assert found == ["bin", "etc", "etc/motd", "etc/new", "out", "usr", "usr/bin", "usr/bin/again", "usr/bin/app"]
    assert (target / "bin/again").read_bytes() == BINARY
    assert (os.readlink(target / "bin"), os.readlink(target / "out")) == ("usr/bin", "etc")


def test_extract_overwrites_only_with_force(image: str, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/new").write_text("mine")
    ran = regtui("extract", image, "etc", "-o", str(tmp_path))
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"regtui: {tmp_path}/etc/new is there already. Add --force, or name another folder.\n"
    assert os.listdir(tmp_path / "etc") == ["new"]
    ran = regtui("extract", image, "etc", "-o", str(tmp_path), "--force", "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert (tmp_path / "etc/new").read_text() == "new\n"


def test_extract_of_what_isn_t_there_writes_nothing(image: str, tmp_path: Path) -> None:
    ran = regtui("extract", image, "etc", "etc/old", "-o", str(tmp_path / "out"))
    assert (ran.code, ran.out) == (1, "")
    assert "has no etc/old. What it has: regtui files" in ran.err
    assert not (tmp_path / "out").exists()
    for words in (("extract", image, "nothing", "-o", str(tmp_path)), ("cat", image, "nothing")):
        ran = regtui(*words, "--layer", "0")
        assert ran.err.startswith(f"regtui: Layer 0 of {image}@sha256:")
        assert ran.err.endswith(" --layer 0\n")
    assert regtui("extract", image, "out", "-o", str(tmp_path / "out")).code == 0
    assert regtui("extract", image, "etc").code == 2


def test_an_index_gives_the_platform_s_files(registry: DockerRegistry, layout: Layout) -> None:
    images = [layout.image({"me": name.encode()}, platform=name) for name in ("linux/amd64", "linux/arm64")]
    layout.push(layout.index(*images), registry, "team/app:multi")
    for name in ("linux/amd64", "linux/arm64"):
        assert cat(f"{registry.host}/team/app:multi", "me", "--platform", name) == name.encode()
