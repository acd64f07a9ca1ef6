"""The list under every pane: a million rows, few bytes, nothing raw."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual import events

from regtui.tui.cells import Cell, Row, fit, laid_out
from regtui.tui.glyphs import ASCII, UNICODE
from regtui.tui.keys import ACTIONS
from regtui.tui.widgets.lines import Lines
from regtui.tui.widgets.pane import Pane
from tests.tui.stage import HOSTILE, on_stage, repaints


class Numbers(Lines):
    """As many rows as one likes."""

    def __init__(self, count: int, *, page_jump: bool = False, empty_text: str = "", ascii: bool = False) -> None:
        super().__init__(page_jump=page_jump, empty_text=empty_text, glyphs=ASCII if ascii else UNICODE)
        self.count = count
        self.laid_out = 0
        self.opened: list[int] = []

    @property
    def row_count(self) -> int:
        return self.count

    def row_version(self, index: int) -> int:
        return index

    def row(self, index: int, width: int) -> Row:
        self.laid_out += 1
        return (Cell(f"row {index}", width=width),)

    def action_open(self) -> None:
        self.opened.append(self.cursor)


class Names(Lines):
    """One row a name, in two cells of two styles."""

    def __init__(self, *names: str, ascii: bool = False) -> None:
        super().__init__(glyphs=ASCII if ascii else UNICODE)
        self.names = names

    @property
    def row_count(self) -> int:
        return len(self.names)

    def row(self, index: int, width: int) -> Row:
        return (Cell(self.names[index], width=20), Cell("  ▸ 1", "dim"))


# What a row is laid into


@pytest.mark.parametrize(
    ("text", "width", "drawn"),
    [
        ("1.4.2", 8, "1.4.2   "),
        ("1.4.2", 5, "1.4.2"),
        ("1.4.2-alpine", 8, "1.4.2-a…"),
        ("大大大", 6, "大大大"),
        ("大大大", 5, "大大…"),
        ("大大大", 4, "大 …"),  # a wide character that would stand half over the edge is left out
        ("大大大", 1, "…"),
        ("1.4.2", 0, ""),
        ("", 3, "   "),
    ],
)
def test_text_is_cut_and_padded_by_the_cells_it_takes(text: str, width: int, drawn: str) -> None:
    assert fit(text, width) == drawn


def test_sizes_stand_at_the_right() -> None:
    assert fit("41.2 MB", 9, right=True) == "  41.2 MB"


@given(st.lists(st.tuples(st.text(), st.none() | st.integers(0, 30)), max_size=5), st.integers(0, 60), st.booleans())
def test_whatever_is_in_its_cells_a_row_fills_its_width_exactly_and_prints(
    cells: list[tuple[str, int | None]], width: int, ascii: bool
) -> None:
    row = tuple(Cell(text, "", wanted) for text, wanted in cells)
    drawn = "".join(text for text, _ in laid_out(row, width, ASCII if ascii else UNICODE))
    assert cell_len(drawn) == width
    assert drawn.isprintable()
    assert not ascii or drawn.isascii()


@pytest.mark.parametrize("size", [(80, 24), (12, 3)])
async def test_a_hostile_name_never_reaches_the_screen_raw(size: tuple[int, int]) -> None:
    async with on_stage(Names(*HOSTILE), size=size) as (stage, _):
        assert all(line.isprintable() for line in stage.lines())
    async with on_stage(Names(*HOSTILE), size=(60, 8)) as (stage, _):
        assert stage.lines()[:6] == [
            "▌\\x1b[31mred           ▸ 1",
            " a\\u202eb              ▸ 1",
            " [bold]x[/]            ▸ 1",
            " tab\\there             ▸ 1",
            " 大大大大大大大大大 …  ▸ 1",
            " longlonglonglonglon…  ▸ 1",
        ]


async def test_without_unicode_all_is_ascii() -> None:
    async with on_stage(Names("größe", "大", "1.4.2", ascii=True), size=(40, 3)) as (stage, _):
        assert stage.lines() == [
            ">gr\\xf6\\xdfe           + 1",
            " \\u5927                + 1",
            " 1.4.2                 + 1",
        ]


def test_a_bar_shows_the_smallest_share_and_never_more_than_all() -> None:
    assert UNICODE.bar(0.5, 4) == "██  "
    assert UNICODE.bar(0.55, 4) == "██▎ "
    assert UNICODE.bar(1e-9, 4) == "▏   "
    assert UNICODE.bar(7, 4) == "████"
    assert UNICODE.bar(0, 4) == "    "
    assert ASCII.bar(0.5, 4) == "##  "
    assert ASCII.bar(1e-9, 4) == "#   "


# Moving about


async def test_a_million_rows_cost_no_more_than_the_screen_shows() -> None:
    numbers = Numbers(1_000_000)
    async with on_stage(numbers, size=(30, 10)) as (stage, pilot):
        await pilot.press("G")
        assert stage.lines()[-1] == "▌row 999999                  ▐"
        await pilot.press("k", "pageup", "g")
        assert stage.lines()[0] == "▌row 0                       ▐"
        assert numbers.laid_out < 100


async def test_the_cursor_moves_by_arrows_and_letters_pages_and_ends() -> None:
    numbers = Numbers(100)
    async with on_stage(numbers, size=(30, 10)) as (_, pilot):
        for key, cursor in [
            ("j", 1),
            ("down", 2),
            ("k", 1),
            ("up", 0),
            ("up", 0),
            ("pagedown", 10),
            ("pagedown", 20),
            ("pageup", 10),
            ("G", 99),
            ("down", 99),
            ("g", 0),
            ("end", 99),
            ("home", 0),
        ]:
            await pilot.press(key)
            assert numbers.cursor == cursor, key
            assert numbers.cursor in numbers.view


async def test_every_move_of_the_cursor_is_told_once() -> None:
    async with on_stage(Numbers(100), size=(30, 10)) as (stage, pilot):
        await pilot.press("j", "j", "G", "G")
        assert [message.index for message in stage.heard(Lines.CursorMoved)] == [1, 2, 99]


async def test_a_moved_cursor_repaints_two_lines() -> None:
    numbers = Numbers(100)
    async with on_stage(numbers, size=(30, 10)) as (_, pilot):
        with repaints(numbers) as asked:
            await pilot.press("j")
        assert {(region.y, region.height) for region in asked} == {(0, 1), (1, 1)}


async def test_rows_that_come_in_above_repaint_nothing() -> None:
    """Given the cursor on a row, when others come in above, then it keeps its row and its line on the screen."""

    class Shifting(Numbers):
        first = 1000

        def row_version(self, index: int) -> int:
            return self.first + index

        def row(self, index: int, width: int) -> Row:
            return (Cell(f"row {self.first + index}"),)

    numbers = Shifting(5000)
    async with on_stage(numbers, size=(30, 10)) as (stage, pilot):
        numbers.move_to(2500)
        await pilot.press("up", "up", "up")
        before = stage.lines()
        with repaints(numbers) as asked:
            numbers.first, numbers.count = 990, 5010
            numbers.refresh_rows(numbers.cursor + 10)
            await pilot.pause()
        assert not asked
        assert stage.lines() == before
        assert "▌row 3497" in before[numbers.cursor - numbers.view.start]


async def test_over_ssh_the_list_jumps_half_a_page_at_its_edge() -> None:
    numbers = Numbers(100, page_jump=True)
    async with on_stage(numbers, size=(30, 10)) as (_, pilot):
        numbers.move_to(9)
        assert numbers.view.start == 0
        await pilot.press("j")
        assert numbers.view == range(6, 16)
        await pilot.press("j", "j", "j")
        assert numbers.view == range(6, 16)
        numbers.move_to(6)
        await pilot.press("k")
        assert numbers.view == range(0, 10)


async def test_a_click_moves_the_cursor_and_a_second_opens() -> None:
    numbers = Numbers(5)
    async with on_stage(numbers, size=(30, 10)) as (_, pilot):
        await pilot.click(numbers, offset=(4, 3))
        assert (numbers.cursor, numbers.opened) == (3, [])
        await pilot.press("up", "down")
        await pilot.click(numbers, offset=(4, 3))
        assert numbers.opened == []
        await pilot.click(numbers, offset=(4, 3))
        assert numbers.opened == [3]
        await pilot.click(numbers, offset=(4, 8))  # below the last row
        assert numbers.cursor == 3


async def test_the_wheel_moves_the_view_and_the_next_key_comes_back_to_the_cursor() -> None:
    numbers = Numbers(100)
    async with on_stage(numbers, size=(30, 10)) as (_, pilot):
        for _ in range(8):
            await pilot._post_mouse_events([events.MouseScrollDown], numbers, button=0)
        assert numbers.view.start > 0
        assert numbers.cursor == 0
        await pilot.press("j")
        assert numbers.cursor == 1
        assert 1 in numbers.view


async def test_an_empty_list_says_why_in_as_many_lines_as_that_takes() -> None:
    numbers = Numbers(0, empty_text="This registry doesn't list its repositories. Press o to open one by name.")
    async with on_stage(numbers, size=(32, 6)) as (stage, pilot):
        assert stage.lines()[:3] == [
            " This registry doesn't list its",
            " repositories. Press o to open",
            " one by name.",
        ]
        await pilot.press("j", "k", "G", "g", "pagedown", "pageup")
        numbers.count = 3
        numbers.refresh_rows()
        await pilot.pause()
        assert stage.lines()[:3] == ["▌row 0", " row 1", " row 2"]


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (3, 3), (400, 100)])
@pytest.mark.parametrize("count", [0, 1000])
async def test_it_lives_at_any_size(size: tuple[int, int], count: int) -> None:
    numbers = Numbers(count, empty_text="nothing here")
    async with on_stage(numbers, size=size) as (stage, pilot):
        await pilot.press("j", "G", "pageup")
        await pilot.resize_terminal(37, 11)
        await pilot.press("g", "pagedown")
        await pilot.resize_terminal(*size)
        assert len(stage.lines()) == size[1]


async def test_rows_that_went_leave_the_cursor_on_the_last() -> None:
    numbers = Numbers(100)
    async with on_stage(numbers, size=(30, 10)) as (stage, pilot):
        await pilot.press("G")
        numbers.count = 3
        numbers.refresh_rows()
        await pilot.pause()
        assert stage.lines()[:4] == [" row 0", " row 1", "▌row 2", ""]


# The pane around it


async def test_the_focused_pane_has_the_heavier_border() -> None:
    first, second = Numbers(3), Numbers(3)
    panes = Pane(first, number=1, title="Repositories"), Pane(second, number=2, title="Tags")
    for pane in panes:
        pane.styles.height = 5
    async with on_stage(*panes, size=(30, 10)) as (stage, pilot):
        first.focus()
        await pilot.pause()
        assert stage.lines()[0] == "┏━ 1 Repositories ━━━━━━━━━━━┓"
        assert stage.lines()[5] == "┌─ 2 Tags ───────────────────┐"
        second.focus()
        await pilot.pause()
        assert stage.lines()[0] == "┌─ 1 Repositories ───────────┐"
        assert stage.lines()[5] == "┏━ 2 Tags ━━━━━━━━━━━━━━━━━━━┓"


async def test_a_new_title_repaints_one_line_and_holds_nothing_raw() -> None:
    pane = Pane(Numbers(3), number=2, title="Tags")
    async with on_stage(pane, size=(30, 5)) as (stage, pilot):
        with repaints(pane) as asked:
            pane.title_text = "Tags · \x1b[31m[bold]evil[/] · by name"
            await pilot.pause()
        assert [region.height for region in asked] == [1]
        assert stage.lines()[0] == "┏━ 2 Tags · \\x1b[31m[bold]… ━┓"


async def test_without_unicode_the_border_is_ascii_too() -> None:
    pane = Pane(Numbers(1, ascii=True), number=2, title="Tags · 3", glyphs=ASCII)
    async with on_stage(pane, size=(20, 4)) as (stage, _):
        assert stage.lines() == [
            "+- 2 Tags - 3 -----+",
            "|>row 0            |",
            "|                  |",
            "+------------------+",
        ]


def test_every_binding_of_a_list_can_be_changed_in_the_settings() -> None:
    assert all(binding.id in ACTIONS for _, binding in Numbers(0)._bindings)
