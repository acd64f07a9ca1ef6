"""Lists of vendors in pages, and what their answers leave open."""

from __future__ import annotations

import httpx
import pytest

from regtui.errors import TooLarge
from regtui.registry import paging
from regtui.registry.answers import Answer
from regtui.registry.vendors.reading import limited_until, path_of, walk
from tests.registry.vendors.server import flat


async def test_a_list_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGES_LIMIT", 50)

    async def read(path: str) -> tuple[list[str], str | None]:
        return [f"item {path}"], f"/{int(path[1:]) + 1}"

    with pytest.raises(TooLarge, match="The list of all goes on without an end"):
        await flat(walk("/0", read, str, "list of all"))


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("https://api.example.com/v2/x?page=2&q=%2F", "/v2/x?page=2&q=%2F"),
        ("/v2/x", "/v2/x"),
        ("https://evil.example.com//v2/x", None),
        ("https://api.example.com/v3/x", None),
        ("v2/x", None),
        ("https://[", None),
        ("", None),
        (None, None),
    ],
)
def test_a_link_is_worth_its_path(link: str | None, path: str | None) -> None:
    assert path_of(link, "/v2/") == path


@pytest.mark.parametrize(
    ("headers", "moment", "wait"),
    [
        ({}, "{now+60}", "60"),
        ({}, "0", "0"),
        ({"retry-after": "7"}, "{now+60}", "7"),
        ({}, "", None),
        ({}, "soon", None),
        ({}, "-5", None),
        ({}, "²", None),
    ],
)
def test_a_limit_says_how_long_it_lasts(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], moment: str, wait: str | None
) -> None:
    monkeypatch.setattr("regtui.registry.vendors.reading.now", lambda: 1_700_000_000.0)
    answer = Answer("GET", httpx.URL("https://api.example.com/"), 403, httpx.Headers(headers))
    limited = limited_until(answer, moment.replace("{now+60}", "1700000060"))
    assert (limited.status, limited.headers.get("retry-after")) == (429, wait)
