"""A change while it is done: many steps at once, one bar, what failed told once, and no way out of it but stopping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from regtui.errors import RegtuiError
from regtui.operations.plan import Plan, StepContext
from regtui.operations.runner import Finished, RunnerEvent, StepDone, StepFailed_, StepProgress, StepStarted
from regtui.operations.session import DEMO, Session
from regtui.store.rows import Saved
from regtui.tui.connections import Connections
from regtui.tui.glyphs import ASCII, UNICODE
from regtui.tui.screens.leave import LeaveDialog
from regtui.tui.screens.running import RunningDialog
from regtui.tui.widgets.steps import Part, Steps
from tests.tui.running import FEW, NARROW, Running, running
from tests.tui.stage import HOSTILE, on_stage, repaints


@dataclass(frozen=True, slots=True)
class Pretended:
    """A step of which the tests say by events how it went."""

    tag: str
    needs: tuple[int, ...] = ()
    saved: tuple[Saved, ...] = ()

    def describe(self) -> str:
        return f"Delete team/app:{self.tag}"

    def intent(self) -> dict[str, str]:
        return {"verb": "remove tag", "repository": "team/app", "tag": self.tag, "digest": ""}

    async def run(self, context: StepContext) -> None: ...


@dataclass(frozen=True, slots=True)
class Copying(Plan):
    @property
    def to_send(self) -> int:
        return 4_000_000


class Script:
    """Takes the runner's place: what is put into it happens; `stop` is noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: asyncio.Queue[RunnerEvent] = asyncio.Queue()
        self.executed: list[tuple[list[str], int | None]] = []
        self.is_stopped = False
        self.is_running = False
        script = self

        async def execute(
            self: Connections, session: Session, plan: Plan, continues: int | None = None
        ) -> AsyncIterator[RunnerEvent]:
            script.executed.append(([step.describe() for step in plan.steps], continues))
            script.is_running = True
            while not isinstance(event := await script.events.get(), Finished):
                yield event
            script.is_running = False
            yield event

        monkeypatch.setattr(Connections, "execute", execute)
        monkeypatch.setattr(Connections, "stop", lambda self: setattr(script, "is_stopped", True))
        monkeypatch.setattr(Connections, "is_changing", property(lambda self: script.is_running))

    def __call__(self, *events: RunnerEvent) -> None:
        for event in events:
            self.events.put_nowait(event)


@pytest.fixture
def happens(monkeypatch: pytest.MonkeyPatch) -> Script:
    return Script(monkeypatch)


def started(number: int, total: int = 3) -> StepStarted:
    return StepStarted(number, total, f"Delete team/app:{number}")


def done(number: int, total: int = 3) -> StepDone:
    return StepDone(number, total, f"Delete team/app:{number}")


def failed(number: int, why: str, total: int = 3) -> StepFailed_:
    return StepFailed_(number, total, f"Delete team/app:{number}", RegtuiError(why, "Ask its operator."))


async def begin(at: Running, plan: Plan | None = None) -> RunningDialog:
    await at.until("newest first")
    session = await at.app.connections.session(DEMO)
    plan = plan or Plan(DEMO, "Delete 3 tags", "Delete", tuple(Pretended(str(number)) for number in (1, 2, 3)))
    dialog = RunningDialog(plan, at.app.connections, session, UNICODE)
    at.app.push_screen(dialog)
    await at.until("Esc stops it after the steps in hand")
    return dialog


async def test_steps_in_any_order_move_one_bar_and_the_end_closes_it(happens: Script) -> None:
    async with running(FEW) as at:
        await begin(at)
        happens(started(1), started(2), started(3), done(3))
        await at.until("1 of 3 steps")
        assert "33%" in at.text
        assert "Delete team/app:1 and 1 more" in at.text
        happens(done(1), done(2), Finished(3, 0, 0, 1))
        await at.until(lambda: at.app.screen is at.browser)


