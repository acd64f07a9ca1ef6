"""What of a URL is shown and written down, whatever stands in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from regtui.registry.request_log import _HARMLESS, masked

SECRET = "s3cr3tV4lue"
_MARKS = st.text("ab;=#?%/@:", max_size=6)
_NAMES = st.text(st.characters(codec="ascii", exclude_characters="&#="), min_size=1, max_size=8).filter(
    lambda name: name not in _HARMLESS
)


@given(_NAMES, _MARKS, _MARKS, st.sampled_from(["https://h/v2/", "http://u:p@h:1/", "", "//", "https://h/a@b/"]))
def test_no_value_of_a_field_that_is_not_known_to_be_harmless_is_ever_shown(
    name: str, before: str, after: str, base: str
) -> None:
    value = f"{before}{SECRET}{after}"
    for query in (f"{name}={value}", f"n=1&{name}={value}&last=x", f"n=1;{name}={value}", value.replace("=", "")):
        assert SECRET not in masked(f"{base}?{query}")


def test_a_token_that_is_the_whole_query_is_no_name_of_a_field() -> None:
    for token in (f"{SECRET}==", f"{SECRET * 5}="):
        assert SECRET not in masked(f"https://h/?{token}")


@given(st.text("ab:@%", max_size=8), st.sampled_from(["http", "https", ""]))
def test_no_user_and_no_password_is_ever_shown(around: str, scheme: str) -> None:
    head = f"{scheme}:" if scheme else ""
    assert SECRET not in masked(f"{head}//{around}{SECRET}{around}@registry.example.com/v2/?n=1")
