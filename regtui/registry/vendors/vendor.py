"""What a vendor's own API can do beyond the distribution API, and what its registry can't."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

import httpx
import msgspec

from regtui.oci.digest import Digest
from regtui.registry import lists
from regtui.registry.vendors.api import Api

if TYPE_CHECKING:
    from regtui.registry.exchange import Exchange


class VendorTag(msgspec.Struct, frozen=True, gc=False):
    """A tag as a vendor lists it; what it doesn't say is None or empty. Times are UTC, sizes compressed bytes."""

    name: str
    digest: Digest | None = None
    media_type: str = ""
    size: int | None = None
    created: datetime | None = None  # when it was built
    pushed: datetime | None = None
    pulled: datetime | None = None
    platforms: tuple[str, ...] = ()  # "linux/amd64", without attestations
    immutable: bool = False  # the registry refuses to delete or move it


@dataclass(frozen=True, slots=True)
class Hit:
    """A repository that a search found."""

    repository: str
    description: str = ""
    stars: int | None = None


class Removal(StrEnum):
    """How one tag goes (PROTOCOL.md, "Removing one tag")."""

    VERB = "verb"  # by the vendor's own API, and by nothing else
    REGISTRY = "registry"  # by the distribution API
    NONE = "none"  # not at all


class Vendor:
    """A registry that has the distribution API only; each vendor's class says what is different with it.

    Every method raises subclasses of `RegtuiError`. Generators are closed by `contextlib.aclosing` to stop early.
    """

    name: ClassVar[str] = ""
    """As people call it: "Harbor"."""
    searches: ClassVar[bool] = False
    """Whether `search` asks anybody."""
    tells_tags: ClassVar[bool] = False
    """Whether `tags` gives dates and sizes in pages, so that no manifest need be fetched."""
    delete_actions: ClassVar[str] = "pull,push,delete"
    """What a token for deleting has to allow, as its login server names it."""
    afterwards: ClassVar[str] = ""
    """What becomes of an image whose last tag went by the vendor's verb, as a sentence without its full stop."""

    def __init__(self, exchange: Exchange, base: str = "") -> None:
        """`base` is where the vendor's API is, when it isn't where this vendor always has it: "https://host/api"."""
        self.exchange = exchange
        self.api = Api(exchange, base or self.api_base(exchange))

    @classmethod
    def api_base(cls, exchange: Exchange) -> str:
        """The API's address; paths are put behind it."""
        return exchange.endpoint.base

    @classmethod
    def recognises(cls, registry: str, front: httpx.Headers) -> bool:
        """Whether a registry is this vendor's: by its name (`docker.io`), or by the headers of its `/v2/`."""
        return False

    @property
    def log_in(self) -> str:
        """What to do for a login here, in sentences, where it isn't the usual way."""
        return ""

    async def nobody(self, repository: str) -> str:
        """Why a tag can't be removed, when nobody is logged in for its repository; else empty."""
        known = await self.exchange.credentials(repository)
        return "" if known else f"nobody is logged in: regtui login {self.exchange.registry}"

    def repositories(self, namespace: str = "") -> AsyncGenerator[list[str], None]:
        """Pages of repositories, of those below a namespace ("team", "library") when one is named.

        Raises `Unsupported` with the reason, and what one can do, where they can't be listed.
        """
        return _below(lists.catalog(self.exchange), namespace)

    def search(self, words: str) -> AsyncGenerator[list[Hit], None]:
        """Pages of repositories that the vendor finds for these words, the best first."""
        raise NotImplementedError

    def tags(self, repository: str) -> AsyncGenerator[list[VendorTag], None]:
        """Pages of tags, the newest push first where the vendor can; only where `tells_tags`."""
        raise NotImplementedError

    async def removal(self, repository: str, tag: str) -> tuple[Removal, str]:
        """How this tag is removed, and for NONE why it can't be, as a sentence without its full stop. Only reads."""
        return Removal.REGISTRY, ""

    async def remove_tag(self, repository: str, tag: str) -> None:
        """Takes this one tag away; what shares its digest stays. Only where `removal` said VERB."""
        raise NotImplementedError


async def _below(pages: AsyncGenerator[list[str], None], namespace: str) -> AsyncGenerator[list[str], None]:
    prefix = f"{namespace.strip('/')}/" if namespace else ""
    try:
        async for page in pages:
            if names := [name for name in page if name.startswith(prefix)]:
                yield names
    finally:
        await pages.aclose()
