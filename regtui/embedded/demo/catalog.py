"""The demo's repositories: their tags, known at once, and who makes their contents when they are read."""

from __future__ import annotations

from collections.abc import Callable

from regtui.embedded.demo.versions import floating, versions
from regtui.embedded.demo.writer import Writer


def _these(tags: str) -> Callable[[], list[str]]:
    return lambda: sorted(tags.split())


TAGS: dict[str, Callable[[], list[str]] | None] = {
    "base/alpine": _these("3 3.20 3.20.8 3.21 3.21.5 3.22 3.22.2 latest"),
    "base/debian": _these(
        "12 12-slim 12.12 12.12-slim bookworm bookworm-slim 13 13-slim 13.2 13.2-slim trixie trixie-slim latest"
    ),
    "charts/app": _these("0.9.0 1.0.0 1.1.0 1.2.0"),
    "charts/redis": _these("23.1.1 23.2.0_build.7"),
    "models/ranker": _these("2026-09 2026-10 2026-11 current"),
    "nginx": _these("1 1.28 1.28.0 1.29 1.29.2 1.29.3 latest mainline stable"),
    "team/app": lambda: sorted((*versions(), *floating())),
    "team/app/api": _these("1 1.3 1.3.9 1.4 1.4.0 1.4.1 1.4.2 1.5.0-rc1 latest"),
    "team/app/worker": _these("2 2.5.0 2.6.0 2.6.1 2.7.0 2.7.3 2.8 2.8.0 2.8.1 2.9.0-beta edge stable"),
    "team/billing": _these("2.0.0 2.0.1 2.1.0"),
    "team/sandbox": _these(""),
    "tools/builder": _these("nightly nightly-2026-11-14 nightly-2026-11-19 nightly-2026-11-20"),
    "tools/migrate": None,  # its tags hold digests: known once it is made, which is quick
    "tools/odd-paths": _these(f"1 _-.-_ {'A' * 128}"),
}


def make(name: str, writer: Writer) -> None:
    """Makes a repository's contents. What describes them is imported here: nothing at start waits for it."""
    from regtui.embedded.demo import apps, artifacts, bases, tools

    makers = {
        "base/alpine": bases.base_alpine,
        "base/debian": bases.base_debian,
        "charts/app": artifacts.chart_app,
        "charts/redis": artifacts.chart_redis,
        "models/ranker": artifacts.ranker,
        "nginx": bases.nginx,
        "team/app": apps.app,
        "team/app/api": apps.api,
        "team/app/worker": apps.worker,
        "team/billing": apps.billing,
        "team/sandbox": apps.sandbox,
        "tools/builder": tools.builder,
        "tools/migrate": tools.migrate,
        "tools/odd-paths": tools.odd_paths,
    }
    makers[name](writer)
    writer.close()