async def test_a_copy_has_a_bar_for_each_blob_under_way(happens: Script) -> None:
    async with running(FEW, NARROW) as at:
        await begin(at, Copying(DEMO, "Copy", "Copy", (Pretended("a"), Pretended("b"))))
        happens(StepStarted(1, 2, "Copy layer 1"), StepProgress(1, 2, "Copy layer 1", 1_000_000, 2_000_000))
        happens(StepStarted(2, 2, "Copy layer 2"), StepProgress(2, 2, "Copy layer 2", 500_000, 2_000_000))
        await at.until("1.5 MB of 4.0 MB")
        assert any("Copy layer 1" in line and "█" in line and "1.0 MB of 2.0 MB" in line for line in at.lines)
        happens(done(1, 2), done(2, 2), Finished(2, 0, 0, 1))
        await at.until(lambda: at.app.screen is at.browser)


async def test_one_reason_is_told_once_and_only_what_failed_is_tried_again(happens: Script) -> None:
    async with running(FEW) as at:
        await begin(at)
        happens(*map(started, (1, 2, 3)), done(2))
        happens(*(failed(number, f"team/app:{number} was pushed anew meanwhile") for number in (1, 3)))
        happens(Finished(1, 2, 0, 7))
        await at.until("1 step done, 2 failed. u undoes what was done.")
        told = " ".join(line.strip("┃│ ▐") for line in at.lines)
        assert "! Delete team/app:1: team/app:1 was pushed anew meanwhile. Ask its operator." in told
        assert "The same of 1 more: Delete team/app:3" in at.text
        await at.press("tab", "enter")
        await at.until("0 of 2 steps")
        assert happens.executed[-1] == (["Delete team/app:1", "Delete team/app:3"], 7)
        assert "pushed anew" not in at.text
        happens(done(1, 2), done(2, 2), Finished(2, 0, 0, 7))
        await at.until(lambda: at.app.screen is at.browser)


async def test_esc_stops_between_steps_and_says_so_and_the_rest_can_be_gone_on_with(happens: Script) -> None:
    async with running(FEW) as at:
        dialog = await begin(at)
        happens(started(1))
        await at.press("escape")
        await at.until("Stopping after the steps in hand")
        assert happens.is_stopped
        assert dialog.is_active
        happens(done(1), Finished(1, 0, 2, 7))
        await at.until("1 step done, 2 not begun")
        assert "Go on" in at.text
        await at.press("escape")
        assert at.app.screen is at.browser


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_leaving_in_the_middle_asks_and_who_stays_finds_it_closed_when_it_is_done(
    happens: Script, key: str
) -> None:
    async with running(FEW) as at:
        await begin(at)
        happens(started(1))
        await at.press(key)
        await at.until("A change is running. The steps in hand are finished first")
        happens(done(1), done(2), done(3), Finished(3, 0, 0, 7))
        await at.until(lambda: not happens.is_running)
        await at.pilot.pause(0.5)
        assert isinstance(at.app.screen, LeaveDialog)
        await at.press("enter")
        await at.until(lambda: at.app.screen is at.browser)


async def test_only_lines_that_changed_are_sent_and_parts_keep_their_line() -> None:
    steps = Steps(rows=3)
    async with on_stage(steps, size=(76, 8)) as (stage, pilot):
        steps.show(0.1, "1 of 10", [Part(1, "one", 1, 10), Part(2, "two", 1, 10)])
        await pilot.pause()
        assert [line.split()[0] for line in stage.lines()[2:4]] == ["one", "two"]
        with repaints(steps) as asked:
            steps.show(0.1, "1 of 10", [Part(1, "one", 1, 10), Part(2, "two", 1, 10)])
            assert not asked
            steps.show(0.1, "1 of 10", [Part(2, "two", 1, 10), Part(3, "three", 0, 10)])
        assert [region.y for region in asked] == [2]
        await pilot.pause()
        assert [line.split()[0] for line in stage.lines()[2:4]] == ["three", "two"]
        steps.show(0.1, "1 of 10", [Part(number, f"part {number}", 1, 10) for number in range(8)])
        await pilot.pause()
        assert "and 5 more" in stage.lines()[4]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [5, 36, 72])
async def test_hostile_texts_stay_in_their_lines(text: str, width: int) -> None:
    steps = Steps(rows=2, glyphs=ASCII)
    async with on_stage(steps, size=(width, 6)) as (stage, pilot):
        steps.show(0.5, text, [Part(1, text, 5, 10), Part(2, text)])
        await pilot.pause()
        assert all(len(line) <= width and line.isascii() and "\x1b" not in line for line in stage.lines())
