"""Images for the tests: OCI layouts, the same bytes every time, pushed by Debian's skopeo."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regtui.oci import media_types
from regtui.oci.digest import Digest, digest_of
from tests.registry_servers.docker_registry import DockerRegistry

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CREATED = "2026-03-04T05:06:07Z"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Symlink:
    target: str


@dataclass(frozen=True, slots=True)
class HardLink:
    target: str


Files = Mapping[str, bytes | Symlink | HardLink]
"""Path → content. A path that ends in `/` is a folder; whiteouts are empty files by their names (`etc/.wh.passwd`)."""


class Layout:
    """An OCI image layout in a folder of its own. What its methods return are descriptors, to be tagged or joined."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs/sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self._tagged: list[Json] = []

    def blob(self, data: bytes, media_type: str) -> Json:
        digest = digest_of(data)
        (self.folder / "blobs" / digest.replace(":", "/")).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def image(
        self,
        *layers: Files | bytes,
        created: str | None = CREATED,
        labels: Mapping[str, str] | None = None,
        env: Sequence[str] = (),
        cmd: Sequence[str] = ("/bin/app",),
        platform: str = "linux/amd64",
        annotations: Mapping[str, str] | None = None,
        history: Sequence[Json] | None = None,
        subject: Json | None = None,
    ) -> Json:
        """An image of the layers given, as files or as archives, the lowest first.

        The history has an instruction a layer unless told.
        """
        tars = [files if isinstance(files, bytes) else layer_tar(files) for files in layers]
        system, architecture, *variant = platform.split("/")
        config: Json = {
            "architecture": architecture,
            "os": system,
            "config": {"Env": list(env), "Cmd": list(cmd), "Labels": dict(labels or {})},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(tar) for tar in tars]},
            "history": list(history or [{"created_by": f"COPY layer{n} /"} for n in range(len(layers))]),
        }
        if created:
            config["created"] = created
        if variant:
            config["variant"] = variant[0]
        manifest: Json = {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_MANIFEST,
            "config": self.blob(_json(config), media_types.OCI_CONFIG),
            "layers": [self.blob(gzip.compress(tar, 6, mtime=0), LAYER) for tar in tars],
        }
        described = self._manifest(manifest, annotations, subject)
        described["platform"] = {"os": system, "architecture": architecture}
        if variant:
            described["platform"]["variant"] = variant[0]
        return described

    def index(self, *children: Json, annotations: Mapping[str, str] | None = None) -> Json:
        manifest = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": list(children)}
        return self._manifest(manifest, annotations)

    def artifact(
        self,
        config_type: str,
        *layers: Json,
        config: bytes = b"{}",
        annotations: Mapping[str, str] | None = None,
        subject: Json | None = None,
    ) -> Json:
        """A manifest whose config's media type says what it is; the layers come from `blob`."""
        manifest = {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_MANIFEST,
            "config": self.blob(config, config_type),
            "layers": list(layers),
        }
        return self._manifest(manifest, annotations, subject)

    def tag(self, name: str, described: Json) -> Digest:
        """Gives a manifest a name in the layout, so that it can be pushed. Returns its digest."""
        self._tagged.append({**described, "annotations": {"org.opencontainers.image.ref.name": name}})
        (self.folder / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": self._tagged}))
        return Digest(described["digest"])

    def push(self, described: Json, registry: DockerRegistry, target: str, *, as_docker: bool = False) -> Digest:
        """Pushes to `REPOSITORY:TAG` by skopeo, converted to Docker's schema 2 if asked. Returns the digest there."""
        name = f"push-{len(self._tagged)}"
        self.tag(name, described)
        options = ["--format", "v2s2"] if as_docker else ["--preserve-digests"]
        source = f"oci:{self.folder}:{name}"
        destination = f"docker://{registry.host}/{target}"
        skopeo("copy", "--quiet", "--all", *options, *access(registry, "dest-"), source, destination)
        return Digest(skopeo_digest(registry, target)) if as_docker else Digest(described["digest"])

    def _manifest(
        self, manifest: Json, annotations: Mapping[str, str] | None = None, subject: Json | None = None
    ) -> Json:
        if annotations:
            manifest["annotations"] = dict(annotations)
        if subject:
            manifest["subject"] = {name: subject[name] for name in ("mediaType", "digest", "size")}
        return self.blob(_json(manifest), manifest["mediaType"])


def layer_tar(files: Files) -> bytes:
    """An uncompressed layer, its entries in the order given, all times 0, all owners root."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path.rstrip("/"))
            entry.mode = 0o755 if path.endswith("/") else 0o644
            if path.endswith("/"):
                entry.type = tarfile.DIRTYPE
            elif isinstance(content, Symlink):
                entry.type, entry.linkname = tarfile.SYMTYPE, content.target
            elif isinstance(content, HardLink):
                entry.type, entry.linkname = tarfile.LNKTYPE, content.target
            else:
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
                continue
            tar.addfile(entry)
    return buffer.getvalue()


def skopeo(*arguments: str) -> str:
    """Runs skopeo away from the developer's home and returns what it printed."""
    program = shutil.which("skopeo")
    if not program:
        raise RuntimeError("These tests need skopeo: tests/run gets it.")
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [program, "--insecure-policy", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            env={"PATH": os.environ["PATH"], "HOME": home, "XDG_RUNTIME_DIR": home},
        )
    if done.returncode:
        raise RuntimeError(f"skopeo {' '.join(arguments)}:\n{done.stderr}")
    return done.stdout


def skopeo_tags(registry: DockerRegistry, repository: str) -> list[str]:
    listed: list[str] = json.loads(skopeo("list-tags", *access(registry), f"docker://{registry.host}/{repository}"))[
        "Tags"
    ]
    return listed


def skopeo_inspect(registry: DockerRegistry, target: str) -> Json:
    answer: Json = json.loads(skopeo("inspect", "--no-tags", *access(registry), f"docker://{registry.host}/{target}"))
    return answer


def skopeo_digest(registry: DockerRegistry, target: str) -> str:
    return skopeo(
        "inspect", "--no-tags", "--format", "{{.Digest}}", *access(registry), f"docker://{registry.host}/{target}"
    ).strip()


def access(registry: DockerRegistry, side: str = "") -> list[str]:
    """skopeo's flags for this server; `side` is `src-` or `dest-` for a copy."""
    login = f"--{side}creds={':'.join(registry.login)}" if registry.login else f"--{side}no-creds"
    trust = f"--{side}cert-dir={registry.folder}" if registry.ca_file else ""
    return [login, f"--{side}tls-verify=false", *([trust] if trust else [])]


def _json(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
