"""Rows of a text: exactly its lines, long ones in pieces, wherever one looks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from regtui.tui.widgets.content.text_rows import PAGE, TextRows


def test_rows_are_lines_without_their_ends() -> None:
    rows = TextRows(b"one\ntwo\r\n\nfour\tx\nlast")
    assert list(rows.texts(range(len(rows)))) == ["one", "two", "", "four    x", "last"]
    assert [rows.number(row) for row in range(len(rows))] == [1, 2, 3, 4, 5]


def test_a_newline_at_the_end_begins_no_row() -> None:
    assert (len(TextRows(b"")), TextRows(b"").lines) == (0, 0)
    assert (len(TextRows(b"\n")), TextRows(b"\n").lines) == (1, 1)
    assert (len(TextRows(b"a\n")), TextRows(b"a").lines) == (1, 1)


def test_a_line_of_a_hundred_megabytes_is_many_rows_of_one_line() -> None:
    rows = TextRows(b"x" * 100_000_000)
    assert (rows.lines, len(rows)) == (1, 100_000_000 // PAGE + 1)
    assert len(rows.text(10_000)) == PAGE
    assert [rows.number(row) for row in (0, 1, len(rows) - 1)] == [1, 0, 0]


def test_a_piece_ends_between_characters() -> None:
    rows = TextRows("€".encode() * 20_000)
    assert "".join(rows.texts(range(len(rows)))) == "€" * 20_000


def test_two_hundred_thousand_lines() -> None:
    rows = TextRows(b"".join(b"line %d\n" % number for number in range(1, 200_001)))
    assert (len(rows), rows.lines) == (200_000, 200_000)
    assert rows.text(rows.row_of_line(123_456)) == "line 123456"
    assert rows.row_of_line(10**9) == 199_999


LINES = st.lists(st.sampled_from([b"", b"a", b"abc" * 500, b"x" * PAGE, b"y" * (PAGE - 1), b"z" * (3 * PAGE + 1)]))


@given(LINES, st.booleans())
def test_whatever_the_lines_nothing_is_lost_and_every_line_is_found(lines: list[bytes], ends: bool) -> None:
    data = b"\n".join(lines) + b"\n" * ends
    rows = TextRows(data)
    assert b"".join(rows.span(range(row, row + 1)) for row in range(len(rows))) == data
    assert len(data.splitlines()) == rows.lines
    numbers = [rows.number(row) for row in range(len(rows))]
    assert [number for number in numbers if number] == list(range(1, rows.lines + 1))
    assert [rows.row_of_line(number) for number in range(1, rows.lines + 1)] == [
        row for row, number in enumerate(numbers) if number
    ]
    for row in range(len(rows)):
        assert rows.row_at(rows.position(row)) == row
        assert len(rows.text(row)) <= 2 * PAGE
