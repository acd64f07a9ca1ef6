"""The vendors that regtui knows, in the order in which they are recognised: names of hosts before headers."""

from __future__ import annotations

from regtui.registry.vendors.vendor import Vendor

VENDORS: tuple[type[Vendor], ...] = ()
