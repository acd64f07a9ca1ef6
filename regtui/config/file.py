"""The settings file: TOML, each mistake with its line and column."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regtui.config.kinds import KEYS, REGISTRY, TOP, Key, Kind, checked, nearest
from regtui.config.settings import RegistrySettings
from regtui.errors import ConfigError, ReferenceError
from regtui.oci.reference import check_host
from regtui.oci.transports import is_local
from regtui.text import shown


def read_file(file: Path, named: bool, values: dict[str, Any], origins: dict[str, str]) -> None:
    """Adds what the file says to `values`, and where it says so to `origins`. Only a `named` file has to be there."""
    try:
        text = file.read_text("utf-8")
        content = tomllib.loads(text)
    except FileNotFoundError:
        if named:
            raise ConfigError(f"There is no settings file {shown(str(file))}, which REGTUI_CONFIG names") from None
        return
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"The settings file {shown(str(file))} can't be read: {shown(str(error), 300)}") from None
    _File(file, _positions(text), values, origins).read(content)


@dataclass(frozen=True, slots=True)
class _File:
    """A settings file that is being read: what it says goes to `values`, and where it says so to `origins`."""

    path: Path
    positions: Mapping[tuple[str, ...], tuple[int, int]]
    values: dict[str, Any]
    origins: dict[str, str]

    def read(self, content: dict[str, Any]) -> None:
        top = {name: value for name, value in content.items() if name not in ("keys", "registry")}
        self.values.update(self._table((), top, TOP, ("keys", "registry")))
        self.values["keys"] = {
            action: self._value(("keys", action), KEYS, value)
            for action, value in self._tables("keys", content).items()
        }
        registries: dict[str, RegistrySettings] = {}
        for name, table in self._tables("registry", content).items():
            path = ("registry", name)
            try:
                host = name if is_local(name) else check_host(name)
            except ReferenceError as error:
                raise ConfigError(f"{self._at(path)}: {error.what}", error.advice) from None
            if host in registries:
                raise ConfigError(f"{self._at(path)}: a second table for {host}")
            if not isinstance(table, dict):
                raise ConfigError(f'{self._at(path)}: this must be a table, [registry."{host}"]')
            registries[host] = RegistrySettings(**self._table(path, table, REGISTRY))
        self.values["registries"] = registries

    def _tables(self, name: str, content: dict[str, Any]) -> dict[str, Any]:
        table = content.get(name, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{self._at((name,))}: {name} must be a table")
        return table

    def _table(
        self, path: tuple[str, ...], table: dict[str, Any], keys: tuple[Key, ...], others: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        kinds = {key.name: key.kind for key in keys}
        for name in table:
            if name not in kinds:
                advice = nearest(name, [*kinds, *others])
                raise ConfigError(f"{self._at((*path, name))}: there is no setting {shown(name, 100)!r} here", advice)
        return {name: self._value((*path, name), kinds[name], value) for name, value in table.items()}

    def _value(self, path: tuple[str, ...], kind: Kind, value: object) -> Any:
        result = checked(kind, value, self.path.parent, self._at(path), typed=True)
        name = f'registry."{check_host(path[1])}".{path[2]}' if path[0] == "registry" else ".".join(path)
        self.origins[name] = f"{self.path}, line {self._position(path)[0]}"
        return result

    def _position(self, path: tuple[str, ...]) -> tuple[int, int]:
        """Line and column, from 1; what stands in an inline table has the place of that table."""
        return next(self.positions[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.positions)

    def _at(self, path: tuple[str, ...]) -> str:
        line, column = self._position(path)
        return f"{shown(str(self.path))}, line {line}, column {column}"


_TOML_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY_LINE = re.compile(rf"\s*(\[\[?\s*)?({_TOML_KEY}(?:\s*\.\s*{_TOML_KEY})*)\s*(?:=|\]\]?)")


def _positions(text: str) -> dict[tuple[str, ...], tuple[int, int]]:
    """Where each key and table of a valid TOML document first stands: tomllib doesn't tell."""
    found: dict[tuple[str, ...], tuple[int, int]] = {(): (1, 1)}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        match = _KEY_LINE.match(line)
        if not match:
            continue
        path = _key_path(match[2])
        if match[1]:
            table = path
        else:
            path = (*table, *path)
        for length in range(1, len(path) + 1):
            found.setdefault(path[:length], (number, match.start(2) + 1))
    return found


def _key_path(text: str) -> tuple[str, ...]:
    path: list[str] = []
    try:
        value: Any = tomllib.loads(f"{text} = 0")
    except tomllib.TOMLDecodeError:  # a line of a multi-line string that looks like a key
        return ()
    while isinstance(value, dict):
        name, value = next(iter(value.items()))
        path.append(name)
    return tuple(path)
