"""The request log on the screen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from regtui.operations.session import RequestLog
from regtui.registry.client import Client
from regtui.registry.request_log import KEPT
from regtui.tui.glyphs import ASCII
from regtui.tui.screens.requests import RequestDialog, RequestsScreen
from regtui.tui.widgets.requests import Requests
from tests.tui.running import FEW, NARROW, WIDE, Running, running
from tests.tui.stage import HOSTILE, on_stage, repaints

BASE = "https://registry.example.com/v2/team/app"


def log_of(*paths: str) -> RequestLog:
    log = RequestLog()
    for path in paths:
        answer(log, path)
    return log


def answer(log: RequestLog, path: str, status: int = 200, error: str = "") -> None:
    record = log.begin("GET", f"{BASE}/{path}")
    record.status = status
    log.end(record, error)


def numbers(count: int) -> RequestLog:
    return log_of(*(f"manifests/{number}" for number in range(count)))


# The list


async def test_a_row_says_how_it_went() -> None:
    log = log_of("manifests/1.0")
    answer(log, "tags/list", 503)
    answer(log, "blobs/1", error="ConnectError")
    log.note_cached("GET", f"{BASE}/blobs/2", 41_200)
    log.begin("PUT", f"{BASE}/manifests/2.0")
    listing = Requests(log)
    async with on_stage(listing, size=(100, 8)) as (stage, pilot):
        listing.update()
        await pilot.pause()
        heading, *rows = stage.lines()
        assert heading.split() == ["TIME", "STATUS", "METHOD", "MS", "SIZE", "URL"]
        assert [row.split()[1:3] for row in rows[:5]] == [
            ["200", "GET"],
            ["503", "GET"],
            ["failed", "GET"],
            ["cached", "GET"],
            ["…", "PUT"],
        ]
        assert rows[3].endswith("41.2 kB registry.example.com/v2/team/app/blobs/2")
        assert rows[2].endswith("0 B https://registry.example.com/v2/team/app/blobs/1"), "HTTPS or not tells why"
        assert listing.title_text == "Requests · 5"


async def test_it_follows_while_the_cursor_is_at_the_bottom_and_else_stays() -> None:
    log = numbers(50)
    listing = Requests(log)
    async with on_stage(listing, size=(80, 12)) as (stage, pilot):
        listing.update()
        await pilot.pause()
        assert "manifests/49" in stage.lines()[-1]
        answer(log, "manifests/new")
        listing.update()
        await pilot.pause()
        assert "manifests/new" in stage.lines()[-1]
        await pilot.press("up", "up")
        before = [line.rstrip(" ▐") for line in stage.lines()]
        answer(log, "manifests/newer")
        listing.update()
        await pilot.pause()
        assert [line.rstrip(" ▐") for line in stage.lines()] == before


async def test_the_cursor_stays_on_its_request_when_old_ones_go() -> None:
    log = numbers(KEPT)
    listing = Requests(log)
    async with on_stage(listing, size=(80, 12)) as (stage, pilot):
        listing.update()
        listing.move_to(500)
        for _ in range(100):
            answer(log, "manifests/new")
        listing.update()
        await pilot.pause()
        assert (listing.cursor, listing.row_count) == (400, KEPT)
        assert next(line for line in stage.lines() if "▌" in line).endswith("manifests/500")


async def test_nothing_is_drawn_when_nothing_happened() -> None:
    log = numbers(50)
    listing = Requests(log)
    async with on_stage(listing, size=(80, 12)) as (_, pilot):
        listing.update()
        await pilot.pause()
        with repaints(listing) as asked:
            for _ in range(5):
                listing.update()
            await pilot.pause()
        assert asked == []


async def test_a_url_shows_its_end_and_nothing_raw() -> None:
    log = log_of(*(f"{name}{'x' * 300}/end" for name in HOSTILE[:4]))
    listing = Requests(log, glyphs=ASCII)
    async with on_stage(listing, size=(70, 8)) as (stage, pilot):
        listing.update()
        await pilot.pause()
        rows = stage.lines()[1:5]
        assert all("~xxx" in row and row.endswith("x/end") and row.isascii() and row.isprintable() for row in rows)


async def test_an_empty_log_says_what_will_stand_here() -> None:
    listing = Requests(RequestLog())
    async with on_stage(listing, size=(60, 8)) as (stage, pilot):
        listing.update()
        await pilot.pause()
        assert "Nothing was asked yet." in " ".join(stage.lines())


# The screen


async def opened(at: Running) -> RequestsScreen:
    await at.until("newest first")
    await at.press("ctrl+l")
    await at.until(lambda: isinstance(at.app.screen, RequestsScreen))
    assert isinstance(at.app.screen, RequestsScreen)
    return at.app.screen


async def test_ctrl_l_opens_it_and_esc_and_q_leave() -> None:
    for size in (NARROW, WIDE):
        async with running(FEW, size=size) as at:
            for key in ("escape", "q"):
                await opened(at)
                await at.until("nginx/manifests/sha256:")
                await at.press(key)
                await at.until(lambda: at.app.screen is at.browser)


async def test_a_filter_and_then_esc_ends_it_first() -> None:
    async with running(FEW) as at:
        screen = await opened(at)
        await at.press("slash")
        await at.type("catalog")
        await at.until("Requests · 1 of ")
        await at.press("enter", "escape")
        await at.until(lambda: " of " not in screen.requests.title_text)
        assert at.app.screen is screen
        await at.press("slash")
        await at.type("re:(")
        await at.until("is no regular expression")
        await at.press("escape", "escape")
        await at.until(lambda: at.app.screen is at.browser)


async def test_enter_shows_all_of_one() -> None:
    async with running(FEW) as at:
        await opened(at)
        await at.press("g", "enter")
        await at.until(lambda: isinstance(at.app.screen, RequestDialog))
        for text in ("http://demo.localhost/v2/", "Answer", "200", "Received", "2 bytes"):
            assert text in at.text


async def test_ascii_only() -> None:
    async with running(FEW, ascii=True) as at:
        await opened(at)
        await at.until("manifests/")
        assert at.text.isascii()


async def test_line_1_says_until_when_a_registry_lets_one_wait(monkeypatch: Any) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=30)
    async with running(FEW) as at:
        await at.until("newest first")
        monkeypatch.setattr("regtui.tui.screens.going.DEMO", "another")  # the demo's marks are none
        monkeypatch.setattr(Client, "paused_until", property(lambda self: ends))
        await at.until(f"waits until {ends.astimezone():%H:%M:%S}")
        monkeypatch.setattr(Client, "paused_until", property(lambda self: None))
        await at.until(lambda: "waits until" not in at.text)
