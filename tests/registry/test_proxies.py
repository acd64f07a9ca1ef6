"""Which proxy the environment names for a URL."""

from __future__ import annotations

import httpx
import pytest

from regtui.errors import ConfigError
from regtui.registry.proxies import proxy_for

REGISTRY = "https://registry.example.com/v2/"


def proxied(url: str, **environ: str) -> str | None:
    proxy = proxy_for(httpx.URL(url), environ)
    return str(proxy) if proxy is not None else None


def test_each_scheme_has_its_proxy_and_all_proxy_is_for_the_rest() -> None:
    environ = {"HTTPS_PROXY": "http://secure:3128", "ALL_PROXY": "http://rest:3128"}
    assert proxied(REGISTRY, **environ) == "http://secure:3128"
    assert proxied("http://registry.example.com/", **environ) == "http://rest:3128"
    assert proxied(REGISTRY) is None


def test_the_lower_case_name_wins_as_with_curl() -> None:
    assert proxied(REGISTRY, HTTPS_PROXY="http://upper", https_proxy="http://lower") == "http://lower"


def test_a_proxy_without_a_scheme_is_spoken_to_in_plain_http() -> None:
    assert proxied(REGISTRY, https_proxy="proxy.example.com:3128") == "http://proxy.example.com:3128"


@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1", "127.9.9.9:5000", "[::1]:5000", "demo.localhost"])
def test_this_machine_is_never_asked_for_through_a_proxy(host: str) -> None:
    assert proxied(f"https://{host}/v2/", https_proxy="http://proxy") is None


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("*", "registry.example.com", True),
        ("registry.example.com", "registry.example.com", True),
        ("EXAMPLE.com", "registry.example.com", True),
        ("example.com", "notexample.com", False),
        (".example.com", "registry.example.com", True),
        (".example.com", "example.com", False),
        ("*.example.com", "registry.example.com", True),
        ("other.org, example.com ,", "registry.example.com", True),
        ("example.com:5000", "registry.example.com:5000", True),
        ("example.com:5000", "registry.example.com", False),
        ("example.com:443", "registry.example.com", True),
        ("10.1.2.3", "10.1.2.3:5000", True),
        ("10.0.0.0/8", "10.1.2.3:5000", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "registry.example.com", False),
        ("10.1.2.3/8", "10.9.9.9", True),
        ("2001:db8::/32", "[2001:db8::1]:5000", True),
        ("2001:db8::/32", "[2001:db9::1]:5000", False),
        ("2001:db8::/32", "10.1.2.3", False),
        ("10.1.2.0/24,2001:db8::/32", "10.1.2.3", True),
        ("10.1.2.3:5000", "10.1.2.3:5000", True),
        ("10.1.2.3:5000", "10.1.2.3", False),
        ("2001:db8::1", "[2001:db8::1]", True),
        ("[2001:db8::1]:5000", "[2001:db8::1]:5000", True),
        ("[2001:db8::1]:5000", "[2001:db8::1]", False),
        ("nonsense/99", "registry.example.com", False),
        ("", "registry.example.com", False),
    ],
)
def test_no_proxy_names_hosts_ports_and_networks(no_proxy: str, host: str, direct: bool) -> None:
    way = proxied(f"https://{host}/v2/", https_proxy="http://proxy", no_proxy=no_proxy)
    assert (way is None) == direct


@pytest.mark.parametrize("value", ["socks5://me:secret@proxy:1080", "http://", "http://proxy:port"])
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable_and_never_quoted(value: str) -> None:
    with pytest.raises(ConfigError, match="ALL_PROXY in the environment is no HTTP proxy") as caught:
        proxied(REGISTRY, ALL_PROXY=value)
    assert "secret" not in str(caught.value)
