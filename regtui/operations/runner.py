"""Executes plans: in a thread of its own, each step journalled before it is sent, whatever the terminal does.

It has a client of its own there, on a loop of its own: where a host asks to wait (429), it finds that out for itself.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, field

from regtui.errors import ConnectionFailed, RateLimited, RegtuiError, StepFailed, StoreError
from regtui.operations.looking import TagLists
from regtui.operations.plan import Plan, Step, StepStopped, must_write
from regtui.operations.session import Session
from regtui.registry.client import Client
from regtui.store.journal import Change
from regtui.store.rows import Outcome, StepRow

_HOPELESS = 3
"""Steps in a row that may fail because the registry is out of reach, or takes no more; no further ones are begun."""

_TELLING = 0.1
"""Seconds between two words of how far a step is."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StepStarted:
    """Steps are counted from 1, in the plan's order; several are under way at once."""

    number: int
    total: int
    text: str


@dataclass(frozen=True, slots=True)
class StepProgress:
    """How far a step is that takes long: bytes done, of `size` in all."""

    number: int
    total: int
    text: str
    done: int
    size: int


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


RunnerEvent = StepStarted | StepProgress | StepDone | StepFailed_ | Finished


class Runner:
    """One change at a time. The thread waits for nobody: a caller whose loop stands still finds the events later."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    async def execute(self, plan: Plan, continues: int | None = None) -> AsyncIterator[RunnerEvent]:
        """Does the plan's steps. Who stops listening stops the change, after the steps in hand.

        With `continues`, they take the place of those steps of that change in the journal which were not done.
        Raises `ReadOnly`, and `StoreError` when the journal can't be written: then nothing was sent.
        """
        must_write(self._session)
        if not self.wait(0):
            raise RegtuiError("Another change is running", "Wait until it is done, or stop it.")
        if not plan.steps and continues is None:
            yield Finished(0, 0, 0, None)
            return
        self._is_stopping = False
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[RunnerEvent | BaseException] = asyncio.Queue()

        def tell(event: RunnerEvent | BaseException) -> None:
            with suppress(RuntimeError):  # the caller's loop is closed: nobody listens any more
                loop.call_soon_threadsafe(events.put_nowait, event)

        self._thread = threading.Thread(target=self._work, args=(plan, continues, tell), name="regtui-runner")
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
        """Blocks until the steps in hand are done and the journal is closed, or for so many seconds. Whether it is."""
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self, plan: Plan, continues: int | None, tell: Callable[[RunnerEvent | BaseException], None]) -> None:
        try:
            tell(asyncio.run(self._perform(plan, continues, tell)))
        except BaseException as error:
            tell(error)

    async def _perform(self, plan: Plan, continues: int | None, tell: Callable[[RunnerEvent], None]) -> Finished:
        steps = [*plan.steps, *([plan.check] if plan.check else [])]
        rows = [StepRow(step.intent(), step.saved) for step in steps]
        journal = self._session.journal
        if continues is None:
            change = journal.begin(plan.registry, plan.title, rows, plan.request)
        else:
            change = journal.resume(continues, rows)
        try:
            async with AsyncExitStack() as stack:
                client = await stack.enter_async_context(aclosing(self._session.new_client()))
                source = client
                if plan.source:
                    source = await stack.enter_async_context(aclosing(plan.source.new_client()))
                at_once = plan.at_once or self._session.concurrency
                return await _Execution(plan, client, source, change, lambda: self._is_stopping, tell).run(at_once)
        finally:
            change.close()


@dataclass(slots=True)
class _Execution:
    """A plan under way: which of its steps succeeded, and which didn't."""

    plan: Plan
    client: Client
    source: Client
    change: Change
    is_stopping: Callable[[], bool]
    tell: Callable[[RunnerEvent], None]
    _done: set[int] = field(default_factory=set, init=False)
    _failed: set[int] = field(default_factory=set, init=False)
    _unreachable: int = field(default=0, init=False)  # steps in a row that the registry took no request of

    async def run(self, at_once: int) -> Finished:
        """Raises `StoreError` when the journal can't be written: then nothing further is begun."""
        steps = self.plan.steps
        waiting = {number: set(step.needs) for number, step in enumerate(steps)}
        needed_by: dict[int, list[int]] = {}
        for number, step in enumerate(steps):
            for need in step.needs:
                needed_by.setdefault(need, []).append(number)
        ready = [number for number in waiting if not waiting[number]]
        lists = TagLists(self.client)
        under_way: dict[asyncio.Task[None], int] = {}
        broken: BaseException | None = None
        while True:
            while ready and len(under_way) < at_once and not (broken or self._ends):
                number = heapq.heappop(ready)
                under_way[asyncio.create_task(self._do(number, steps[number], lists))] = number
            if not under_way:
                break
            ended, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(ended, key=under_way.__getitem__):
                number = under_way.pop(task)
                broken = broken or task.exception()
                for other in needed_by.get(number, ()) if number in self._done else ():
                    waiting[other].discard(number)
                    if not waiting[other]:
                        heapq.heappush(ready, other)
        if broken:
            raise broken
        left = [number for number in waiting if number not in self._done and number not in self._failed]
        if left:
            self.change.leave(left)
        failed = len(self._failed)
        if self.plan.check and len(left) < len(steps):
            failed += await self._check(self.plan.check, lists)
        return Finished(len(self._done), failed, len(left), self.change.id)

    @property
    def _ends(self) -> bool:
        return self.is_stopping() or self._unreachable >= _HOPELESS

    async def _do(self, number: int, step: Step, lists: TagLists) -> None:
        total, text = len(self.plan.steps), step.describe()
        self.change.start(number)
        self.tell(StepStarted(number + 1, total, text))
        try:
            error = await self._attempt(number, step, lists)
        except StepStopped:
            return
        if error is None:
            self._done.add(number)
            self.tell(StepDone(number + 1, total, text))
        else:
            self._failed.add(number)
            self.tell(StepFailed_(number + 1, total, text, error))

    async def _check(self, check: Step, lists: TagLists) -> bool:
        total = len(self.plan.steps)
        self.change.start(total)
        error = await self._attempt(total, check, lists)
        if error:
            self.tell(StepFailed_(total, total, check.describe(), error))
        return error is not None

    async def _attempt(self, number: int, step: Step, lists: TagLists) -> RegtuiError | None:
        try:
            await step.run(_Context(self, number, step.describe(), lists))
        except StepStopped:
            raise
        except Exception as failure:
            error = failure if isinstance(failure, RegtuiError) else StepFailed(f"regtui failed in it: {failure!r}")
            if error is not failure:
                _log.exception("%s", step.describe())
            lost = any(isinstance(each, ConnectionFailed | RateLimited) for each in (failure, failure.__cause__))
            self._unreachable = self._unreachable + 1 if lost else 0
            self.change.finish(number, Outcome.FAILED, str(error))
            if isinstance(failure, StoreError):
                raise
            return error
        self._unreachable = 0
        self.change.finish(number, Outcome.DONE)
        return None


@dataclass(slots=True)
class _Context:
    """See `plan.StepContext`."""

    execution: _Execution
    number: int
    text: str
    lists: TagLists
    _told: float = field(default=0.0, init=False)

    @property
    def client(self) -> Client:
        return self.execution.client

    @property
    def source(self) -> Client:
        return self.execution.source

    def note(self, what: str) -> None:
        self.execution.change.note(self.number, what)

    def tell(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._told >= _TELLING:
            self._told = now
            steps = len(self.execution.plan.steps)
            self.execution.tell(StepProgress(self.number + 1, steps, self.text, done, total))

    def go_on(self) -> None:
        if self.execution.is_stopping():
            raise StepStopped

    async def names(self, repository: str) -> list[str]:
        return await self.lists.names(repository)
