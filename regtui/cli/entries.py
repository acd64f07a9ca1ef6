"""How commands write what is inside of a layer: in cells of a table, and as JSON."""

from __future__ import annotations

from datetime import UTC, datetime

from regtui.cli.output import json_text, json_time
from regtui.operations.files import Entry

_SIGNS = {"symlink": "->", "hardlink": "link to"}


def entry_cells(entry: Entry | None) -> tuple[str, str, str, str]:
    """Mode, owner, size and time, as `ls -l` has them."""
    if entry is None:  # a directory that no layer lists, but has entries in
        return "d?????????", "-", "-", "-"
    mode = entry.mode_text
    if entry.type == "hardlink":
        mode = f"h{mode[1:]}"
    return mode, f"{entry.uid}/{entry.gid}", f"{entry.size:,}", _time(entry.mtime) or "-"


def entry_name(path: str, entry: Entry | None) -> str:
    """A path, and what it links to."""
    sign = _SIGNS.get(entry.type) if entry else None
    return f"{path} {sign} {entry.link}" if entry and sign else path or "."


def facts_as_json(entry: Entry) -> dict[str, object]:
    return {
        "type": entry.type,
        "size_bytes": entry.size,
        "mode": f"{entry.mode:04o}",
        "uid": entry.uid,
        "gid": entry.gid,
        "mtime": _time(entry.mtime),
        **(json_text("link", entry.link) if entry.type in _SIGNS else {}),
    }


def _time(seconds: int) -> str | None:
    """None for a year that no calendar has."""
    try:
        return json_time(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return None
