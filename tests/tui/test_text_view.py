"""A text in a list: safe, coloured, scrolled to both sides, searched."""

from __future__ import annotations

import re
import time

import pytest
from textual.pilot import Pilot

from regtui.patterns import Filter
from regtui.tui.glyphs import ASCII
from regtui.tui.widgets.content.hex_view import HexView
from regtui.tui.widgets.content.syntax import BLOCK, coloured, language_of
from regtui.tui.widgets.content.text_rows import TextRows
from regtui.tui.widgets.content.text_view import TextView
from tests.tui.stage import Stage, on_stage


def rows(stage: Stage) -> list[str]:
    return [line for line in stage.lines() if line]


async def show(view: TextView, pilot: Pilot[None], data: bytes, language: str = "") -> None:
    view.show(TextRows(data), language)
    await pilot.pause()


# Text


async def test_lines_have_numbers_and_nothing_raw() -> None:
    view = TextView()
    async with on_stage(view, size=(50, 8)) as (stage, pilot):
        await show(view, pilot, b"a\tb\r\n\x1b[31mred\x07\n\xff \xe2\x80\xae\n[bold]\n")
        assert rows(stage) == [
            "▌1 a       b",
            " 2 \\x1b[31mred\\x07",
            " 3 \\xff \\u202e",
            " 4 [bold]",
        ]


async def test_a_narrow_screen_has_no_room_for_numbers_and_ascii_is_ascii() -> None:
    view = TextView(glyphs=ASCII)
    async with on_stage(view, size=(30, 5)) as (stage, pilot):
        await show(view, pilot, "Grüße → all\n".encode() + b"x" * 50)
        assert rows(stage) == [">Gr\\xfc\\xdfe -> all", " " + "x" * 28 + "~"]


async def test_long_lines_are_scrolled_to_the_side_as_far_as_they_go() -> None:
    view = TextView()
    async with on_stage(view, size=(44, 4)) as (stage, pilot):
        await show(view, pilot, b"short\n" + b"0123456789" * 8)
        assert rows(stage)[1] == " 2 " + ("0123456789" * 5)[:40] + "…"
        await pilot.press("right", "right")
        assert rows(stage) == ["▌1", " 2 " + ("0123456789" * 8)[39:80]]
        await pilot.press("right", "left", "left", "left")
        assert rows(stage)[0] == "▌1 short"


async def test_a_wide_character_that_is_cut_leaves_a_space() -> None:
    view = TextView()
    async with on_stage(view, size=(44, 4)) as (stage, pilot):
        await show(view, pilot, b"x" + "世".encode() * 60)
        await pilot.press("right")
        assert rows(stage)[0].startswith("▌1  世世")


async def test_two_hundred_thousand_lines_are_a_screen_of_work() -> None:
    view = TextView()
    async with on_stage(view, size=(60, 10)) as (stage, pilot):
        text = TextRows(b"".join(b"line %d of it\n" % number for number in range(1, 200_001)))
        view.show(text)
        await pilot.press("G")
        assert rows(stage)[-1].startswith("▌200000 line 200000 of it")
        assert view.place == "line 200,000 of 200,000"
        assert len(view._drawn) < 40, "no more rows were made than were seen"
        view.go_to(77_777)
        await pilot.pause()
        assert any(row.startswith("▌ 77777 line 77777 of it") for row in rows(stage))
        view.go_to_byte(view.position)
        assert view.place == "line 77,777 of 200,000"


async def test_colours_come_a_little_later() -> None:
    view = TextView()
    async with on_stage(view, size=(60, 6)) as (stage, pilot):
        await show(view, pilot, b'x = "text"  # why\ny = 12\n', "python")
        await stage.workers.wait_for_complete()
        assert view._safe(0) == [
            ("", "x"),
            ("", " "),
            ("", "="),
            ("", " "),
            ("string", '"'),
            ("string", "text"),
            ("string", '"'),
            ("", "  "),
            ("comment", "# why"),
        ]
        assert view._safe(1)[-1] == ("number", "12")
        assert rows(stage) == ['▌1 x = "text"  # why', " 2 y = 12"]


@pytest.mark.parametrize(
    ("path", "program", "language"),
    [
        ("usr/lib/python3/a.py", "", "python"),
        ("app/Dockerfile", "", "docker"),
        ("etc/nginx/nginx.conf", "", "nginx"),
        ("etc/app.conf", "", "ini"),
        ("usr/bin/ldd", "bash", "bash"),
        ("etc/passwd", "", ""),
    ],
)
def test_the_language_follows_from_the_name_or_what_runs_it(path: str, program: str, language: str) -> None:
    assert language_of(path, program) == language


def test_every_language_has_its_lexer_and_gives_back_the_text() -> None:
    from regtui.tui.widgets.content import syntax

    text = TextRows(b'# a "b" <c d="e">\n\n\tf: 12 {\n}\r\n\x1b\n' * 60)
    names = {*syntax._BY_NAME.values(), *syntax._BY_ENDING.values(), *syntax._BY_PROGRAM.values()}
    for language in names:
        for pieces, plain in zip(coloured(text, 1, language), text.texts(range(BLOCK, 2 * BLOCK)), strict=True):
            assert pieces is None or "".join(part for _, part in pieces) == plain


