"""What the screen says of a registry that registries.conf leads elsewhere."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import LOGIN
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.guarded import fill
from tests.registry_servers.images import Layout
from tests.tui.running import WIDE, running


def write(home: Path, conf: str) -> None:
    file = home / "config/containers/registries.conf"
    file.parent.mkdir(parents=True)
    file.write_text(conf)


async def test_line_1_says_that_this_is_a_mirror(
    registry: DockerRegistry, layout: Layout, isolated_environment: Path
) -> None:
    fill(registry, layout)
    gone = "no-such-host.invalid"
    write(isolated_environment, f'[[registry]]\nlocation = "{gone}"\nmirror = [{{location = "{registry.host}"}}]\n')
    async with running(f"{gone}/team/app", WIDE) as at:
        await at.until("Tags · 4 ·")
        assert f"mirror {registry.host}, read-only" in at.lines[0]
        assert gone in at.lines[0]
        assert "d delete" not in at.lines[-1]


async def test_line_1_says_that_an_insecure_registry_s_certificate_is_not_checked(
    tmp_path: Path, layout: Layout, isolated_environment: Path
) -> None:
    with docker_registry(tmp_path / "tls", tls=True) as registry:
        fill(registry, layout)
        write(
            isolated_environment,
            f'[[registry]]\nprefix = "registry.example.com"\nlocation = "{registry.host}"\ninsecure = true\n',
        )
        async with running("registry.example.com/team/app", WIDE) as at:
            await at.until("Tags · 4 ·")
            assert "TLS not checked" in at.lines[0]
            assert "registry.example.com" in at.lines[0]


async def test_a_short_name_is_opened_and_shown_as_what_it_means(
    registry: DockerRegistry, layout: Layout, isolated_environment: Path
) -> None:
    fill(registry, layout)
    write(isolated_environment, f'unqualified-search-registries = ["{registry.host}"]\n')
    async with running(size=WIDE) as at:
        await at.press("o")
        await at.type("team/app:2.0")
        await at.press("enter")
        await at.until("Tags · 4 ·")
        assert registry.host in at.lines[0]


async def test_a_login_is_made_where_registries_conf_leads(
    registry_with_login: DockerRegistry, layout: Layout, isolated_environment: Path
) -> None:
    fill(registry_with_login, layout)
    host = registry_with_login.host
    write(isolated_environment, f'[[registry]]\nprefix = "registry.example.com"\nlocation = "{host}"\n')
    async with running("registry.example.com/team/app", WIDE) as at:
        await at.until("User name")
        await at.type(LOGIN[0])
        await at.press("tab")
        await at.type(LOGIN[1])
        await at.press("enter")
        await at.until("Tags · 4 ·")
