"""An image as a file that `docker load`, `podman load` and skopeo read: a tar archive of its config and its layers."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import os
import tarfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from regtui.errors import ContentError, RegtuiError
from regtui.layers.decompress import Inflater
from regtui.oci.digest import Digest, Verifier, hex_of, is_digest
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.oci.transports import is_local
from regtui.operations.image_files import find_layers
from regtui.operations.inspect import Inspected
from regtui.operations.layer_stream import layer_stream
from regtui.operations.session import Session
from regtui.text import shown

_BLOCK = 512


@dataclass(frozen=True, slots=True)
class ArchiveProgress:
    """How far it is: `done` of `size` bytes of layer `layer` of `layers`, counted from 0, as it is read."""

    layer: int
    layers: int
    done: int
    size: int
    text: str  # "layer 1 of 3"


async def write_archive(
    session: Session,
    reference: Reference,
    file: Path,
    *,
    platform: str = "",
    names: Sequence[str] = (),
    force: bool = False,
) -> AsyncGenerator[ArchiveProgress, None]:
    """Writes one image, of an index that for `platform` as `find_layers` chooses it, under `names` (`app:1.0`).

    Without names it has the reference's. Layers are unpacked and held to the config's diff IDs. It is `FILE.part` until
    it is whole; close the generator to stop, and nothing is left. An existing file is replaced with `force` only.
    Raises `RegtuiError`: no image, a full disk, and what reading layers does.
    """
    if not force and await asyncio.to_thread(file.exists):
        raise RegtuiError(f"{_named(file)} is there already", "Add --force to replace it, or name another file.")
    found, layers = await find_layers(session, reference, platform)
    diff_ids = _diff_ids(found)
    part = file.with_name(f"{file.name}.part")
    output: BinaryIO | None = None
    try:
        output = _create(part)
        writer = _Writer(output)
        config = hex_of(Digest(_config_digest(found)))
        await asyncio.to_thread(writer.add, f"{config}.json", found.config_raw)
        written: set[str] = set()
        for number, (layer, diff_id) in enumerate(zip(layers, diff_ids, strict=True)):
            if diff_id not in written:
                written.add(diff_id)
                unpacked = _unpacked(session, reference.repository, layer, diff_id, writer, number, len(layers))
                async with aclosing(unpacked) as events:
                    async for event in events:
                        yield event
        tags = list(names) or _own_names(reference)
        await asyncio.to_thread(writer.finish, _lists(config, tags, diff_ids))
        os.replace(part, file)
        output.close()
        output = None
    except OSError as error:
        raise _failed(file, error) from error
    finally:
        if output is not None:
            with suppress(OSError):
                part.unlink()
            with suppress(OSError):  # what is buffered, on a full disk
                output.close()


async def _unpacked(
    session: Session, repository: str, layer: Descriptor, diff_id: str, writer: _Writer, number: int, layers: int
) -> AsyncGenerator[ArchiveProgress, None]:
    """One layer, written as it comes."""
    inflater, verifier, done = Inflater(), Verifier(Digest(diff_id)), 0
    writer.begin(f"{hex_of(Digest(diff_id))}.tar")

    def write(step: bytes | None) -> None:
        for piece in inflater.close() if step is None else inflater.feed(step):
            verifier.update(piece)
            writer.write(piece)

    text = f"layer {number + 1} of {layers}"
    try:
        async with layer_stream(session, repository, layer) as steps:
            async for step in steps:
                await asyncio.to_thread(write, step)
                done += len(step)
                yield ArchiveProgress(number, layers, done, layer.size, text)
        await asyncio.to_thread(write, None)
    except RegtuiError as error:
        error.what = f"Layer {number}: {error.what}"
        raise
    if verifier.found != diff_id:
        raise ContentError(
            f"Layer {number} is not what the image's config tells: unpacked it is {verifier.found}, not {diff_id}",
            "docker load would refuse it. The image is damaged, or was made so.",
        )
    writer.end()


class _Writer:
    """A tar archive whose members' sizes may be unknown until they are written."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._name = ""
        self._start = 0

    def add(self, name: str, data: bytes) -> None:
        self.begin(name)
        self.write(data)
        self.end()

    def begin(self, name: str) -> None:
        self._name, self._start = name, self._output.tell()
        self._output.write(bytes(_BLOCK))

    def write(self, data: bytes) -> None:
        self._output.write(data)

    def end(self) -> None:
        """Now the size is known: it goes into the header."""
        size = self._output.tell() - self._start - _BLOCK
        self._output.write(bytes(-size % _BLOCK))
        end = self._output.tell()
        header = tarfile.TarInfo(self._name)
        header.size = size
        self._output.seek(self._start)
        self._output.write(header.tobuf(tarfile.GNU_FORMAT))
        self._output.seek(end)

    def finish(self, lists: dict[str, bytes]) -> None:
        for name, data in lists.items():
            self.add(name, data)
        self._output.write(bytes(2 * _BLOCK))
        self._output.flush()
        os.fsync(self._output.fileno())


def _create(part: Path) -> BinaryIO:
    """The unfinished file, for this process alone. Raises `OSError`, `RegtuiError` while another one writes it."""
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise RegtuiError(f"Another regtui is writing {_named(part)}", "Wait for it, or name another file.") from None
    os.truncate(descriptor, 0)
    return os.fdopen(descriptor, "wb")


def _diff_ids(found: Inspected) -> tuple[str, ...]:
    if found.config_error:
        raise found.config_error
    if not found.config:
        raise RegtuiError(f"{found.reference} is no image ({found.kind})", "Only images go into such an archive.")
    if not found.diff_ids or not all(map(is_digest, found.diff_ids)):
        raise ContentError(f"{found.reference} can't be written: its config doesn't tell the digest of each layer")
    return found.diff_ids


def _config_digest(found: Inspected) -> str:
    return found.document.blobs[0].digest


def _own_names(reference: Reference) -> list[str]:
    if not reference.tag:
        return []
    name = f"{reference.repository}:{reference.tag}"
    return [name if is_local(reference.registry) else f"{reference.registry}/{name}"]


def _lists(config: str, tags: Sequence[str], diff_ids: Sequence[str]) -> dict[str, bytes]:
    """`manifest.json`, and `repositories`, by which docker before 1.10 went."""
    layers = [f"{hex_of(Digest(diff_id))}.tar" for diff_id in diff_ids]
    images = [{"Config": f"{config}.json", "RepoTags": list(tags), "Layers": layers}]
    repositories: dict[str, dict[str, str]] = {}
    for name, _, tag in (tag.rpartition(":") for tag in tags):
        repositories.setdefault(name, {})[tag] = hex_of(Digest(diff_ids[-1]))
    return {"manifest.json": json.dumps(images).encode(), "repositories": json.dumps(repositories).encode()}


def _failed(file: Path, error: OSError) -> RegtuiError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RegtuiError(f"The disk is full: {_named(file)} was not written, and nothing is left of it")
    return RegtuiError(f"{_named(file)} can't be written: {error.strerror}")


def _named(file: Path) -> str:
    return shown(str(file), 300)
