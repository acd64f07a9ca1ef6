"""What the keys of docker's and podman's files mean, whatever stands there."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from regtui.registry.credential_files import Entry, Logins, place_of

_HOST = st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9](\.[a-z]{2,5}){1,2}(:[1-9][0-9]{0,3})?", fullmatch=True)
_ANY = st.text(st.sampled_from("ab.:/@[]-_1 é\\\n#?%"), max_size=24)


@given(_HOST, st.sampled_from(["", "http://", "https://"]), st.sampled_from(["", "/", "/v1/", "/v2", "/v2/"]))
def test_every_spelling_of_a_host_means_the_host(host: str, scheme: str, path: str) -> None:
    assert place_of(f"{scheme}{host}{path}") == place_of(f"{scheme}{host.upper()}{path}") == host


@given(_HOST, _HOST, _ANY)
def test_a_key_for_one_host_is_never_a_login_for_another(host: str, other: str, tail: str) -> None:
    for key in (
        f"{host}/{other}{tail}",
        f"https://{host}/{other}",
        f"{host}@{other}",
        f"{other}@{host}",
        f"{host}.{other}",
    ):
        logins = Logins({key: Entry(auth="YTpi")})
        assert other == host or not logins.keys(other, other)


@example("1 /")
@given(_ANY)
def test_any_key_means_something_and_the_same_when_it_is_read_again(key: str) -> None:
    assert place_of(key).partition("/")[0] == place_of(key).partition("/")[0].lower()
    if "://" not in key:
        assert place_of(place_of(key)) == place_of(key)
