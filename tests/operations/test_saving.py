"""The folder that somebody saves to."""

from __future__ import annotations

from pathlib import Path

import pytest

from regtui.errors import UsageError
from regtui.operations.saving import target_of


def test_a_tilde_is_ones_home() -> None:
    assert target_of("~/there") == Path.home() / "there"


@pytest.mark.parametrize("text", ["", "  ", "a\0b", "~nobody-of-this-name/there"])
def test_what_is_no_folder(text: str) -> None:
    with pytest.raises(UsageError):
        target_of(text)
