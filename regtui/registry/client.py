"""The client for one registry: whatever speaks the distribution API (distribution-spec 1.1)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Container
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import datetime
from enum import StrEnum

import httpx

from regtui.errors import Answered, DigestMismatch, Forbidden, LoginNeeded, NoRanges, NotFound, Unsupported
from regtui.oci import media_types
from regtui.oci.digest import Digest, digest_of, is_digest, verify
from regtui.oci.manifest import MANIFEST_LIMIT, Descriptor, Document, decode_document
from regtui.oci.reference import check_repository, check_tag
from regtui.oci.schema1 import signed_payload
from regtui.registry import blobs, lists, uploads
from regtui.registry.answers import ERROR_LIMIT, Answer
from regtui.registry.credentials import Credentials
from regtui.registry.endpoint import Endpoint
from regtui.registry.exchange import Exchange
from regtui.registry.request_log import RequestLog
from regtui.registry.tokens import Access, access
from regtui.registry.turns import Turn
from regtui.registry.vendors import Vendor, find_vendor

SWITCH_ON = "Its operator can switch deletion on: REGISTRY_STORAGE_DELETE_ENABLED=true."

_NOBODY = Digest("sha256:" + "0" * 64)


class Deletion(StrEnum):
    """Whether a server deletes manifests (PROTOCOL.md, "Removing one tag")."""

    ON = "on"
    OFF = "off"
    FORBIDDEN = "forbidden"
    UNKNOWN = "unknown"


class Client:
    """One registry's API, async. Every method raises subclasses of `RegtuiError`; digests are always checked.

    A `version` is a tag or a digest. `registry` is what people call the registry, for messages. `elsewhere` carries the
    requests to other hosts (login servers, redirects to object storage); opened when needed unless given. `realms` are
    login servers that the user confirmed. `concurrency` is how many small requests are under way at most, fewer while a
    host refuses for its limits; the streams (`blob`, `upload_blob`) come on top, a connection each. `log` notes all.
    """

    has_ranges = True
    """Until a blob came whole, of which a part was asked for."""

    def __init__(
        self,
        endpoint: Endpoint,
        transport: httpx.AsyncBaseTransport,
        *,
        registry: str = "",
        credentials: Callable[[str], Awaitable[Credentials | None]] | None = None,
        elsewhere: httpx.AsyncBaseTransport | None = None,
        read_only: bool = False,
        concurrency: int = 16,
        timeout: float = 30.0,
        realms: frozenset[str] = frozenset(),
        log: RequestLog | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.registry = registry or endpoint.host
        self._exchange = Exchange(
            endpoint,
            transport,
            self.registry,
            credentials,
            elsewhere=elsewhere,
            read_only=read_only,
            concurrency=concurrency,
            timeout=timeout,
            realms=realms,
            log=log,
        )
        self.vendor = Vendor(self._exchange)  # until `ping` has seen whose registry it is
        self._deletion: dict[str, Deletion] = {}
        self._probing = asyncio.Lock()
        self._turns: defaultdict[str, Turn] = defaultdict(Turn)
        self.has_referrers_api = True
        """Until `referrers` found none."""

    @property
    def read_only(self) -> bool:
        return self._exchange.read_only

    @property
    def pulls(self) -> str | None:
        """Pulls left of those allowed ("88/100"), where the registry tells (Docker Hub)."""
        return self._exchange.pulls

    @property
    def paused_until(self) -> datetime | None:
        """Until when (UTC) all requests wait because of a 429, or fail with `RateLimited` where that is too long."""
        return self._exchange.paused_until

    async def user(self) -> str:
        """The name of who is logged in at the registry, as far as it asked for that; or empty."""
        found = await self._exchange.credentials() if self._exchange.login("").is_given else None
        return found.username if found else ""

    @property
    def warnings(self) -> list[str]:
        """What the registry wants its users to read, each once."""
        return self._exchange.warnings

    async def ping(self) -> None:
        """Asks whether this is a registry and whether the login holds (distribution-spec, "Determining Support").

        Without credentials a registry that wants tokens is content: what they open is seen by repository.
        """
        try:
            answer = await self._exchange.send("GET", "/v2/", Access(), limit=ERROR_LIMIT)
        except LoginNeeded:
            if self._is_anonymous_with_tokens:
                return
            raise
        finally:
            self.vendor = find_vendor(self._exchange, self.registry, self._exchange.front)
        if answer.status == 401 and self._is_anonymous_with_tokens:
            return
        if answer.status != 200 or answer.is_web_page:
            missing = f"{self.registry} is no registry: no /v2/ there"
            refusal = self._exchange.refusal(answer, self.registry, missing=missing)
            if self.vendor.log_in and isinstance(refusal, LoginNeeded | Forbidden):
                refusal.advice = self.vendor.log_in
            raise refusal

    def repositories(self, namespace: str = "") -> AsyncGenerator[list[str], None]:
        """Pages of the registry's repositories, or of those below a namespace; by the catalog, or the vendor's API."""
        return self.vendor.repositories(namespace)

    def tags(self, repository: str) -> AsyncGenerator[list[str], None]:
        """The pages of a repository's tags, in the server's order, which need not be one; never a repeated name."""
        return lists.tags(self._exchange, check_repository(repository))

    async def head(self, repository: str, version: str) -> Descriptor:
        """Digest, media type and size (bytes) of a manifest. Falls back to GET where a server answers HEAD badly."""
        answer = await self._manifest("HEAD", repository, version)
        size = answer.headers.get("content-length", "")
        digest = Digest(version) if is_digest(version) else answer.digest
        if answer.status == 200 and digest and size.isdigit():
            if (
                answer.digest
                and answer.digest.partition(":")[0] == digest.partition(":")[0]
                and answer.digest != digest
            ):
                raise DigestMismatch(f"{self._named(repository, version)} has the digest {answer.digest} there")
            return Descriptor(media_types.bare(answer.headers.get("content-type", "")), digest, int(size))
        if answer.status in (401, 403, 429) or answer.status >= 500:
            raise self._refusal(answer, repository, version)
        document = await self.manifest(repository, version)
        return Descriptor(document.media_type, document.digest, len(document.raw))

    async def manifest(self, repository: str, version: str) -> Document:
        """A manifest, checked against the digest asked for, or the one that the server names for a tag."""
        answer = await self._manifest("GET", repository, version)
        if answer.status != 200 or answer.is_web_page:
            raise self._refusal(answer, repository, version)
        raw = answer.body
        digest = Digest(version) if is_digest(version) else answer.digest
        media_type = media_types.bare(answer.headers.get("content-type", ""))
        if digest is None:
            digest = digest_of(raw)
        elif media_type == media_types.DOCKER_SCHEMA1_SIGNED:
            verify(signed_payload(raw), digest, self._named(repository, version))
        else:
            verify(raw, digest, self._named(repository, version))
        return decode_document(raw, digest, media_type)

    def turn(self, repository: str) -> AbstractAsyncContextManager[Turn]:
        """The turn to write manifests there. Who reads first what a write stands on takes it before: see `Turn`."""
        return self._turns[repository].taken()

    async def put_manifest(self, repository: str, version: str, raw: bytes, media_type: str) -> Digest:
        """Puts exactly these bytes under a tag or their digest (distribution-spec, "Pushing Manifests")."""
        if is_digest(version):
            verify(raw, Digest(version), self._named(repository, version))
        async with self.turn(repository) as turn:
            turn.listed = None
            answer = await self._exchange.send(
                "PUT",
                _path(repository, version),
                access(repository, "pull,push"),
                limit=ERROR_LIMIT,
                headers={"Content-Type": media_type},
                content=raw,
            )
        if answer.status not in (200, 201, 202):
            raise self._refusal(answer, repository, version)
        digest = answer.digest or digest_of(raw)
        if media_type != media_types.DOCKER_SCHEMA1_SIGNED:
            verify(raw, digest, self._named(repository, version))
        return digest

    async def delete_manifest(self, repository: str, version: str) -> None:
        """Deletes a tag, or a digest with every tag on it (distribution-spec, "Deleting Manifests").

        Raises `Unsupported` where the server can't: deletion is switched off, or a tag can't be named.
        """
        answer = await self._delete(repository, version)
        if answer.status in (200, 202, 204):
            return
        unsupported = answer.status in (405, 501) or answer.code == "UNSUPPORTED"
        if unsupported or (answer.status == 400 and not is_digest(version)):
            what = "manifests" if is_digest(version) else "a tag by its name"
            raise Unsupported(
                f"{self.registry} doesn't delete {what} ({answer.said or answer.status})",
                SWITCH_ON if unsupported and answer.status == 405 else "",
                status=answer.status,
                code=answer.code,
            )
        raise self._refusal(answer, repository, version)

    async def may_delete(self, repository: str) -> Deletion:
        """Whether the server deletes manifests, by asking it to delete a digest that nothing has; asked once."""
        async with self._probing:
            if repository not in self._deletion:
                answer = await self._delete(repository, _NOBODY)
                if answer.status == 429 or (answer.status >= 500 and answer.status != 501):
                    raise self._refusal(answer, repository, _NOBODY)
                self._deletion[repository] = _deletion(answer)
        return self._deletion[repository]

    def blob(
        self, repository: str, digest: Digest, *, start: int = 0, end: int | None = None, only_part: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """A blob's bytes from `start` up to, without, `end`, as they come; the whole blob is checked at its end.

        A server that ignores ranges sends from the beginning: what lies before `start` is then read and dropped, and
        nothing beyond `end`. With `only_part`, `NoRanges` is raised instead, before a byte of it is read, and from then
        on `has_ranges` says so. Close it (`contextlib.aclosing`) to stop early.
        """
        parts = blobs.stream(self._exchange, repository, digest, start, end, only_part=only_part)
        return self._noting_ranges(parts, start) if only_part else parts

    async def _noting_ranges(self, parts: AsyncGenerator[bytes, None], start: int) -> AsyncGenerator[bytes, None]:
        if start and not self.has_ranges:
            raise NoRanges(f"{self.registry} sends blobs only as a whole")
        async with aclosing(parts):
            try:
                async for part in parts:
                    yield part
            except NoRanges:
                self.has_ranges = False
                raise

    async def blob_bytes(self, repository: str, digest: Digest, limit: int) -> bytes:
        """A small blob, whole and checked. Raises `TooLarge` beyond `limit` bytes."""
        return await blobs.whole(self._exchange, repository, digest, limit)

    async def blob_size(self, repository: str, digest: Digest) -> int:
        """A blob's size in bytes. Falls back to a GET of its first byte where HEAD is refused. Raises `NotFound`."""
        return await blobs.size(self._exchange, repository, digest)

    async def mount_blob(self, repository: str, digest: Digest, source: str) -> bool:
        """Takes a blob over from another repository of the registry. False: it was not, upload it."""
        return await uploads.mount(self._exchange, repository, digest, source)

    async def upload_blob(self, repository: str, digest: Digest, size: int, chunks: AsyncIterator[bytes]) -> None:
        """Sends a blob of `size` bytes, chunk by chunk. Raises `ContentError` when the chunks have another size."""
        await uploads.upload(self._exchange, repository, digest, size, chunks)

    async def referrers(self, repository: str, digest: Digest, tags: Container[str] | None = None) -> list[Descriptor]:
        """What refers to a manifest (distribution-spec, "Listing Referrers"); by the referrers tag without the API.

        Where all `tags` are given, one that isn't among them is not asked for.
        """
        check_repository(repository)
        if self.has_referrers_api:
            found = await lists.referrers(self._exchange, repository, digest)
            if found is not None:
                return found
            self.has_referrers_api = False
        tag = digest.replace(":", "-")
        if tags is not None and tag not in tags:
            return []
        try:
            document = await self.manifest(repository, tag)
        except NotFound:
            return []
        return [child for child in document.children if is_digest(child.digest)]

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._exchange.aclose()

    @property
    def _is_anonymous_with_tokens(self) -> bool:
        return (login := self._exchange.login("")).by_token and login.is_anonymous

    async def _manifest(self, method: str, repository: str, version: str) -> Answer:
        return await self._exchange.send(
            method,
            _path(repository, version),
            access(repository),
            limit=MANIFEST_LIMIT,
            name=f"manifest {self._named(repository, version)}",
            headers={"Accept": media_types.ACCEPT},
        )

    async def _delete(self, repository: str, version: str) -> Answer:
        if not self.vendor.name:  # nobody pinged; what was answered since may tell
            self.vendor = find_vendor(self._exchange, self.registry, self._exchange.front)
        needed = access(repository, self.vendor.delete_actions)
        async with self.turn(repository) as turn:
            turn.listed = None
            return await self._exchange.send("DELETE", _path(repository, version), needed, limit=ERROR_LIMIT)

    def _named(self, repository: str, version: str) -> str:
        return f"{self.registry}/{repository}{'@' if is_digest(version) else ':'}{version}"

    def _refusal(self, answer: Answer, repository: str, version: str) -> Answered:
        what = f"manifest {version}" if is_digest(version) else f"tag {version}"
        missing = f"{self.registry}/{repository} has no {what}"
        if answer.code == "NAME_UNKNOWN":
            missing = f"{self.registry} has no repository {repository}"
        return self._exchange.refusal(answer, self._named(repository, version), repository, missing)


def _path(repository: str, version: str) -> str:
    check_repository(repository)
    return f"/v2/{repository}/manifests/{version if is_digest(version) else check_tag(version)}"


def _deletion(answer: Answer) -> Deletion:
    """What the answer to the probe says; a server that isn't understood is not trusted with a throw-away manifest."""
    if answer.status in (401, 403):
        return Deletion.FORBIDDEN
    if answer.status in (405, 501) or answer.code == "UNSUPPORTED":
        return Deletion.OFF
    if answer.status == 404 and answer.code == "MANIFEST_UNKNOWN":
        return Deletion.ON
    return Deletion.UNKNOWN
