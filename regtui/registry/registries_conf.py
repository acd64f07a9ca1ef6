"""Podman's files about registries, read where podman reads them: registries.conf and what is dropped in beside it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from regtui.errors import ConfigError, ReferenceError
from regtui.oci.reference import check_host, parse_reference, short_name
from regtui.registry.rules import Mirror, RegistriesConf, Rule
from regtui.text import shown

FILE_LIMIT = 4 * 1024 * 1024
"""Bytes of one file at most."""

SYSTEM = Path("/etc/containers")
"""The files of all users. Podman has none below /usr/share."""

_MIRRORING = ("", "all", "digest-only", "tag-only")


class _Mirror(msgspec.Struct, rename="kebab"):
    location: str
    insecure: bool = False
    pull_from_mirror: str = ""


class _Registry(msgspec.Struct, rename="kebab"):
    prefix: str = ""
    location: str = ""
    insecure: bool = False
    blocked: bool = False
    mirror_by_digest_only: bool = False
    mirror: list[_Mirror] = []


class _Names(msgspec.Struct, frozen=True):
    registries: tuple[str, ...] = ()


class _Version1(msgspec.Struct, frozen=True):
    """`[registries.search]` and its like: the first format, which podman still takes in the main file."""

    search: _Names = _Names()
    insecure: _Names = _Names()
    block: _Names = _Names()


class _File(msgspec.Struct, rename="kebab"):
    registry: list[_Registry] = []
    unqualified_search_registries: tuple[str, ...] | None = None
    aliases: dict[str, str] = {}
    registries: _Version1 | None = None


def read_registries_conf(environ: Mapping[str, str] = os.environ) -> RegistriesConf:
    """All files together: of two rules with one prefix, and of two aliases of one name, the later file's counts.

    Raises `ConfigError`, which names the file and where in it, for one that can't be read or understood: it could be
    the one that blocks a registry or leads elsewhere, so nothing is opened without it; podman refuses it too.
    """
    rules: dict[str, Rule] = {}
    aliases: dict[str, str] = {}
    search, search_file = list[str](), ""
    for path in conf_files(environ):
        file = _read(path)
        for rule in _rules(file, path):
            rules[rule.prefix] = rule
        aliases |= {_short(name, path): _alias(name, value, path) for name, value in file.aliases.items()}
        names = file.unqualified_search_registries
        if names is None and file.registries:
            names = file.registries.search.registries
        if names is not None:
            search, search_file = [_host(name.rstrip("/"), path) for name in names], str(path)
    return RegistriesConf(
        tuple(rules.values()),
        tuple(dict.fromkeys(search)),
        search_file,
        {name: value for name, value in aliases.items() if value},  # an empty one takes back what an earlier file says
    )


def conf_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """Those that are there, in the order in which they are read."""
    home = Path(environ.get("HOME") or Path.home())
    own = Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "containers")
    cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache") if os.getuid() else Path("/var/cache")
    named = environ.get("CONTAINERS_REGISTRIES_CONF")
    if named:
        yield Path(named)  # it has to be there
    else:
        yield from [file for file in (own / "registries.conf", SYSTEM / "registries.conf") if file.exists()][:1]
    is_own = not named and (own / "registries.conf").exists()
    for folder in (own,) if is_own else (SYSTEM, own):
        dropped = folder / "registries.conf.d"
        yield from sorted(file for file in dropped.glob("*.conf") if not file.is_dir())
    # What podman's users chose when it asked them which registry a short name means.
    if (chosen := cache / "containers/short-name-aliases.conf").exists():
        yield chosen


def _read(path: Path) -> _File:
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_LIMIT + 1)
        if len(raw) > FILE_LIMIT:
            raise _broken(path, f"it has more than {FILE_LIMIT:,} bytes")
        return msgspec.convert(tomllib.loads(raw.decode()), _File)
    except OSError as error:
        raise _broken(path, (error.strerror or str(error)).lower()) from error
    except (ValueError, RecursionError) as error:  # TOML that is none, a value of another kind, no UTF-8
        raise _broken(path, str(error)) from error


def _rules(file: _File, path: Path) -> list[Rule]:
    """Of two with one prefix the first counts."""
    rules: dict[str, Rule] = {}
    for table in file.registry:
        rule = _rule(table, path)
        rules.setdefault(rule.prefix, rule)
    if file.registries:
        blocked, insecure = (
            [name.rstrip("/") for name in part.registries] for part in (file.registries.block, file.registries.insecure)
        )
        for name in dict.fromkeys((*blocked, *insecure)):
            rules[name] = Rule(name, name, str(path), insecure=name in insecure, blocked=name in blocked)
    return list(rules.values())


def _rule(table: _Registry, path: Path) -> Rule:
    location = _location(table.location, path)
    prefix = _location(table.prefix, path) or location
    if not prefix or not (location or prefix.startswith("*.")):
        raise _broken(path, f"a [[registry]] has no location{f' ({shown(prefix, 200)})' if prefix else ''}")
    if prefix.startswith("*.") and any(mark in prefix for mark in "/@:"):
        raise _broken(path, f"the prefix {shown(prefix, 200)} has more than a domain behind its *")
    mirrors = []
    for mirror in table.mirror:
        use = mirror.pull_from_mirror
        if use not in _MIRRORING or (use and table.mirror_by_digest_only):
            raise _broken(path, f"pull-from-mirror = {shown(repr(use), 100)} can't be used for {shown(prefix, 200)}")
        place = _location(mirror.location, path)
        if not place:
            raise _broken(path, f"a mirror of {shown(prefix, 200)} has no location")
        for_tags = use != "digest-only" and not table.mirror_by_digest_only
        mirrors.append(Mirror(place, mirror.insecure, use != "tag-only", for_tags))
    return Rule(prefix, location, str(path), table.insecure, table.blocked, tuple(mirrors))


def _location(text: str, path: Path) -> str:
    """`HOST[:PORT][/PATH]` with its host as references have it."""
    text = text.rstrip("/")
    if "://" in text:
        raise _broken(path, f"{shown(text, 200)} has a scheme, where only HOST[:PORT][/PATH] may be")
    host, slash, rest = text.partition("/")
    return f"{host if host.startswith('*.') or not host else _host(host, path)}{slash}{rest}"


def _host(text: str, path: Path) -> str:
    try:
        return check_host(text)
    except ReferenceError as error:
        raise _broken(path, error.what) from error


def _short(name: str, path: Path) -> str:
    if short_name(name) != (name, ""):
        raise _broken(path, f"the alias {shown(name, 200)!r} is no short name")
    return name


def _alias(name: str, value: str, path: Path) -> str:
    """An alias's meaning as a whole reference, or empty."""
    try:
        reference = parse_reference(value) if value and not short_name(value) else None
    except ReferenceError as error:
        raise _broken(path, f"the alias {shown(name, 200)!r}: {error.what}") from error
    if value and (reference is None or not reference.repository or reference.version):
        raise _broken(path, f"the alias {shown(name, 200)!r} has to mean HOST/REPOSITORY, not {shown(value, 200)!r}")
    return str(reference or "")


def _broken(path: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"{shown(str(path), 300)} can't be used: {shown(reason, 300)}",
        "It is podman's file about registries. Mend it, or name another in CONTAINERS_REGISTRIES_CONF.",
    )
