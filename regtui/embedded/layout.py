"""One repository: a standard OCI image layout in a folder (image-spec, image-layout.md), read and changed safely."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from regtui.embedded.scratch import Scratch
from regtui.errors import ContentError
from regtui.oci import media_types
from regtui.oci.decode import decode
from regtui.oci.digest import Digest, hex_of, is_digest
from regtui.oci.manifest import Descriptor, Document, Index, Manifest, decode_document
from regtui.oci.reference import is_tag

TAG = "org.opencontainers.image.ref.name"
"""The annotation that names a manifest in `index.json`; a manifest without it is untagged."""

INDEX_LIMIT = 512 * 1024 * 1024
"""Bytes of an `index.json` at most: some two million tags."""

_CHILD_TYPES = media_types.INDEXES | media_types.MANIFESTS


class IndexFile(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """`index.json`: every tag and every untagged manifest, a descriptor each."""

    schema_version: int
    media_type: str = ""
    manifests: tuple[Descriptor, ...] | None = None  # the field must be there, even when it is empty
    annotations: dict[str, str] | None = None

    @property
    def entries(self) -> tuple[Descriptor, ...]:
        return self.manifests or ()


@dataclass(frozen=True, slots=True)
class Contents:
    """What `index.json` said at one moment, by tag and by digest."""

    stamp: tuple[int, int, int]
    index: IndexFile
    tags: Mapping[str, Descriptor]
    names: Sequence[str]  # of the tags, sorted
    manifests: Mapping[str, Descriptor]  # those of the index, and the children of those that are indexes themselves


class Layout:
    """Every thread may call this at any time. What other programs write into the folder is seen at the next call.

    Methods raise `OSError` when the disk fails and `ContentError` when `index.json` can't be read.
    """

    def __init__(self, folder: Path, scratch: Scratch) -> None:
        self.folder = folder
        self._index = folder / "index.json"
        self._scratch = scratch
        self._lock = threading.RLock()
        self._contents: Contents | None = None
        self._children: dict[str, tuple[Descriptor, ...]] = {}  # of indexes, by digest: they never change
        self._referrers: dict[str, tuple[str, Descriptor] | None] = {}  # by the referrer's digest, with its subject
        self._by_subject: tuple[Contents, dict[str, list[Descriptor]]] | None = None

    @property
    def exists(self) -> bool:
        return self._index.is_file()

    def create(self) -> None:
        """Makes an empty layout where there is none."""
        if self.exists:
            return
        with self._lock:
            (self.folder / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
            with self._alone():
                if not self.exists:
                    self._scratch.place(b'{"imageLayoutVersion":"1.0.0"}', self.folder / "oci-layout")
                    self._write(IndexFile(2, media_types.OCI_INDEX, ()))

    def path(self, digest: Digest | str) -> Path:
        """Where the content of a digest is, or would be."""
        return self.folder / "blobs" / digest.partition(":")[0] / hex_of(Digest(digest))

    def has(self, digest: Digest | str) -> bool:
        return self.path(digest).is_file()

    def open(self, digest: Digest | str) -> tuple[BinaryIO, int, int]:
        """The file that holds a digest's content, where in it that begins, and its size. Raises `FileNotFoundError`."""
        file = self.path(digest).open("rb")
        return file, 0, os.fstat(file.fileno()).st_size

    def tag_of(self, name: str) -> str:
        """The tag that a name in `index.json` is, or empty: other tools also write what no client could ask for."""
        return name if is_tag(name) else ""

    def name_of(self, tag: str) -> str:
        """What `index.json` calls a tag."""
        return tag

    def holds(self, entry: Descriptor) -> bool:
        """Whether an entry of `index.json` is of this repository."""
        return True

    def contents(self) -> Contents:
        """What is tagged and known now."""
        known = self._contents
        if known and known.stamp == self._stamp():
            return known
        with self._lock:
            stamp = self._stamp()
            self._contents = self._look_up(
                stamp, decode(self._index.read_bytes(), IndexFile, "index.json", INDEX_LIMIT)
            )
            return self._contents

    def find(self, version: str) -> Descriptor | None:
        """The manifest of a tag or a digest, when its bytes are there too."""
        contents = self.contents()
        found = (contents.manifests if is_digest(version) else contents.tags).get(version)
        return found if found and self.has(found.digest) else None

    def referrers(self, subject: Digest) -> list[Descriptor]:
        """The manifests whose subject a digest is, as the referrers API describes them, sorted by digest."""
        contents = self.contents()
        with self._lock:
            if not self._by_subject or self._by_subject[0] is not contents:
                self._by_subject = (contents, self._subjects(contents.manifests.values()))
            return [found for found in self._by_subject[1].get(subject, ()) if self.has(found.digest)]

    def put(self, document: Document, media_type: str, tag: str = "") -> None:
        """Keeps a manifest, under a tag or without one. What the tag named before stays, untagged."""
        descriptor = Descriptor(media_type, document.digest, len(document.raw))
        with self._changing() as contents:
            self._scratch.place(document.raw, self.path(document.digest))
            known = any(each.digest == document.digest for each in contents.index.entries)
            if tag:
                named = msgspec.structs.replace(descriptor, annotations={TAG: self.name_of(tag)})
                self._replace(contents, (*self._without(contents, tag, document.digest), named))
            elif not known:
                self._replace(contents, (*contents.index.entries, descriptor))

    def remove_tag(self, tag: str) -> bool:
        """Takes a tag away; what it named stays. False when there is no such tag."""
        with self._changing() as contents:
            if tag not in contents.tags:
                return False
            self._replace(contents, self._without(contents, tag))
            return True

    def remove(self, digest: Digest) -> bool:
        """Removes a manifest, its bytes and every tag on it. False when there is none."""
        with self._changing() as contents:
            if not self.find(digest):
                return False
            kept = tuple(each for each in contents.index.entries if each.digest != digest or not self.holds(each))
            if len(kept) < len(contents.index.entries):
                self._replace(contents, kept)
            if self.is_free(digest):
                self.path(digest).unlink(missing_ok=True)
            return True

    def is_free(self, digest: Digest) -> bool:
        """Whether a manifest that was removed here is nobody else's."""
        return True

    def remove_blob(self, digest: Digest) -> bool:
        """False when there is no such blob."""
        try:
            self.path(digest).unlink()
        except FileNotFoundError:
            return False
        return True

    def adopt(self, file: Path, digest: Digest) -> None:
        """Takes a whole, checked file of the scratch folder as a blob."""
        self.path(digest).parent.mkdir(exist_ok=True)
        with file.open("rb") as whole:
            os.fsync(whole.fileno())
        os.replace(file, self.path(digest))

    def mount(self, digest: Digest, source: Layout) -> bool:
        """Another layout's blob here too, as the same file on disk where that can be. False when it isn't there."""
        if self.has(digest):
            return True
        if not source.has(digest):
            return False
        self.path(digest).parent.mkdir(exist_ok=True)
        try:
            os.link(source.path(digest), self.path(digest))
        except FileNotFoundError:
            return False
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            copy = self._scratch.new()
            shutil.copyfile(source.path(digest), copy)
            os.replace(copy, self.path(digest))
        return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Holds the layout against other threads, and against other processes that lock it like this."""
        with self._lock:
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                yield
            finally:
                os.close(folder)

    @contextmanager
    def _changing(self) -> Iterator[Contents]:
        with self._alone():
            yield self.contents()

    def _replace(self, before: Contents, manifests: tuple[Descriptor, ...]) -> None:
        self._write(msgspec.structs.replace(before.index, manifests=manifests))

    def _write(self, index: IndexFile) -> None:
        self._scratch.place(msgspec.json.encode(index), self._index)
        self._contents = self._look_up(self._stamp(), index)

    def _without(self, contents: Contents, tag: str, coming: str = "") -> tuple[Descriptor, ...]:
        """The index without a tag. What it named stays, untagged, unless another entry or the coming one has it."""
        kept = []
        going: Descriptor | None = None
        for each in contents.index.entries:
            name = name_in(each)
            if name and self.tag_of(name) == tag:
                going = going or each
            elif name or each.digest != coming:
                kept.append(each)
        if going and going.digest != coming and all(each.digest != going.digest for each in kept):
            others = {key: value for key, value in (going.annotations or {}).items() if key != TAG}
            kept.append(msgspec.structs.replace(going, annotations=others or None))
        return tuple(kept)

    def _stamp(self) -> tuple[int, int, int]:
        status = self._index.stat()
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _look_up(self, stamp: tuple[int, int, int], index: IndexFile) -> Contents:
        tags: dict[str, Descriptor] = {}
        manifests: dict[str, Descriptor] = {}
        pending = [each for each in index.entries if is_digest(each.digest) and self.holds(each)]
        for descriptor in pending:
            if tag := self.tag_of(name_in(descriptor)):
                tags.setdefault(tag, descriptor)
        for descriptor in pending:  # grows on the way
            if manifests.setdefault(descriptor.digest, descriptor) is descriptor:
                pending += self._children_of(descriptor)
        return Contents(stamp, index, tags, sorted(tags), manifests)

    def _children_of(self, descriptor: Descriptor) -> tuple[Descriptor, ...]:
        if descriptor.media_type not in media_types.INDEXES:
            return ()
        if descriptor.digest not in self._children:
            document = self._read(descriptor)
            if not document:
                return ()
            self._children[descriptor.digest] = tuple(
                child for child in document.children if child.media_type in _CHILD_TYPES and is_digest(child.digest)
            )
        return self._children[descriptor.digest]

    def _subjects(self, manifests: Iterable[Descriptor]) -> dict[str, list[Descriptor]]:
        found: dict[str, list[Descriptor]] = {}
        for descriptor in manifests:
            if descriptor.digest not in self._referrers:
                document = self._read(descriptor)
                if not document:
                    continue
                self._referrers[descriptor.digest] = _as_referrer(document, descriptor)
            referrer = self._referrers[descriptor.digest]
            if referrer:
                found.setdefault(referrer[0], []).append(referrer[1])
        return {subject: sorted(each, key=lambda one: one.digest) for subject, each in found.items()}

    def _read(self, descriptor: Descriptor) -> Document | None:
        """A manifest of this layout; None when its bytes are missing or can't be read."""
        with suppress(FileNotFoundError, ContentError):
            raw = self.path(descriptor.digest).read_bytes()
            return decode_document(raw, Digest(descriptor.digest), descriptor.media_type)
        return None


def name_in(entry: Descriptor) -> str:
    """What an entry of `index.json` is called, or empty."""
    return (entry.annotations or {}).get(TAG, "")


def _as_referrer(document: Document, descriptor: Descriptor) -> tuple[str, Descriptor] | None:
    """The subject, and the descriptor for its list of referrers (distribution-spec, "Listing Referrers")."""
    content = document.content
    if not isinstance(content, Manifest | Index) or not content.subject:
        return None
    kind = content.artifact_type or (content.config.media_type if isinstance(content, Manifest) else "")
    referrer = Descriptor(
        descriptor.media_type, document.digest, len(document.raw), artifact_type=kind, annotations=content.annotations
    )
    return content.subject.digest, referrer
