"""Sonatype Nexus Repository: all by the distribution API."""

from __future__ import annotations

import httpx

from regtui.registry.vendors.vendor import Vendor


class Nexus(Vendor):
    """Known by its `Server`, or by the realm of its challenge.

    Its REST API is on another port than most of its registries, tells no image's size, and its search lags behind; so
    nothing is asked of it. A tag goes as with any registry, with a look whether it went: since 3.89 Nexus has left tags
    behind when their manifest was deleted (sonatype/nexus-public, issue 925).
    """

    name = "Nexus"

    @classmethod
    def recognises(cls, registry: str, front: httpx.Headers) -> bool:
        return front.get("server", "").startswith("Nexus/") or "Sonatype Nexus" in front.get("www-authenticate", "")
