"""One request and its answer: authorised, redirected, tried again, within bounds; no change when read-only."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

import httpx

from regtui import __version__
from regtui.errors import Answered, ReadOnly, RegistryError
from regtui.oci.digest import is_digest
from regtui.registry import retries
from regtui.registry.answers import Answer, read_ahead, read_answer
from regtui.registry.credentials import Credentials
from regtui.registry.endpoint import Endpoint
from regtui.registry.failures import connection_failure
from regtui.registry.logged import logged
from regtui.registry.pace import Held, Paces
from regtui.registry.redirects import LIMIT, READS, STATUSES, join, redirected, same_origin
from regtui.registry.refusals import Login, refusal, web_page
from regtui.registry.request_log import RequestLog
from regtui.registry.tokens import TOKEN_LIMIT, Access, Authorizer
from regtui.text import shown

WARNINGS_LIMIT = 20
"""Different warnings that are kept."""

T = TypeVar("T")
Content = bytes | AsyncIterator[bytes] | None
_WARNING = re.compile(r'299\s+\S+\s+"((?:[^"\\]|\\.)*)"')
_COMMON = {"User-Agent": f"regtui/{__version__}", "Accept-Encoding": "identity"}


class Exchange:
    """Sends requests to one registry, at most `concurrency` small ones at a time; streams come on top.

    Every request to the registry goes through here, and so do the refusal of changes under `read_only`, the login, the
    redirects (other hosts see neither credentials nor the client's certificate), the pace at which each host wants to
    be asked, and the tries after a passing failure. Each request that is sent is noted in `log`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        transport: httpx.AsyncBaseTransport,
        registry: str,
        credentials: Callable[[str], Awaitable[Credentials | None]] | None,
        *,
        elsewhere: httpx.AsyncBaseTransport | None,
        read_only: bool,
        concurrency: int,
        timeout: float,
        realms: frozenset[str] = frozenset(),
        log: RequestLog | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.registry = registry
        self.read_only = read_only
        self.pulls: str | None = None
        self.warnings: list[str] = []
        self.front = httpx.Headers()  # of the registry's first answer: they tell whose it is
        self._log = log
        self._transport = logged(transport, log)
        elsewhere = logged(elsewhere, log) if elsewhere else None
        self._elsewhere: dict[bool, httpx.AsyncBaseTransport] = {True: elsewhere, False: elsewhere} if elsewhere else {}
        self._authorizer = Authorizer(endpoint, registry, self._log_in, credentials, realms, read_only=read_only)
        self._timeout = timeout
        self._home = httpx.URL(endpoint.base)
        self._paces = Paces(self._home, registry, concurrency)

    async def send(
        self,
        method: str,
        url: str,
        access: Access,
        *,
        limit: int,
        name: str = "answer",
        headers: Mapping[str, str] = {},
        content: Content = None,
        patience: float = 0.0,
        authorization: str | None = None,
        is_query: bool = False,
    ) -> Answer:
        """One request with its whole answer, whatever its status.

        `url` is a path on the registry, or absolute; `limit` bounds the answer in bytes, `name` is what it is called in
        messages; `patience` is how long the answer may take, in seconds, beyond the usual. An `authorization` (none, if
        empty) goes to the URL's own host, and no challenge is answered then: for vendors' APIs. `is_query` says of a
        POST that it changes nothing. Raises `ReadOnly`, `ConnectionFailed`, `TooLarge`, what a login server's refusal
        means, and `RateLimited` while a host asks for a longer pause: then nothing is sent.
        """

        is_read = is_query or method in READS
        if self.read_only and not is_read:
            raise ReadOnly(f"Changes to {self.registry} are switched off (read-only)")

        pace = self._paces.home if url.startswith("/") else self._paces.at(join(url))

        async def once() -> Answer:
            async with pace:
                response, where = await self._open(method, url, access, headers, content, patience, authorization)
                return await read_answer(method, where, response, limit, name)

        is_repeatable = isinstance(content, bytes | None)
        return await retries.persist(lambda: _unheld(once), is_read=is_read, is_repeatable=is_repeatable)

    @asynccontextmanager
    async def stream(
        self, url: str, access: Access, headers: Mapping[str, str], refuse: Callable[[Answer], Exception]
    ) -> AsyncIterator[httpx.Response]:
        """A GET whose body the caller reads as it comes. Raises as `send` does, and `refuse(answer)` for a bad one."""

        async def once() -> Answer | httpx.Response:
            response, where = await self._open("GET", url, access, headers, None, 0.0)
            return response if response.status_code < 400 else await read_answer("GET", where, response, 0, "error")

        response = await retries.persist(lambda: _unheld(once))
        if isinstance(response, Answer):
            raise refuse(response)
        try:
            yield response
        except httpx.TransportError as error:
            raise connection_failure(error) from error
        finally:
            await response.aclose()

    def refusal(self, answer: Answer, subject: str, repository: str = "", missing: str = "") -> Answered:
        """The error that an answer is: for one with a good status, a web page or something unheard of."""
        if answer.status < 400:
            if answer.is_web_page:
                return web_page(answer)
            what = f"{self.registry} answered {answer.status} to {answer.method} {answer.place}"
            return Answered(f"{what}, which regtui does not expect", status=answer.status)
        return refusal(answer, self.registry, subject, self.login(repository), missing)

    async def credentials(self, repository: str = "") -> Credentials | None:
        """The login for a repository, or for the registry."""
        return await self._authorizer.credentials(repository)

    def trusts(self, server: httpx.URL) -> bool:
        """Whether a login server, and the vendor's API beside it, may see the credentials."""
        return self._authorizer.trusts(server)

    def login(self, repository: str) -> Login:
        """How far a login went with the requests for this repository."""
        return self._authorizer.login(repository)

    @property
    def paused_until(self) -> datetime | None:
        """Until when (UTC) the registry is not asked, or another host for which requests wait; None: nothing waits."""
        return self._paces.paused_until

    async def aclose(self) -> None:
        """Closes all connections."""
        self._paces.close()
        await self._authorizer.aclose()
        for transport in {id(t): t for t in (self._transport, *self._elsewhere.values())}.values():
            await transport.aclose()

    async def _open(
        self,
        method: str,
        url: str,
        access: Access,
        headers: Mapping[str, str],
        content: Content,
        patience: float,
        authorization: str | None = None,
    ) -> tuple[httpx.Response, httpx.URL]:
        """Sends, logs in and follows redirects; the answer's body is not read yet."""
        target = join(self.endpoint.base + url if url.startswith("/") else url)
        first, home, may_know = target, self._is_home(target), True
        is_ours, round_ = home, self._paces.home.round
        is_checked = is_digest(url.rpartition("/")[2])
        for _ in range(LIMIT + 1):
            request = self._request(method, target, headers, content, patience)
            if authorization is None:
                response = await (self._authorised(request, access, content) if home else self._ask(request, home))
            else:
                may_know = may_know and same_origin(target, first)  # once away, nothing of it: also not on the way back
                if authorization and may_know:
                    request.headers["Authorization"] = authorization
                response = await self._ask(request, home)
            if is_ours and not home:
                self._paces.home.adapt(round_, response.status_code)  # what is redirected to comes as fast as asked for
            location = response.headers.get("location") if response.status_code in STATUSES else None
            if not location:
                return response, target
            await read_ahead(response)
            target = redirected(
                self.registry,
                request,
                location,
                response.status_code,
                home=self._home,
                is_checked=is_checked,
                is_repeatable=isinstance(content, bytes | None),
            )
            home = home and self._is_home(target)
        raise RegistryError(f"{self.registry} redirects from one place to another without an end")

    async def _authorised(self, request: httpx.Request, access: Access, content: Content) -> httpx.Response:
        sent = await self._authorizer.known(access)
        if sent:
            request.headers["Authorization"] = sent
        response = await self._ask(request, True)
        self._notice(response)
        if response.status_code in (401, 403) and isinstance(content, bytes | None):
            response = await read_ahead(response)  # frees the connection, which the login may need
            challenges = response.headers.get_list("www-authenticate")
            if better := await self._authorizer.challenged(challenges, access, sent):
                request.headers["Authorization"] = better
                response = await self._ask(request, True)
                self._notice(response)
        return response

    async def _ask(self, request: httpx.Request, home: bool) -> httpx.Response:
        """One request over the wire. Raises `Held` while its host wants to be left alone."""
        pace = self._paces.home if home else self._paces.at(request.url)
        if pace.is_paused:
            raise Held(pace)
        sent_in = pace.round
        transport = self._transport if home else self._stranger(request.url)
        response = await transport.handle_async_request(request)
        pace.hear(sent_in, response.status_code, response.headers)
        return response

    def _stranger(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        """For another host, or another port of the registry's: a transport that doesn't show who we are."""
        own = url.host == self._home.host  # what is said about the host's TLS holds for all its ports
        if own not in self._elsewhere:
            from dataclasses import replace

            from regtui.registry.transport import open_transport

            stranger = self.endpoint.elsewhere()
            stranger = stranger if own else replace(stranger, insecure_tls=False)
            self._elsewhere[own] = logged(open_transport(stranger, timeout=self._timeout), self._log)
        return self._elsewhere[own]

    async def _log_in(self, request: httpx.Request) -> Answer:
        """A request to a login server, by the registry's own transport where it is the registry itself."""
        request.headers.update(_COMMON)
        request.extensions["timeout"] = self._timeouts(0.0)
        home = self._is_home(request.url)

        async def once() -> Answer:
            await self._paces.at(request.url).ready()  # who waits for the token can do nothing without it
            response = await self._ask(request, home)
            return await read_answer(request.method, request.url, response, TOKEN_LIMIT, "token answer")

        return await retries.persist(once)

    def _request(
        self, method: str, url: httpx.URL, headers: Mapping[str, str], content: Content, patience: float
    ) -> httpx.Request:
        timeouts = self._timeouts(patience)
        return httpx.Request(
            method, url, headers={**_COMMON, **headers}, content=content, extensions={"timeout": timeouts}
        )

    def _timeouts(self, patience: float) -> dict[str, float | None]:
        usual = self._timeout
        return {"connect": usual, "read": usual + patience, "write": usual, "pool": None}

    def _is_home(self, url: httpx.URL) -> bool:
        return same_origin(url, self._home)

    def _notice(self, response: httpx.Response) -> None:
        """What headers say to the user: pulls left (Docker Hub), warnings (distribution-spec, "Warnings")."""
        headers = response.headers
        if not self.front:
            self.front = headers
        if limit := headers.get("ratelimit-limit"):
            left = headers.get("ratelimit-remaining", "?")
            self.pulls = str(shown(f"{left.partition(';')[0].strip()}/{limit.partition(';')[0].strip()}", 40))
        if "warning" in headers:
            for text in headers.get_list("warning"):
                for match in _WARNING.finditer(text[:4096]):
                    warning = re.sub(r"\\(.)", r"\1", match[1])
                    if warning not in self.warnings and len(self.warnings) < WARNINGS_LIMIT:
                        self.warnings.append(warning)


async def _unheld(send: Callable[[], Awaitable[T]]) -> T:
    """Begins anew, after the pause, when one held a request back; meanwhile it has nothing that others need."""
    while True:
        try:
            return await send()
        except Held as held:
            await held.pace.ready()
