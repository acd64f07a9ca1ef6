"""`regtui log`: what a tag pointed to before."""

from __future__ import annotations

import json

from tests.cli.conftest import regtui
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Layout, skopeo_digest


def test_what_regtui_and_others_put_on_a_tag_is_listed_and_put_back(registry: DockerRegistry, layout: Layout) -> None:
    tag = f"{registry.host}/team/app:stable"
    for name in ("1.0", "2.0", "3.0"):
        layout.push(layout.image({"app": name.encode()}), registry, f"team/app:{name}")
    one, two, three = (skopeo_digest(registry, f"team/app:{name}") for name in ("1.0", "2.0", "3.0"))
    assert regtui("tag", f"{registry.host}/team/app:1.0", "stable").code == 0
    layout.push(layout.image({"app": b"2.0"}), registry, "team/app:stable")  # somebody else's
    assert regtui("log", tag).code == 0  # sees it
    assert regtui("tag", "--force", f"{registry.host}/team/app:3.0", "stable").code == 0
    events = [json.loads(line) for line in regtui("log", "--json", tag).out.splitlines()]
    assert [(event["digest"], event["change"], event["now"], event["there"]) for event in events] == [
        (three, 2, True, True),
        (two, None, False, True),
        (one, 1, False, True),
    ]
    assert regtui("tag", "--force", f"{registry.host}/team/app@{two}", "stable").code == 0
    assert skopeo_digest(registry, "team/app:stable") == two


def test_a_tag_that_was_never_seen_is_said(registry: DockerRegistry) -> None:
    ran = regtui("log", f"{registry.host}/team/app:none")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"regtui: {registry.host}/team/app:none is not there, and regtui never saw it\n"
