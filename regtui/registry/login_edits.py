"""Changes to a file that docker or podman owns too: the rest of it is kept, and it is never seen half written."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from regtui.errors import RegistryError
from regtui.registry.credential_files import FILE_LIMIT, Kind, LoginFile

PATIENCE = 10.0
"""Seconds to wait for another regtui that is changing a file in the same folder."""


def edit(file: LoginFile, change: Callable[[dict[str, Any]], bool]) -> bool:
    """Has `change` alter the entries of a file, and says whether it did; only then is the file written.

    `change` gets the table of entries as it is now (`auths`). The file becomes 0600, and a folder that is made 0700; a
    link stays one. Raises `RegistryError` naming the file.
    """
    target = Path(os.path.realpath(file.path))
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(target.parent):
            whole = _read(file)
            entries = whole if file.kind is Kind.DOCKERCFG else whole.setdefault("auths", {})
            if entries is None:
                entries = whole["auths"] = {}
            if not isinstance(entries, dict):
                raise _broken(file)
            if not change(entries):
                return False
            _write(target, json.dumps(whole, indent="\t").encode())
    except OSError as error:
        raise RegistryError(
            f"The logins in {file.name} can't be changed: {error.strerror}",
            "See that the file and its folder can be written.",
        ) from error
    return True


def _read(file: LoginFile) -> dict[str, Any]:
    raw = (file.bytes() or b"").removeprefix(b"\xef\xbb\xbf")
    try:
        whole = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError):
        whole = None
    if not isinstance(whole, dict) or len(raw) > FILE_LIMIT:
        raise _broken(file)
    return whole


def _broken(file: LoginFile) -> RegistryError:
    return RegistryError(
        f"{file.name} is not as docker and podman write it, so regtui leaves it alone", "Repair it, or move it away."
    )


def _write(target: Path, content: bytes) -> None:
    """In the place of what is there, all at once."""
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # 0600
    try:
        with os.fdopen(descriptor, "wb") as draft:
            draft.write(content)
            draft.flush()
            os.fsync(draft.fileno())
            with contextlib.suppress(OSError):  # what is there keeps its owner when root changes it
                owner = target.stat()
                os.fchown(draft.fileno(), owner.st_uid, owner.st_gid)
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One regtui at a time (`flock` on the folder: no file is left behind). Docker and podman don't lock."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)
