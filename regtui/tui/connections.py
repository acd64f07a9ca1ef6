"""The registries that are open, and the change that is running: what all screens share."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from regtui.config import Settings
from regtui.operations.session import Credentials, RequestLog, Session, open_session

if TYPE_CHECKING:
    from regtui.operations.history import KeptChange
    from regtui.operations.login import Stored
    from regtui.operations.plan import Plan
    from regtui.operations.runner import Runner, RunnerEvent

STEP_LIMIT = 120.0
"""Seconds that the end of the program waits for the step in hand; the journal tells the next start of what is left."""

_CLOSING = 3.0


class Connections:
    """Opens each registry once, keeps the logins that were made for this run only, and runs one change at a time."""

    def __init__(self, settings: Settings, credentials: Credentials | None = None, registry: str = "") -> None:
        """`credentials` came from the command line, for the `registry` that was named there; so did flags like
        `--insecure-tls`, which hold for all only where none was named."""
        self.settings = settings
        self.log = RequestLog(settings.log)
        """The requests to all registries, those that can't be reached too."""
        self._named = registry
        self._credentials = {registry: credentials} if credentials else {}
        self._sessions: dict[str, Session] = {}
        self._opening: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._closing: set[asyncio.Task[None]] = set()
        self._runner: Runner | None = None
        self._told: set[tuple[int, bool]] = set()  # changes that were cut off, and whether in the registry opened then

    @property
    def registries(self) -> list[str]:
        """Those that are open."""
        return list(self._sessions)

    @property
    def is_changing(self) -> bool:
        """Whether a change is running."""
        return self._runner is not None and not self._runner.wait(0)

    async def session(self, registry: str) -> Session:
        """Raises `RegtuiError` when the registry can't be reached, `LoginNeeded` when it lets nobody in like this."""
        async with self._opening[registry]:
            if registry not in self._sessions:
                credentials = self._credentials.get(registry)
                opening = open_session(registry, self._settings(registry), credentials=credentials, log=self.log)
                self._sessions[registry] = await opening
            return self._sessions[registry]

    async def log_in(self, registry: str, credentials: Credentials, *, keep: bool) -> Stored | None:
        """Checks a login at its registry, and takes it for the next session there; `keep`: stored for later runs too.

        Raises `RegtuiError`: `LoginNeeded` when it is refused, `RealmNotTrusted` when it can't be sent.
        """
        from regtui.operations.login import log_in
        from regtui.operations.naming import server_of

        stored = await log_in(server_of(registry), credentials, self._settings(registry), keep=keep)
        self._credentials[registry] = credentials
        return stored

    def _settings(self, registry: str) -> Settings:
        return self.settings if self._named in ("", registry) else self.settings.for_others()

    def renew(self, registry: str) -> None:
        """The registry is opened anew when it is asked for next; who uses the old session has to have stopped."""
        if old := self._sessions.pop(registry, None):
            closing = asyncio.create_task(old.aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def execute(
        self, session: Session, plan: Plan, continues: int | None = None
    ) -> AsyncGenerator[RunnerEvent, None]:
        """The plan's steps, as they are done in the runner's own thread; `continues` as `Runner.execute` takes it."""
        from regtui.operations.runner import Runner

        self._runner = Runner(session)
        async for event in self._runner.execute(plan, continues):
            yield event

    async def cut_off(self, session: Session) -> tuple[list[KeptChange], list[KeptChange]]:
        """Changes that were cut off, in this registry and in others, and that this run hasn't spoken of yet.

        Raises `StoreError`.
        """
        from regtui.operations.resume import cut_off

        changes = await asyncio.to_thread(cut_off, session)
        told = {change.id: change.registry == session.registry for change in changes}
        own, others = (
            [change for change in changes if told[change.id] is is_own and (change.id, is_own) not in self._told]
            for is_own in (True, False)
        )
        self._told.update(told.items())
        return own, others

    def stop(self) -> None:
        """No further step is begun."""
        if self._runner:
            self._runner.stop()

    def finish(self) -> None:
        """Blocks until the step in hand is done; called from a thread that isn't the loop's, when the program ends."""
        if runner := self._runner:
            runner.stop()
            runner.wait(STEP_LIMIT)

    async def close(self) -> None:
        """Closes what is open, in a few seconds at most."""
        sessions, self._sessions = list(self._sessions.values()), {}
        closing = [*self._closing, *(asyncio.create_task(session.aclose()) for session in sessions)]
        if closing:
            _, late = await asyncio.wait(closing, timeout=_CLOSING)
            for task in late:
                task.cancel()
