"""Which proxy a request goes through, by the environment: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY.

`NO_PROXY` is read the way docker and containerd (Go) read it, so that both reach a registry the same way:
`example.com` is it and what lies below, `.example.com` only what lies below, `host:5000` one port, `10.0.0.0/8` a
network of literal addresses, `*` everything. This machine is never asked for through a proxy.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping

import httpx

from regtui.errors import ConfigError
from regtui.oci.reference import is_loopback

_PORTS = {"http": 80, "https": 443}


def proxy_for(url: httpx.URL, environ: Mapping[str, str] = os.environ) -> httpx.URL | None:
    """The proxy for this URL, or None for the direct way. Raises `ConfigError` when it is one that can't be used."""
    name = f"{url.scheme}_proxy"
    value = _value(environ, name) or _value(environ, name := "all_proxy")
    if not value or is_loopback(url.netloc.decode("ascii")) or _is_exempt(url, _value(environ, "no_proxy")):
        return None
    try:
        proxy = httpx.URL(value if "://" in value else f"http://{value}")
    except httpx.InvalidURL:
        proxy = httpx.URL()
    # The value may hold a password: it is not quoted in the message.
    if proxy.scheme not in _PORTS or not proxy.host:
        raise ConfigError(
            f"{name.upper()} in the environment is no HTTP proxy that regtui can use",
            f"Write http://HOST:PORT, or list {url.host} in NO_PROXY.",
        )
    return proxy


def _value(environ: Mapping[str, str], name: str) -> str:
    return (environ.get(name) or environ.get(name.upper()) or "").strip()


def _is_exempt(url: httpx.URL, no_proxy: str) -> bool:
    port = url.port or _PORTS.get(url.scheme)
    return any(_covers(entry.strip().lower(), url.host, port) for entry in no_proxy.split(",") if entry.strip())


def _covers(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return _in_network(entry, host)
    name, _, wanted = entry.rpartition(":")
    if name and wanted.isdigit() and (":" not in name or name.endswith("]")):
        if int(wanted) != port:
            return False
        entry = name
    entry = entry.strip("[]")
    if entry.startswith(("*.", ".")):
        return host.endswith(entry.lstrip("*"))
    return host == entry or host.endswith(f".{entry}")


def _in_network(network: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
