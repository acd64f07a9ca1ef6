"""Reads a repository as far as a removal has to know it: every tag's digest anew, manifests through the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from regtui.errors import (
    Answered,
    ContentError,
    Forbidden,
    LoginNeeded,
    NotFound,
    RateLimited,
    ReferenceError,
    RegtuiError,
    TooLarge,
)
from regtui.oci.digest import Digest, is_digest
from regtui.operations.at_once import each
from regtui.operations.reading import document
from regtui.operations.session import Session
from regtui.operations.usage import Usage, links_of

MANIFESTS_LIMIT = 1_000_000
"""Manifests of one repository that are read at most."""


class UsageReader:
    """Fills a `Usage`. What can't be read of it is noted there; a lost connection or a refused login is raised."""

    def __init__(self, session: Session, repository: str, usage: Usage) -> None:
        self._session = session
        self._repository = repository
        self._usage = usage
        self._seen: set[Digest] = set()
        self._names = frozenset(usage.names)

    async def tags(
        self, tags: Iterable[str], known: Mapping[str, Digest], progress: Callable[[int, int], None] | None
    ) -> None:
        """Reads the tags' digests, but for those `known`, and all manifests that they lead to."""
        waiting = list(tags)
        done = 0

        async def read(tag: str) -> None:
            nonlocal done
            try:
                digest = known.get(tag) or Digest((await self._session.client.head(self._repository, tag)).digest)
                self._usage.point(tag, digest)
                self._usage.checked += 1
                await self.manifest(digest)
            except NotFound:  # it went meanwhile, or it leads nowhere: it uses nothing
                self._usage.checked += 1
            except (ContentError, ReferenceError, Answered) as error:
                self._could_not_read(error)
            done += 1
            if progress:
                progress(done, len(waiting))

        await each(waiting, read, self._session.concurrency)

    async def manifest(self, digest: Digest) -> None:
        """Reads a manifest and all below it."""
        waiting = [digest]
        while waiting:
            digest = waiting.pop()
            if digest in self._seen:
                continue
            if len(self._seen) >= MANIFESTS_LIMIT:
                raise TooLarge(f"{self._repository} has more than {MANIFESTS_LIMIT:,} manifests")
            self._seen.add(digest)
            try:
                links = links_of(await document(self._session, self._repository, digest))
            except NotFound:
                continue  # an index may refer to what is not there
            except (ContentError, Answered) as error:
                self._could_not_read(error)
                continue
            self._usage.add(digest, links)
            waiting += links.children

    async def surroundings(self, candidates: Callable[[], Iterable[Digest]]) -> None:
        """Of what may go: what refers to it, and whether that to which it refers is there. Each answer may change
        what may go: `candidates` is asked until it names nothing new."""
        asked: set[Digest] = set()
        while new := [digest for digest in candidates() if digest not in asked]:
            asked.update(new)
            await each(new, self._referrers, self._session.concurrency)
            await each(new, self._subject, self._session.concurrency)

    async def _referrers(self, digest: Digest) -> None:
        try:
            found = await self._session.client.referrers(self._repository, digest, self._names)
        except (ContentError, Answered) as error:
            self._could_not_read(error)
            return
        for descriptor in found:
            if is_digest(descriptor.digest):
                await self.manifest(Digest(descriptor.digest))
                self._usage.refers(Digest(descriptor.digest), digest)

    async def _subject(self, digest: Digest) -> None:
        links = self._usage.manifests.get(digest)
        subject = links.subject if links else None
        if subject is None or subject in self._seen:
            return
        await self.manifest(subject)
        if subject in self._usage.manifests:
            self._usage.untagged_subjects.add(subject)

    def _could_not_read(self, error: RegtuiError) -> None:
        if isinstance(error, LoginNeeded | Forbidden | RateLimited):
            raise error
        self._usage.unread.append(error.what)
