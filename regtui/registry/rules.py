"""What podman's registries.conf says of names: which rule holds for one, and where what it names really is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from regtui.errors import ConfigError, ReferenceError, RegistryError
from regtui.oci.reference import check_host, check_repository
from regtui.text import shown


@dataclass(frozen=True, slots=True)
class Place:
    """A registry, as people write it, and the path in it that names are put behind; or a whole repository there.

    `insecure`: any certificate will do, and plain HTTP where TLS fails.
    """

    registry: str
    path: str = ""
    insecure: bool = False

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}" if self.path else self.registry


@dataclass(frozen=True, slots=True)
class Mirror:
    """One `[[registry.mirror]]`. What it isn't asked for: content by its digest, or what only a tag names."""

    location: str
    insecure: bool = False
    for_digests: bool = True
    for_tags: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[registry]]`: what holds for the names that its prefix begins (containers-registries.conf(5)).

    `prefix` is `HOST[:PORT][/PATH]` or `*.example.com`; `location` takes its place, or is empty: nothing does.
    """

    prefix: str
    location: str
    file: str
    insecure: bool = False
    blocked: bool = False
    mirrors: tuple[Mirror, ...] = ()

    def covers(self, name: str) -> int:
        """How much of a name (`HOST[:PORT][/REPOSITORY]`) the prefix stands for, in characters; 0 for none.

        Podman takes a host for the prefix of the same host with a port, too, and says not to rely on it: not here.
        """
        if self.prefix.startswith("*."):
            host = name.partition("/")[0]
            host = host if host.endswith("]") else host.partition(":")[0]
            return len(host) if host.endswith(self.prefix[1:]) and len(host) >= len(self.prefix) else 0
        return len(self.prefix) if name == self.prefix or name.startswith(f"{self.prefix}/") else 0

    def place(self, name: str) -> Place:
        """Where a name that the rule covers really is. Raises `ConfigError` when that can't be, `RegistryError` when
        the rule blocks it."""
        if self.blocked:
            raise RegistryError(
                f"{shown(name, 300)} is blocked by {shown(self.file, 300)}",
                f"Take `blocked` out of its [[registry]] for {shown(self.prefix, 200)}, if that is yours to decide.",
            )
        return self._put(name, self.location, self.insecure)

    def mirrored(self, name: str, mirror: Mirror) -> Place:
        """Where a mirror has a name that the rule covers. Raises `ConfigError` when that can't be."""
        return self._put(name, mirror.location, mirror.insecure)

    def _put(self, name: str, location: str, insecure: bool) -> Place:
        host, _, path = (location + name[self.covers(name) :] if location else name).partition("/")
        try:
            return Place(check_host(host), check_repository(path) if path else "", insecure)
        except ReferenceError as error:
            what = f"{shown(self.file, 300)} leads from {shown(name, 300)} to where nothing can be: {error.what}"
            raise ConfigError(what, f"Mend its [[registry]] for {shown(self.prefix, 200)}.") from error


@dataclass(frozen=True, slots=True)
class RegistriesConf:
    """All of podman's files together."""

    rules: tuple[Rule, ...] = ()
    search: tuple[str, ...] = ()  # registries that short names are looked for in
    search_file: str = ""  # the file that names them
    aliases: Mapping[str, str] = field(default_factory=dict)  # of short names, each to HOST/REPOSITORY

    def rule(self, name: str) -> Rule | None:
        """The rule for a name (`HOST[:PORT][/REPOSITORY]`): of those that cover it, the one with the longest prefix."""
        covering = [rule for rule in self.rules if rule.covers(name)]
        return max(covering, key=lambda rule: len(rule.prefix), default=None)

    def below(self, registry: str) -> list[Rule]:
        """The rules for parts of a registry."""
        return [rule for rule in self.rules if rule.prefix.startswith(f"{registry}/")]

    def is_split(self, registry: str) -> bool:
        """Whether parts of a registry are elsewhere than the rest, or are reached in another way, or not at all."""
        whole = self.rule(registry)
        insecure = whole is not None and whole.insecure
        is_moved = whole is not None and (whole.blocked or whole.location not in ("", registry))
        return any(
            is_moved or rule.blocked or rule.location != rule.prefix or rule.insecure != insecure
            for rule in self.below(registry)
        )

    def home(self, registry: str) -> Place:
        """Where a registry is: the whole of it, or the first part that isn't blocked. Raises as `Rule.place`."""
        whole = self.rule(registry)
        if whole and whole.blocked:
            for rule in self.below(registry):
                if not rule.blocked:
                    return rule.place(rule.prefix)
        return self.place(registry)

    def is_mirrored(self, registry: str) -> bool:
        """Whether any part of a registry has mirrors."""
        return any(rule and rule.mirrors for rule in (self.rule(registry), *self.below(registry)))

    def mirrors(self, registry: str) -> list[Place]:
        """The mirrors of a whole registry that may be asked for everything, in their order."""
        rule = self.rule(registry)
        usable = [mirror for mirror in rule.mirrors if mirror.for_tags and mirror.for_digests] if rule else []
        return [rule.mirrored(registry, mirror) for mirror in usable] if rule else []

    def place(self, name: str) -> Place:
        """Where a name really is. Raises as `Rule.place`."""
        if rule := self.rule(name):
            return rule.place(name)
        registry, _, path = name.partition("/")
        return Place(registry, path)
