"""Broken and hostile layers from a real registry: a sentence on the command line and in the pane, and what was read."""

from __future__ import annotations

import gzip
import json
import tarfile

import pytest
import zstandard

from regtui.oci import media_types
from tests.cli.conftest import regtui
from tests.layers.archives import archive, member
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import LAYER, Layout
from tests.tui.running import WIDE, running

ELSE = "sha256:" + 64 * "1"

GOOD = archive([member("first", 5), member("folder", type=tarfile.DIRTYPE), member("folder/last", 3000)])
PACKED = gzip.compress(GOOD, mtime=0)
BOMB = archive([member("first", 5)])[:1024] + archive([member("zeros", 2**30)], tarfile.GNU_FORMAT)


def named(*names: str) -> bytes:
    return gzip.compress(archive([member("first"), *(member(name) for name in names)]), mtime=0)


BROKEN: dict[str, tuple[bytes, str]] = {
    "no-archive": (b"<html>" * 1000, "no tar archive"),
    "cut-off-in-gzip": (PACKED[:-20], "cut off"),
    "cut-off-in-the-archive": (gzip.compress(GOOD[:4000], mtime=0), "cut off after folder/last"),
    "cut-off-in-zstd": (zstandard.compress(GOOD)[:-3], "cut off"),
    "damaged-header": (gzip.compress(GOOD[:1024] + b"x" * 512 + GOOD[1536:], mtime=0), "damaged after first"),
    "wrong-gzip-checksum": (PACKED[:-8] + b"\1\2\3\4" + PACKED[-4:], "damaged"),
    "gzip-bomb": (gzip.compress(BOMB, mtime=0), "times its size"),
    "zstd-bomb": (zstandard.compress(BOMB), "times its size"),
    "another-archive-than-the-config-tells": (PACKED, "another one than the image's config tells"),
}
NOTHING = {"no-archive", "cut-off-in-zstd"}
"""What breaks off before anything can be read."""


def push(registry: DockerRegistry, layout: Layout, data: bytes) -> str:
    """Pushes an image of this layer, whose config tells of another archive. Returns its reference."""
    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [ELSE]}}
    layer = layout.blob(data, LAYER)
    image = layout.artifact(media_types.OCI_CONFIG, layer, config=json.dumps(config).encode())
    layout.push(image, registry, "bad:1")
    return f"{registry.host}/bad:1"


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_broken_is_said_and_what_was_read_stays(
    name: str, registry: DockerRegistry, layout: Layout
) -> None:
    data, said = BROKEN[name]
    reference = push(registry, layout, data)
    ran = regtui("files", reference)
    assert ran.code == 1
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
    alone = regtui("files", reference, "--layer", "0")
    assert (alone.code, "first" in alone.out) == (1, name not in NOTHING)
    async with running(reference, WIDE) as at:
        await at.until(lambda: at.browser.details.current_layer)
        await at.press("4", "z")
        await at.until(said)
        if name not in NOTHING:
            await at.until("first")


async def test_bytes_that_are_not_what_their_digest_says(registry: DockerRegistry, layout: Layout) -> None:
    """Every sum in the layer is right: only its digest tells that somebody changed it."""
    reference = push(registry, layout, GOOD)
    changed = GOOD[:2048] + b"\1" * 3000 + GOOD[5048:]
    digest = json.loads(registry.request("GET", "/v2/bad/manifests/1", headers=OCI)[2])["layers"][0]["digest"][7:]
    (registry.folder / f"data/docker/registry/v2/blobs/sha256/{digest[:2]}/{digest}/data").write_bytes(changed)
    ran = regtui("files", reference, "--layer", "0")
    assert ran.code == 1
    assert "first" in ran.out
    assert "What came for" in ran.err
    async with running(reference, WIDE) as at:
        await at.until(lambda: at.browser.details.current_layer)
        await at.press("4", "z")
        await at.until("! ")
        await at.until("folder/")


OCI = {"Accept": media_types.OCI_MANIFEST}

HOSTILE = {
    "escapes": ("\x1b]0;owned\x07", "\x9b31m", "a\rb", "a\nb", "\u202eevil", "\udcff", "[bold]x[/]", "\u200b"),
    "leading-out": ("../../etc/passwd", "/../../x", "a/../../b", "..", "...", "./.."),
    "very-long": ("n" * 1_000_000, "/".join(["d"] * 10_000), "大" * 300_000),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_names_reach_no_terminal_as_they_are(name: str, registry: DockerRegistry, layout: Layout) -> None:
    reference = push(registry, layout, named(*HOSTILE[name], "a/.wh.b", ".wh..wh.plnk", "last"))
    for flags in ([], ["--layer", "0"], ["--json", "--layer", "0"]):
        ran = regtui("files", reference, *flags)
        assert "last" in ran.out or not flags
        assert all(line.isprintable() for line in ran.out.split("\n") + ran.err.split("\n"))
    async with running(reference, WIDE) as at:
        await at.until(lambda: at.browser.details.current_layer)
        await at.press("4", "z")
        await at.until("last")
        await at.press("G", *["l", "k"] * 8, "g", "l", "l")
        assert all(line.isprintable() for line in at.lines)


async def test_links_in_a_loop(registry: DockerRegistry, layout: Layout) -> None:
    loop = [member(name, type=tarfile.SYMTYPE, link=link) for name, link in (("a", "b"), ("b", "a"), ("c", "c/c"))]
    reference = push(registry, layout, gzip.compress(archive([*loop, member("last", 3)]), mtime=0))
    ran = regtui("cat", reference, "a/x")
    assert ran.code == 1
    assert len(ran.err.splitlines()) == 1
    async with running(reference, WIDE) as at:
        await at.until(lambda: at.browser.details.current_layer)
        await at.press("4", "z")
        await at.until("last")
        await at.press("g", "enter")
        await at.until(lambda: at.app.is_running)
