"""Which settings there are, what each takes, and what it is for."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from regtui.errors import ConfigError, ReferenceError
from regtui.oci.reference import check_host
from regtui.text import shown


class Kind(NamedTuple):
    """What a setting takes: `read` raises ValueError or TypeError for anything else; `parse` turns text to a value."""

    must_be: str
    read: Callable[[Any], Any]
    parse: Callable[[str], Any] = str


class Key(NamedTuple):
    name: str
    kind: Kind
    example: str
    help: str


def _instance(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError
        return value

    return read


def _truth(text: str) -> bool:
    return {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}[
        text.lower()
    ]


def _number(least: float, most: float, kind: type[int] | type[float]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | kind) or not least <= value <= most:
            raise ValueError
        return kind(value)

    return read


_UNITS = {"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def _size(value: Any) -> int:
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,3})?)\s*([a-z]*)", str(value).strip().lower())
    if not match or not isinstance(value, int | str) or isinstance(value, bool):
        raise ValueError
    return int(float(match[1]) * _UNITS[match[2]])


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError
    return tuple(value)


def _realm(value: Any) -> str:
    return check_host(value) if value else ""


def _one_of(*words: str) -> Callable[[Any], Any]:
    return lambda value: words[words.index(value)]


def _platform(value: Any) -> str:
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+){0,2}", value):
        raise ValueError
    return str(value)


_BOOLEAN = Kind("true or false", _instance(bool), _truth)
_TEXT = Kind("text in quotes", _instance(str))
_FILE = Kind("the path of a file, in quotes", _instance(str))
_REALM = Kind("a host, HOST or HOST:PORT, in quotes", _realm)
_PATTERNS = Kind("a list of texts", _texts, lambda text: [part.strip() for part in text.split(",") if part.strip()])

TOP = (
    Key("theme", _TEXT, '""', "Colours, by the name that the command palette shows. Empty: regtui's own."),
    Key("ascii", _BOOLEAN, "false", "Draw with ASCII only. Not set: when LC_ALL or LANG names no UTF-8."),
    Key(
        "platform",
        Kind("a platform such as linux/arm64", _platform),
        '"linux/amd64"',
        "Which image of an index comes first. Not set: this machine's.",
    ),
    Key(
        "details",
        Kind('"all" or "visible"', _one_of("all", "visible")),
        '"all"',
        'Read the dates and sizes of "all" tags, or of those in view only. Not set: "visible" over SSH, else "all".',
    ),
    Key("page_jump", _BOOLEAN, "false", "Lists jump half a page at their edge. Not set: over SSH."),
    Key(
        "timeout",
        Kind("seconds, from 1 to 3600", _number(1, 3600, float), float),
        "30",
        "Seconds that a registry may keep silent.",
    ),
    Key(
        "cache_size",
        Kind('a size such as "512 MB"', _size),
        '"512 MB"',
        "How much of what was read is kept on this machine, to be there at once the next time.",
    ),
    Key(
        "journal_days",
        Kind("a number of days, from 1 to 36500", _number(1, 36500, int), int),
        "365",
        "How many days a change can be looked up and undone.",
    ),
    Key(
        "protected",
        _PATTERNS,
        '["latest", "stable", "prod*"]',
        "Tags that are shown with a lock; deleting one asks for its name, or for --force.",
    ),
)
_CONNECTION = (
    Key("read_only", _BOOLEAN, "false", "Change nothing."),
    Key("plain_http", _BOOLEAN, "false", "Speak plain HTTP."),
    Key("insecure_tls", _BOOLEAN, "false", "Don't check certificates."),
    Key("ca_file", _FILE, '""', "Trust the certificates of this PEM file too."),
)
RUN = (*_CONNECTION, Key("log", _FILE, '""', "Append each request to this file, without logins."))
REGISTRY = (
    *_CONNECTION,
    Key("client_cert", _FILE, '""', "Show this certificate: a PEM file that holds its key too."),
    Key("realm", _REALM, '""', "Show the login to this login server (HOST or HOST:PORT), which has another domain."),
    Key(
        "concurrency",
        Kind("a number from 1 to 256", _number(1, 256, int), int),
        "16",
        "Requests at one time.",
    ),
    Key("namespace", _TEXT, '""', "Open this part of the repositories first."),
    Key("protected", _PATTERNS, "[]", "Protected here, beside the general list."),
)
SETTINGS = {key.name: key for key in (*TOP, *RUN)}
KEYS = Kind("a key or a list of keys", lambda value: (value,) if type(value) is str else _texts(value))


def checked(kind: Kind, value: object, folder: Path, where: str, *, typed: bool = False) -> Any:
    """`value` as the setting's own type; text is parsed first unless it is `typed` (a TOML file's) already.

    A relative path is one from `folder`. Raises `ConfigError`, which names `where` the value stands.
    """
    try:
        result = kind.read(kind.parse(value) if isinstance(value, str) and not typed else value)
    except (ValueError, TypeError, KeyError, AttributeError, ReferenceError):
        raise ConfigError(f"{where}: {shown(repr(value), 100)} can't be used, it takes {kind.must_be}") from None
    return str(folder / Path(result).expanduser()) if kind is _FILE and result else result


def nearest(word: str, words: list[str]) -> str:
    """The advice for a word that isn't one of `words`."""
    from difflib import get_close_matches

    close = get_close_matches(word, words, 1)
    return f"Did you mean {close[0]}?" if close else f"There are: {', '.join(words)}."


def example() -> str:
    """A commented `config.toml` that says what there is; it loads, and changes nothing until a `#` is taken away."""
    lines = ["# regtui's settings. Every line that is commented out shows the default.", ""]
    for key in TOP:
        lines += [f"# {key.help}", f"# {key.name} = {key.example}", ""]
    lines += ["# What holds for one registry only:", '# [registry."registry.example.com:5000"]']
    for key in REGISTRY:
        lines += [f"# {key.name} = {key.example}  # {key.help}"]
    lines += ["", "# Other keys: an action (`?` in the app lists them), and a key or a list of keys.", "# [keys]"]
    lines += ['# refresh = "f5"', '# down = ["j", "down"]', ""]
    return "\n".join(lines)
