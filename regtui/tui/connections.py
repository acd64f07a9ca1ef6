"""The registries that are open, and the change that is running: what all screens share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from regtui.config import Settings
from regtui.operations.session import Credentials, Session, open_session

if TYPE_CHECKING:
    from regtui.operations.plan import Plan
    from regtui.operations.runner import Runner, RunnerEvent

STEP_LIMIT = 120.0
"""Seconds that the end of the program waits for the step in hand; the journal tells the next start of what is left."""

_CLOSING = 3.0


class Connections:
    """Opens each registry once, and runs one change at a time."""

    def __init__(self, settings: Settings, credentials: Credentials | None = None, registry: str = "") -> None:
        """`credentials` came from the command line, for the `registry` that was named there."""
        self.settings = settings
        self._credentials = credentials
        self._registry = registry
        self._sessions: dict[str, Session] = {}
        self._runner: Runner | None = None

    @property
    def registries(self) -> list[str]:
        """Those that are open."""
        return list(self._sessions)

    @property
    def is_changing(self) -> bool:
        """Whether a change is running."""
        return self._runner is not None and not self._runner.wait(0)

    async def session(self, registry: str) -> Session:
        """Raises `RegtuiError` when the registry can't be reached."""
        if registry not in self._sessions:
            credentials = self._credentials if registry == self._registry else None
            self._sessions[registry] = await open_session(registry, self.settings, credentials=credentials)
        return self._sessions[registry]

    async def execute(self, session: Session, plan: Plan) -> AsyncGenerator[RunnerEvent, None]:
        """The plan's steps, as they are done in the runner's own thread."""
        from regtui.operations.runner import Runner

        self._runner = Runner(session)
        async for event in self._runner.execute(plan):
            yield event

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
        if sessions:
            closing = [asyncio.create_task(session.aclose()) for session in sessions]
            _, late = await asyncio.wait(closing, timeout=_CLOSING)
            for task in late:
                task.cancel()
