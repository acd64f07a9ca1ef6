"""JSON as it was sent, in lines that fold."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.errors import ContentError
from regtui.tui.widgets.details.folding import Folding, fold

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=30,
)


def text(folding: Folding) -> str:
    return "\n".join("".join(piece for piece, _ in line.pieces) for line in folding.lines)


@given(VALUES, st.sampled_from([None, 1, 4]), st.booleans())
def test_what_is_shown_is_the_same_document(value: object, indent: int | None, ascii: bool) -> None:
    raw = json.dumps(value, indent=indent, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    try:
        folding = fold(raw, 2)
    except ContentError:
        return  # a lone surrogate is no UTF-8
    assert json.loads(text(folding)) == value
    for at, line in enumerate(folding.lines):
        assert folding.lines[line.end].end == line.end >= at


def test_literals_stand_as_they_were_written_even_twice() -> None:
    folding = fold(b'{"a": 1.0, "a": 1E3, "b": "\\u001b\\/"}', 2)
    assert text(folding) == '{\n"a": 1.0,\n"a": 1E3,\n"b": "\\u001b\\/"\n}'


def test_members_below_the_second_level_are_folded_and_unfold() -> None:
    folding = fold(b'{"layers":[{"digest":"sha256:1","size":3},{"digest":"sha256:2","size":4}],"x":[[]]}', 2)
    assert folding.visible() == [0, 1, 2, 6, 10, 11, 12, 13, 14]
    folding.lines[2].folded = False
    assert folding.visible()[2:6] == [2, 3, 4, 5]
    assert folding.opener(4) == 2
    assert folding.opener(2) == 1
    assert folding.opener(0) == 0


def test_every_line_of_a_descriptor_links_to_it() -> None:
    folding = fold(b'{"config":{"digest":"sha256:1","size":3,"platform":{"os":"linux"}},"n":1}', 9)
    links = [line.link["digest"] if line.link else "" for line in folding.lines]
    assert links == ["", *["sha256:1"] * 7, "", ""]


@pytest.mark.parametrize("raw", [b"", b"{", b"<html>", b"[" * 100_000, b'"\xff"', b"{} {}"])
def test_what_is_no_json_is_said(raw: bytes) -> None:
    with pytest.raises(ContentError):
        fold(raw, 2)
