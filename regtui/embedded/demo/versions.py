"""The 400 versions of `team/app`: some two years of releases, with candidates before them and fixes long after."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from regtui.embedded.demo.writer import ago

COUNT = 400
_MINORS = [(0, minor) for minor in range(4, 10)] + [(1, minor) for minor in range(15)]
_BETWEEN = 24
"""Days from one minor release to the next."""


@cache
def versions() -> dict[str, datetime]:
    """Tag → when it was built, the oldest first. Fixes of old releases are newer than the next release's first."""
    dated = {}
    for number, (major, minor) in enumerate(_MINORS):
        released = (len(_MINORS) - 1 - number) * _BETWEEN + 11.4
        for candidate in range(1, 3 + minor % 3):
            dated[f"v{major}.{minor}.0-rc{candidate}"] = ago(released + 9 - 2.2 * candidate)
        for fix in range(15 + number * 5 % 7):
            age = released - fix * 3.7 - fix * fix * 0.11
            if age > 0:
                dated[f"v{major}.{minor}.{fix}"] = ago(age)
    return dict(sorted(dated.items(), key=lambda item: item[1])[-COUNT:])


def floating() -> dict[str, str]:
    """Tag → the version whose digest it shares."""
    newest = max((version for version in versions() if version.startswith("v1.14.") and "rc" not in version), key=_fix)
    stable = max((version for version in versions() if version.startswith("v1.13.") and "rc" not in version), key=_fix)
    return {"latest": newest, "v1": newest, "v1.14": newest, "stable": stable, "prod-eu": stable, "v1.13": stable}


def _fix(version: str) -> int:
    return int(version.rpartition(".")[2])
