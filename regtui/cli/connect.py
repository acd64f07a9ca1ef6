"""From a command to a session with its registry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, nullcontext
from dataclasses import replace

from regtui.cli.failures import say
from regtui.cli.flags import Run, this_run
from regtui.cli.log import pauses_said
from regtui.errors import UsageError
from regtui.oci.reference import Reference
from regtui.operations.archives import only_manifest, only_repository
from regtui.operations.naming import resolve
from regtui.operations.session import Session, open_session, open_target


def with_session(registry: str, work: Callable[[Session, Run], Awaitable[int]]) -> int:
    """Opens a session, does `work` with it on an event loop, and passes on what the registry wants users to know."""
    return with_sessions([registry], lambda sessions, run: work(sessions[0], run))


def with_sessions(
    registries: Sequence[str], work: Callable[[list[Session], Run], Awaitable[int]], *, pulled_to: str = ""
) -> int:
    """As `with_session`, for several registries; one that is named twice has one session.

    The login and the flags of the connection that this run has are meant for the first. `pulled_to` is a layout, whose
    session comes last.
    """
    run = this_run()

    async def inside() -> int:
        opened: dict[str, Session] = {}
        async with AsyncExitStack() as stack:
            for registry in registries:
                if registry not in opened:
                    others = replace(run, settings=run.settings.for_others(), credentials=None)
                    opened[registry] = await stack.enter_async_context(_session(registry, others if opened else run))
            sessions = [opened[registry] for registry in registries]
            if pulled_to:
                target = await open_target(pulled_to, run.settings, log=run.log)
                sessions.append(await stack.enter_async_context(aclosing(target)))
            return await work(sessions, run)

    with nullcontext() if run.quiet else pauses_said(say):
        return asyncio.run(inside())


@asynccontextmanager
async def _session(registry: str, run: Run) -> AsyncIterator[Session]:
    session = await open_session(registry, run.settings, credentials=run.credentials, log=run.log)
    if session.mirror and not run.quiet:
        say(f"{registry} can't be reached: this is its mirror {session.mirror}, read-only")
    try:
        yield session
    finally:
        warnings = () if run.quiet else dict.fromkeys(session.client.warnings)
        await session.aclose()
        for warning in warnings:
            say(f"{registry} says: {warning}")


def repository_of(text: str, command: str) -> Reference:
    """A repository, without tag or digest; a layout alone means the only one in it. Raises `UsageError`."""
    reference = only_repository(resolve(text))
    if not reference.repository:
        raise UsageError(
            f"{reference} is a registry", f"Name a repository in it: regtui {command} {reference}/REPOSITORY"
        )
    if reference.version:
        raise UsageError(f"{reference} is more than a repository", f"Write: regtui {command} {reference.at()}")
    return reference


def manifest_of(text: str) -> Reference:
    """A reference with a tag or a digest; a layout or archive alone means the only tag in it. Raises `UsageError`."""
    reference = only_manifest(resolve(text))
    if not reference.version:
        example = f"{reference}:TAG" if reference.repository else f"{reference}/REPOSITORY:TAG"
        raise UsageError(f"{reference} names no tag and no digest", f"Write {example}, or with a digest: @sha256:…")
    return reference
