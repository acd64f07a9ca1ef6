"""Challenges: what a registry's `WWW-Authenticate` may look like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.registry.challenges import HEADER_LIMIT, Challenge, parse_challenges

BASIC = Challenge("basic", {"realm": "r"})


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], []),
        (
            ['Bearer realm="https://a.example/token",service="a b",scope="repository:team/app:pull,push"'],
            [
                Challenge(
                    "bearer",
                    {
                        "realm": "https://a.example/token",
                        "service": "a b",
                        "scope": "repository:team/app:pull,push",
                    },
                )
            ],
        ),
        (['Bearer realm="b"', 'Basic realm="r"'], [Challenge("bearer", {"realm": "b"}), BASIC]),
        (['Bearer realm="b", Basic realm="r"'], [Challenge("bearer", {"realm": "b"}), BASIC]),
        (['BASIC Realm = r ,charset="UTF-8"'], [Challenge("basic", {"realm": "r", "charset": "UTF-8"})]),
        (['Basic realm="say \\"hi\\", \\\\o/"'], [Challenge("basic", {"realm": 'say "hi", \\o/'})]),
        (['Negotiate YWJj==, Basic realm="r"'], [Challenge("negotiate"), BASIC]),
        (["Negotiate, NTLM", "Basic realm=r"], [Challenge("negotiate"), Challenge("ntlm"), BASIC]),
        (['Digest qop="auth, auth-int", nonce=1, Basic realm=r'], [
            Challenge("digest", {"qop": "auth, auth-int", "nonce": "1"}), BASIC]),
        (['Bearer realm="b" service="s"'], [Challenge("bearer", {"realm": "b", "service": "s"})]),
        (["Bearer realm=b,realm=c"], [Challenge("bearer", {"realm": "b"})]),
        ([",, = ,\x00, Basic realm=r"], [BASIC]),
        (["Basic"], [Challenge("basic")]),
    ],
)  # fmt: skip
def test_challenges_are_read(headers: list[str], expected: list[Challenge]) -> None:
    assert parse_challenges(headers) == expected


def test_a_quote_that_is_never_closed_harms_only_its_own_challenge() -> None:
    assert parse_challenges(['Bearer realm="b', "Basic realm=r"])[-1] == BASIC


def test_endless_headers_are_cut() -> None:
    assert parse_challenges([" " * HEADER_LIMIT, "Basic realm=r"]) == []
    assert len(parse_challenges(["Basic realm=r," * 100_000])) < HEADER_LIMIT


@given(st.lists(st.text(), max_size=4))
def test_any_text_is_read_without_an_error(headers: list[str]) -> None:
    for challenge in parse_challenges(headers):
        assert challenge.scheme == challenge.scheme.lower() != ""


tokens = st.text("abcxyz-_.0189", min_size=1, max_size=8)


@given(st.lists(st.tuples(tokens, st.dictionaries(tokens, st.text(max_size=20), min_size=1, max_size=4)), max_size=4))
def test_what_the_grammar_allows_comes_back_as_it_was(challenges: list[tuple[str, dict[str, str]]]) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = [f"{s} " + ", ".join(f"{n} = {quoted(v)}" for n, v in ps.items()) for s, ps in challenges]
    expected = [Challenge(scheme, parameters) for scheme, parameters in challenges]
    assert parse_challenges(lines) == expected
    assert parse_challenges([", ".join(lines)]) == expected
