"""Sizes, numbers and times as people read them; machines get integers and ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime

import humanize


def size(count: int) -> str:
    """Bytes in decimal units, as registries and disks count them: `41.2 MB`."""
    return humanize.naturalsize(count).replace(" Bytes", " B").replace(" Byte", " B")


def so_far(read: int, total: int) -> str:
    """Bytes of so many: `41.2 MB of 93 MB`."""
    return f"{size(read)} of {size(total)}"


def count(number: int, noun: str) -> str:
    """`1 tag`, `2,000 tags`, `2 indexes`, `2 entries`."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("y"):
        return f"{number:,} {noun[:-1]}ies"
    return f"{number:,} {noun}{'es' if noun.endswith('x') else 's'}"


def ago(date: datetime, now: datetime | None = None) -> str:
    """How long ago, or until, in one unit: `2 hours ago`, `1 year ago`. The date has a zone."""
    now = now or datetime.now(UTC)
    first, more, _ = humanize.naturaltime(now - date).partition(", ")
    return f"{first} {'ago' if date < now else 'from now'}" if more else first


def exact(date: datetime) -> str:
    """To the second, in UTC and, where that differs, on this machine's clock."""
    utc, local = date.astimezone(UTC), date.astimezone()
    text = f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    return text if local.utcoffset() == utc.utcoffset() else f"{text} ({local:%Y-%m-%d %H:%M:%S %Z})"
