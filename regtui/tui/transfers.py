"""Copying and moving from the app, to any place: plan it, ask, do it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from regtui.oci.digest import short
from regtui.oci.reference import Reference
from regtui.operations.session import Session
from regtui.operations.targets import remember_target
from regtui.tui.changes import Changes
from regtui.tui.screens.copy_to import Target
from regtui.tui.screens.planning import Progress

if TYPE_CHECKING:
    from regtui.operations.removal import RemovalPlan
    from regtui.operations.transfer import CopyPlan


class Transfers(Changes):
    """`Changes` of the registry that something is brought to."""

    async def copy(self, source: Session, reference: Reference, target: Target, *, verb: str = "") -> bool:
        """Brings what a reference of `source` is to a tag here; a move deletes it there. `verb`: "Pull", "Push"."""
        from regtui.operations.transfer import plan_copy, plan_move

        to = target.reference
        rows: list[tuple[str, str]] = []
        removal: RemovalPlan | None = None

        async def make(progress: Progress) -> CopyPlan:
            nonlocal rows, removal
            if target.moves:
                move = await plan_move(
                    source, reference, self._session, to, referrers=target.referrers, progress=progress
                )
                rows, removal = move.lines(), move.removal
                return replace(move.copy, title=f"Move {reference} to {to}", action="Move", warnings=move.warnings)
            plan = await plan_copy(
                source,
                reference,
                self._session,
                to,
                platform=target.platform,
                referrers=target.referrers,
                progress=progress,
            )
            rows = plan.lines()
            return replace(plan, title=f"{verb} {reference} to {to}", action=verb) if verb else plan

        async def change() -> bool:
            plan = await self._plan(f"Looking at {to}", make, "blobs")
            if plan is None:
                return False
            if plan.same and not removal:
                self._app.notify(f"{to} points to {short(plan.digest)} already: nothing to do")
                return False
            self.repositories = [to.repository]
            is_done = await self._do(plan, rows, typed=self._typed(plan, removal))
            if is_done:
                remember_target(self._session.settings, to)
            if is_done and self.is_whole and removal:
                await self._run(removal, source)
            return is_done

        return await self._as_somebody(change)

    def _typed(self, plan: CopyPlan, removal: RemovalPlan | None) -> str:
        """The name of a protected tag that goes, or that is moved to something else."""
        if removal and removal.protected:
            return removal.protected[0]
        protects = self._session.settings.is_protected
        return plan.target.tag if plan.replaces and protects(plan.registry, plan.target.tag) else ""

    async def _run(self, plan: RemovalPlan, session: Session) -> None:
        """What was agreed to already."""
        from regtui.tui.screens.running import RunningDialog

        await self._app.push_screen_wait(RunningDialog(plan, self._connections, session, self._glyphs))
