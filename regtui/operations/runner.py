"""Executes plans: in a thread of its own, each step journalled before it is sent, whatever the terminal does.

It has a client of its own there, on a loop of its own: where a host asks to wait (429), it finds that out for itself.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

from regtui.errors import ConnectionFailed, RateLimited, RegtuiError, StepFailed, StoreError
from regtui.operations.plan import Plan, Step, must_write
from regtui.operations.session import Session
from regtui.registry.client import Client
from regtui.store.journal import Change
from regtui.store.rows import Outcome, StepRow

_HOPELESS = 3
"""Steps in a row that may fail because the registry is out of reach, or takes no more; those after them are left."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StepStarted:
    """Steps are counted from 1."""

    number: int
    total: int
    text: str


@dataclass(frozen=True, slots=True)
class StepDone:
    number: int
    total: int
    text: str


@dataclass(frozen=True, slots=True)
class StepFailed_:  # noqa: N801 - `StepFailed` is the error
    """The others go on, but for those that need this one."""

    number: int
    total: int
    text: str
    error: RegtuiError


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event. `left` steps were not tried; `change` can be undone, None when there was nothing to do."""

    done: int
    failed: int
    left: int
    change: int | None


RunnerEvent = StepStarted | StepDone | StepFailed_ | Finished


class Runner:
    """One change at a time. The thread waits for nobody: a caller whose loop stands still finds the events later."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    async def execute(self, plan: Plan) -> AsyncIterator[RunnerEvent]:
        """Does the plan's steps. Who stops listening stops the change, after the step in hand.

        Raises `ReadOnly`, and `StoreError` when the journal can't be written: then nothing was sent.
        """
        must_write(self._session)
        if not self.wait(0):
            raise RegtuiError("Another change is running", "Wait until it is done, or stop it.")
        if not plan.steps:
            yield Finished(0, 0, 0, None)
            return
        self._is_stopping = False
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[RunnerEvent | BaseException] = asyncio.Queue()

        def tell(event: RunnerEvent | BaseException) -> None:
            with suppress(RuntimeError):  # the caller's loop is closed: nobody listens any more
                loop.call_soon_threadsafe(events.put_nowait, event)

        self._thread = threading.Thread(target=self._work, args=(plan, tell), name="regtui-runner")
        self._thread.start()
        try:
            while not isinstance(event := await events.get(), Finished):
                if isinstance(event, BaseException):
                    raise event
                yield event
            yield event
        finally:
            self.stop()

    def stop(self) -> None:
        """No further step is begun. Any thread may call it, a signal handler too."""
        self._is_stopping = True

    def wait(self, timeout: float | None = None) -> bool:
        """Blocks until the step in hand is done and the journal is closed, or for so many seconds. Whether it is."""
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self, plan: Plan, tell: Callable[[RunnerEvent | BaseException], None]) -> None:
        try:
            tell(asyncio.run(self._perform(plan, tell)))
        except BaseException as error:
            tell(error)

    async def _perform(self, plan: Plan, tell: Callable[[RunnerEvent], None]) -> Finished:
        steps = [*plan.steps, *([plan.check] if plan.check else [])]
        rows = [StepRow(step.intent(), step.saved) for step in steps]
        change = self._session.journal.begin(plan.registry, plan.title, rows)
        try:
            client = self._session.new_client()
            try:
                return await _Execution(plan, client, change, lambda: self._is_stopping, tell).run()
            finally:
                await client.aclose()
        finally:
            change.close()


class _Execution:
    """A plan under way: which of its steps succeeded, and how many didn't."""

    def __init__(
        self,
        plan: Plan,
        client: Client,
        change: Change,
        is_stopping: Callable[[], bool],
        tell: Callable[[RunnerEvent], None],
    ) -> None:
        self._plan = plan
        self._client = client
        self._change = change
        self._is_stopping = is_stopping
        self._tell = tell
        self._done: set[int] = set()
        self._failed = 0
        self._unreachable = 0  # steps in a row that the registry took no request of

    async def run(self) -> Finished:
        """Raises `StoreError` when the journal can't be written: then nothing further is tried."""
        total = len(self._plan.steps)
        for number, step in enumerate(self._plan.steps):
            hopeless = self._unreachable >= _HOPELESS
            if self._is_stopping() or hopeless or not self._done.issuperset(step.needs):
                self._change.finish(number, Outcome.LEFT)
                continue
            self._change.start(number)
            self._tell(StepStarted(number + 1, total, step.describe()))
            error = await self._attempt(number, step)
            if error is None:
                self._done.add(number)
                self._tell(StepDone(number + 1, total, step.describe()))
            else:
                self._failed += 1
                self._tell(StepFailed_(number + 1, total, step.describe(), error))
        done, left = len(self._done), total - len(self._done) - self._failed
        if self._plan.check and left < total:
            self._change.start(total)
            if error := await self._attempt(total, self._plan.check):
                self._failed += 1
                self._tell(StepFailed_(total, total, self._plan.check.describe(), error))
        return Finished(done, self._failed, left, self._change.id)

    async def _attempt(self, number: int, step: Step) -> RegtuiError | None:
        try:
            await step.run(self._client, _StepRecord(self._change, number))
        except Exception as failure:
            error = failure if isinstance(failure, RegtuiError) else StepFailed(f"regtui failed in it: {failure!r}")
            if error is not failure:
                _log.exception("%s", step.describe())
            lost = any(isinstance(each, ConnectionFailed | RateLimited) for each in (failure, failure.__cause__))
            self._unreachable = self._unreachable + 1 if lost else 0
            self._change.finish(number, Outcome.FAILED, str(error))
            if isinstance(failure, StoreError):
                raise
            return error
        self._unreachable = 0
        self._change.finish(number, Outcome.DONE)
        return None


@dataclass(frozen=True, slots=True)
class _StepRecord:
    change: Change
    number: int

    def note(self, what: str) -> None:
        self.change.note(self.number, what)
