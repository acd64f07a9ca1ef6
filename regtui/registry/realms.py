"""Which login servers (a Bearer challenge's realm) may see the credentials for a registry."""

from __future__ import annotations

import ipaddress
from functools import cache
from typing import TYPE_CHECKING

import httpx

from regtui.registry.endpoint import Endpoint

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_KNOWN = {
    "registry-1.docker.io": "auth.docker.io",
    "registry.gitlab.com": "gitlab.com",
    "registry.redhat.io": "sso.redhat.com",
    "registry.connect.redhat.com": "sso.redhat.com",
}
"""Registries whose login server has another name. Those of GHCR, Quay, Google, Azure are on the registry's own host."""

_SHARED = frozenset(
    {
        "aliyuncs.com",
        "amazonaws.com",
        "amazonaws.com.cn",
        "azure.com",
        "azurecr.cn",
        "azurecr.io",
        "chinacloudapi.cn",
        "cloudsmith.io",
        "icr.io",
        "jfrog.io",
        "lvh.me",
        "myhuaweicloud.com",
        "nip.io",
        "ocir.io",
        "on.aws",
        "oraclecloud.com",
        "pkg.dev",
        "scw.cloud",
        "sslip.io",
        "tencentcloudcr.com",
        "tencentyun.com",
        "traefik.me",
        "volces.com",
        "windows.net",
    }
)
"""Domains under which anybody gets a name, and that the public suffix list does not have as such."""


def is_trusted(realm: httpx.URL, endpoint: Endpoint, confirmed: frozenset[str] = frozenset()) -> bool:
    """Whether credentials for the registry may be sent to this login server (PROTOCOL.md, "Reading").

    It is on the registry's own host (any port), on the built-in list, under the same registrable domain, or one that
    the user has `confirmed` (`HOST` for any port, or `HOST:PORT`); and it speaks HTTPS when the registry does.
    """
    if not is_as_safe(realm, endpoint):
        return False
    registry, server = _name(httpx.URL(endpoint.base)), _name(realm)
    if server == registry or _KNOWN.get(registry) == server or confirmed & {place(realm), _bare(realm)}:
        return True
    return (domain := _domain(registry)) is not None and domain == _domain(server)


def is_as_safe(realm: httpx.URL, endpoint: Endpoint) -> bool:
    """Whether the login server is spoken to by HTTPS, or as openly as the registry itself."""
    return realm.scheme == "https" or (endpoint.scheme == "http" and realm.scheme == "http")


def place(realm: httpx.URL) -> str:
    """A login server as people name it: `login.example.com`, or with the port when it isn't the usual one."""
    return _bare(realm) if realm.port is None else f"{_bare(realm)}:{realm.port}"


def _name(url: httpx.URL) -> str:
    """The host as it is looked up, in ASCII: letters of other scripts can look like these, and nobody could tell."""
    return url.raw_host.decode("ascii").rstrip(".")


def _bare(realm: httpx.URL) -> str:
    host = _name(realm)
    return f"[{host}]" if ":" in host else host


def _domain(host: str) -> str | None:
    """The domain that one owner registered: `example.com`, `example.co.uk`, `mine.github.io`. None if in doubt.

    By the public suffix list, its private section too; names that it doesn't cover (`registry.lan`) belong to nobody.
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        domain: str | None = _suffixes().privatesuffix(host)
        return None if domain in _SHARED else domain
    return None


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(accept_unknown=False)
