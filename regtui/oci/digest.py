"""Digests: the names of content (OCI image-spec, descriptor.md, "Digests")."""

from __future__ import annotations

import hashlib
import re
from typing import NewType

from regtui.errors import DigestMismatch, ReferenceError
from regtui.text import shown

Digest = NewType("Digest", str)
"""`sha256:<64 hex>` or `sha512:<128 hex>`, checked by `parse_digest` or made by `digest_of`."""

_PATTERN = re.compile(r"(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128})")


def parse_digest(text: str) -> Digest:
    """Raises `ReferenceError` when the text is no sha256 or sha512 digest."""
    if not _PATTERN.fullmatch(text):
        raise ReferenceError(
            f"{shown(text, 150)!r} is no digest",
            "A digest reads sha256: and 64 hexadecimal digits (sha512: 128).",
        )
    return Digest(text)


def is_digest(text: str) -> bool:
    return _PATTERN.fullmatch(text) is not None


def digest_of(data: bytes, algorithm: str = "sha256") -> Digest:
    return Digest(f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}")


def hex_of(digest: Digest) -> str:
    return digest.partition(":")[2]


def short(digest: str) -> str:
    """What a table shows of a digest: its first 12 hexadecimal digits."""
    return digest.partition(":")[2][:12] or digest[:12]


class Verifier:
    """Hashes what passes by, and says at the end whether it was what was asked for."""

    def __init__(self, digest: Digest) -> None:
        self.digest = digest
        self._algorithm = digest.partition(":")[0]
        self._hash = hashlib.new(self._algorithm)

    def update(self, data: bytes | bytearray | memoryview) -> None:
        self._hash.update(data)

    @property
    def found(self) -> str:
        """The digest of the bytes so far."""
        return f"{self._algorithm}:{self._hash.hexdigest()}"

    def check(self, subject: str) -> None:
        """Raises `DigestMismatch`, naming the subject, when the bytes so far are not the digest's."""
        if (found := self.found) != self.digest:
            raise DigestMismatch(
                f"What came for {subject} is not what was asked for: its digest is {found}, not {self.digest}",
                "The registry, or a proxy on the way, changed or cut it. If it stays so, the content is damaged.",
            )


def verify(data: bytes, digest: Digest, subject: str) -> None:
    """Raises `DigestMismatch` when the bytes are not the digest's."""
    verifier = Verifier(digest)
    verifier.update(data)
    verifier.check(subject)
