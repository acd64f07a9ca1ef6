"""Archives as docker and skopeo write them, made by hand: no docker runs where the tests do."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from regtui.oci.digest import digest_of, hex_of

Members = Mapping[str, bytes | str]
"""Name → content; a text is what a symbolic link leads to."""


def write_tar(file: Path, members: Members) -> Path:
    with tarfile.open(file, "w") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                tar.addfile(entry)
            else:
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return file


def config_of(*layers: bytes) -> bytes:
    return _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["/bin/app"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer) for layer in layers]},
        }
    )


def listed(config: str, layers: Sequence[str], *names: str) -> bytes:
    """`manifest.json` with one image."""
    return _json([{"Config": config, "RepoTags": list(names) or None, "Layers": list(layers)}])


def old_save(file: Path, layers: Sequence[bytes], *names: str) -> Path:
    """`docker save` before 25: a folder a layer, one that is there twice is a link to the first."""
    config = config_of(*layers)
    members: dict[str, bytes | str] = {f"{hex_of(digest_of(config))}.json": config}
    paths, first = [], dict[bytes, str]()
    for number, layer in enumerate(layers):
        folder = f"{number:064x}"
        members[f"{folder}/VERSION"] = b"1.0"
        members[f"{folder}/layer.tar"] = f"../{first[layer]}/layer.tar" if layer in first else layer
        first.setdefault(layer, folder)
        paths.append(f"{folder}/layer.tar")
    members["manifest.json"] = listed(f"{hex_of(digest_of(config))}.json", paths, *names)
    return write_tar(file, members)


def new_save(file: Path, layers: Sequence[bytes], *names: str) -> tuple[Path, str]:
    """`docker save` of 25 and later, an OCI layout too; and the digest of the manifest in it."""
    config = config_of(*layers)
    kind = "application/vnd.oci.image.layer.v1.tar"
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [_descriptor(kind, layer) for layer in layers],
        }
    )
    top = _descriptor("application/vnd.oci.image.manifest.v1+json", manifest)
    top["annotations"] = {"io.containerd.image.name": f"docker.io/{names[0]}", "org.opencontainers.image.ref.name": "1"}
    blobs = {_blob(data): data for data in (*layers, config, manifest)}
    members: dict[str, bytes | str] = {
        **blobs,
        "index.json": _json({"schemaVersion": 2, "manifests": [top]}),
        "manifest.json": listed(_blob(config), [_blob(layer) for layer in layers], *names),
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
    }
    return write_tar(file, members), digest_of(manifest)


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def _blob(data: bytes) -> str:
    return f"blobs/{digest_of(data).replace(':', '/')}"


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
