"""Changing something, from the key to the end: work out a plan, ask, do it. Each answers whether anything was done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from textual.app import App

from regtui.errors import LoginNeeded
from regtui.oci.digest import Digest, short
from regtui.operations.inventory import version_key
from regtui.operations.plan import Plan
from regtui.operations.session import Session
from regtui.tui.connections import Connections
from regtui.tui.glyphs import Glyphs
from regtui.tui.screens.confirm import ConfirmDialog
from regtui.tui.screens.planning import PlanningDialog, Progress
from regtui.tui.widgets.choices import Choice
from regtui.words import ago, size

if TYPE_CHECKING:
    from regtui.operations.history import KeptChange
    from regtui.operations.removal import RemovalPlan, TagOnDigest
    from regtui.operations.undo import UndoPlan

PlanOf = TypeVar("PlanOf", bound=Plan)

MANY = 20
"""Tags beyond which their number has to be typed."""


class Changes:
    """Runs inside of a worker: it waits for what the user answers."""

    def __init__(
        self,
        app: App[None],
        connections: Connections,
        session: Session,
        glyphs: Glyphs,
        log_in: Callable[[LoginNeeded], Awaitable[Session | None]],
    ) -> None:
        """`log_in` asks for a login that a change lacked, and opens the registry with it."""
        self._app = app
        self._log_in = log_in
        self._connections = connections
        self._session = session
        self._glyphs = glyphs
        self._refusal: LoginNeeded | None = None
        self.is_whole = False
        """Whether the last plan that was run was done to its end."""
        self.repositories: list[str] = []
        """Those that may be new to the registry by what was done."""

    async def delete(
        self, repository: str, tags: Sequence[str], *, whole_digests: bool = False, digest: Digest | None = None
    ) -> bool:
        """Tags, or digests with every tag on them."""
        from regtui.operations.removal import plan_removal

        async def make(progress: Progress) -> RemovalPlan:
            return await plan_removal(
                self._session, repository, tags, whole_digests=whole_digests, digest=digest, progress=progress
            )

        async def change() -> bool:
            plan = await self._plan(f"Deleting from {repository}", make)
            if plan is None:
                return False
            goes = [Choice(item.tag, _is_now(item), item.tag) for item in plan.going]
            typed = _to_type([item.tag for item in plan.going], plan.protected)
            return await self._do(plan, plan.lines(), goes, typed=typed)

        return await self._as_somebody(change)

    async def undo(self, undone: KeptChange | None = None) -> bool:
        """The last change of this registry, or one of any registry."""
        from regtui.operations.resume import leave
        from regtui.operations.undo import plan_undo

        async def make(progress: Progress) -> UndoPlan:
            return await plan_undo(self._session, undone.id if undone else None, progress=progress)

        async def change() -> bool:
            which = f"change {undone.id}" if undone else "the last change"
            plan = await self._plan(f"Undoing {which}", make, "blobs and manifests")
            if plan is not None and not plan.steps:
                if plan.change.is_cut_off:  # nothing of it was done
                    await asyncio.to_thread(leave, self._session, plan.change)
                self._app.notify(f"Everything is as it was before {which}: nothing to undo")
                return False
            return plan is not None and await self._do(plan, _about(plan), _comes_back(plan), typed=self._made(plan))

        return await self._as_somebody(change)

    async def resume(self, cut: KeptChange) -> bool:
        """Asks what becomes of a change that was cut off: the rest is done, it is put back, or left as it is."""
        from regtui.operations import history, resume
        from regtui.tui.screens.resume import Resume, ResumeDialog

        steps = await asyncio.to_thread(history.steps, self._session, cut.id)
        answer = await self._app.push_screen_wait(ResumeDialog(cut, steps, self._glyphs))
        if answer is Resume.LEAVE:
            await asyncio.to_thread(resume.leave, self._session, cut)
        elif answer is Resume.PUT_BACK:
            return await self.undo(cut)
        return answer is not None and (answer is not Resume.FINISH or await self._finish(cut))

    async def _finish(self, cut: KeptChange) -> bool:
        """The rest of a change that was cut off, or not done whole, as a part of it."""
        from regtui.operations.resume import leave, plan_rest

        async def make(progress: Progress) -> Plan:
            return await plan_rest(self._session, cut, self._connections.session)

        async def change() -> bool:
            plan = await self._plan(f"Finishing change {cut.id}", make)
            if plan is not None and not plan.steps:
                await asyncio.to_thread(leave, self._session, cut)
                self._app.notify(f"Nothing is left to do of change {cut.id}")
                return True
            return plan is not None and await self._do(plan, _about(plan), _steps_of(plan), continues=cut.id)

        return await self._as_somebody(change)

    async def _as_somebody(self, change: Callable[[], Awaitable[bool]]) -> bool:
        """Does a change; when it was refused for want of a login, it is worked out and asked for anew after one."""
        is_done = await change()
        if self._refusal and await self._has_logged_in(self._refusal):
            return await change() or is_done
        return is_done

    async def _plan(
        self, title: str, make: Callable[[Progress], Awaitable[PlanOf]], reads: str = "tags"
    ) -> PlanOf | None:
        return await self._app.push_screen_wait(PlanningDialog(title, make, self._has_logged_in, reads))

    def _made(self, plan: UndoPlan) -> str:
        """What is to be typed for the tags that an undo takes away."""
        protects = self._session.settings.is_protected
        tags = [place.rpartition(":")[2] for place in plan.removed]
        return _to_type(tags, [tag for tag in tags if protects(plan.registry, tag)])

    async def _has_logged_in(self, error: LoginNeeded) -> bool:
        session = await self._log_in(error)
        self._session = session or self._session
        return session is not None

    async def _do(
        self,
        plan: Plan,
        rows: Sequence[tuple[str, str]],
        goes: Sequence[Choice] = (),
        *,
        typed: str = "",
        continues: int | None = None,
    ) -> bool:
        if not await self._app.push_screen_wait(ConfirmDialog(plan, goes, rows, self._glyphs, typed=typed)):
            return False
        from regtui.operations import history
        from regtui.tui.screens.running import RunningDialog  # it needs the client, which the first frame doesn't

        running = RunningDialog(plan, self._connections, self._session, self._glyphs, continues)
        done = await self._app.push_screen_wait(running)
        self._refusal = running.refusal
        self.is_whole = running.is_whole
        if running.leaves_over:
            change = await asyncio.to_thread(history.one_change, self._session, running.change)
            return await self._finish(change) or bool(done)
        return bool(done)


def _is_now(item: TagOnDigest) -> str:
    created = [ago(item.created)] if item.created else []
    return "  ".join([short(item.digest), *created, size(item.size)])


def _about(plan: Plan) -> list[tuple[str, str]]:
    """Without what the list names, each by itself."""
    return [row for row in plan.lines() if row[0] not in ("Back", "Goes", "Left over")]


def _comes_back(plan: UndoPlan) -> list[Choice]:
    restored = sorted(plan.restored, key=lambda item: version_key(item[0]))
    back = [Choice(place, f"on {short(digest)}", place) for place, digest in restored]
    return back + [Choice(place, "goes", place) for place in plan.removed]


def _steps_of(plan: Plan) -> list[Choice]:
    return [Choice(text, "", text) for text in (step.describe() for step in plan.steps)]


def _to_type(going: Sequence[str], protected: Sequence[str]) -> str:
    """The name of a protected tag, or the number of many; empty when a yes is enough."""
    if len(protected) == 1:
        return protected[0]
    return str(len(going)) if len(going) > MANY or protected else ""
