"""Pages: where the next one is, and when a list is at its end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.registry.paging import PAGES_LIMIT, Pages, next_page

FIRST = "/v2/_catalog?n=3"


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ('</v2/_catalog?last=b&n=3>; rel="next"', "/v2/_catalog?last=b&n=3"),
        ('<https://registry.example.com/v2/_catalog?last=b>; rel="next"', "/v2/_catalog?last=b"),
        ('<?last=b>; rel="next"', "/v2/_catalog?last=b"),
        ("<_catalog?last=b>;rel=next", "/v2/_catalog?last=b"),
        ("</v2/_catalog?last=b>", "/v2/_catalog?last=b"),
        ('/v2/_catalog?last=b&n=3; rel="next"', "/v2/_catalog?last=b&n=3"),
        ('</a>; rel="prev", </v2/_catalog?last=a,b>; REL="prev Next"; title="x, y"', "/v2/_catalog?last=a,b"),
        ('</v2/_catalog?last=a%2Fb%3D>; rel="next"', "/v2/_catalog?last=a%2Fb%3D"),
        ('</a>; rel="prev"', None),
        ("<http://[::1/a>; rel=next", None),
        ("<javascript:alert(1)>; rel=next", None),
        ("", None),
    ],
)
def test_the_next_page_is_found(link: str, expected: str | None) -> None:
    assert next_page([link], FIRST) == expected


def test_a_link_to_another_host_is_asked_of_the_registry_itself() -> None:
    assert next_page(["<http://internal:5000/v2/_catalog?last=b>; rel=next"], FIRST) == "/v2/_catalog?last=b"
    assert next_page(["<//evil.example/v2/_catalog?last=b>; rel=next"], FIRST) == "/v2/_catalog?last=b"


def test_several_headers_are_read() -> None:
    assert next_page(['</a>; rel="prev"', "<?last=c>; rel=next"], FIRST) == "/v2/_catalog?last=c"


@given(st.lists(st.text(), max_size=3))
def test_any_text_is_read_without_an_error_and_never_leads_away(links: list[str]) -> None:
    found = next_page(links, FIRST)
    assert found is None or found.startswith("/")


@given(st.text("abc/=&%27.-_", max_size=30), st.sampled_from(["", "https://registry.example.com", "http://x:5000"]))
def test_what_is_linked_comes_back(query: str, host: str) -> None:
    url = f"/v2/_catalog?last={query}"
    assert next_page([f'<{host}{url}>; rel="next"'], FIRST) == url


def test_a_link_that_could_be_read_in_a_million_ways_is_read_in_one() -> None:
    """Whoever tries them all is not done within the hour."""
    assert next_page([f'</x>{"; a= " * 1000}"'], FIRST) is None
    assert next_page([f"</x>{'; a= ' * 1000}"], FIRST) == "/x"


def test_repeated_names_are_dropped_and_the_order_kept() -> None:
    pages = Pages(FIRST)
    assert pages.fresh(["b", "a", "b"]) == ["b", "a"]
    assert pages.fresh(["a", "c"]) == ["c"]


def test_a_list_ends_at_a_page_asked_before_or_with_nothing_new() -> None:
    pages = Pages(FIRST)
    pages.fresh(["a"])
    assert pages.follow("/v2/_catalog?last=a") == "/v2/_catalog?last=a"
    pages.fresh([])
    assert pages.follow("/v2/_catalog?last=b") == "/v2/_catalog?last=b", "an empty page need not be the last"
    assert pages.follow("/v2/_catalog?last=a") is None
    pages.fresh(["a"])
    assert pages.follow("/v2/_catalog?last=c") is None
    assert pages.follow(None) is None


def test_a_list_without_an_end_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Pages(FIRST)
    for number in range(PAGES_LIMIT):
        assert not pages.endless
        pages.follow(f"/{number}")
    assert pages.endless
    monkeypatch.setattr("regtui.registry.paging.NAMES_LIMIT", 10)
    pages = Pages(FIRST)
    pages.fresh([str(number) for number in range(11)])
    assert pages.endless
