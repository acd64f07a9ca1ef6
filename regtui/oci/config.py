"""Image configs (OCI image-spec, config.md): what a container of the image runs, and the history that made it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from regtui.oci.decode import decode
from regtui.oci.manifest import Descriptor, Platform

CONFIG_LIMIT = 16 * 1024 * 1024
"""Bytes of an image config at most."""

_REPRODUCIBLE = datetime(2000, 1, 1, tzinfo=UTC)


class Execution(msgspec.Struct, frozen=True, rename="pascal"):
    """What a container runs with. Any part may be missing."""

    user: str | None = None
    exposed_ports: dict[str, Any] | None = None
    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | str | None = None
    cmd: tuple[str, ...] | str | None = None
    volumes: dict[str, Any] | None = None
    working_dir: str | None = None
    labels: dict[str, str] | None = None
    stop_signal: str | None = None


class History(msgspec.Struct, frozen=True):
    """One instruction. `empty_layer` says that no layer came of it."""

    created: str | None = None
    created_by: str | None = None
    author: str | None = None
    comment: str | None = None
    empty_layer: bool | None = None


class RootFS(msgspec.Struct, frozen=True):
    """The digests of the uncompressed layers, the lowest first."""

    type: str | None = None
    diff_ids: tuple[str, ...] | None = None


class ImageConfig(msgspec.Struct, frozen=True):
    """An image's config. All fields are optional: much that stands in registries leaves them out."""

    architecture: str | None = None
    os: str | None = None
    variant: str | None = None
    created: str | None = None
    author: str | None = None
    config: Execution | None = None
    rootfs: RootFS | None = None
    history: tuple[History, ...] | None = None

    @property
    def platform(self) -> Platform:
        return Platform(self.architecture or "", self.os or "", self.variant or "")

    @property
    def built(self) -> datetime | None:
        """When the image was built, UTC; None when it doesn't say, or says a date before 2000 (reproducible builds)."""
        return build_date(self.created)


class Step(msgspec.Struct, frozen=True):
    """An instruction joined with the layer it made. Either may be missing: history can be shorter than the layers."""

    instruction: str
    layer: Descriptor | None
    layer_number: int | None  # counted from 0, the lowest first; None for an empty layer


def decode_config(raw: bytes) -> ImageConfig:
    """Raises `ContentError`, `TooLarge`."""
    return decode(raw, ImageConfig, "image config", CONFIG_LIMIT)


def build_date(text: str | None) -> datetime | None:
    """An RFC 3339 date in UTC, or None when it is none or before 2000, where reproducible builds put theirs."""
    date = parse_date(text)
    return date if date and date >= _REPRODUCIBLE else None


def parse_date(text: str | None) -> datetime | None:
    """An RFC 3339 date in UTC; None when it is none. Nanoseconds are cut to microseconds."""
    match = (
        re.match(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?\s*(Z|z|[+-]\d\d:?\d\d)?$", text.strip())
        if text
        else None
    )
    if not match:
        return None
    day, time, fraction, zone = match.groups()
    try:
        date = datetime.fromisoformat(f"{day}T{time}{(fraction or '.0')[:7].ljust(7, '0')}{(zone or 'Z').upper()}")
        return date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def join_history(layers: tuple[Descriptor, ...], history: tuple[History, ...] | None) -> list[Step]:
    """The n-th entry of the history that isn't empty belongs to the n-th layer. All layers appear, told of or not."""
    steps: list[Step] = []
    used = 0
    for entry in history or ():
        words = instruction(entry)
        if entry.empty_layer:
            steps.append(Step(words, None, None))
        elif used < len(layers):
            steps.append(Step(words, layers[used], used))
            used += 1
        else:
            steps.append(Step(words, None, None))
    steps += [Step("", layers[number], number) for number in range(used, len(layers))]
    return steps


def instruction(entry: History) -> str:
    """The Dockerfile's instruction, without the wrapping that docker's builders put around it."""
    words = (entry.created_by or entry.comment or "").strip()
    words = re.sub(r"^/bin/sh -c #\(nop\)\s+", "", words)
    words = re.sub(r"^/bin/sh -c ", "RUN ", words)
    words = re.sub(r"^RUN /bin/sh -c ", "RUN ", words)
    return re.sub(r"\s*# buildkit$", "", words)
