"""What failed of a change and why, told once where one reason hit many steps."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from regtui.operations.plan import Plan
from regtui.operations.runner import StepFailed_
from regtui.tui.screens.dialog import explained
from regtui.words import count

_NAMED = 5  # steps of one reason, by name
_REASONS = 20  # that are told; all failures are counted
_DIGEST = re.compile(r"sha\d{3}:[0-9a-f]+")


@dataclass(slots=True)
class _Reason:
    first: str
    others: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        if not self.others:
            return [f"! {self.first}"]
        more = len(self.others) - _NAMED
        named = ", ".join(self.others[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
        return [f"! {self.first}", f"  The same of {len(self.others):,} more: {named}"]


class Failures:
    """Of one execution of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._reasons: dict[str, _Reason] = {}

    def note(self, event: StepFailed_) -> None:
        why = explained(event.error)
        told = f"{event.text}: {why}"
        reason = self._reasons.setdefault(self._without_names(event.number, why), _Reason(told))
        if reason.first != told:
            reason.others.append(event.text)

    def lines(self) -> list[str]:
        """To be shown through the gate, as all that comes from a registry."""
        more = len(self._reasons) - _REASONS
        lines = [line for reason in list(self._reasons.values())[:_REASONS] for line in reason.lines()]
        return lines + [f"and {count(more, 'other reason')}"] * (more > 0)

    def _without_names(self, number: int, why: str) -> str:
        """What a reason has in common with that of other steps: without this step's own tag and digests."""
        intent = self._plan.steps[number - 1].intent()
        names = f"{intent.get('tag', '')} {intent.get('tags', '')}".split()
        repository = intent.get("repository", "")
        for name in sorted(names, key=len, reverse=True):
            why = why.replace(f"{repository}:{name}", repository)
        return _DIGEST.sub("", why)