def test_a_text_that_keeps_a_lexer_busy_is_left_without_colours() -> None:
    text = TextRows((b"/*" * 199 + b"\n") * 400)
    began = time.process_time()
    assert len(coloured(text, 2, "c")) == BLOCK
    assert time.process_time() - began < 10


# Folding


async def test_long_lines_are_folded_and_the_cursor_stays_on_its_line() -> None:
    view = TextView()
    async with on_stage(view, size=(44, 8)) as (stage, pilot):
        await show(view, pilot, b"0123456789" * 9 + b"\nlast")
        await pilot.press("right", "j", "F")
        await stage.workers.wait_for_complete()
        await pilot.pause()
        assert rows(stage) == [
            " 1 " + ("0123456789" * 4),
            "   " + ("0123456789" * 9)[40:80],
            "   " + ("0123456789" * 9)[80:],
            "▌2 last",
        ]
        assert view.place == "line 2 of 2"
        view.go_to(1)
        await pilot.press("j", "right")
        assert view.place == "line 1 of 2"
        await pilot.press("F")
        assert rows(stage)[0] == "▌1 " + ("0123456789" * 5)[:40] + "…"


async def test_no_wide_character_is_lost_at_a_fold() -> None:
    view = TextView()
    async with on_stage(view, size=(30, 8)) as (stage, pilot):
        await show(view, pilot, b"x" + "世".encode() * 20 + b"\x1b" * 10)
        await pilot.press("F")
        await stage.workers.wait_for_complete()
        await pilot.pause()
        assert "".join(row[1:] for row in rows(stage)).replace(" ", "") == "x" + "世" * 20 + "\\x1b" * 10


async def test_a_search_finds_the_fold_that_has_it() -> None:
    view = TextView()
    async with on_stage(view, size=(44, 8)) as (stage, pilot):
        await show(view, pilot, b"a" * 300 + b"needle" + b"a" * 30)
        await pilot.press("F")
        await stage.workers.wait_for_complete()
        view.mark(re.compile("needle"))
        view.found(0)
        await pilot.pause()
        assert "needle" in next(row for row in rows(stage) if row.startswith("▌"))


# Searching


def found(view: TextView, wanted: str, start: int = 0, by: int = 1) -> int | None:
    return next((row for row in view.search(Filter(wanted), start, by) if row is not None), None)


async def test_a_search_goes_down_or_up_and_round_the_end() -> None:
    view = TextView()
    async with on_stage(view, size=(60, 10)) as (_, pilot):
        await show(view, pilot, b"".join(b"Line %d\n" % number for number in range(10_000)))
        assert found(view, "line 77") == 77
        assert found(view, "line 77", 78) == 177
        assert found(view, "line 77", 76, -1) == 9977
        assert found(view, "re:^line 5$", 6) == 5
        assert found(view, "*99") == 99
        assert found(view, "nowhere") is None


async def test_what_was_found_is_marked_and_scrolled_into_view() -> None:
    view = TextView()
    async with on_stage(view, size=(44, 6)) as (stage, pilot):
        await show(view, pilot, b"a\n" + b"x" * 300 + b"needle" + b"\nneedle\n")
        view.mark(re.compile("needle"))
        view.found(1)
        await pilot.pause()
        assert "needle" in rows(stage)[1]
        assert ("match", "needle") in [(cell.style, cell.text) for cell in view.row(1, 42)]


# Hex


async def test_bytes_are_shown_sixteen_a_row_at_eighty_columns() -> None:
    view = HexView()
    async with on_stage(view, size=(78, 5)) as (stage, pilot):
        view.show(bytes(range(256)) * 2)
        await pilot.pause()
        assert rows(stage)[0].startswith(
            "▌00000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  ................"
        )
        view.go_to(0x41)
        await pilot.pause()
        assert "▌00000040  40 41 42 43 44 45 46 47  48 49 4a 4b 4c 4d 4e 4f  @ABCDEFGHIJKLMNO" in rows(stage)[
            1
        ] + "".join(rows(stage))
        assert view.place == "byte 64 of 512"


@pytest.mark.parametrize(("width", "row"), [(30, 4), (50, 8), (78, 16), (160, 32)])
async def test_as_many_bytes_a_row_as_find_room(width: int, row: int) -> None:
    view = HexView()
    async with on_stage(view, size=(width, 5)) as (stage, pilot):
        view.show(b"a" * 400)
        await pilot.pause()
        assert rows(stage)[0].count("61") == row
        assert rows(stage)[0].count("a") == row


async def test_bytes_are_found_as_letters_or_in_hex() -> None:
    view = HexView()
    async with on_stage(view, size=(78, 5)) as (_, pilot):
        view.show(b"\0" * 100 + b"needle" + b"\0" * 100 + b"\xde\xad" + b"\0" * 14 + b"needle")
        await pilot.pause()
        for text, start, by, row in (
            ("needle", 0, 1, 6),
            ("needle", 7, 1, 13),
            ("needle", 0, -1, 13),
            ("0xDEAD", 0, 1, 12),
            ("nothing", 0, 1, None),
        ):
            assert next(view.search(Filter(text), start, by), None) == row
