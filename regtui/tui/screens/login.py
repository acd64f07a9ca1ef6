"""Asks who one is, when a registry wants to know."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from regtui.errors import LoginNeeded, RealmNotTrusted, RegtuiError
from regtui.operations.login import Stored
from regtui.operations.session import Credentials
from regtui.text import shown
from regtui.tui.connections import Connections
from regtui.tui.screens.dialog import Dialog, doing_button, explained, safe_button, said
from regtui.tui.screens.realm import RealmDialog

_WARNING = 15.0  # seconds that it stands on the screen


class LoginDialog(Dialog[bool]):
    """True when the registry took a login. A refused one stays here with the reason, its password emptied."""

    AUTO_FOCUS = "#username"

    def __init__(self, connections: Connections, registry: str, error: LoginNeeded | None = None) -> None:
        """`error` is what the registry answered; None when the user came by himself."""
        super().__init__(f"Log in to {registry}")
        self._connections = connections
        self._registry = registry
        self._error = error
        self._is_checking = False

    def body(self) -> Iterable[Widget]:
        if self._error:
            yield said(f"{self._error.what}.")
        yield said("User name:", "question")
        yield Field(compact=True, placeholder="as that registry knows you", id="username")
        yield said("Password, or a token in its place:", "question")
        yield Secret(placeholder="not shown as you type", id="password")
        yield said("", "login-says")

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Cancel")
        yield doing_button("Log in")
        keeping = doing_button("Log in and keep it")
        keeping.id = "keep"
        yield keeping

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "keep":
            event.stop()
            self._try(keep=True)
        else:
            super().on_button_pressed(event)

    def on_input_changed(self) -> None:
        if not self._is_checking:
            self._say("")

    def on_input_submitted(self) -> None:
        self.query_one(Secret).focus()

    def on_secret_typed(self) -> None:
        self.on_input_changed()

    def on_secret_entered(self) -> None:
        self.confirm()

    def confirm(self) -> None:
        """For this run only."""
        self._try(keep=False)

    def _try(self, *, keep: bool) -> None:
        missing = next((field for field in self.query(Input) if not field.value), None)
        if missing:
            missing.focus()
            self._say(f"The {'password' if isinstance(missing, Secret) else 'user name'} is missing.", failed=True)
        elif not self._is_checking:
            self._is_checking = True
            self.run_worker(self._check(keep), exclusive=True)

    async def _check(self, keep: bool) -> None:
        password = self.query_one(Secret)
        self._say(f"Asking {self._registry} whether that is right")
        try:
            is_in = await self._log_in(Credentials(self.query_one("#username", Input).value, password.value), keep)
        except RegtuiError as error:
            self._say(explained(error), failed=True)
            if isinstance(error, LoginNeeded):
                password.value = ""
                password.focus()
        else:
            self._say("")
            if is_in:
                self.dismiss(True)
        finally:
            self._is_checking = False

    async def _log_in(self, credentials: Credentials, keep: bool) -> bool:
        """False when the user doesn't want the credentials to go where the registry wants them."""
        try:
            stored = await self._connections.log_in(self._registry, credentials, keep=keep)
        except RealmNotTrusted as error:
            if not await self.app.push_screen_wait(RealmDialog(self._connections.settings, self._registry, error)):
                return False
            stored = await self._connections.log_in(self._registry, credentials, keep=keep)
        if stored:
            self._tell(stored)
        return True

    def _tell(self, stored: Stored) -> None:
        """Where the login was kept, and what is to be known of that."""
        parts = [f"The login was kept in {stored.where}"]
        parts += ["It is not encrypted: who reads that file can read the password"] * stored.is_plain
        parts += [f"{stored.shadowed_by} is read first, and holds another one"] * bool(stored.shadowed_by)
        if len(parts) > 1:
            self.app.notify(". ".join(parts), severity="warning", timeout=_WARNING)
        else:
            self.app.notify(parts[0])

    def _say(self, text: str, *, failed: bool = False) -> None:
        line = self.query_one(".login-says", Static)
        line.set_class(failed, "-failed")
        line.update(Content(shown(text)))


class Field(Input):
    """An input with another below it: a name and a password that come in one burst of keys go into both.

    A program that types passwords sends such bursts. The keys are all on their way to the first input before it can
    give the focus away.
    """

    async def _on_key(self, event: events.Key) -> None:
        focused = self.screen.focused
        if focused is not self and isinstance(focused, Input):
            event.stop()
            event.prevent_default()
            focused._forward_event(events.Key(event.key, event.character))
        elif event.key in ("tab", "enter") and focused is self and self.value:
            event.stop()
            event.prevent_default()
            self.screen.focus_next()
        else:
            await super()._on_key(event)


class Secret(Input):
    """A password's input: what is typed is neither shown, nor copied, nor told in messages."""

    class Entered(Message):
        """Enter was pressed."""

    class Typed(Message):
        """There is something else in it."""

    def __init__(self, *, placeholder: str, id: str) -> None:
        super().__init__(password=True, compact=True, placeholder=placeholder, id=id)

    def post_message(self, message: Message) -> bool:
        if isinstance(message, Input.Changed):
            return super().post_message(self.Typed()) if self.value else False
        return not isinstance(message, Input.Blurred) and super().post_message(message)

    async def action_submit(self) -> None:
        self.post_message(self.Entered())

    def action_copy(self) -> None:
        """Not to the clipboard."""

    def action_cut(self) -> None:
        self.delete_selection()
