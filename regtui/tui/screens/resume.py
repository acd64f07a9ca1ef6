"""A change that was cut off: what was in flight, and what is to become of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

from textual.widget import Widget
from textual.widgets import Button, Static

from regtui.operations.history import KeptChange, KeptStep, Outcome, left_over
from regtui.tui.glyphs import Glyphs
from regtui.tui.screens.dialog import Dialog, doing_button, facts, safe_button
from regtui.words import ago, count, exact

_NAMED = 5


class Resume(StrEnum):
    """The answers, as their buttons say them. None: later."""

    LEAVE = "Leave"
    PUT_BACK = "Put back"
    FINISH = "Finish"


class ResumeDialog(Dialog[Resume]):
    """Nothing is sent by any answer: `FINISH` and `PUT_BACK` show their plan first."""

    def __init__(self, change: KeptChange, steps: Sequence[KeptStep], glyphs: Glyphs) -> None:
        super().__init__("A change was cut off")
        self._change = change
        self._steps = steps
        self._glyphs = glyphs

    def body(self) -> Iterable[Widget]:
        change = self._change
        rows = [
            ("What", change.title),
            ("Where", change.registry),
            ("When", f"{ago(change.time)}, by {change.user} ({exact(change.time)})"),
            ("Done", steps_done(self._steps)),
        ]
        if left := left_over(self._steps):
            more = f" and {len(left) - _NAMED:,} more" if len(left) > _NAMED else ""
            named = f"{', '.join(left[:_NAMED])}{more} may hold a throw-away manifest"
            rows.append(("Left over", f"{named}: finishing and putting back both take it away"))
        rows += [
            ("Finish", "does the rest, as far as nothing was moved since"),
            ("Put back", "undoes what was done of it"),
            ("Leave", "changes nothing, and asks no more"),
        ]
        yield Static(facts([(label, self._glyphs.text(text)) for label, text in rows]))

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Later")
        for answer in Resume:
            button = doing_button(answer)
            button.id = answer.name
            yield button

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Of the three answers; the dialog's own, which is called too, takes the safe one."""
        if event.button.id:
            self.dismiss(Resume[event.button.id])


def steps_done(steps: Sequence[KeptStep]) -> str:
    """`12 of 60 steps; 3 may have been sent`. Steps that later ones took up are counted as those."""
    outcomes = Counter(step.outcome for step in steps)
    total = len(steps) - outcomes[Outcome.RESUMED] - outcomes[Outcome.REPLANNED]
    parts = [f"{outcomes[Outcome.DONE]:,} of {count(total, 'step')}"]
    parts += [f"{outcomes[Outcome.FAILED]:,} failed"] * bool(outcomes[Outcome.FAILED])
    parts += [f"{outcomes[Outcome.STARTED]:,} may have been sent"] * bool(outcomes[Outcome.STARTED])
    return "; ".join(parts)
