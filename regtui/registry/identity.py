"""What somebody logs in with."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

IDENTITY = "<token>"
"""Stands where the user name would, before an identity token."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name with its password; or an identity token, exchanged for others (OAuth2); or a token sent as it is."""

    username: str
    password: str = field(repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    @property
    def is_password(self) -> bool:
        """Whether it can be sent as Basic."""
        return not self.identity_token and not self.registry_token


def with_secret(username: str, secret: str) -> Credentials | None:
    """A login as pairs of name and secret spell it: behind `<token>` stands an identity token. None for nothing."""
    if username == IDENTITY:
        return Credentials(username, "", secret)
    return Credentials(username, secret) if username or secret else None


def basic(credentials: Credentials) -> str:
    """A login as `Authorization` has it (RFC 7617)."""
    text = f"{credentials.username}:{credentials.password}".encode("utf-8", "surrogateescape")
    return "Basic " + base64.b64encode(text).decode("ascii")
