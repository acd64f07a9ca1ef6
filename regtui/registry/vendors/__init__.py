"""Vendors' own APIs: which registry is whose, and what it can do beyond the distribution API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from regtui.registry.vendors.vendor import Hit, Removal, Vendor, VendorTag

if TYPE_CHECKING:
    from regtui.registry.exchange import Exchange

__all__ = ["Hit", "Removal", "Vendor", "VendorTag", "find_vendor"]


def find_vendor(exchange: Exchange, registry: str, front: httpx.Headers) -> Vendor:
    """Whose registry this is, by its name and by the headers of `/v2/`'s first answer, which is mostly a 401.

    Some need another look: they say so themselves when they are asked.
    """
    from regtui.registry.vendors.known import VENDORS

    return next((kind for kind in VENDORS if kind.recognises(registry, front)), Vendor)(exchange)
