"""The settings: a TOML file, `REGTUI_…` variables and flags, joined into one typed, frozen value.

Flags win over the environment, the environment over the file. What can't be used is a `ConfigError` that says where.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from regtui.config.file import read_file
from regtui.config.kinds import RUN, SETTINGS, TOP, checked, example, nearest
from regtui.config.settings import RegistrySettings, Settings
from regtui.errors import ConfigError
from regtui.text import shown

__all__ = ["RegistrySettings", "Settings", "as_rows", "example", "load_settings"]

_OTHER_VARIABLES = {
    "REGTUI_CONFIG",
    "REGTUI_CACHE_DIR",
    "REGTUI_STATE_DIR",
    "REGTUI_USERNAME",
    "REGTUI_PASSWORD",
    "REGTUI_QUIET",
}
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "armv6l": "arm/v6", "i686": "386"}


def load_settings(flags: Mapping[str, object] = {}, environ: Mapping[str, str] = os.environ) -> Settings:
    """Reads file, environment and flags. A flag is named as its setting and holds text or True; None means not given.

    Raises `ConfigError`, with line and column where a file is wrong.
    """
    import platformdirs

    file = Path(environ.get("REGTUI_CONFIG") or platformdirs.user_config_path("regtui") / "config.toml")
    values: dict[str, Any] = _automatic(environ)
    origins: dict[str, str] = {}
    read_file(file.absolute(), bool(environ.get("REGTUI_CONFIG")), values, origins)
    _read_environment(environ, values, origins)
    for name, value in flags.items():
        if value is not None and value is not False:
            flag = f"--{name.replace('_', '-')}"
            values[name] = checked(SETTINGS[name].kind, value, Path.cwd(), flag)
            origins[name] = flag
    return Settings(
        config_file=file,
        cache_dir=Path(environ.get("REGTUI_CACHE_DIR") or platformdirs.user_cache_path("regtui")),
        state_dir=Path(environ.get("REGTUI_STATE_DIR") or platformdirs.user_state_path("regtui")),
        origins=origins,
        **values,
    )


def as_rows(settings: Settings) -> list[tuple[str, Any, str]]:
    """Each setting in force: its name as the file writes it, its value, and where it came from."""
    origin = settings.origins.get
    rows = [(key.name, getattr(settings, key.name), origin(key.name, "default")) for key in (*TOP, *RUN)]
    for host, table in settings.registries.items():
        for item in fields(table):
            path = f'registry."{host}".{item.name}'
            if path in settings.origins:
                rows.append((path, getattr(table, item.name), settings.origins[path]))
    rows += [(f"keys.{action}", keys, origin(f"keys.{action}", "")) for action, keys in settings.keys.items()]
    return rows


def _automatic(environ: Mapping[str, str]) -> dict[str, Any]:
    # Python itself puts a UTF-8 locale into LC_CTYPE when LANG is C, so that variable says nothing.
    locale = environ.get("LC_ALL") or environ.get("LANG") or "UTF-8"
    over_ssh = bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))
    machine = os.uname().machine.lower()
    return {
        "ascii": "utf" not in locale.lower(),
        "page_jump": over_ssh,
        "details": "visible" if over_ssh else "all",
        "platform": f"linux/{_MACHINES.get(machine, machine)}",
    }


def _read_environment(environ: Mapping[str, str], values: dict[str, Any], origins: dict[str, str]) -> None:
    variables = {f"REGTUI_{name.upper()}": name for name in SETTINGS}
    for variable, text in environ.items():
        if not variable.startswith("REGTUI_") or not text or variable in _OTHER_VARIABLES:
            continue
        name = variables.get(variable)
        if name is None:
            advice = nearest(variable, [*variables, *_OTHER_VARIABLES])
            raise ConfigError(f"The environment variable {shown(variable, 100)} is no setting of regtui", advice)
        values[name] = checked(SETTINGS[name].kind, text, Path.cwd(), variable)
        origins[name] = variable
