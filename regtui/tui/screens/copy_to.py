"""Asks where a tag is to be copied or moved to: another name beside it, another repository, another registry."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from regtui.config import Settings
from regtui.errors import UsageError
from regtui.oci.reference import Reference
from regtui.operations.completing import Wanted, references
from regtui.operations.naming import target_beside
from regtui.operations.targets import recent_targets
from regtui.tui.glyphs import Glyphs
from regtui.tui.screens.dialog import Dialog, Notice, doing_button, explained, facts, safe_button, said
from regtui.tui.widgets.choices import Choice, Choices
from regtui.tui.widgets.option import Option

_SHOWN = 5
"""Proposals that are listed at a time."""


class Target(NamedTuple):
    """Where to, and what comes along."""

    reference: Reference
    moves: bool = False
    platform: str = ""  # the one image of an index that is taken; empty: all of it
    referrers: bool = False


class CopyToDialog(Dialog[Target]):
    """Answers where to. What is typed proposes what this machine knows; Tab takes a proposal over."""

    AUTO_FOCUS = "Input"
    QUESTION: ClassVar[str] = "To a TAG, REPOSITORY:TAG, or HOST/REPOSITORY[:TAG]:"
    PLACEHOLDER: ClassVar[str] = "1.4 or team/app:1.4"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "next proposal"),
        Binding("up", "move(-1)", "proposal before"),
        Binding("tab", "take", "take the proposal over", priority=True),
    ]

    def __init__(
        self,
        source: Reference,
        settings: Settings,
        glyphs: Glyphs,
        *,
        beside: Reference | None = None,
        platforms: Sequence[str] = (),
        text: str = "",
        title: str = "Retag, copy or move",
        doing: str = "Look",
        can_move: bool = True,
    ) -> None:
        """`platforms` are those of an index; `text` is what stands in the line at first.

        What is typed leaves out what is as in `beside`, which is the source unless given.
        """
        super().__init__(title)
        self.source = source
        self._beside = beside or source
        self._settings = settings
        self._glyphs = glyphs
        self._platforms = platforms
        self._text = text
        self._doing = doing
        self._can_move = can_move and bool(source.tag) and not source.digest
        self._choices = Choices(glyphs=glyphs)

    def body(self) -> Iterable[Widget]:
        yield Static(facts([("From", self._glyphs.text(str(self.source)))]))
        yield said(self.QUESTION, "question")
        yield Input(self._text, compact=True, placeholder=self.PLACEHOLDER, select_on_focus=False)
        yield Notice()
        self._choices.can_focus = False
        self._choices.display = False
        yield self._choices
        moves = [("", "keep it"), ("move", "delete it when the copy is whole")]
        yield Option("The source", moves if self._can_move else moves[:1], glyphs=self._glyphs, id="moves")
        platforms = [("", "all"), *((platform, f"only {platform}") for platform in self._platforms)]
        yield Option(
            "Platforms", platforms if len(platforms) > 2 else platforms[:1], glyphs=self._glyphs, id="platform"
        )
        along = [("", "without signatures and SBOMs"), ("all", "with signatures, SBOMs, attestations")]
        yield Option("Referrers", along, glyphs=self._glyphs, id="referrers")

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Cancel")
        yield doing_button(self._doing)

    def on_mount(self) -> None:
        self.query_one(Input).cursor_position = len(self._text)
        self._propose(self._text)

    def on_input_changed(self, message: Input.Changed) -> None:
        self.query_one(Notice).say("")
        self._propose(message.value)

    def _propose(self, text: str) -> None:
        self.run_worker(self._look(text.strip()), group="propose", exclusive=True)

    async def _look(self, text: str) -> None:
        """Small files of this machine, off the loop."""
        recent = await asyncio.to_thread(recent_targets, self._settings)
        found = [target for target in recent if target.startswith(text) and target != text]
        if text:
            known = await asyncio.to_thread(references, self._settings, text, Wanted.VERSION)
            found += [candidate.text for candidate in known if candidate.text != text]
        self._choices.show([Choice(name, "", name) for name in dict.fromkeys(found)])
        self._choices.display = bool(found)
        self._choices.styles.height = max(1, min(_SHOWN, len(found)))
        self._choices.move_to(0)

    def action_move(self, by: int) -> None:
        self._choices.move_to(self._choices.cursor + by)

    def action_take(self) -> None:
        """Tab: what is proposed goes into the line; where there is nothing to take, to the next line."""
        line = self.query_one(Input)
        if line.has_focus and self._choices.row_count and line.value.strip():
            self._choices.action_open()
        else:
            self.focus_next()

    def on_choices_chosen(self, message: Choices.Chosen) -> None:
        line = self.query_one(Input)
        line.value = message.choice.text
        line.cursor_position = len(line.value)

    def on_input_submitted(self) -> None:
        self.confirm()

    def understood(self, text: str) -> Reference:
        """What was typed. Raises `UsageError`, `ReferenceError`."""
        return target_beside(text, self._beside)

    def confirm(self) -> None:
        try:
            reference = self.understood(self.query_one(Input).value.strip())
        except UsageError as error:
            self.query_one(Notice).say(explained(error))
            self.query_one(Input).focus()
            return
        value = {option.id: option.value for option in self.query(Option)}
        if value["moves"] and value["platform"]:
            self.query_one(Notice).say("A move takes all platforms: keep the source, or take all of them.")
            return
        self.dismiss(Target(reference, bool(value["moves"]), value["platform"], bool(value["referrers"])))
