"""Docker's schema 1: what of a signed manifest its digest is made of (distribution's "Image Manifest V2, Schema 1")."""

from __future__ import annotations

import base64
import binascii

import msgspec

from regtui.errors import ContentError
from regtui.oci.decode import decode
from regtui.oci.manifest import MANIFEST_LIMIT


class _Signature(msgspec.Struct):
    protected: str


class _Signed(msgspec.Struct):
    signatures: list[_Signature]


class _Protected(msgspec.Struct, rename="camel"):
    format_length: int
    format_tail: str


def signed_payload(raw: bytes) -> bytes:
    """The manifest without its signatures, as its digest is made. Raises `ContentError`."""
    signatures = decode(raw, _Signed, "schema 1 manifest", MANIFEST_LIMIT).signatures
    if not signatures:
        raise ContentError("The schema 1 manifest can't be read: it says to be signed, and isn't")
    protected = decode(_base64(signatures[0].protected), _Protected, "schema 1 signature", MANIFEST_LIMIT)
    return raw[: max(0, protected.format_length)] + _base64(protected.format_tail)


def _base64(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise ContentError("The schema 1 manifest can't be read: its signature is no base64") from error
