"""What a tag pointed to before: a list, from which each digest is opened, compared, tagged or copied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from regtui.errors import RegtuiError
from regtui.oci.digest import Digest, short
from regtui.oci.reference import Reference
from regtui.operations.session import Session
from regtui.tui.glyphs import Glyphs
from regtui.tui.keys import binding
from regtui.tui.screens.dialog import Dialog, explained, safe_button, said
from regtui.tui.widgets.choices import Choice, Choices
from regtui.words import ago, exact

if TYPE_CHECKING:
    from regtui.operations.tag_log import TagEvent


class What(Enum):
    """What is to be done with a digest of the list."""

    OPEN = auto()
    COMPARE = auto()
    RETAG = auto()
    COPY = auto()


class Answer(NamedTuple):
    what: What
    digest: Digest


class TagLogDialog(Dialog[Answer]):
    """Answers which digest, and what is to be done with it."""

    AUTO_FOCUS = "Choices"
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(binding("compare"), description="compare it with what the tag is now"),
        replace(binding("retag"), description="tag it: with this tag's name, it is put back"),
        binding("copy"),
    ]

    def __init__(self, session: Session, reference: Reference, glyphs: Glyphs) -> None:
        super().__init__(f"{reference.repository}:{reference.tag} before")
        self._session = session
        self._reference = reference
        self._glyphs = glyphs
        self._events: Sequence[TagEvent] = ()

    def body(self) -> Iterable[Widget]:
        yield said("Reading what the registry still has of it …", "log-state")
        yield Choices(glyphs=self._glyphs, classes="listed")
        yield Static(markup=False, classes="log-detail")

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Close")

    def on_mount(self) -> None:
        self.query_one(Choices).display = False
        self.run_worker(self._read(), exclusive=True)

    async def _read(self) -> None:
        from regtui.operations.tag_log import tag_log

        state = self.query_one(".log-state", Static)
        try:
            self._events = await tag_log(self._session, self._reference)
        except RegtuiError as error:
            state.update(Content(self._glyphs.text(explained(error))))
            return
        if not self._events:
            state.update(Content("regtui never saw this tag. It keeps in mind what it sees from now on."))
            return
        state.update(Content("As this machine saw it. Enter opens, c compares with now, t tags, y copies."))
        choices = self.query_one(Choices)
        choices.show([_row(event) for event in self._events])
        choices.display = True
        self.fit()
        choices.focus()
        self._tell(0)

    def on_lines_cursor_moved(self, message: Choices.CursorMoved) -> None:
        self._tell(message.index)

    def _tell(self, index: int) -> None:
        if not self._events:
            return
        event = self._events[index]
        parts: list[str] = [event.digest] if event.digest else []
        parts.append(
            f"first seen {exact(event.first)}, last {exact(event.last)}" if event.digest else exact(event.first)
        )
        if event.by:
            parts.append(f"by {event.by.user}, change {event.by.id}: {event.by.title}")
        self.query_one(".log-detail", Static).update(Content(self._glyphs.text("\n".join(parts))))

    # Keys

    def on_choices_chosen(self, message: Choices.Chosen) -> None:
        self._answer(What.OPEN)

    def action_compare(self) -> None:
        self._answer(What.COMPARE)

    def action_retag(self) -> None:
        self._answer(What.RETAG)

    def action_copy(self) -> None:
        self._answer(What.COPY)

    def _answer(self, what: What) -> None:
        """Nothing can be done with what is gone, but its digest copied."""
        if not self._events:
            return
        event = self._events[self.query_one(Choices).cursor]
        if event.digest and (event.is_there or what is What.COPY):
            self.dismiss(Answer(what, event.digest))
        else:
            gone = "The registry has it no more: y copies its digest." if event.digest else "The tag was gone then."
            self.notify(gone, severity="warning")


def _row(event: TagEvent) -> Choice:
    state = "current" if event.is_now else "" if event.is_there is not False else "gone from the registry"
    by = f"by {event.by.user}, change {event.by.id}" if event.by else ""
    when = ago(event.last if event.digest and not event.by else event.first)
    return Choice(short(event.digest) if event.digest else "deleted", "  ".join(filter(None, [when, state, by])), "")
