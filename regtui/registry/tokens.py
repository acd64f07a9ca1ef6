"""What goes into `Authorization`: Basic, or tokens from a login server (distribution's "Token Authentication")."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import httpx

from regtui.errors import Answered, RegistryError, RegtuiError
from regtui.registry.answers import Answer
from regtui.registry.challenges import parse_challenges
from regtui.registry.endpoint import Endpoint
from regtui.registry.identity import IDENTITY, Credentials, basic
from regtui.registry.realms import is_as_safe, is_trusted, place
from regtui.registry.refusals import Login, login_needed, refusal
from regtui.registry.token_requests import Realm, read_realm, read_token, token_request

TOKEN_LIMIT = 1024 * 1024
"""Bytes of a login server's answer that are read at most."""

RENEW_EARLY = 5.0
"""Seconds before its end that a token is renewed."""

KEPT = 1_000
"""Tokens, and wider scopes, that are kept at most: the registry says how many there are."""

SCOPES_LIMIT = 8 * 1024
"""Characters of all the scopes that one token is asked for: they have to fit into a URL."""

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Access:
    """What a request needs: `scopes` as the token specification writes them; none for the registry's front door."""

    repository: str = ""
    scopes: tuple[str, ...] = ()


def access(repository: str, actions: str = "pull", source: str = "") -> Access:
    """Access to a repository (`pull`, `pull,push`, …), and to pull from a second one, as a mount needs it."""
    scopes = (f"repository:{repository}:{actions}",)
    return Access(repository, (*scopes, f"repository:{source}:pull") if source else scopes)


CATALOG = Access(scopes=("registry:catalog:*",))


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    until: float  # time.monotonic()


