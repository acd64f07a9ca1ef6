"""The tags pane: an honest order, a cursor that stays on its tag, marks that last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from textual.pilot import Pilot

from regtui.errors import NotFound
from regtui.oci import media_types
from regtui.oci.digest import digest_of
from regtui.oci.kinds import Kind
from regtui.operations.inventory import Failed, Listed, Read, TagFacts
from regtui.patterns import Filter
from regtui.tui.tag_columns import columns
from regtui.tui.widgets.lines import Lines
from regtui.tui.widgets.tags import Tags
from regtui.words import ago
from regtui.words import size as size_text
from tests.tui.stage import HOSTILE, Stage, on_stage

NOW = datetime.now(UTC)
SIGNATURE = f"sha256-{'a' * 64}.sig"
GONE = NotFound("registry.example.com has no manifest for team/app:1.0", "Refresh.", status=404)


def facts(
    content: str, days: float | None = 1, size: int = 41_200_000, kind: Kind = Kind.IMAGE, partial: bool = False
) -> TagFacts:
    """What a tag points to whose image was made some days ago."""
    return TagFacts(
        digest=digest_of(content.encode()),
        media_type=media_types.OCI_MANIFEST,
        kind=kind,
        created=None if days is None else NOW - timedelta(days=days),
        created_source="" if days is None else "config",
        size=size,
        platforms=("linux/amd64", "linux/arm64"),
        partial=partial,
    )


def started(*tags: str, complete: bool = True, protected: Sequence[str] = ()) -> Tags:
    tags_pane = Tags()
    tags_pane.call_later(begin, tags_pane, tags, complete, protected)
    return tags_pane


def begin(pane: Tags, tags: Sequence[str], complete: bool, protected: Sequence[str]) -> None:
    pane.start("team/app", lambda tag: tag in protected)
    pane.apply([Listed(tuple(tags), complete)])


async def settled(pane: Tags, pilot: Pilot[None]) -> None:
    """Waits until what arrived is in order."""
    pane._paced.run()
    while pane._table.unplaced:
        await pilot.pause(0.01)
    await pilot.pause(0.06)


def column(stage: Stage) -> list[str]:
    """The names on the screen, in order."""
    return [line[3:].split()[0] for line in stage.lines()[1:] if line.strip()]


# Order: newest first, honestly


async def test_until_all_dates_are_known_the_newest_version_comes_first_and_the_title_says_so() -> None:
    pane = started("1.9", "1.10", "1.2", "latest")
    async with on_stage(pane) as (stage, pilot):
        assert column(stage) == ["latest", "1.10", "1.9", "1.2"]
        assert pane.title_text == "Tags · 4 · by name · dates 0 of 4"
        pane.apply([Read("1.2", facts("a", days=1)), Read("1.9", facts("b", days=2))])
        await settled(pane, pilot)
        assert column(stage) == ["latest", "1.10", "1.9", "1.2"]
        assert pane.title_text == "Tags · 4 · by name · dates 2 of 4"


async def test_when_the_last_date_is_in_the_newest_come_first() -> None:
    pane = started("1.9", "1.10", "1.2", "odd")
    async with on_stage(pane) as (stage, pilot):
        pane.apply([Read("1.2", facts("a", days=1)), Read("1.9", facts("b", days=2))])
        pane.apply([Read("1.10", facts("c", days=3)), Failed("odd", GONE)])
        await settled(pane, pilot)
        assert column(stage) == ["1.2", "1.9", "1.10", "odd"]
        assert pane.title_text == "Tags · 4 · newest first · 1 failed"


async def test_an_order_that_the_user_chose_stays() -> None:
    pane = started("1.9", "1.10", "1.2")
    async with on_stage(pane) as (stage, pilot):
        await pilot.press("S")
        assert column(stage) == ["1.2", "1.9", "1.10"]
        pane.apply([Read(tag, facts(tag, days=3)) for tag in ("1.9", "1.10", "1.2")])
        await settled(pane, pilot)
        assert pane.title_text == "Tags · 3 · by name, reversed"


async def test_by_date_before_all_are_known_the_unknown_stand_last_by_name() -> None:
    pane = started("1.9", "1.10", "1.2", "1.3", "1.4")
    async with on_stage(pane) as (stage, pilot):
        pane.apply([Read("1.2", facts("a", days=1)), Read("1.3", facts("b", days=9)), Read("1.9", facts("c", None))])
        await pilot.press("s")
        assert column(stage) == ["1.2", "1.3", "1.10", "1.9", "1.4"]
        assert pane.title_text == "Tags · 5 · by created · dates 3 of 5"
        await pilot.press("S")
        assert column(stage) == ["1.3", "1.2", "1.10", "1.9", "1.4"]


async def test_s_goes_from_column_to_column() -> None:
    pane = started("1.0", "1.1", "1.2")
    async with on_stage(pane) as (stage, pilot):
        pane.apply([Read(f"1.{n}", facts(str(n), days=n, size=(7, 9, 8)[n])) for n in range(3)])
        await settled(pane, pilot)
        assert (pane.title_text, column(stage)) == ("Tags · 3 · newest first", ["1.0", "1.1", "1.2"])
        await pilot.press("s")
        assert (pane.title_text, column(stage)) == ("Tags · 3 · largest first", ["1.1", "1.2", "1.0"])
        await pilot.press("S")
        assert (pane.title_text, column(stage)) == ("Tags · 3 · smallest first", ["1.0", "1.2", "1.1"])
        await pilot.press("s")
        assert (pane.title_text, column(stage)) == ("Tags · 3 · by name", ["1.2", "1.1", "1.0"])


async def test_the_cursor_stays_on_its_tag_and_its_line_whatever_is_sorted_in() -> None:
    pane = started(*(f"1.{n}" for n in range(100)), complete=False)
    async with on_stage(pane, size=(60, 12)) as (stage, pilot):
        await pilot.press("pagedown", "pagedown", "pagedown", "up", "up")
        tag, line = pane.current, pane.cursor - pane.view.start
        pane.apply([Listed(tuple(f"2.{n}" for n in range(500)), True)])
        await settled(pane, pilot)
        assert (pane.current, pane.cursor - pane.view.start) == (tag, line)
        pane.apply([Read(f"{major}.{n}", facts(f"{major}.{n}", days=n)) for major in (1, 2) for n in range(100)])
        pane.apply([Read(f"2.{n}", facts(f"2.{n}", days=n)) for n in range(100, 500)])
        await settled(pane, pilot)
        assert pane.title_text.endswith("newest first")
        assert (pane.current, pane.cursor - pane.view.start) == (tag, line)
        assert str(tag) in stage.lines()[1 + line]
        await pilot.press("s", "s", "S")
        assert (pane.current, pane.cursor - pane.view.start) == (tag, line)


# Columns


def test_columns_that_find_no_room_go_the_digest_first_and_tag_and_created_never() -> None:
    def titles(width: int) -> str:
        return " ".join(column.title for column in columns(width, 12))

    assert titles(100) == "TAG CREATED SIZE PLATFORMS KIND = DIGEST"
    assert titles(75) == "TAG CREATED SIZE PLATFORMS KIND ="
    assert titles(62) == "TAG CREATED SIZE PLATFORMS ="
    assert titles(50) == "TAG CREATED SIZE ="
    assert titles(42) == "TAG CREATED SIZE"
    assert titles(30) == titles(4) == titles(0) == "TAG CREATED"


@pytest.mark.parametrize("width", range(0, 200, 7))
@pytest.mark.parametrize("longest", [1, 12, 128])
def test_columns_fill_their_width_at_most(width: int, longest: int) -> None:
    total = sum(column.width + column.gap for column in columns(width, longest))
    assert total + 2 <= max(width, 4)


async def test_a_row_shows_what_is_known_of_its_tag() -> None:
    pane = started("latest", "1.4", "1.4.2", "1.3", "1.2", "1.1", "1.0", protected=["latest"])
    async with on_stage(pane, size=(90, 10)) as (stage, pilot):
        same = facts("x", days=2)
        pane.apply([Read(tag, same) for tag in ("latest", "1.4.2", "1.4")])
        pane.apply([Read("1.3", facts("y", days=70, size=517, partial=True)), Failed("1.2", GONE)])
        pane.apply([Read("1.1", facts("z", kind=Kind.THROW_AWAY))])
        await pilot.press("G")
        assert stage.lines()[:8] == [
            "   TAG       CREATED              SIZE  PLATFORMS            KIND          =  DIGEST",
            "   latest ⊘  2 days ago        41.2 MB  amd64 arm64          image         3  2d711642b726",
            "   1.4.2     2 days ago        41.2 MB  amd64 arm64          image         3  2d711642b726",
            "   1.4       2 days ago        41.2 MB  amd64 arm64          image         3  2d711642b726",
            "   1.3       ~2 months ago      ~517 B  amd64 arm64          image            a1fce4363854",
            "   1.2       ! registry.example.com has no manifest for team/app:1.0",
            "   1.1       left-over                                       left-over        594e519ae499",
            "▌  1.0       …                       …",
        ]
        assert pane.error("1.2") is GONE
        assert pane.failed == ("1.2",)


def test_times_and_sizes_are_in_one_unit() -> None:
    assert ago(NOW - timedelta(days=400)) == "1 year ago"
    assert ago(NOW - timedelta(days=900)) == "2 years ago"
    assert ago(NOW - timedelta(hours=2, minutes=5)) == "2 hours ago"
    assert ago(NOW + timedelta(days=800)) == "2 years from now"
    assert [size_text(size) for size in (1, 517, 41_200_000)] == ["1 B", "517 B", "41.2 MB"]


async def test_tags_on_the_digest_under_the_cursor_light_up_without_colour_too() -> None:
    pane = started("1.4", "1.3", "1.2")
    async with on_stage(pane, size=(60, 6)) as (stage, pilot):
        pane.apply([Read("1.4", facts("x")), Read("1.2", facts("x")), Read("1.3", facts("y"))])
        await pilot.pause()
        assert [line[:6] for line in stage.lines()[1:4]] == ["▌= 1.4", "   1.3", " = 1.2"]
        await pilot.press("j")
        assert [line[:6] for line in stage.lines()[1:4]] == ["   1.4", "▌= 1.3", "   1.2"]


async def test_a_tag_that_moved_to_another_digest_no_longer_counts_with_its_old_siblings() -> None:
    pane = started("1.2", "1.1", "1.0")
    async with on_stage(pane) as (stage, pilot):
        pane.apply([Read(tag, facts("x")) for tag in ("1.2", "1.1", "1.0")])
        pane.apply([Read("1.2", facts("y"))])
        await settled(pane, pilot)
        assert [line.split()[-2] for line in stage.lines()[1:4]] == ["image", "2", "2"]


async def test_facts_once_whole_are_not_made_partial_by_a_sibling() -> None:
    pane = started("1.2", "1.1")
    async with on_stage(pane) as (_, pilot):
        pane.apply([Read("1.2", facts("x")), Read("1.1", facts("x", partial=True))])
        await pilot.pause()
        assert pane.facts("1.1") == facts("x")
        assert pane.facts("1.2") == facts("x")


async def test_hostile_tags_are_shown_written_out() -> None:
    pane = started(*HOSTILE, protected=HOSTILE)
    async with on_stage(pane, size=(60, 10)) as (stage, pilot):
        pane.apply([Failed(HOSTILE[0], NotFound("\x1b]0;owned\x07", status=404))])
        await pilot.press("G", "space", "g", "v", "G", "v")
        assert all(line.isprintable() for line in stage.lines())
        assert any("[bold]x[/]" in line for line in stage.lines())


# Filter and what is hidden


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1.4", ["1.4.2", "1.4.1", "1.4.2-alpine"]),
        ("ALPINE 1.4", ["1.4.2-alpine"]),
        ("1.4.*", ["1.4.2", "1.4.1", "1.4.2-alpine"]),
        ("4*", []),
        ("*-alpine", ["1.4.2-alpine", "1.3-alpine"]),
        ("1.?-alpine", ["1.3-alpine"]),
        ("[1]*", []),
        (r"re:^1\.4\.\d$", ["1.4.2", "1.4.1"]),
        ("  ", ["1.4.2", "1.4.1", "1.4.2-alpine", "1.3-alpine"]),
    ],
)
def test_the_filter_takes_words_globs_and_regular_expressions(text: str, found: list[str]) -> None:
    names = ["1.4.2", "1.4.1", "1.4.2-alpine", "1.3-alpine"]
    assert [names[index] for index in Filter(text).keep(names, range(4))] == found


async def test_a_filter_that_nothing_matches_says_so() -> None:
    pane = started("1.4.2", "1.4.1")
    async with on_stage(pane) as (stage, pilot):
        pane.set_filter("4*")
        await pilot.pause()
        assert (stage.lines()[1], pane.title_text[:14]) == (" No tag of team/app matches 4*.", "Tags · 0 of 2 ")


async def test_a_bad_regular_expression_is_explained_and_the_rows_stay() -> None:
    pane = started("1.4.2", "1.4.1")
    async with on_stage(pane):
        assert pane.set_filter("re:(1") == (
            "'(1' is no regular expression: missing ), unterminated subpattern at position 0. "
            "Without re: in front, words and * are looked for as they are."
        )
        assert pane.row_count == 2


async def test_the_cursor_finds_its_tag_again_when_the_filter_goes() -> None:
    pane = started(*(f"1.{n}" for n in range(50)))
    async with on_stage(pane) as (_, pilot):
        await pilot.press("pagedown")
        tag = pane.current
        pane.set_filter("nothing matches this")
        assert pane.current is None
        await pilot.press("enter", "space", "v", "j", "A", "I")
        pane.set_filter("")
        assert pane.current == tag


async def test_tags_of_signatures_are_hidden_until_asked_for() -> None:
    signature = f"sha256-{'a' * 64}.sig"
    pane = started("1.0", signature)
    async with on_stage(pane) as (stage, pilot):
        assert (column(stage), pane.title_text) == (["1.0"], "Tags · 1 · by name · dates 0 of 1 · 1 hidden")
        await pilot.press("full_stop")
        assert (len(column(stage)), pane.title_text) == (2, "Tags · 2 · by name · dates 0 of 2")
        await pilot.press("full_stop")
        assert column(stage) == ["1.0"]


async def test_a_signature_stands_under_the_image_that_it_is_about() -> None:
    about = facts("signed")
    signature, stray = about.digest.replace(":", "-") + ".sig", f"sha256-{'a' * 64}.att"
    pane = started("1.2", "1.1", "1.0", signature, stray)
    async with on_stage(pane) as (stage, pilot):
        pane.apply([Read("1.1", about), Read("1.0", about)])
        await settled(pane, pilot)
        await pilot.press("full_stop")
        names = [line[3:].split("  ")[0] for line in stage.lines()[1:6]]
        assert names[:4] == ["1.2", "1.1", "└ sig", "1.0"]
        assert names[4].startswith("sha2")
        await pilot.press("j", "j")
        assert pane.current == signature


async def test_a_date_of_a_push_is_marked_and_a_tag_that_the_registry_locks_has_a_lock() -> None:
    pane = Tags()
    pushed = msgspec.structs.replace(facts("x"), created_source="pushed")
    async with on_stage(pane) as (stage, pilot):
        pane.start("team/app", lambda tag: False)
        pane.apply([Listed(("1.0",), True, frozenset({"1.0"})), Read("1.0", pushed)])
        await settled(pane, pilot)
        assert "1.0 ⊘" in stage.lines()[1]
        assert "↑a day ago" in stage.lines()[1]


# Marks


async def test_space_marks_and_goes_on_and_marks_outlive_sorting_and_filter() -> None:
    pane = started("1.3", "1.2", "1.1", "1.0")
    async with on_stage(pane) as (stage, pilot):
        pane.apply([Read("1.3", facts("x", size=5)), Read("1.2", facts("x", size=5)), Read("1.1", facts("y", size=7))])
        await pilot.press("space", "space", "space")
        assert pane.current == "1.0"
        assert (pane.marked, pane.marked_size) == (("1.3", "1.2", "1.1"), 12)  # one digest counts once
        await pilot.press("S")
        pane.set_filter("1.0")
        assert list(pane.marked) == ["1.1", "1.2", "1.3"]
        pane.set_filter("")
        await pilot.pause()
        assert [line[1] for line in stage.lines()[1:5]] == [" ", "*", "*", "*"]
        await pilot.press("j", "space")
        assert list(pane.marked) == ["1.2", "1.3"]


async def test_a_range_of_marks_follows_the_cursor_until_it_is_ended() -> None:
    pane = started(*(f"1.{n}" for n in range(9, -1, -1)))
    async with on_stage(pane) as (_, pilot):
        await pilot.press("space", "j", "v", "j", "j")
        assert list(pane.marked) == ["1.9", "1.7", "1.6", "1.5"]
        await pilot.press("k", "k", "k")
        assert list(pane.marked) == ["1.9", "1.8", "1.7"]
        await pilot.press("j", "v", "G")
        assert list(pane.marked) == ["1.9", "1.7"]


async def test_all_that_is_shown_is_marked_and_inverted_and_nothing_else() -> None:
    pane = started("1.1", "1.0", "2.0")
    async with on_stage(pane) as (_, pilot):
        pane.set_filter("1.")
        await pilot.press("A")
        assert list(pane.marked) == ["1.1", "1.0"]
        await pilot.press("space", "I")
        assert list(pane.marked) == ["1.1"]
        pane.set_filter("")
        await pilot.press("I")
        assert list(pane.marked) == ["2.0", "1.0"]


async def test_what_is_said_of_marks_counts_those_that_a_filter_or_habit_hides() -> None:
    pane = started("1.0", "1.1", "2.0", SIGNATURE)
    async with on_stage(pane) as (_, pilot):
        await settled(pane, pilot)
        await pilot.press("full_stop", "A", "full_stop")
        assert pane.marks_text == "4 marked, 1 not shown · 0 B"
        pane.set_filter("1.*")
        assert pane.marks_text == "4 marked, 2 not shown · 0 B"
        await pilot.press("I")
        assert pane.marks_text == "2 marked, 2 not shown · 0 B"
        assert set(pane.marked) == {"2.0", SIGNATURE}


async def test_tags_that_come_after_all_were_marked_are_not() -> None:
    pane = started("1.0", "1.1", complete=False)
    async with on_stage(pane) as (_, pilot):
        await settled(pane, pilot)
        await pilot.press("A")
        pane.apply([Listed(("1.2", "1.3"), True)])
        await settled(pane, pilot)
        assert pane.listed == ("1.3", "1.2", "1.1", "1.0")
        assert pane.marked == ("1.1", "1.0")
        assert pane.current == "1.1"


async def test_removed_tags_take_their_marks_along_and_leave_the_cursor_where_it_was() -> None:
    pane = started("1.3", "1.2", "1.1", "1.0")
    async with on_stage(pane) as (stage, pilot):
        pane.apply([Read(tag, facts("x")) for tag in ("1.3", "1.2", "1.1", "1.0")])
        await pilot.press("s", "s", "j", "space", "space")
        pane.remove_tags(["1.2", "1.1", "never there"])
        await pilot.pause()
        assert (column(stage), pane.marked, pane.progress) == (["1.3", "1.0"], (), (2, 2))
        assert pane.current == "1.0"
        pane.apply([Listed(("1.2",), True)])
        await settled(pane, pilot)
        assert "1.2" in column(stage)
        assert pane.facts("1.2") is None


# Refresh, failures, messages


async def test_a_list_that_is_read_again_keeps_cursor_marks_and_order_and_drops_what_is_gone() -> None:
    pane = started("1.3", "1.2", "1.1", "1.0")
    async with on_stage(pane) as (stage, pilot):
        await pilot.press("S", "g", "space", "j")
        before = pane.current
        begin(pane, ["1.4", "1.3", "1.1", "1.0"], False, [])
        await settled(pane, pilot)
        assert column(stage) == ["1.0", "1.1", "1.2", "1.3", "1.4"]
        pane.apply([Listed((), True)])
        await settled(pane, pilot)
        assert column(stage) == ["1.0", "1.1", "1.3", "1.4"]
        assert (before, pane.marked) == ("1.2", ("1.0",))
        assert pane.current == "1.3"  # the next: 1.2 is gone


async def test_another_repository_begins_anew() -> None:
    pane = started("1.1", "1.0")
    async with on_stage(pane) as (stage, pilot):
        await pilot.press("S", "space")
        pane.start("team/other", lambda tag: False)
        await pilot.pause()
        assert stage.lines()[1] == " Reading the tags of team/other …"
        pane.apply([Listed(("2.0", "2.1"), True)])
        await settled(pane, pilot)
        assert (column(stage), pane.marked) == (["2.1", "2.0"], ())


async def test_a_list_that_fails_says_why_in_its_place() -> None:
    pane = started(complete=False)
    async with on_stage(pane) as (stage, pilot):
        pane.fail(NotFound("registry.example.com has no repository team/app", "Check the name.", status=404))
        assert pane.title_text == "Tags"
        await pilot.pause()
        assert stage.lines()[1] == " registry.example.com has no repository team/app. Check the name."
    pane = started("1.0", complete=False)
    async with on_stage(pane):
        pane.fail(GONE)
        assert pane.title_text == "Tags · 1 so far · by name · dates 0 of 1 · the list broke off"


async def test_an_empty_repository_says_so() -> None:
    async with on_stage(started()) as (stage, _):
        assert stage.lines()[1] == " team/app has no tags."


async def test_what_is_in_view_is_told_first_then_a_page_below_then_one_above() -> None:
    pane = started(*(f"1.{n}" for n in range(99, -1, -1)))
    async with on_stage(pane, size=(40, 6)) as (stage, pilot):
        await settled(pane, pilot)
        assert stage.heard(Tags.LookingAt)[-1].tags == tuple(f"1.{n}" for n in range(99, 89, -1))
        await pilot.press("pagedown", "pagedown", "j")
        await settled(pane, pilot)
        looked = stage.heard(Tags.LookingAt)
        assert looked[-1].tags == tuple(f"1.{n}" for n in (*range(89, 79, -1), *range(94, 89, -1)))
        assert len(looked) <= 3  # not one for every key


async def test_the_tag_under_the_cursor_is_told_again_when_more_is_known_of_it() -> None:
    pane = started("1.1", "1.0")
    async with on_stage(pane) as (stage, pilot):
        pane.apply([Read("1.1", facts("x", partial=True)), Read("1.0", facts("y"))])
        pane.apply([Read("1.1", facts("x"))])
        await pilot.press("j", "enter", "l", "h")
        told = [(m.tag, m.facts) for m in stage.heard(Tags.Highlighted)]
        assert told == [
            ("1.1", None),
            ("1.1", facts("x", partial=True)),
            ("1.1", facts("x")),
            ("1.0", facts("y")),
        ]
        assert [message.tag for message in stage.heard(Tags.Opened)] == ["1.0", "1.0"]
        assert len(stage.heard(Lines.Out)) == 1


# Many


async def test_a_hundred_thousand_tags_come_in_piece_by_piece_and_keys_work_meanwhile() -> None:
    pane = started("v0")
    async with on_stage(pane) as (stage, pilot):
        pane.apply([Listed(tuple(f"v{n % 97}.{n}" for n in range(100_000)), True)])
        seen = {pane.row_count}
        while pane._table.unplaced:
            await pilot.pause(0.01)
            seen.add(pane.row_count)
        assert len(seen) > 20
        assert pane.row_count == 100_001
        await pilot.press("G", "k")
        assert pane.current == "v0.0"
        pane.set_filter("77 re")
        assert pane.row_count == 0
        pane.set_filter("*.77")
        assert column(stage) == [] or pane.current == "v77.77"
