"""What a vendor answers to the removal of a tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regtui.registry.answers import Answer

if TYPE_CHECKING:
    from regtui.registry.exchange import Exchange


def check_removed(exchange: Exchange, answer: Answer, repository: str, tag: str) -> None:
    """Raises the error that the answer is, unless it says that the tag is gone, or soon will be."""
    if answer.status not in (200, 202, 204) or answer.is_web_page:
        subject = f"{exchange.registry}/{repository}"
        raise exchange.refusal(answer, f"{subject}:{tag}", repository, f"{subject} has no tag {tag}")
