"""An image of an archive, made ready to be pushed: its layers compressed, as skopeo and docker push send them."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
from zlib_ng import zlib_ng

from regtui import words
from regtui.errors import RegtuiError
from regtui.oci import media_types
from regtui.oci.digest import Digest, digest_of
from regtui.oci.manifest import Descriptor, Manifest, decode_document
from regtui.oci.reference import Reference
from regtui.oci.transports import OCI, own_repository
from regtui.operations.archive_writing import ArchiveProgress
from regtui.operations.inspect import inspect
from regtui.operations.layer_stream import layer_stream
from regtui.operations.session import Session, open_session

_TAR = "application/vnd.oci.image.layer.v1.tar"
_LEVEL = 6
"""Of zlib-ng: 2.3 times as fast as zlib's, for 3 % more bytes (isal is 11 times as fast, for 7 %)."""
_GZIP = 31  # deflate's window of 32 kB, and gzip around it
_PREFIX = "push-"
_FORGOTTEN = 24 * 60 * 60  # seconds after which what a killed process left is removed

Tell = Callable[[ArchiveProgress], None]


@asynccontextmanager
async def ready_to_push(
    session: Session, reference: Reference, tell: Tell | None = None
) -> AsyncIterator[tuple[Session, Reference]]:
    """Where to copy from: the archive itself, or while this is open a folder that has its layers as gzip.

    The same layer always gives the same bytes. Raises `RegtuiError` where the disk hasn't room for the layers.
    """
    found = await inspect(session, reference)
    content = found.document.content
    if not isinstance(content, Manifest) or all(layer.media_type != _TAR for layer in content.layers or ()):
        yield session, reference
        return
    folder = await asyncio.to_thread(_folder, session.settings.cache_dir, content.layers or ())
    try:
        try:
            await _pack(session, reference.repository, content, found.config_raw, folder, tell)
        except OSError as error:
            raise RegtuiError(
                f"{folder} can't be written: {error.strerror}", "XDG_CACHE_HOME names another."
            ) from error
        packed = await open_session(f"{OCI}{folder}", session.settings, log=session.log)
        try:
            yield packed, Reference(packed.registry, own_repository(packed.registry), "packed")
        finally:
            await packed.aclose()
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _folder(cache: Path, layers: tuple[Descriptor, ...]) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    for old in cache.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if old.stat().st_mtime < time.time() - _FORGOTTEN:
                shutil.rmtree(old, ignore_errors=True)
    size, free = sum(layer.size for layer in layers), shutil.disk_usage(cache).free
    if size > free:
        raise RegtuiError(
            f"There is no room in {cache} for the compressed layers: they take up to {words.size(size)}, and "
            f"{words.size(free)} are free",
            "XDG_CACHE_HOME names another folder.",
        )
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=cache))


async def _pack(
    session: Session, repository: str, content: Manifest, config: bytes, folder: Path, tell: Tell | None
) -> None:
    """A layout with the image, its layers compressed."""
    from regtui.embedded.one_layout import OneLayout

    registry = f"{OCI}{folder}"
    layouts = OneLayout(folder, own_repository(registry))
    layout = layouts.create(own_repository(registry))
    layers: list[Descriptor] = []
    known: dict[str, Descriptor] = {}
    for number, layer in enumerate(content.layers or ()):
        if layer.digest not in known:
            file = layouts.scratch.new()
            with file.open("xb") as output:
                packed = _Gzip(output, is_packed=layer.media_type != _TAR)
                done = 0
                async with layer_stream(session, repository, layer) as steps:
                    async for step in steps:
                        await asyncio.to_thread(packed.feed, step)
                        done += len(step)
                        if tell:
                            text = f"compressing layer {number + 1} of {len(content.layers or ())}"
                            tell(ArchiveProgress(number, len(content.layers or ()), done, layer.size, text))
                packed.close()
            await asyncio.to_thread(layout.adopt, file, packed.digest)
            kind = layer.media_type if layer.media_type != _TAR else f"{_TAR}+gzip"
            known[layer.digest] = Descriptor(kind, packed.digest, packed.size)
        layers.append(known[layer.digest])
    file = layouts.scratch.new()
    file.write_bytes(config)
    layout.adopt(file, digest_of(config))
    made = msgspec.structs.replace(content, layers=tuple(layers), media_type=media_types.OCI_MANIFEST)
    raw = _json(made)
    layout.put(decode_document(raw, digest_of(raw), media_types.OCI_MANIFEST), media_types.OCI_MANIFEST, "packed")
    layouts.close()


class _Gzip:
    """What is fed, as one gzip member without a date or a name; as it is when it is packed already."""

    def __init__(self, output: BinaryIO, *, is_packed: bool) -> None:
        self._output = output
        self._hash = hashlib.sha256()
        self._deflate = None if is_packed else zlib_ng.compressobj(_LEVEL, wbits=_GZIP)
        self.size = 0

    @property
    def digest(self) -> Digest:
        return Digest(f"sha256:{self._hash.hexdigest()}")

    def feed(self, data: bytes) -> None:
        self._write(self._deflate.compress(data) if self._deflate else data)

    def close(self) -> None:
        if self._deflate:
            self._write(self._deflate.flush())

    def _write(self, data: bytes) -> None:
        self._output.write(data)
        self._hash.update(data)
        self.size += len(data)


def _json(manifest: Manifest) -> bytes:
    """Without the fields that it doesn't have."""
    fields = msgspec.to_builtins(manifest)
    return msgspec.json.encode({name: value for name, value in fields.items() if value not in (None, "")})
