"""The gate: nothing that a stranger wrote reaches the terminal as anything but printable text."""

import re
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.text import LINE_LIMIT, for_shell, shown, shown_lines

HOSTILE = st.text(
    st.one_of(
        st.sampled_from(
            "\x00\x07\x08\x1b\x7f\x85\x9b\x9d\u200b\u200d\u202e\u2066\u2028\ufeff\ufe0f\U000e0041\r\n\t[]();"
        ),
        st.characters(),
    ),
    max_size=200,
)


@given(HOSTILE)
def test_whatever_comes_in_what_goes_out_is_printable_and_passes_again_unchanged(text: str) -> None:
    safe = shown(text)
    assert safe.isprintable()
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", safe)
    assert shown(safe) == safe


@given(st.binary(max_size=200))
def test_bytes_of_any_encoding_are_printable(data: bytes) -> None:
    assert shown(data).isprintable()


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("1.4.2", "1.4.2"),
        ("größe 大 é", "größe 大 é"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b2J", "\\x9b2J"),
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("two\nlines\ttab", "two\\nlines\\ttab"),
        ("[bold]x[/]", "[bold]x[/]"),  # markup is text here: nothing that draws reads markup
        (b"caf\xe9", "caf\\xe9"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_is_not_printable_is_written_out(text: str | bytes, safe: str) -> None:
    assert shown(text) == safe


def test_a_megabyte_is_cut_to_a_line() -> None:
    assert len(shown("x" * 1_000_000)) == LINE_LIMIT
    assert shown("abcdef", 4) == "abc…"
    assert len(shown(b"\xff" * 1_000_000)) <= LINE_LIMIT * 4


@given(st.text("a\u0301\u0310\u0489", max_size=60))
def test_combining_marks_neither_begin_a_line_nor_pile_up(text: str) -> None:
    run = 3
    for char in shown(text):
        run = run + 1 if unicodedata.category(char)[0] == "M" else 0
        assert run <= 3


def test_many_lines_are_bounded_and_counted() -> None:
    lines = shown_lines("a\x1b\n\tb\n" * 600, limit=5)
    assert lines[:2] == ["a\\x1b", "    b"]
    assert lines[-1] == "… 1195 more lines"


@pytest.mark.parametrize(
    "text", ["/app.py", "/a b", "/it's", "/\x1b[201~\nreboot\n'7\\", "/\udcff7", "/é\u202e$(x)`x`!"]
)
def test_what_is_pasted_into_a_shell_is_one_printable_word_with_the_same_bytes(text: str) -> None:
    word = for_shell(text)
    assert word.isprintable()
    ran = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert ran.stdout == text.encode("utf-8", "surrogateescape")
