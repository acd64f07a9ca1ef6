"""What two manifests and their configs say, side by side, and which layers they share: nothing of it reads a layer."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from regtui.oci.config import Execution, ImageConfig, Step
from regtui.oci.manifest import Descriptor, Index, Manifest
from regtui.operations.inspect import Inspected
from regtui.words import count, size

_STEPS_LIMIT = 1000
"""Instructions that are matched; of longer histories only the beginnings and ends that are equal are."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that both could say; None where one doesn't."""

    section: str
    name: str
    before: str | None
    after: str | None

    @property
    def differs(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Instruction:
    """A step of the history: "shared" when it made the same layer, or none, in both; "changed": another layer."""

    change: Literal["shared", "added", "removed", "changed"]
    text: str
    before: Step | None
    after: Step | None


@dataclass(frozen=True, slots=True)
class Layers:
    """What both have to hold and to send. Bytes are compressed, as they come over the wire; each blob counts once."""

    before: int  # layers
    after: int
    shared: int  # of the lowest layers, those that are the same ones
    shared_bytes: int
    after_brings: int  # bytes that pulling the second brings to who has the first, its config too
    before_brings: int


def facts(before: Inspected, after: Inspected) -> list[Fact]:
    """All that is said, equal or not, in the order in which people look for it."""
    rows = [
        _fact("Manifest", "Kind", before.kind, after.kind),
        _fact("Manifest", "Media type", before.document.media_type, after.document.media_type),
        _fact("Manifest", "Artifact type", _artifact_type(before), _artifact_type(after)),
    ]
    old, new = before.config, after.config
    if (old or new) and not (before.config_error or after.config_error):
        told, tells = dict(_config(old)), dict(_config(new))
        rows += [_fact("Config", name, told.get(name, ""), tells.get(name, "")) for name in {**told, **tells}]
        rows += _table("Environment", _environment(old), _environment(new))
        rows += _table("Labels", _run(old).labels, _run(new).labels)
    rows += _table("Annotations", before.document.annotations, after.document.annotations)
    rows += _table("Platforms", _platforms(before), _platforms(after))
    return [row for row in rows if row.before is not None or row.after is not None]


def history(before: Sequence[Step], after: Sequence[Step]) -> list[Instruction]:
    """Both histories as one, by instruction; of an artifact, whose layers have none, by layer."""
    old, new = [_key(step) for step in before], [_key(step) for step in after]
    start = next(
        (n for n, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), min(len(old), len(new))
    )
    lines = [_both(*pair) for pair in zip(before[:start], after[:start], strict=True)]
    old, new, before, after = old[start:], new[start:], before[start:], after[start:]
    if max(len(old), len(new)) > _STEPS_LIMIT:
        return lines + _only(before, "removed") + _only(after, "added")
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            lines += [_both(*pair) for pair in zip(before[i:j], after[k:m], strict=True)]
        else:
            lines += _only(before[i:j], "removed") + _only(after[k:m], "added")
    return lines


def layers(before: Inspected, after: Inspected) -> Layers:
    old, new = layers_of(before), layers_of(after)
    same = shared_layers(old, new)
    theirs, others = ({blob.digest: blob.size for blob in one.document.blobs} for one in (before, after))
    return Layers(
        len(old),
        len(new),
        same,
        sum(layer.size for layer in old[:same]),
        sum(bytes_ for digest, bytes_ in others.items() if digest not in theirs),
        sum(bytes_ for digest, bytes_ in theirs.items() if digest not in others),
    )


def layers_of(inspected: Inspected) -> list[Descriptor]:
    """The lowest first; none of an index."""
    content = inspected.document.content
    return list(content.layers or ()) if isinstance(content, Manifest) else []


def shared_layers(before: Sequence[Descriptor], after: Sequence[Descriptor]) -> int:
    """How many layers from the lowest up are the same ones in both."""
    pairs = enumerate(zip(before, after, strict=False))
    return next((n for n, (old, new) in pairs if old.digest != new.digest), min(len(before), len(after)))


def sentence(told: Layers) -> str:
    """What A and B, the first and the second, share, and what pulling one after the other costs."""
    shared = f"{count(told.shared, 'layer')}, {size(told.shared_bytes)}" if told.shared else "no layer"
    return (
        f"A and B share {shared}; pulling B after A brings {size(told.after_brings)}, "
        f"A after B {size(told.before_brings)}"
    )


def _fact(section: str, name: str, before: str, after: str) -> Fact:
    return Fact(section, name, before or None, after or None)


def _table(section: str, before: Mapping[str, str] | None, after: Mapping[str, str] | None) -> list[Fact]:
    old, new = before or {}, after or {}
    return [Fact(section, name, old.get(name), new.get(name)) for name in {**old, **new}]


def _artifact_type(inspected: Inspected) -> str:
    content = inspected.document.content
    if not isinstance(content, Manifest | Index):
        return ""
    no_image = isinstance(content, Manifest) and inspected.config is None
    return content.artifact_type or (content.config.media_type if no_image and isinstance(content, Manifest) else "")


def _run(config: ImageConfig | None) -> Execution:
    return (config.config if config else None) or Execution()


def _config(config: ImageConfig | None) -> Iterator[tuple[str, str]]:
    if config is None:
        return
    run = _run(config)
    yield "Entrypoint", _command(run.entrypoint)
    yield "Command", _command(run.cmd)
    yield "User", run.user or ""
    yield "Directory", run.working_dir or ""
    yield "Ports", ", ".join(sorted(run.exposed_ports or ()))
    yield "Volumes", ", ".join(sorted(run.volumes or ()))
    yield "Stop signal", run.stop_signal or ""
    yield "Platform", str(config.platform)
    yield "Created", config.created or ""
    yield "Author", config.author or ""


def _command(command: tuple[str, ...] | str | None) -> str:
    return (shlex.join(command) if isinstance(command, tuple) else command) or ""


def _environment(config: ImageConfig | None) -> dict[str, str]:
    return {name: value for name, _, value in (line.partition("=") for line in _run(config).env or ())}


def _platforms(inspected: Inspected) -> dict[str, str]:
    content = inspected.document.content
    children = content.images if isinstance(content, Index) else ()
    return {str(child.platform or "no platform"): child.digest for child in children}


def _key(step: Step) -> str:
    return step.instruction or (step.layer.digest if step.layer else "")


def _both(before: Step, after: Step) -> Instruction:
    digests = [step.layer.digest if step.layer else "" for step in (before, after)]
    return Instruction("shared" if digests[0] == digests[1] else "changed", after.instruction, before, after)


def _only(steps: Sequence[Step], change: Literal["added", "removed"]) -> list[Instruction]:
    if change == "added":
        return [Instruction(change, step.instruction, None, step) for step in steps]
    return [Instruction(change, step.instruction, step, None) for step in steps]