class Authorizer:
    """Answers one registry's challenges, and sends along what is known from then on.

    `send` puts one request to a login server and gives its answer; `credentials` finds the login for a repository, and
    is asked once for each; `realms` are login servers that the user confirmed. With `read_only`, no challenge makes it
    ask for more than reading. Any number of requests may ask at the same time: they share one renewal.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        registry: str,
        send: Callable[[httpx.Request], Awaitable[Answer]],
        credentials: Callable[[str], Awaitable[Credentials | None]] | None,
        realms: frozenset[str] = frozenset(),
        *,
        read_only: bool = False,
    ) -> None:
        self._read_only = read_only
        self._endpoint = endpoint
        self._registry = registry
        self._send = send
        self._find = credentials
        self._realms = realms
        self._found: dict[str, Credentials | None] = {}
        self._finding = asyncio.Lock()
        self._exchanging = asyncio.Lock()
        self._rotated: dict[str, str] = {}  # an identity token → the one that the login server gave for it
        self._basic = False
        self._is_foreign = False
        self._realm: Realm | None = None
        self._wider: dict[tuple[str, ...], tuple[str, ...]] = {}  # scopes that a challenge added to ours
        self._tokens: dict[tuple[Realm, str, tuple[str, ...]], _Token] = {}
        self._renewals: dict[tuple[Realm, str, tuple[str, ...]], asyncio.Task[_Token]] = {}

    async def known(self, needed: Access) -> str:
        """The header's value by what earlier challenges taught, or empty: then the request goes without."""
        if self._realm is not None:
            return await self._bearer_value(self._realm, needed)
        return await self._basic_value(needed.repository) if self._basic else ""

    async def challenged(self, headers: Sequence[str], needed: Access, sent: str) -> str:
        """The header's value for a second try after a 401 or 403, or empty when there is nothing better than `sent`."""
        challenges = parse_challenges(headers)
        for challenge in challenges:
            if challenge.scheme == "bearer" and (realm := read_realm(challenge)):
                asked = challenge.parameters.get("scope", "").split()
                if needed.scopes and asked:  # at the front door servers name examples (GHCR: user/image)
                    self._widen(needed, asked)
                self._realm = realm
                if sent:
                    self._forget(realm, needed, sent.removeprefix("Bearer "))
                value = await self._bearer_value(realm, needed)
                return value if value != sent else ""
        if any(challenge.scheme == "basic" for challenge in challenges):
            self._realm, self._basic = None, True
            value = await self._basic_value(needed.repository)
            return value if value != sent else ""
        self._is_foreign = bool(challenges)
        return ""

    def login(self, repository: str) -> Login:
        """How far a login went, for the error that may follow."""
        found = self._found.get(repository)
        if self._realm is None:
            return Login(is_given=bool(found), is_foreign=self._is_foreign and not self._basic)
        if not found or found.registry_token or self.trusts(self._realm.url):
            return Login(bool(found), by_token=True)
        withheld_from = place(self._realm.url)
        return Login(False, withheld_from, is_open=not is_as_safe(self._realm.url, self._endpoint), by_token=True)

    def trusts(self, server: httpx.URL) -> bool:
        """Whether a login server may see the credentials."""
        return is_trusted(server, self._endpoint, self._realms)

    async def aclose(self) -> None:
        """Ends renewals that nobody waits for any more."""
        tasks = list(self._renewals.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _widen(self, needed: Access, asked: Sequence[str]) -> None:
        """What was asked for before stays, unless that would be without an end."""
        if self._read_only:
            asked = [reading for scope in asked if (reading := _reading(scope))]
        wider = merge_scopes((*self._widened(needed), *asked))
        if sum(map(len, wider)) > SCOPES_LIMIT:
            wider = merge_scopes((*needed.scopes, *asked))
        _keep(self._wider, needed.scopes, wider)

    def _widened(self, needed: Access) -> tuple[str, ...]:
        return self._wider.get(needed.scopes, needed.scopes)

    async def credentials(self, repository: str) -> Credentials | None:
        """The login for a repository, or for the registry: looked for once each."""
        async with self._finding:
            if repository not in self._found:
                self._found[repository] = await self._find(repository) if self._find else None
        return self._found[repository]

    async def _basic_value(self, repository: str) -> str:
        credentials = await self.credentials(repository)
        return basic(credentials) if credentials and credentials.is_password else ""

    async def _bearer_value(self, realm: Realm, needed: Access) -> str:
        credentials = await self.credentials(needed.repository)
        given = credentials.registry_token if credentials else ""
        return f"Bearer {given or await self._token(realm, needed)}"

    async def _token(self, realm: Realm, needed: Access) -> str:
        key = (realm, needed.repository, self._widened(needed))
        token = self._tokens.get(key)
        if token is None or token.until <= time.monotonic():
            if key not in self._renewals:
                task = asyncio.ensure_future(self._renew(realm, needed.repository, key[2]))
                self._renewals[key] = task
                task.add_done_callback(lambda done: self._renewed(key, done))
            token = await asyncio.shield(self._renewals[key])  # who stops waiting doesn't stop the others
        return token.value

    def _renewed(self, key: tuple[Realm, str, tuple[str, ...]], task: asyncio.Task[_Token]) -> None:
        del self._renewals[key]
        if not task.cancelled() and not task.exception():
            now = time.monotonic()
            self._tokens = {old: token for old, token in self._tokens.items() if token.until > now}
            _keep(self._tokens, key, task.result())

    def _forget(self, realm: Realm, needed: Access, value: str) -> None:
        """Only the token that was refused: another request may have renewed it meanwhile."""
        key = (realm, needed.repository, self._widened(needed))
        if (token := self._tokens.get(key)) and token.value == value:
            del self._tokens[key]

    async def _renew(self, realm: Realm, repository: str, scopes: tuple[str, ...]) -> _Token:
        credentials = await self.credentials(repository)
        if not self.trusts(realm.url):
            credentials = None
        began = time.monotonic()
        if credentials and credentials.identity_token:
            async with self._exchanging:  # a server may give a new one for each, and the old is void then
                answer = await self._exchanged(realm, scopes, credentials)
                told = read_token(answer, TOKEN_LIMIT)
                if told.refresh_token:
                    self._rotated[credentials.identity_token] = told.refresh_token
        else:
            answer = await self._send(token_request(realm, scopes, credentials))
            told = read_token(answer, TOKEN_LIMIT)
        if answer.status != 200:
            raise self._refused(answer, repository)
        if not told.value:
            raise RegistryError(f"The login server {answer.place} gave no token for {self._registry}")
        return _Token(told.value, began + max(told.lifetime - RENEW_EARLY, told.lifetime / 2))

    async def _exchanged(self, realm: Realm, scopes: tuple[str, ...], credentials: Credentials) -> Answer:
        """An identity token for another: by OAuth2; from a server that doesn't speak it, as containerd does, by GET."""
        token = self._rotated.get(credentials.identity_token, credentials.identity_token)
        answer = await self._send(token_request(realm, scopes, replace(credentials, identity_token=token)))
        if answer.status not in (404, 405):
            return answer
        name = "" if credentials.username == IDENTITY else credentials.username
        return await self._send(token_request(realm, scopes, Credentials(name, token)))

    def _refused(self, answer: Answer, repository: str) -> RegtuiError:
        subject = f"{self._registry}/{repository}" if repository else self._registry
        login = self.login(repository)
        if answer.status == 401 or (answer.status == 403 and not login.is_given):
            return login_needed(answer, self._registry, subject, replace(login, by_token=not login.is_given))
        if answer.status in (403, 429):
            return refusal(answer, self._registry, subject, login)
        said = f" ({answer.said})" if answer.said else ""
        return Answered(
            f"The login server {answer.place} of {self._registry} answered {answer.status}{said}",
            status=answer.status,
            code=answer.code,
        )


def _keep(table: dict[K, V], key: K, value: V) -> None:
    """The newest stand last; beyond `KEPT` the oldest goes."""
    table.pop(key, None)
    table[key] = value
    if len(table) > KEPT:
        del table[next(iter(table))]


def _reading(scope: str) -> str:
    """A scope without the actions that change a repository; empty when nothing else is in it."""
    resource, _, actions = scope.rpartition(":")
    if not resource.startswith("repository:"):
        return scope
    left = [action for action in actions.split(",") if action not in ("push", "delete", "*")]
    return f"{resource}:{','.join(left)}" if left else ""


def merge_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Each resource once, with all the actions that are named for it."""
    merged: dict[str, dict[str, None]] = {}
    for scope in scopes:
        resource, colon, actions = scope.rpartition(":")
        if colon:
            merged.setdefault(f"{resource}:", {}).update(dict.fromkeys(actions.split(",")))
        else:
            merged.setdefault(scope, {})  # some servers have scopes of their own: "aws", "*"
    return tuple(resource + ",".join(actions) for resource, actions in merged.items())
