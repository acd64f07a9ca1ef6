"""What `docker save` writes, as a registry that is only read from: blobs are parts of the file.

Old docker has a folder with a `layer.tar` for each layer, docker 25 and newer an OCI layout in the same file, skopeo
`DIGEST.tar`; all have a `manifest.json`. Where there is a manifest it is served; else one is made of config and layers.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import msgspec

from regtui.embedded.layout import IndexFile
from regtui.embedded.tar_index import Member, TarIndex, read_index
from regtui.errors import ContentError, RegtuiError
from regtui.oci import media_types
from regtui.oci.config import CONFIG_LIMIT, decode_config
from regtui.oci.decode import decode
from regtui.oci.digest import Digest, digest_of, hex_of, is_digest, short
from regtui.oci.manifest import MANIFEST_LIMIT, Descriptor, Document, Index, Manifest, decode_document
from regtui.oci.reference import is_repository, is_tag
from regtui.oci.transports import split_name

_LIST_LIMIT = 16 * 1024 * 1024  # bytes of `manifest.json`
_TAR = "application/vnd.oci.image.layer.v1.tar"
_COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd", b"BZ": "bzip2", b"\xfd7": "xz"}
_UNPACK = {"gzip": "gunzip", "zstd": "unzstd", "bzip2": "bunzip2", "xz": "unxz"}
_PIECE = 1024 * 1024


class _Image(msgspec.Struct, rename="pascal"):
    """An entry of `manifest.json`."""

    config: str
    layers: tuple[str, ...] | None = None
    repo_tags: tuple[str, ...] | None = None


class _MadeManifest(msgspec.Struct, rename="camel"):
    """What is written where the archive has no manifest."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    schema_version: int = 2
    media_type: str = media_types.OCI_MANIFEST


@dataclass(slots=True)
class _Repository:
    """One repository's tags, over what all of the archive share."""

    archive: DockerArchive
    tags: dict[str, Descriptor] = field(default_factory=dict)

    def find(self, version: str) -> Descriptor | None:
        return self.archive.manifests.get(version) if is_digest(version) else self.tags.get(version)

    def referrers(self, subject: Digest) -> list[Descriptor]:
        return []

    def open(self, digest: Digest | str) -> tuple[BinaryIO, int, int]:
        return self.archive.open(digest)


class DockerArchive:
    """Repositories by the archive's `RepoTags`. Every thread may call this at any time."""

    def __init__(self, path: Path, own: str) -> None:
        """`own` is the repository of images without a name. Raises `ContentError`, `TooLarge`, `OSError`."""
        self.path = path
        self.manifests: dict[str, Descriptor] = {}
        self._own = own
        self._blobs: dict[str, Member] = {}
        self._made: dict[str, bytes] = {}  # manifests, by digest
        self._repositories: dict[str, _Repository] = {}
        with path.open("rb") as file:
            self._stamp = _stamp(file)
            self._index = _index(file, path)
            for image in _images(file, self._index, path):
                self._add(file, image)

    def names(self) -> list[str]:
        return sorted(self._repositories)

    def tags(self, name: str) -> Sequence[str] | None:
        found = self._repositories.get(name)
        return sorted(found.tags) if found else None

    def get(self, name: str) -> _Repository | None:
        return self._repositories.get(name)

    def open(self, digest: Digest | str) -> tuple[BinaryIO, int, int]:
        """The part of the file that a blob is, or a manifest. Raises `FileNotFoundError`, `ContentError`."""
        if digest in self._made:
            return io.BytesIO(self._made[digest]), 0, len(self._made[digest])
        if digest not in self._blobs:
            raise FileNotFoundError(digest)
        file = self.path.open("rb")
        if _stamp(file) != self._stamp:
            file.close()
            raise ContentError(f"{self.path} was changed since it was opened", "Open it again.")
        return file, self._blobs[digest].offset, self._blobs[digest].size

    def _add(self, file: BinaryIO, image: _Image) -> None:
        """An image under each of its names."""
        raw = self._read(file, image.config, CONFIG_LIMIT)
        config = digest_of(raw)
        document = self._kept_manifest(file, config) or self._make_manifest(file, image, raw, config)
        found = Descriptor(document.media_type, document.digest, len(document.raw))
        self.manifests[found.digest] = found
        for repository, tag in _names(image.repo_tags or ()) or [(self._own, short(found.digest))]:
            self._repositories.setdefault(repository, _Repository(self)).tags[tag] = found

    def _make_manifest(self, file: BinaryIO, image: _Image, raw: bytes, config: Digest) -> Document:
        self._blobs[config] = self._member(image.config)
        root = decode_config(raw).rootfs
        diff_ids = (root.diff_ids if root else None) or ()
        if len(diff_ids) != len(image.layers or ()) or not all(map(is_digest, diff_ids)):
            raise ContentError(
                f"{self.path} can't be read: an image has {len(image.layers or ()):,} layers, and its config tells of "
                f"{len(diff_ids):,}"
            )
        layers = [
            self._layer(file, name, Digest(diff)) for name, diff in zip(image.layers or (), diff_ids, strict=True)
        ]
        made = msgspec.json.encode(_MadeManifest(Descriptor(media_types.OCI_CONFIG, config, len(raw)), tuple(layers)))
        document = decode_document(made, digest_of(made), media_types.OCI_MANIFEST)
        self._made[document.digest] = made
        return document

    def _layer(self, file: BinaryIO, name: str, diff_id: Digest) -> Descriptor:
        """An archive by its diff ID. One that is compressed (ko, kaniko) by its name, or by what it is found to be."""
        member = self._member(name)
        file.seek(member.offset)
        start = file.read(min(4, member.size))
        if start[:2] == b"\x1f\x8b":
            media_type = f"{_TAR}+gzip"
        elif start == b"\x28\xb5\x2f\xfd":
            media_type = f"{_TAR}+zstd"
        else:
            self._blobs[diff_id] = member
            return Descriptor(_TAR, diff_id, member.size)
        named = re.search(r"([0-9a-f]{64})(?:\.tar)?(?:\.gz|\.zst)?$", name)
        digest = Digest(f"sha256:{named[1]}") if named else _digest_in(file, member)
        self._blobs[digest] = member
        return Descriptor(media_type, digest, member.size)

    def _kept_manifest(self, file: BinaryIO, config: Digest) -> Document | None:
        """The archive's own manifest of an image, if all that it needs is in the archive too."""
        try:
            entries = decode(self._read(file, "index.json", _LIST_LIMIT), IndexFile, "index.json", _LIST_LIMIT).entries
            for document in self._documents(file, entries, 0):
                content = document.content
                blobs = {each.digest: self._index.find(_blob(each.digest)) for each in document.blobs}
                if isinstance(content, Manifest) and content.config.digest == config and all(blobs.values()):
                    self._blobs |= {digest: member for digest, member in blobs.items() if member}
                    self._made[document.digest] = document.raw
                    return document
        except RegtuiError:
            pass  # docker itself doesn't read it
        return None

    def _documents(self, file: BinaryIO, entries: Sequence[Descriptor], depth: int) -> Iterator[Document]:
        for entry in entries[:1000]:
            if not is_digest(entry.digest) or not self._index.find(_blob(entry.digest)):
                continue
            raw = self._read(file, _blob(entry.digest), MANIFEST_LIMIT)
            if digest_of(raw, entry.digest.partition(":")[0]) != entry.digest:
                continue
            document = decode_document(raw, Digest(entry.digest), entry.media_type)
            if isinstance(document.content, Index) and depth < 3:
                yield from self._documents(file, document.children, depth + 1)
            yield document

    def _member(self, name: str) -> Member:
        member = self._index.find(name)
        if member is None:
            raise ContentError(f"{self.path} lacks {name!r}, which its manifest.json names")
        return member

    def _read(self, file: BinaryIO, name: str, limit: int) -> bytes:
        member = self._member(name)
        if member.size > limit:
            raise ContentError(f"{name!r} in {self.path} has {member.size:,} bytes; regtui reads {limit:,} at most")
        file.seek(member.offset)
        return file.read(member.size)


