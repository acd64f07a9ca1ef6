"""The settings in force, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """`[registry."HOST"]`: what holds for one registry. Paths are absolute or empty."""

    read_only: bool = False
    plain_http: bool = False
    insecure_tls: bool = False
    ca_file: str = ""
    client_cert: str = ""
    realm: str = ""
    concurrency: int = 16
    namespace: str = ""
    protected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force. `origins` says where each came from that isn't a default: `--timeout`, `FILE, line 3`."""

    config_file: Path
    cache_dir: Path
    state_dir: Path
    theme: str = ""
    ascii: bool = False
    platform: str = "linux/amd64"
    details: str = "all"
    page_jump: bool = False
    timeout: float = 30.0  # seconds
    cache_size: int = 512_000_000  # bytes
    journal_days: int = 365
    protected: tuple[str, ...] = ("latest", "stable", "prod*")
    read_only: bool = False
    plain_http: bool = False
    insecure_tls: bool = False
    ca_file: str = ""
    log: str = ""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    registries: Mapping[str, RegistrySettings] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def named_platform(self) -> str:
        """The platform that the user named; empty where it is this machine's."""
        return self.platform if "platform" in self.origins else ""

    def for_registry(self, host: str) -> RegistrySettings:
        """A registry's table joined by this run's flags. `host` is the name that references have: `docker.io`."""
        own = self.registries.get(host, RegistrySettings())
        return replace(
            own,
            read_only=own.read_only or self.read_only,
            plain_http=own.plain_http or self.plain_http,
            insecure_tls=own.insecure_tls or self.insecure_tls,
            ca_file=self.ca_file or own.ca_file,
            protected=(*self.protected, *own.protected),
        )

    def for_others(self) -> Settings:
        """For registries beside the one that was named: what this run's flags say of the connection is said of that."""
        return replace(self, plain_http=False, insecure_tls=False)

    def is_protected(self, host: str, tag: str) -> bool:
        """Whether deleting this tag needs more than a yes."""
        own = self.registries.get(host)
        return any(fnmatchcase(tag, pattern) for pattern in (*self.protected, *(own.protected if own else ())))
