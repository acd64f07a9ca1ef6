"""An archive is written whole or not at all."""

from __future__ import annotations

import errno
import json
from contextlib import aclosing
from pathlib import Path

import pytest

from regtui.config import Settings
from regtui.errors import ContentError, RegtuiError
from regtui.oci import media_types
from regtui.oci.reference import Reference, parse_reference
from regtui.operations import archive_writing
from regtui.operations.archive_writing import write_archive
from regtui.operations.session import open_session
from tests.registry_servers.images import LAYER, Layout, layer_tar


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "config.toml", tmp_path / "cache", tmp_path / "state", timeout=5)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


def reference(layout: Layout) -> Reference:
    return parse_reference(f"oci:{layout.folder}:it")


def left(folder: Path) -> list[str]:
    """What there is of the archive."""
    return [each.name for each in folder.iterdir() if each.name.startswith("app.tar")]


async def write(layout: Layout, settings: Settings, file: Path, steps: int = -1) -> None:
    session = await open_session(reference(layout).registry, settings)
    try:
        async with aclosing(write_archive(session, reference(layout), file)) as events:
            async for _ in events:
                steps -= 1
                if not steps:
                    return
    finally:
        await session.aclose()


async def test_who_stops_half_way_finds_nothing(layout: Layout, settings: Settings, tmp_path: Path) -> None:
    layout.tag("it", layout.image({"a": b"1"}, {"b": b"2"}))
    await write(layout, settings, tmp_path / "app.tar", 1)
    assert left(tmp_path) == []
    await write(layout, settings, tmp_path / "app.tar")
    assert left(tmp_path) == ["app.tar"]


async def test_a_full_disk_is_said_and_leaves_nothing(
    layout: Layout, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout.tag("it", layout.image({"a": b"1"}))

    def full(self: object, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive_writing._Writer, "write", full)
    with pytest.raises(RegtuiError, match=r"The disk is full: .*app\.tar was not written"):
        await write(layout, settings, tmp_path / "app.tar")
    assert left(tmp_path) == []


async def test_layers_that_are_not_what_the_config_tells_are_refused(
    layout: Layout, settings: Settings, tmp_path: Path
) -> None:
    config = layout.blob(json.dumps({"rootfs": {"diff_ids": [f"sha256:{'0' * 64}"]}}).encode(), media_types.OCI_CONFIG)
    manifest = {"schemaVersion": 2, "config": config, "layers": [layout.blob(layer_tar({"a": b"1"}), LAYER)]}
    layout.tag("it", layout.blob(json.dumps(manifest).encode(), media_types.OCI_MANIFEST))
    with pytest.raises(ContentError, match="Layer 0 is not what the image's config tells"):
        await write(layout, settings, tmp_path / "app.tar")
    assert left(tmp_path) == []


async def test_what_is_no_image_is_refused(layout: Layout, settings: Settings, tmp_path: Path) -> None:
    layout.tag("it", layout.artifact("application/vnd.example"))
    with pytest.raises(RegtuiError, match="is no image"):
        await write(layout, settings, tmp_path / "app.tar")
