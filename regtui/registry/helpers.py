"""Credential helpers: `docker-credential-NAME` with `get`, `store` and `erase` (docker-credential-helpers).

Names and secrets go in by standard input, JSON comes out. No shell is started, and nothing secret is an argument.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping

import msgspec

from regtui.errors import RegistryError, RegtuiError, TooLarge
from regtui.oci.decode import decode
from regtui.registry.identity import IDENTITY, Credentials, with_secret
from regtui.text import shown

HELPER_TIMEOUT = 60.0
"""Seconds for a helper: it may wait for the user to unlock something."""

_ANSWER_LIMIT = 256 * 1024
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_NOT_FOUND = b"credentials not found"


class _Answer(msgspec.Struct, frozen=True):
    username: str = msgspec.field(name="Username")
    secret: str = msgspec.field(name="Secret")


def program(helper: str) -> str:
    """The name of a helper's program."""
    return f"docker-credential-{helper}"


async def get(helper: str, server: str, environ: Mapping[str, str]) -> Credentials | None:
    """The login that a helper keeps for a server, or None. Raises `RegistryError` naming the helper."""
    out = await _run(helper, "get", server, server.encode(), environ)
    if out is None:
        return None
    try:
        answer = decode(out, _Answer, "answer", _ANSWER_LIMIT)
    except RegtuiError:  # its text may quote the secret
        raise RegistryError(f"The credential helper {program(helper)} did not answer as helpers do") from None
    return with_secret(answer.username, answer.secret)


async def store(helper: str, server: str, credentials: Credentials, environ: Mapping[str, str]) -> None:
    """Has a helper keep a login. Raises `RegistryError` naming the helper."""
    token = credentials.identity_token
    login = {
        "ServerURL": server,
        "Username": IDENTITY if token else credentials.username,
        "Secret": token or credentials.password,
    }
    try:
        said = msgspec.json.encode(login)
    except UnicodeEncodeError:
        what = f"The password for {shown(server, 200)} is not UTF-8, which {program(helper)} needs"
        raise RegistryError(what) from None
    await _run(helper, "store", server, said, environ, secret=login["Secret"])


async def erase(helper: str, server: str, environ: Mapping[str, str]) -> bool:
    """Has a helper forget a login; False when it had none. Raises `RegistryError` naming the helper.

    It is looked for first: of what isn't there, some helpers say that they erased it.
    """
    if await get(helper, server, environ) is None:
        return False
    await _run(helper, "erase", server, server.encode(), environ)
    return True


async def _run(
    helper: str, verb: str, server: str, said: bytes, environ: Mapping[str, str], *, secret: str = ""
) -> bytes | None:
    """What the helper answers, or None when it knows of no such login. A complaint that quotes `secret` isn't shown."""
    name = program(helper)
    if not _NAME.fullmatch(helper) or not (path := shutil.which(name, path=environ.get("PATH"))):
        raise RegistryError(
            f"The credential helper {shown(name, 100)!r} for {shown(server, 200)} is not installed",
            "Install it, or take it out of the file that names it (docker's config.json, podman's auth.json).",
        )
    from regtui.registry import programs  # not where only the files are looked at: completion

    try:
        status, out = await programs.ask(path, verb, said, environ, HELPER_TIMEOUT, _ANSWER_LIMIT)
    except TimeoutError:  # an OSError, too
        raise RegistryError(f"The credential helper {name} gave no answer for {shown(server, 200)}") from None
    except TooLarge as error:
        raise RegistryError(f"The credential helper {name} did not answer as helpers do") from error
    except OSError as error:
        raise RegistryError(f"The credential helper {name} can't be started: {error.strerror}") from error
    if status:
        if _NOT_FOUND in out:
            return None
        quotes = secret and any(text in out for text in (secret.encode(), msgspec.json.encode(secret)[1:-1]))
        complaint = f": {shown(out.strip(), 200)}" if out.strip() and not quotes else ""
        raise RegistryError(f"The credential helper {name} failed for {shown(server, 200)}{complaint}")
    return out
