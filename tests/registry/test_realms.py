"""Which login servers may see the credentials for a registry."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.registry.endpoint import Endpoint
from regtui.registry.realms import is_trusted, place


@pytest.mark.parametrize(
    ("realm", "registry", "trusted"),
    [
        ("https://registry.example.com/token", "registry.example.com", True),
        ("https://registry.example.com:5001/token", "registry.example.com:5000", True),
        ("https://REGISTRY.example.com/token", "registry.example.com", True),
        ("https://auth.example.com/token", "registry.example.com", True),
        ("https://example.com/token", "registry.example.com", True),
        ("https://auth.docker.io/token", "registry-1.docker.io", True),
        ("https://sso.redhat.com/auth", "registry.redhat.io", True),
        ("https://sso.redhat.com/auth", "registry.connect.redhat.com", True),
        ("https://gitlab.com/jwt/auth", "registry.gitlab.com", True),
        ("https://auth.example.co.uk/token", "registry.example.co.uk", True),
        ("https://auth.example.de/token", "registry.example.de", True),
        ("https://auth.mine.github.io/token", "mine.github.io", True),
        ("https://auth.example.com./token", "registry.example.com", True),
        ("https://[::1]:5001/token", "[::1]:5000", True),
        ("http://registry.example.com/token", "registry.example.com", False),
        ("https://evil.example/token", "registry.example.com", False),
        ("https://auth.docker.io/token", "registry.example.com", False),
        ("https://registry.example.com.evil.example/token", "registry.example.com", False),
        ("https://evilexample.com/token", "example.com", False),
        ("https://evil.co.uk/token", "registry.co.uk", False),
        ("https://evil.com.au/token", "example.com.au", False),
        ("https://evil.azurecr.io/token", "mine.azurecr.io", False),
        ("https://evil.github.io/token", "mine.github.io", False),
        ("https://github.io/token", "mine.github.io", False),
        ("https://evil.s3.amazonaws.com/token", "1.dkr.ecr.eu-west-1.amazonaws.com", False),
        ("https://evil.kawasaki.jp/token", "registry.kawasaki.jp", False),
        ("https://auth.corp.lan/token", "registry.corp.lan", False),
        ("https://auth.internal/token", "registry.internal", False),
        ("https://sso.redhat.com/auth", "registry.example.com", False),
        ("https://10.0.0.2/token", "10.0.0.1:5000", False),
        ("https://evil.localhost/token", "registry.localhost:5000", False),
        ("https://host/token", "other", False),
        ("ftp://registry.example.com/token", "registry.example.com", False),
        ("https://xn--e1awg7f.xn--p1ai/token", "registry.xn--e1awg7f.xn--p1ai", True),
        ("https://xn--xample-hvf.com/token", "example.com", False),
        ("https://evil.amazonaws.com.cn/token", "1.dkr.ecr.cn-north-1.amazonaws.com.cn", False),
        ("https://evil.tencentcloudcr.com/token", "mine.tencentcloudcr.com", False),
    ],
)
def test_which_realms_are_trusted(realm: str, registry: str, trusted: bool) -> None:
    assert is_trusted(httpx.URL(realm), Endpoint(registry)) is trusted


def test_a_plain_http_registry_may_have_a_plain_http_realm() -> None:
    assert is_trusted(httpx.URL("http://localhost:5001/token"), Endpoint("localhost:5000", "http"))
    assert not is_trusted(httpx.URL("http://evil.example/token"), Endpoint("localhost:5000", "http"))


@pytest.mark.parametrize(
    ("confirmed", "trusted"),
    [
        ({"login.evil.example"}, True),
        ({"login.evil.example:8443"}, True),
        ({"login.evil.example:443"}, False),
        ({"evil.example"}, False),
        (set(), False),
    ],
)
def test_a_confirmed_host_holds_for_all_its_ports_unless_one_is_named(confirmed: set[str], trusted: bool) -> None:
    realm, endpoint = httpx.URL("https://login.evil.example:8443/token"), Endpoint("registry.example.com")
    assert is_trusted(realm, endpoint, frozenset(confirmed)) is trusted
    assert not is_trusted(realm.copy_with(scheme="http"), endpoint, frozenset(confirmed))


def test_a_login_server_is_named_as_one_types_it() -> None:
    assert place(httpx.URL("https://LOGIN.example.com:443/token")) == "login.example.com"
    assert place(httpx.URL("https://[::1]:5001/token")) == "[::1]:5001"
    assert place(httpx.URL("https://xn--pple-43d.com/token")) == "xn--pple-43d.com", "not аpple.com, with a Cyrillic а"


_LABEL = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)


@given(st.lists(_LABEL, min_size=1, max_size=4), st.sampled_from(["", ".", ":8443"]), _LABEL)
def test_a_host_beside_or_above_what_one_owner_registered_is_never_trusted(
    labels: list[str], after: str, mine: str
) -> None:
    registered = f"{mine}-registry.example-{mine}.com"
    realm = httpx.URL(f"https://{'.'.join([*labels, 'com'])}{after}/token")
    assert not is_trusted(realm, Endpoint(registered))
    assert not is_trusted(httpx.URL(f"https://{registered}.{'.'.join(labels)}{after}/token"), Endpoint(registered))
    assert is_trusted(httpx.URL(f"https://{'.'.join(labels)}.example-{mine}.com{after}/t"), Endpoint(registered))
