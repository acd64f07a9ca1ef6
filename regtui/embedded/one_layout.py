"""One OCI layout that other tools use too, as a registry: its names make the repositories."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from regtui.embedded.layout import Contents, IndexFile, Layout, name_in
from regtui.embedded.repositories import Repositories
from regtui.embedded.scratch import Scratch
from regtui.errors import ContentError
from regtui.oci.digest import Digest, is_digest, short
from regtui.oci.manifest import Descriptor, Document
from regtui.oci.reference import is_repository, is_tag
from regtui.oci.transports import split_name


def open_layout(folder: Path, repository: str) -> OneLayout:
    """`repository` has what is tagged without a repository. Raises `ContentError` with what it is instead."""
    if not (folder / "index.json").is_file() or not (folder / "oci-layout").is_file():
        raise ContentError(f"{folder} is no OCI layout: {_what_it_is(folder)}", _advice(folder))
    layout = OneLayout(folder, repository)
    layout.names()
    return layout


def open_target(folder: Path, repository: str) -> OneLayout:
    """The same, to write to: where there is nothing, or an empty folder, the first write makes a layout."""
    return OneLayout(folder, repository) if _is_free(folder) else open_layout(folder, repository)


def _is_free(folder: Path) -> bool:
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


def _what_it_is(folder: Path) -> str:
    if not folder.exists():
        return "there is no such folder"
    if not folder.is_dir():
        return "it is a file"
    lacks = [name for name in ("oci-layout", "index.json") if not (folder / name).is_file()]
    return f"the folder has no {' and no '.join(lacks)}"


def _advice(folder: Path) -> str:
    if folder.is_file():
        return f"What docker save wrote is opened as docker-archive:{folder}; another archive has to be unpacked first."
    if folder.is_dir() and any((each / "oci-layout").is_file() for each in list(folder.iterdir())[:1000]):
        return "There are layouts in folders below it: name one of those."
    return ""


class OneLayout(Repositories):
    """Repositories that share one layout's `index.json` and its blobs.

    A name that is a tag is of the repository that is called like the folder; `docker.io/library/debian:12` is of that
    one; what has no name that could be asked for has its digest's first digits for a tag.
    """

    def __init__(self, folder: Path, own: str) -> None:
        super().__init__(folder)
        self._own = own

    def names(self) -> list[str]:
        own = self.get(self._own)
        if own is None:
            return []
        found = {place[0] for each in own.contents().index.entries if (place := self._place(name_in(each)))}
        if own.contents().names or not found:
            found.add(self._own)
        return sorted(found)

    def tags(self, name: str) -> Sequence[str] | None:
        layout = self.get(name)
        return layout.contents().names if layout and name in self.names() else None

    def get(self, name: str) -> Layout | None:
        layout = self._named(name)
        return layout if layout.exists else None

    def create(self, name: str) -> Layout:
        layout = self._named(name)
        layout.create()
        return layout

    def holding(self, digest: Digest) -> Layout | None:
        own = self.get(self._own)
        return own if own and own.has(digest) else None

    def close(self) -> None:
        """Leaves nothing in the folder that isn't the layout's."""
        with contextlib.suppress(OSError):
            os.rmdir(self.scratch.folder)

    def _named(self, name: str) -> Layout:
        return self._keep(name, _Named(self.root, self.scratch, name, self._own))

    def _place(self, name: str) -> tuple[str, str] | None:
        return _place(name, self._own)


def _place(name: str, own: str) -> tuple[str, str] | None:
    """The repository and the tag that a name in `index.json` stands for."""
    if is_tag(name):
        return own, name
    repository, tag = split_name(name)
    tag = tag or "latest"
    return (repository, tag) if is_repository(repository) and is_tag(tag) else None


class _Named(Layout):
    """One of the repositories of a layout."""

    def __init__(self, folder: Path, scratch: Scratch, repository: str, own: str) -> None:
        super().__init__(folder, scratch)
        self._repository = repository
        self._own = own

    def tag_of(self, name: str) -> str:
        place = _place(name, self._own)
        return place[1] if place and place[0] == self._repository else ""

    def name_of(self, tag: str) -> str:
        return tag if self._repository == self._own else f"{self._repository}:{tag}"

    def holds(self, entry: Descriptor) -> bool:
        """Its own names, and what has none: that may be part of any."""
        place = _place(name_in(entry), self._own)
        return place is None or place[0] == self._repository

    def is_free(self, digest: Digest) -> bool:
        entries = self.contents().index.entries
        return all(
            each.digest != digest and all(child.digest != digest for child in self._children_of(each))
            for each in entries
        )

    def put(self, document: Document, media_type: str, tag: str = "") -> None:
        """An index's images are in `index.json` only through the index, where other tools would offer them too."""
        super().put(document, media_type, tag)
        children = {child.digest for child in document.children}
        if children:
            with self._changing() as contents:
                kept = tuple(e for e in contents.index.entries if name_in(e) or e.digest not in children)
                if len(kept) < len(contents.index.entries):
                    self._replace(contents, kept)

    def remove_tag(self, tag: str) -> bool:
        found = self.contents().tags.get(tag)
        if found and not self.tag_of(name_in(found)):
            return self.remove(Digest(found.digest))
        return super().remove_tag(tag)

    def remove(self, digest: Digest) -> bool:
        """The images of an index that goes stay, as in any registry: without a name."""
        found = self.contents().manifests.get(digest)
        children = self._children_of(found) if found else ()
        if not super().remove(digest):
            return False
        with self._changing() as contents:
            lost = [each for each in children if each.digest not in contents.manifests and self.has(each.digest)]
            if lost:
                self._replace(contents, (*contents.index.entries, *lost))
        return True

    def _look_up(self, stamp: tuple[int, int, int], index: IndexFile) -> Contents:
        contents = super()._look_up(stamp, index)
        if self._repository != self._own:
            return contents
        named = {each.digest for each in index.entries if _place(name_in(each), self._own)}
        shown = {each.digest for each in contents.tags.values()}
        inside = {child.digest for each in contents.manifests.values() for child in self._children_of(each)}
        tags = dict(contents.tags)
        for each in index.entries:
            taken = each.digest in shown or (each.digest in named and not self.tag_of(name_in(each)))
            if is_digest(each.digest) and not taken and each.digest not in inside and not self._refers(each, contents):
                tags.setdefault(short(each.digest), each)
        return Contents(stamp, index, tags, sorted(tags), contents.manifests)

    def _refers(self, entry: Descriptor, contents: Contents) -> bool:
        """Whether it is a signature or the like of something that is here, and is seen there."""
        document = self._read(entry)
        return bool(document and document.subject and document.subject.digest in contents.manifests)
