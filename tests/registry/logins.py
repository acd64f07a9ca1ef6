"""Files with logins in them, and a helper that keeps some."""

from __future__ import annotations

import json
import stat
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HOST = "registry.example.com:5000"

_HELPER = """\
#!/usr/bin/env python3
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
kept = folder / "kept.json"
logins = json.loads(kept.read_text()) if kept.exists() else {}
verb, said = sys.argv[1], sys.stdin.read()
with (folder / "asked").open("a") as log:
    print(*sys.argv[1:], said if verb != "store" else json.loads(said)["ServerURL"], file=log)
if verb == "store":
    login = json.loads(said)
    logins[login["ServerURL"]] = [login["Username"], login["Secret"]]
elif said not in logins:
    print("credentials not found in native keychain")
    sys.exit(1)
elif verb == "get":
    print(json.dumps({"ServerURL": said, "Username": logins[said][0], "Secret": logins[said][1]}))
else:
    del logins[said]
kept.write_text(json.dumps(logins))
"""


def basic(username: str, password: str = "secret") -> dict[str, str]:
    """An entry as docker and podman write it."""
    return {"auth": b64encode(f"{username}:{password}".encode()).decode()}


def write(path: Path, content: Any) -> Path:
    """Text as it is, anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class Helper:
    """A `docker-credential-NAME` in a folder; it keeps logins in a file beside it and notes what it is asked."""

    def __init__(self, folder: Path, kept: Mapping[str, tuple[str, str]] = {}, name: str = "test") -> None:
        self.folder = folder
        self.program = write(folder / f"docker-credential-{name}", _HELPER)
        self.program.chmod(0o755)
        write(folder / "kept.json", kept)

    @property
    def kept(self) -> dict[str, list[str]]:
        kept: dict[str, list[str]] = json.loads((self.folder / "kept.json").read_text())
        return kept

    @property
    def asked(self) -> list[str]:
        """Arguments and server of each call: `get registry.example.com`."""
        return (self.folder / "asked").read_text().splitlines()

    def answers(self, text: str, code: int = 0) -> None:
        """From now on it says this, whatever it is asked."""
        write(self.program, f"#!/bin/sh\ncat >/dev/null\ncat <<'END'\n{text}\nEND\nexit {code}\n")
