"""Requests to a vendor's own API, which has its own logins: through the registry's exchange, bounded and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

import msgspec

from regtui.oci.decode import decode
from regtui.registry.identity import basic
from regtui.registry.tokens import Access

if TYPE_CHECKING:
    from regtui.registry.answers import Answer
    from regtui.registry.exchange import Exchange

T = TypeVar("T")

ANSWER_LIMIT = 16 * 1024 * 1024
"""Bytes of one answer that are read at most."""

PAGES = 10_000
"""Pages of one list that are read at most."""


class Api:
    """One vendor's API. `base` is its address; paths begin with a slash and are put behind it, URLs stay."""

    def __init__(self, exchange: Exchange, base: str) -> None:
        self.exchange = exchange
        self.base = base.rstrip("/")

    async def basic(self, repository: str = "") -> str:
        """The login for a repository, or for the registry, as an `Authorization` of Basic, or empty."""
        found = await self.exchange.credentials(repository)
        return basic(found) if found and found.is_password else ""

    async def secret(self, repository: str = "") -> str:
        """The login's password or identity token, for an API that takes it as a token, or empty."""
        found = await self.exchange.credentials(repository)
        return (found.identity_token or found.password) if found else ""

    async def ask(
        self,
        method: str,
        path: str,
        authorization: str = "",
        *,
        headers: Mapping[str, str] = {},
        body: object = None,
        is_query: bool = False,
    ) -> Answer:
        """One request with its answer, whatever its status. `authorization` is sent to that host and nowhere else.

        `body` is sent as JSON; `is_query` says of a POST that it changes nothing: a login, a search. Raises what
        `Exchange.send` does.
        """
        named = {"Accept": "application/json", **headers}
        if body is not None:
            named["Content-Type"] = "application/json"
        return await self.exchange.send(
            method,
            f"{self.base}{path}" if path.startswith("/") else path,
            Access(),
            limit=ANSWER_LIMIT,
            headers=named,
            content=None if body is None else msgspec.json.encode(body),
            authorization=authorization,
            is_query=is_query,
        )

    def read(self, answer: Answer, kind: type[T], subject: str, missing: str = "") -> T:
        """The body of a good answer. Raises `Answered` for another, `ContentError` for a body that isn't as it should.

        `subject` is what was asked for, as people name it; `missing` the sentence for a 404.
        """
        if answer.status not in (200, 201, 202) or answer.is_web_page:
            raise self.exchange.refusal(answer, subject, missing=missing)
        return decode(answer.body, kind, f"answer of {answer.place}", ANSWER_LIMIT)

    async def get(
        self,
        kind: type[T],
        path: str,
        authorization: str = "",
        *,
        subject: str,
        missing: str = "",
        headers: Mapping[str, str] = {},
    ) -> T:
        """A GET and its body; see `ask` and `read`."""
        return self.read(await self.ask("GET", path, authorization, headers=headers), kind, subject, missing)


def bearer(token: str) -> str:
    """A token as an `Authorization`, or empty."""
    return f"Bearer {token}" if token else ""
