"""The one place where JSON from outside becomes values."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from regtui.errors import ContentError, TooLarge
from regtui.text import shown

T = TypeVar("T")


def decode(raw: bytes, kind: type[T], name: str, limit: int) -> T:
    """The JSON document `raw` as a value of `kind`; `name` is what messages call it ("manifest", "token answer").

    Raises `TooLarge` beyond `limit` bytes, and `ContentError` saying which field is wrong. Unknown fields are ignored.
    """
    if len(raw) > limit:
        raise TooLarge(f"The {name} has {len(raw):,} bytes; regtui reads {limit:,} at most")
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ContentError(f"The {name} can't be read: {shown(str(error), 300)}") from error
    except RecursionError as error:
        raise ContentError(f"The {name} can't be read: its JSON is nested too deep") from error