def open_archive(path: Path, own: str) -> DockerArchive:
    """Reads the headers and small files of an archive. Raises `ContentError` with what it is instead, `OSError`."""
    if not path.exists():
        raise ContentError(f"There is no file {path}")
    if not path.is_file():
        advice = f"It is a layout: write oci:{path}." if (path / "index.json").is_file() else ""
        raise ContentError(f"{path} is no file", advice)
    return DockerArchive(path, own)


def _index(file: BinaryIO, path: Path) -> TarIndex:
    start = file.read(2)
    if start in _COMPRESSED:
        tool = _COMPRESSED[start]
        raise ContentError(f"{path} is compressed with {tool}", f"Unpack it first: {_UNPACK[tool]} {path}")
    try:
        return read_index(file, os.fstat(file.fileno()).st_size)
    except ContentError as error:
        error.what = f"{path} can't be read: {error.what[0].lower()}{error.what[1:]}"
        raise


def _images(file: BinaryIO, index: TarIndex, path: Path) -> list[_Image]:
    member = index.find("manifest.json")
    if member is None or member.size > _LIST_LIMIT:
        is_layout = index.find("oci-layout") is not None
        advice = f"It is an OCI layout in an archive: unpack it (tar -xf {path}), and name the folder as oci:FOLDER."
        raise ContentError(f"{path} is not of docker save: it has no manifest.json", advice if is_layout else "")
    file.seek(member.offset)
    return decode(file.read(member.size), list[_Image], "manifest.json", _LIST_LIMIT)


def _names(repo_tags: Sequence[str]) -> list[tuple[str, str]]:
    names = [split_name(name) for name in repo_tags]
    return [(repository, tag) for repository, tag in names if is_repository(repository) and is_tag(tag)]


def _blob(digest: str) -> str:
    return f"blobs/{digest.partition(':')[0]}/{hex_of(Digest(digest))}"


def _digest_in(file: BinaryIO, member: Member) -> Digest:
    file.seek(member.offset)
    found, left = hashlib.sha256(), member.size
    while left and (piece := file.read(min(left, _PIECE))):
        found.update(piece)
        left -= len(piece)
    return Digest(f"sha256:{found.hexdigest()}")


def _stamp(file: BinaryIO) -> tuple[int, int, int]:
    status = os.fstat(file.fileno())
    return status.st_ino, status.st_mtime_ns, status.st_size
