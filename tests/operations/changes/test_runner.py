"""The runner does what was planned, whatever the one who asked for it does meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field

import pytest

from regtui.errors import ConnectionFailed, RateLimited, ReadOnly, RegtuiError, StoreError
from regtui.operations.looking import TagLists
from regtui.operations.plan import Plan, Saved, StepContext
from regtui.operations.runner import Finished, Runner, StepDone, StepFailed_, StepProgress, StepStarted
from regtui.store.rows import Outcome, State
from tests.operations.changes.stage import Stage


@dataclass(slots=True)
class Log:
    """What the steps did, and what the journal said while they did it."""

    ran: list[str] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Pretended:
    name: str
    log: Log
    needs: tuple[int, ...] = ()
    saved: tuple[Saved, ...] = ()
    error: Exception | None = None
    takes: float = 0.0
    tells: int = 0
    goes_on: bool = False  # until it is stopped

    def describe(self) -> str:
        return f"do {self.name}"

    def intent(self) -> dict[str, str]:
        return {"verb": "pretend", "name": self.name}

    async def run(self, context: StepContext) -> None:
        context.note("sent")
        for done in range(self.tells):
            context.tell(done, self.tells)
        await asyncio.sleep(self.takes)
        while self.goes_on:
            context.go_on()
            await asyncio.sleep(0.01)
        self.log.ran.append(self.name)
        self.log.threads.add(threading.current_thread().name)
        if self.error:
            raise self.error


def plan(*steps: Pretended, check: Pretended | None = None, at_once: int = 1) -> Plan:
    return Plan("embedded.localhost", "Pretend", "Pretend", steps, check=check, at_once=at_once)


async def test_steps_are_done_in_order_in_another_thread_and_told(embedded: Stage) -> None:
    log = Log()
    done = await embedded.run(plan(Pretended("a", log), Pretended("b", log)))
    assert done.events == [
        StepStarted(1, 2, "do a"),
        StepDone(1, 2, "do a"),
        StepStarted(2, 2, "do b"),
        StepDone(2, 2, "do b"),
        Finished(2, 0, 0, 1),
    ]
    assert log.ran == ["a", "b"]
    assert log.threads == {"regtui-runner"}


async def test_steps_run_side_by_side_each_as_soon_as_what_it_needs_is_done(embedded: Stage) -> None:
    log = Log()
    slow, quick = Pretended("slow", log, takes=0.3), Pretended("quick", log)
    done = await embedded.run(
        plan(
            slow,
            quick,
            Pretended("after slow", log, needs=(0, 1)),
            Pretended("after quick", log, needs=(1,)),
            at_once=2,
        )
    )
    assert log.ran == ["quick", "after quick", "slow", "after slow"]
    assert done.counts == (4, 0, 0)


async def test_a_step_that_takes_long_may_end_when_the_change_is_stopped(embedded: Stage) -> None:
    log = Log()
    runner = Runner(embedded.session)
    steps = (Pretended("a", log), Pretended("b", log, goes_on=True), Pretended("c", log, needs=(1,)))
    async for event in runner.execute(plan(*steps)):
        if isinstance(event, StepStarted) and event.number == 2:
            runner.stop()
    assert event == Finished(1, 0, 2, 1)
    outcomes = [step.outcome for step in embedded.session.journal.steps(1)]
    assert outcomes == [Outcome.DONE, Outcome.LEFT, Outcome.LEFT]


async def test_what_needs_a_step_that_failed_is_left_and_what_needs_that_too(embedded: Stage) -> None:
    log = Log()
    failing = Pretended("a", log, error=RegtuiError("No luck"), takes=0.05)
    steps = (failing, Pretended("b", log, needs=(0,)), Pretended("c", log, needs=(1,)), Pretended("d", log))
    assert (await embedded.run(plan(*steps, at_once=4))).counts == (1, 1, 2)
    outcomes = [step.outcome for step in embedded.session.journal.steps(1)]
    assert outcomes == [Outcome.FAILED, Outcome.LEFT, Outcome.LEFT, Outcome.DONE]


async def test_what_was_not_done_is_tried_again_within_the_same_change(embedded: Stage) -> None:
    log = Log()
    failing = Pretended("a", log, error=ConnectionFailed("No answer"))
    first = plan(failing, Pretended("b", log, needs=(0,)), Pretended("c", log), Pretended("d", log, needs=(1, 2)))
    assert (await embedded.run(first)).counts == (1, 1, 2)
    object.__setattr__(failing, "error", None)
    again = first.rest([0, 1, 3])
    assert [step.needs for step in again.steps] == [(), (0,), (1,)]
    log.ran.clear()
    events = [event async for event in Runner(embedded.session).execute(again, continues=1)]
    assert events[-1] == Finished(3, 0, 0, 1)
    assert log.ran == ["a", "b", "d"]
    journal = embedded.session.journal
    assert journal.change(1).state == State.DONE
    assert [step.outcome for step in journal.steps(1)] == [
        Outcome.RESUMED,
        Outcome.REPLANNED,
        Outcome.DONE,
        Outcome.REPLANNED,
        Outcome.DONE,
        Outcome.DONE,
        Outcome.DONE,
    ]
    assert [change.id for change in journal.changes(9)] == [1]


async def test_a_long_step_tells_how_far_it_is_a_few_times_a_second(embedded: Stage) -> None:
    done = await embedded.run(plan(Pretended("a", Log(), tells=1000)))
    told = [event for event in done.events if isinstance(event, StepProgress)]
    assert told[0] == StepProgress(1, 1, "do a", 0, 1000)
    assert len(told) < 100


async def test_lists_of_tags_that_are_asked_for_at_once_are_one_request_each_after_the_asking(embedded: Stage) -> None:
    lists = TagLists(embedded.session.client)
    embedded.wire.requests.clear()
    first = asyncio.create_task(lists.names("team/app"))
    await asyncio.sleep(0)
    await asyncio.gather(first, *(lists.names("team/app") for _ in range(20)))
    assert 1 <= len(embedded.wire.requests) <= 2


async def test_a_failure_stops_only_what_needs_it(embedded: Stage) -> None:
    log = Log()
    steps = (Pretended("a", log, error=RegtuiError("No luck")), Pretended("b", log, needs=(0,)), Pretended("c", log))
    done = await embedded.run(plan(*steps))
    assert done.counts == (1, 1, 1)
    assert log.ran == ["a", "c"]
    journal = embedded.session.journal
    assert [(step.outcome, step.detail) for step in journal.steps(1)] == [
        (Outcome.FAILED, "No luck"),
        (Outcome.LEFT, ""),
        (Outcome.DONE, ""),
    ]
    assert journal.steps(1)[0].notes == ("sent",)
    assert journal.change(1).state == State.PARTLY


async def test_an_error_of_ours_is_a_failed_step_not_a_traceback(embedded: Stage) -> None:
    done = await embedded.run(plan(Pretended("a", Log(), error=ZeroDivisionError("division by zero"))))
    assert done.error == "regtui failed in it: ZeroDivisionError('division by zero')"


@pytest.mark.parametrize("error", [ConnectionFailed("No answer"), RateLimited("No more until tomorrow")])
async def test_where_the_registry_takes_no_more_the_rest_is_left(embedded: Stage, error: RegtuiError) -> None:
    log = Log()
    steps = [Pretended(str(number), log, error=error) for number in range(6)]
    assert (await embedded.run(plan(*steps))).counts == (0, 3, 3)


async def test_a_check_runs_at_the_end_also_of_a_change_that_was_stopped(embedded: Stage) -> None:
    log = Log()
    runner = Runner(embedded.session)
    steps = (Pretended("a", log, takes=0.1), Pretended("b", log))
    async for event in runner.execute(plan(*steps, check=Pretended("check", log))):
        if isinstance(event, StepStarted):
            runner.stop()
    assert log.ran == ["a", "check"]
    assert event == Finished(1, 0, 1, 1)
    log.ran.clear()
    runner.stop()
    done = await embedded.run(plan(Pretended("a", log), check=Pretended("check", log, error=RegtuiError("Put back"))))
    assert (done.counts, done.error) == ((1, 1, 0), "Put back")


async def test_a_caller_that_stands_still_holds_nothing_up(embedded: Stage) -> None:
    log = Log()
    runner = Runner(embedded.session)
    events = runner.execute(plan(*(Pretended(str(number), log, takes=0.01) for number in range(10))))
    await anext(events)
    time.sleep(0.5)  # noqa: ASYNC251 - the terminal takes no more bytes, and the loop stands still
    assert len(log.ran) == 10
    assert runner.wait(1)
    assert [event async for event in events][-1] == Finished(10, 0, 0, 1)


async def test_who_stops_listening_stops_after_the_step_in_hand(embedded: Stage) -> None:
    log = Log()
    runner = Runner(embedded.session)

    async def listen() -> None:
        async for _ in runner.execute(plan(*(Pretended(str(number), log, takes=0.1) for number in range(20)))):
            pass

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0.25)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert await asyncio.to_thread(runner.wait, 5)
    assert 0 < len(log.ran) < 20
    kept = embedded.session.journal.change(1)
    assert (kept.state, kept.lives) == (State.PARTLY, False)


async def test_waiting_is_bounded(embedded: Stage) -> None:
    runner = Runner(embedded.session)
    assert runner.wait(0)
    events = runner.execute(plan(Pretended("a", Log(), takes=0.3)))
    await anext(events)
    assert not runner.wait(0.05)
    with pytest.raises(RegtuiError, match="Another change is running"):
        await anext(runner.execute(plan(Pretended("b", Log()))))
    assert [event async for event in events][-1] == Finished(1, 0, 0, 1)
    assert runner.wait(1)


async def test_while_it_runs_another_regtui_sees_it_live(embedded: Stage) -> None:
    journal = embedded.session.journal
    async for event in Runner(embedded.session).execute(plan(Pretended("a", Log(), takes=0.05))):
        if isinstance(event, StepStarted):
            assert journal.change(1).lives
            assert journal.steps(1)[0].outcome == Outcome.STARTED
    assert not journal.change(1).lives


async def test_what_cannot_be_written_down_is_not_sent(embedded: Stage) -> None:
    log = Log()
    (embedded.folder / "state").write_text("no folder")
    with pytest.raises(StoreError, match="must be written down before it is sent"):
        await embedded.run(plan(Pretended("a", log)))
    assert log.ran == []
    assert not embedded.wire.requests


async def test_when_the_journal_fails_on_the_way_nothing_further_is_sent(
    embedded: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()

    def full(*_: object) -> None:
        raise StoreError("The disk is full")

    monkeypatch.setattr("regtui.store.journal.Change.note", full)
    with pytest.raises(StoreError, match="full"):
        await embedded.run(plan(Pretended("a", log), Pretended("b", log)))
    assert log.ran == []


async def test_read_only_runs_nothing(embedded: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log()
    object.__setattr__(embedded.session, "read_only", True)
    with pytest.raises(ReadOnly):
        await embedded.run(plan(Pretended("a", log)))
    assert log.ran == []


async def test_failed_steps_are_told_with_their_error(embedded: Stage) -> None:
    error = RegtuiError("No luck", "Try again.")
    done = await embedded.run(plan(Pretended("a", Log(), error=error)))
    assert done.events[1] == StepFailed_(1, 1, "do a", error)
