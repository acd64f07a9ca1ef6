"""Copying, moving, pulling and pushing: asks where to, or where from, and begins it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType

from regtui.errors import LoginNeeded, RegtuiError
from regtui.oci.manifest import Index
from regtui.oci.reference import Reference
from regtui.oci.transports import OCI, is_local
from regtui.operations import inventory
from regtui.operations.session import Session, open_target
from regtui.tui.arrangement import TAGS
from regtui.tui.keys import binding
from regtui.tui.screens.copy import ChoiceDialog
from regtui.tui.screens.copy_to import CopyToDialog, Target
from regtui.tui.screens.past import PastScreen
from regtui.tui.screens.planning import PlanningDialog, Progress
from regtui.tui.screens.pull import ArchiveDialog, PullDialog
from regtui.tui.screens.push import PushDialog
from regtui.tui.transfers import Transfers
from regtui.tui.widgets.choices import Choice


class TransferringScreen(PastScreen):
    """What is brought to another registry is changed there, with the login of that one."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("retag", show=True), binding("pull"), binding("push")]

    @property
    def _target(self) -> Reference:
        """What a key is meant for: the tag under the cursor now, though its details may follow, or what they show."""
        if self.pane == TAGS and self.tags.current:
            return Reference(self.registry, self.tags.repository, self.tags.current)
        return self.spot.reference if self.pane == TAGS else self.spot.shown

    def _platforms(self, reference: Reference) -> Sequence[str]:
        """Those of an index, as far as it was read."""
        if (facts := self.tags.facts(reference.tag)) and self.pane == TAGS:
            return facts.platforms
        content = self.inspected.document.content if self.inspected else None
        images = content.images if isinstance(content, Index) else ()
        return [str(child.platform) for child in images if child.platform]

    # To another place

    def action_retag(self) -> None:
        self.copy_from(self._target)

    def copy_from(self, reference: Reference, text: str = "") -> None:
        """Asks where a reference is to be copied to; `text` stands in the line at first."""
        self.run_worker(self._retag(reference, text), group="change", exclusive=True)

    async def _retag(self, reference: Reference, text: str) -> None:
        session = self.loader.session
        if session is None:
            return
        dialog = CopyToDialog(
            reference,
            self.settings,
            self.glyphs,
            platforms=self._platforms(reference),
            text=text,
            can_move=not session.read_only,
        )
        if target := await self.app.push_screen_wait(dialog):
            await self._bring(session, reference, target)

    async def _bring(self, source: Session, reference: Reference, target: Target, verb: str = "") -> None:
        registry = target.reference.registry
        if registry.startswith(OCI) and registry not in self.connections.registries:
            await self._to_layout(source, reference, target)
            return
        changes = await self._changes_in(registry)
        if changes and await changes.copy(source, reference, target, verb=verb):
            if registry == self.registry:
                self.repositories.add(changes.repositories)
            if self.registry in (registry, source.registry):
                self.loader.tags(self.tags.repository)
            if changes.is_whole and registry != self.registry:
                self.notify(f"{target.reference} is there. o opens it", markup=False)

    # To this machine, and from it

    async def _to_layout(self, source: Session, reference: Reference, target: Target) -> None:
        try:
            session = await open_target(target.reference.registry, self.settings, log=self.connections.log)
        except RegtuiError as error:
            self.notify(str(error), severity="warning")
            return
        async with aclosing(session):
            changes = Transfers(self.app, self.connections, session, self.glyphs, _nobody)
            if await changes.copy(source, reference, target, verb="Pull") and changes.is_whole:
                self.notify(f"Pulled. skopeo and podman read {target.reference}, o opens it", markup=False)

    def action_pull(self) -> None:
        self.run_worker(self._pull(self._target), group="pull", exclusive=True)

    async def _pull(self, reference: Reference) -> None:
        session = self.loader.session
        if session is None:
            return
        name = reference.repository.rpartition("/")[2]
        text = f"{OCI}{_short(Path.cwd() / name)}:{reference.tag or 'pulled'}"
        platforms = self._platforms(reference)
        dialog = PullDialog(
            reference,
            self.settings,
            self.glyphs,
            platforms=platforms,
            text=text,
            title=f"Pull {reference.repository}:{reference.tag}" if reference.tag else "Pull",
            doing="Pull",
            can_move=False,
        )
        target = await self.app.push_screen_wait(dialog)
        if target is None:
            return
        if target.reference.registry.startswith(OCI):
            await self._bring(session, reference, target)
            return
        writing = ArchiveDialog(session, reference, target.reference, target.platform, self.glyphs)
        if file := await self.app.push_screen_wait(writing):
            self.notify(f"Pulled. To load it: docker load -i {file}", markup=False)

    def action_push(self) -> None:
        self.run_worker(self._push(), group="change", exclusive=True)

    async def _push(self) -> None:
        """From a layout or an archive, one of whose images is chosen when it has several."""
        there = await self.app.push_screen_wait(PushDialog(self.glyphs))
        if there is None:
            return
        try:
            source = await self.connections.session(there.registry)
            reference = there if there.version else await self._choose(source, there)
            if reference is None:
                return
            platforms = (await inventory.facts(source, reference.repository, reference.version)).platforms
        except RegtuiError as error:
            self.notify(str(error), severity="warning")
            return
        repository = self.spot.reference.repository or reference.repository
        dialog = CopyToDialog(
            reference,
            self.settings,
            self.glyphs,
            beside=Reference(self.registry, repository, reference.tag),
            platforms=platforms,
            title="Push",
            doing="Look",
            can_move=False,
            text=f"{self.registry}/{repository}:{reference.tag}" if not is_local(self.registry) else reference.tag,
        )
        target = await self.app.push_screen_wait(dialog)
        if target:
            await self._push_to(source, reference, target)

    async def _choose(self, source: Session, there: Reference) -> Reference | None:
        """A tag of it: the only one, or the one that is chosen."""
        names = (
            [there.repository]
            if there.repository
            else [name async for page in inventory.repositories(source) for name in page]
        )
        choices = [
            Choice(f"{name}:{tag}", "", str(Reference(there.registry, name, tag)))
            for name in names
            for tag in await inventory.tag_names(source, name)
        ]
        if not choices:
            raise RegtuiError(f"{there} holds no image")
        chosen: Choice | None = choices[0]
        if len(choices) > 1:
            chosen = await self.app.push_screen_wait(ChoiceDialog("Push which image?", choices, self.glyphs))
        if chosen is None:
            return None
        repository, _, tag = chosen.text.rpartition(":")
        return Reference(there.registry, repository, tag)

    async def _push_to(self, source: Session, reference: Reference, target: Target) -> None:
        from regtui.operations.archive_packing import ready_to_push

        async with AsyncExitStack() as stack:

            async def pack(progress: Progress) -> tuple[Session, Reference]:
                ready = ready_to_push(source, reference, lambda at: progress(at.done, at.size))
                return await stack.enter_async_context(ready)

            packing = PlanningDialog(f"Compressing {reference}", pack, _nobody, "bytes of the layer")
            packed = await self.app.push_screen_wait(packing)
            if packed:
                await self._bring(*packed, target, "Push")


async def _nobody(error: LoginNeeded) -> None:
    """Files of this machine ask for no login."""


def _short(path: Path) -> str:
    """With the home as `~`."""
    home, text = os.path.expanduser("~"), str(path)
    return f"~{text.removeprefix(home)}" if text.startswith(f"{home}/") else text
