"""The main screen: a registry in four panes, and what one does with what is in it."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import BindingType

from regtui.errors import ReadOnly
from regtui.oci.reference import Reference
from regtui.oci.transports import is_local, prefix_of
from regtui.operations.session import DEMO, Session
from regtui.tui.arrangement import DETAILS, FILES, REPOSITORIES, TAGS
from regtui.tui.comparing import compare
from regtui.tui.file_actions import open_file, save_files
from regtui.tui.history import Spot, spot_of
from regtui.tui.keymap import keymap
from regtui.tui.keys import ACTIONS, binding
from regtui.tui.screens.compare import CompareScreen
from regtui.tui.screens.copy import ChoiceDialog, what_to_copy
from regtui.tui.screens.open import OpenDialog
from regtui.tui.screens.requests import RequestsScreen
from regtui.tui.screens.start import StartScreen
from regtui.tui.screens.tag_log import TagLogDialog, What
from regtui.tui.screens.transferring import TransferringScreen
from regtui.tui.widgets.files.files import Files

CHANGING = frozenset({"delete", "delete_digest", "retag", "push", "undo"})
"""What changes the registry: under --read-only these are neither keys nor commands."""


class BrowserScreen(TransferringScreen):
    """Deletes, retags, copies, opens, refreshes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("delete", show=True),
        binding("compare", show=True),
        binding("copy", show=True),
        binding("save", show=True),
        binding("delete_digest"),
        binding("tag_log"),
        binding("refresh", show=True),
        binding("out", show=True),
        binding("open_reference", show=True),
        binding("registries"),
        binding("requests"),
        binding("log_in"),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        allowed = super().check_action(action, parameters)
        if allowed and action in CHANGING:
            session = self.loader.session
            if session.read_only if session else self.settings.for_registry(self.registry).read_only:
                return False
            return True if self._may(action) else None
        if allowed and action == "compare":
            return True if self.loader.session and self.pane != REPOSITORIES and self._target.version else None
        if allowed and action == "tag_log":
            return True if self.loader.session and self.pane != REPOSITORIES and self._target.tag else None
        if allowed and action == "save":
            return self.pane == FILES and self.files.at is not None
        return allowed and (action != "log_in" or not (self.registry == DEMO or is_local(self.registry)))

    def on_key(self, event: events.Key) -> None:
        """Under --read-only a key that would change something says why it doesn't."""
        from regtui.operations.plan import must_write

        own = keymap(self.settings.keys)
        keys = {key for action in CHANGING for key in own.get(action, ",".join(ACTIONS[action].keys)).split(",")}
        if self.loader.session and event.key in keys:
            try:
                must_write(self.loader.session)
            except ReadOnly as error:
                self.notify(str(error), severity="warning")

    def _may(self, action: str) -> bool:
        if self.loader.session is None or action == "undo":
            return self.loader.session is not None
        if self.pane == REPOSITORIES or (self.pane == FILES and action != "retag"):
            return False  # a change is meant for what is under the cursor, and that is no tag here
        if action == "retag":
            return bool(self._target.version)
        is_marked = self.pane == TAGS and self.tags.marks.count
        return bool(is_marked or self._target.tag or (action == "delete_digest" and self._target.digest))

    def action_refresh(self) -> None:
        reference = self.spot.reference
        if not self.loader.session:
            self.loader.connect(self.registry, self.connected)
        elif self.pane == REPOSITORIES:
            self.loader.catalog()
        elif self.pane == TAGS and reference.repository:
            self.loader.tags(reference.repository)
        elif self.pane == DETAILS and self.spot.shown.version:
            self.spot = self.here
            self.loader.details(self.spot.shown, self.arrived)
        elif self.inspected:
            self.loader.files.read(self.loader.session, again=True)

    def action_delete(self) -> None:
        repository, meant = self._target.repository, self._meant
        self.change(lambda changes: changes.delete(repository, meant))

    def action_delete_digest(self) -> None:
        target, meant = self._target, self._meant
        if meant:
            self.change(lambda changes: changes.delete(target.repository, meant, whole_digests=True))
        else:
            self.change(lambda changes: changes.delete(target.repository, (), digest=target.digest))

    def action_tag_log(self) -> None:
        if session := self.loader.session:
            self.run_worker(self._tag_log(session, self._target), group="tag log", exclusive=True)

    async def _tag_log(self, session: Session, tag: Reference) -> None:
        answer = await self.app.push_screen_wait(TagLogDialog(session, tag, self.glyphs))
        if answer is None:
            return
        meant = tag.at(digest=answer.digest)
        if answer.what is What.OPEN:
            self.open(spot_of(meant))
        elif answer.what is What.COMPARE:
            self.app.push_screen(CompareScreen(self.connections, meant, tag.at(tag.tag)))
        elif answer.what is What.RETAG:
            self.copy_from(meant, tag.tag)
        else:
            self.app.copy_to_clipboard(str(meant))
            self.notify(f"Copied {meant}", markup=False)

    def action_compare(self) -> None:
        comparing = compare(self.tags, self._target, self.connections, self.glyphs)
        self.run_worker(comparing, group="compare", exclusive=True)

    @property
    def _meant(self) -> tuple[str, ...]:
        """The tags that a deletion is meant for: those marked, while one is among them, else the one."""
        marked = self.tags.marked if self.pane == TAGS else ()
        return marked or tuple(tag for tag in (self._target.tag,) if tag)

    def action_log_in(self) -> None:
        self.logins.ask()

    def action_copy(self) -> None:
        self.run_worker(self._copy(self._target), group="copy", exclusive=True)

    async def _copy(self, reference: Reference) -> None:
        digest = reference.digest
        if self.pane == REPOSITORIES:
            reference = Reference(reference.registry, self.repositories.current or "")
        elif facts := self.tags.facts(reference.tag):
            digest = facts.digest
        elif self.inspected and self.spot.shown == reference:
            digest = self.inspected.document.digest
        choice = await self.app.push_screen_wait(ChoiceDialog("Copy", what_to_copy(reference, digest), self.glyphs))
        if choice:
            self.app.copy_to_clipboard(choice.value)
            self.notify(f"Copied {choice.value}", markup=False)

    def action_open_reference(self) -> None:
        self.app.push_screen(OpenDialog(self.spot.reference), self._opened)

    def on_repositories_wanted(self) -> None:
        self.app.push_screen(OpenDialog(self.spot.reference, prefix_of(self.registry)), self._opened)

    def on_files_opened(self, message: Files.Opened) -> None:
        if (session := self.loader.session) and (shown := self.files_shown):
            self.run_worker(open_file(self, session, shown, message.node), group="look inside", exclusive=True)

    def action_save(self) -> None:
        if (session := self.loader.session) and (shown := self.files_shown) and (node := self.files.at):
            self.run_worker(save_files(self, session, shown, node), group="look inside", exclusive=True)

    def action_requests(self) -> None:
        self.app.push_screen(RequestsScreen(self.connections.log, self.settings))

    def action_registries(self) -> None:
        self.app.push_screen(StartScreen(self.connections, self._history.stood, self.spot), self._opened)

    def _opened(self, spot: Spot | None) -> None:
        if spot:
            self.open(spot)
