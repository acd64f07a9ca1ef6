"""What is known of a file, in a line each: from its entry in the layer, and from its content."""

from __future__ import annotations

from datetime import UTC, datetime

from regtui import words
from regtui.operations.opening import FileOfImage, Opened

_BETWEEN = " · "


def facts_of_entry(file: FileOfImage) -> str:
    """Mode, owner, size, time, layer; the link that led here."""
    entry = file.entry
    parts = [entry.mode_text, f"{entry.uid}/{entry.gid}", words.size(entry.size)]
    if entry.size >= 1000:
        parts[-1] += f" ({entry.size:,} bytes)"
    parts += [when] if (when := _time(entry.mtime)) else []
    parts.append(f"layer {file.number}")
    if file.link:
        parts.append(f"by the link /{file.link}")
    return _BETWEEN.join(parts)


def facts_of_content(opened: Opened) -> str:
    """What kind it is, and what there is to say of that; how much of it was read."""
    kind = opened.kind
    parts = [f"{kind.name}, {kind.encoding}" if kind.is_text and opened.data else kind.name]
    if len(opened.data) < opened.size:
        parts.append(f"the first {words.so_far(len(opened.data), opened.size)}")
    parts += [f"{label}: {text}" for label, text in kind.facts]
    return _BETWEEN.join(parts)


def _time(seconds: int) -> str:
    """Empty for a year that no calendar has."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return ""
