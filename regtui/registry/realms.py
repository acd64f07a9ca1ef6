"""Which login servers (a Bearer challenge's realm) may see the credentials for a registry."""

from __future__ import annotations

import ipaddress

import httpx

from regtui.registry.endpoint import Endpoint

_KNOWN = {
    "registry-1.docker.io": "auth.docker.io",
    "registry.gitlab.com": "gitlab.com",
    "registry.connect.redhat.com": "sso.redhat.com",
}
"""Registries whose login server has another name, each with the one that is its own."""

_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "ne", "net", "nom", "or", "org"})
_SHARED = frozenset(
    {
        "amazonaws.com",
        "appspot.com",
        "azure.com",
        "azurecr.io",
        "azurewebsites.net",
        "cloudapp.net",
        "cloudfront.net",
        "duckdns.org",
        "fly.dev",
        "github.io",
        "gitlab.io",
        "googleapis.com",
        "herokuapp.com",
        "netlify.app",
        "ngrok.app",
        "ngrok.io",
        "nip.io",
        "ondigitalocean.app",
        "onrender.com",
        "pages.dev",
        "pkg.dev",
        "run.app",
        "sslip.io",
        "ts.net",
        "vercel.app",
        "web.app",
        "windows.net",
        "workers.dev",
    }
)
"""Domains under which anybody gets a name."""


def is_trusted(realm: httpx.URL, endpoint: Endpoint) -> bool:
    """Whether credentials for the registry may be sent to this login server.

    It is on the registry's own host (any port), on the built-in list, or under the same registrable domain; and it
    speaks HTTPS when the registry does. Without the public suffix list the domain is found by a careful rule
    (`_domain`), which says no to some that belong together.
    """
    if realm.scheme != "https" and (endpoint.scheme == "https" or realm.scheme != "http"):
        return False
    registry, server = httpx.URL(endpoint.base).host.rstrip("."), realm.host.rstrip(".")
    if server == registry or _KNOWN.get(registry) == server:
        return True
    return (domain := _domain(registry)) is not None and domain == _domain(server)


def _domain(host: str) -> str | None:
    """The domain that one owner registered, if that is plain: `example.com`, `example.co.uk`.

    Under a country's domain a second label of up to three letters, or one of the usual ones, belongs to many owners.
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
    else:
        return None
    many = len(labels) > 1 and len(labels[-1]) == 2 and (labels[-2] in _SECOND_LEVEL or len(labels[-2]) <= 3)
    size = 3 if many else 2
    domain = ".".join(labels[-size:])
    return None if len(labels) < size or domain in _SHARED or labels[-1] == "localhost" else domain
