"""Registries that let in only who has what they want, and what a user has set up to be let in."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.images import Layout
from tests.registry_servers.token_server import TokenServer, User, token_server

MAINTAINER, READER = ("maintainer", "pass:word"), ("reader", "only-reads")
USERS = {
    MAINTAINER[0]: User(MAINTAINER[1], {"team/*": "pull,push,delete", "public/*": "pull,push"}, catalog=True),
    READER[0]: User(READER[1], {"team/*": "pull"}, catalog=True),
}
"""Who the login server knows. public/ may be read by anybody."""

KINDS = (
    "htpasswd",
    "private CA, --ca-file",
    "private CA, setting",
    "client certificate",
    "tokens",
    "tokens and private CA",
)


@dataclass(frozen=True, slots=True)
class Guarded:
    """A registry with team/app (1.0, 1 and latest are one image, 2.0 another), and a user who is let in."""

    registry: DockerRegistry
    flags: Mapping[str, str] = field(default_factory=dict)
    """What has to be given on the command line, by name of the setting."""

    @property
    def host(self) -> str:
        return self.registry.host

    @property
    def arguments(self) -> list[str]:
        """`flags` as they are typed."""
        return [word for name, value in self.flags.items() for word in (f"--{name.replace('_', '-')}", value)]

    @property
    def tokens(self) -> TokenServer:
        assert self.registry.tokens
        return self.registry.tokens


@contextmanager
def guarded_registry(kind: str, folder: Path, home: Path) -> Iterator[Guarded]:
    """One of `KINDS`. Logins are in docker's file below `home`, the rest in the settings' file or in `flags`."""
    with ExitStack() as stack:
        tls, tokens = kind != "htpasswd" and kind != "tokens", None
        if kind.startswith("tokens"):
            tokens = stack.enter_context(token_server(USERS, public={"public/*": "pull"}, tls=tls))
        registry = stack.enter_context(
            docker_registry(
                folder / "guarded",
                htpasswd=MAINTAINER if not tls and not tokens else None,
                tls=tls,
                client_cert=kind == "client certificate",
                tokens=tokens,
                login=MAINTAINER if tokens else None,
            )
        )
        fill(registry, Layout(folder / "images"))
        if registry.login:
            keep_login(home, registry.host, registry.login)
        if kind != "private CA, --ca-file" and tls:
            _write_settings(home, registry)
        if tokens:
            tokens.asked.clear()
        yield Guarded(registry, {"ca_file": str(registry.ca_file)} if kind == "private CA, --ca-file" else {})


def fill(registry: DockerRegistry, layout: Layout) -> None:
    """team/app: 1.0, 1 and latest are one image, 2.0 is another."""
    layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
    registry.tag("team/app", "1.0", "1", "latest")
    layout.push(layout.image({"app": b"2"}), registry, "team/app:2.0")


def keep_login(home: Path, host: str, login: tuple[str, str], identity_token: str = "") -> None:
    """What `docker login` would have written, beside what is there; an identity token stands instead of a password."""
    file = home / ".docker/config.json"
    file.parent.mkdir(exist_ok=True)
    auths = json.loads(file.read_text())["auths"] if file.exists() else {}
    entry = {"auth": b64encode(f"{login[0]}:{'' if identity_token else login[1]}".encode()).decode()}
    auths[host] = {**entry, "identitytoken": identity_token} if identity_token else entry
    file.write_text(json.dumps({"auths": auths}))


def _write_settings(home: Path, registry: DockerRegistry) -> None:
    file = home / "config/regtui/config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    certificate = f'client_cert = "{registry.client_cert}"\n' if registry.client_cert else ""
    file.write_text(f'[registry."{registry.host}"]\nca_file = "{registry.ca_file}"\n{certificate}')
