"""Where a redirect may lead (RFC 9110, section 15.4), and what is a URL at all."""

from __future__ import annotations

import httpx

from regtui.errors import RegistryError
from regtui.registry.pace import origin
from regtui.text import shown

LIMIT = 5
"""Redirects that one request follows."""

READS = frozenset({"GET", "HEAD"})
STATUSES = frozenset({301, 302, 303, 307, 308})


def redirected(
    registry: str,
    request: httpx.Request,
    location: str,
    status: int,
    *,
    home: httpx.URL,
    is_checked: bool,
    is_repeatable: bool,
) -> httpx.URL:
    """Where a redirect of a request leads. Raises `RegistryError` where it isn't followed.

    Only what a digest checks (`is_checked`) may come by plain HTTP instead of HTTPS, and a change stays on the registry
    itself, at `home`, if its body can be sent again (`is_repeatable`).
    """
    url, method = request.url, request.method
    target = join(location, url)
    where = shown(f"{target.scheme}://{target.netloc.decode('ascii')}", 200)
    if target.scheme not in ("http", "https") or not target.host:
        raise RegistryError(f"{registry} redirects to what is no place on the web")
    if url.scheme == "https" and target.scheme == "http" and not is_checked:
        raise RegistryError(f"{registry} redirects from HTTPS to {where}, and regtui does not follow it")
    if method not in READS and (status not in (307, 308) or not same_origin(target, home) or not is_repeatable):
        raise RegistryError(
            f"{registry} redirects a change to {where}, and regtui does not follow it",
            "If the registry has moved, open it by its new name.",
        )
    return target.copy_with(userinfo=b"")


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether two URLs are of one server: scheme, host and port (RFC 9110, section 4.3.1)."""
    return origin(one) == origin(other)


def join(text: str, base: httpx.URL | None = None) -> httpx.URL:
    """A URL that a server names, as seen from `base`. Raises `RegistryError`."""
    try:
        url = base.join(text) if base is not None else httpx.URL(text)
        _ = url.host  # UnicodeError for an `xn--` with nothing that it could stand for
        return url
    except (httpx.InvalidURL, UnicodeError) as error:
        raise RegistryError(f"The registry names a URL that is none: {shown(text, 100)}") from error
