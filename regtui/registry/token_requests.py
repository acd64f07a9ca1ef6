"""What is said to a login server and by it: one request for a token (distribution's "Token Authentication")."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx
import msgspec

from regtui.errors import ContentError
from regtui.oci.decode import decode
from regtui.registry.answers import Answer
from regtui.registry.challenges import Challenge
from regtui.registry.identity import Credentials, basic

DEFAULT_LIFETIME = 60.0
"""Seconds a token lasts when its answer doesn't say."""

LIFETIME_LIMIT = 86_400.0
"""Seconds after which a token is renewed, whatever its answer says."""

VALUE_LIMIT = 32 * 1024
"""Characters of a token: it has to fit into a header."""


@dataclass(frozen=True, slots=True)
class Realm:
    """A login server's address, and what it is to call the registry."""

    url: httpx.URL
    service: str


class TokenAnswer(msgspec.Struct):
    """When it was issued (`issued_at`) is left aside: clocks differ, and what is too old is refused and asked anew."""

    token: str | None = None
    access_token: str | None = None
    expires_in: float | str | None = None
    refresh_token: str | None = None

    @property
    def value(self) -> str:
        """The token, or empty for one that can't be a header's."""
        value = self.token or self.access_token or ""
        return value if len(value) <= VALUE_LIMIT and value.isascii() and value.isprintable() else ""

    @property
    def lifetime(self) -> float:
        """Seconds from when it was asked for."""
        try:
            seconds = float(self.expires_in or 0)
        except ValueError:
            seconds = 0.0
        return min(seconds, LIFETIME_LIMIT) if seconds > 0 else DEFAULT_LIFETIME


def read_realm(challenge: Challenge) -> Realm | None:
    """Where a Bearer challenge sends one to, or None for what is no place."""
    try:
        url = httpx.URL(challenge.parameters.get("realm", ""))
        host = url.host
    except (httpx.InvalidURL, UnicodeError):  # UnicodeError: `xn--` with nothing that it could stand for
        return None
    if url.scheme not in ("http", "https") or not host or url.userinfo:
        return None
    return Realm(url, challenge.parameters.get("service", ""))


def token_request(realm: Realm, scopes: tuple[str, ...], credentials: Credentials | None) -> httpx.Request:
    """A GET with Basic or nothing; for an identity token OAuth2's POST, as docker does."""
    fields = [("service", realm.service)] if realm.service else []
    headers = {"Accept": "application/json"}
    if credentials and credentials.identity_token:
        fields += [("grant_type", "refresh_token"), ("refresh_token", credentials.identity_token)]
        fields += [("client_id", "regtui"), *([("scope", " ".join(scopes))] if scopes else [])]
        return httpx.Request("POST", realm.url, headers=headers, data=dict(fields))
    fields += [("scope", scope) for scope in scopes]
    if credentials:
        fields += [("account", credentials.username)] if credentials.username else []
        headers["Authorization"] = basic(credentials)
    query = "&".join(part for part in (realm.url.query.decode("ascii"), urlencode(fields)) if part)
    return httpx.Request("GET", realm.url.copy_with(query=query.encode()), headers=headers)


def read_token(answer: Answer, limit: int) -> TokenAnswer:
    """What a login server says; nothing when it can't be understood: the reason might quote a token."""
    if answer.status == 200:
        with suppress(ContentError):
            return decode(answer.body, TokenAnswer, "token answer", limit)
    return TokenAnswer()
