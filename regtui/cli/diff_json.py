"""What `regtui diff --json` writes: each difference an object; `what` says of which kind it is."""

from __future__ import annotations

from collections.abc import Iterator

from regtui.cli.entries import facts_as_json
from regtui.cli.output import json_text
from regtui.oci.config import Step
from regtui.operations.compare import Difference, Facts, Files, Instruction, Packages, Pair
from regtui.operations.image_files import MergedNode


def as_json(part: Pair | Facts | Files | Packages) -> Iterator[dict[str, object]]:
    """The objects of one part. `a` and `b` are the two sides; null where one has nothing."""
    if isinstance(part, Pair):
        yield _pair(part)
    elif isinstance(part, Facts):
        yield from _facts(part)
    elif isinstance(part, Files):
        yield from _files(part)
    else:
        for change in part.changes:
            yield {
                "what": "package",
                "change": change.change,
                "kind": change.kind,
                "name": change.name,
                "a": list(change.before),
                "b": list(change.after),
            }
        yield {"what": "packages", "a": part.before, "b": part.after, "notes": list(part.notes)}


def _pair(pair: Pair) -> dict[str, object]:
    return {
        "what": "references",
        "same": pair.is_same,
        "a": str(pair.before.reference),
        "b": str(pair.after.reference),
        "platform": pair.platform or None,
        "platforms_only_a": list(pair.only_before),
        "platforms_only_b": list(pair.only_after),
    }


def _facts(part: Facts) -> Iterator[dict[str, object]]:
    for fact in part.facts:
        if fact.differs:
            yield {
                "what": "fact",
                "section": fact.section,
                "name": fact.name,
                "a": fact.before,
                "b": fact.after,
            }
    for line in part.history:
        yield _instruction(line)
    told = part.layers
    yield {
        "what": "layers",
        "a": told.before,
        "b": told.after,
        "shared": told.shared,
        "shared_bytes": told.shared_bytes,
        "b_after_a_bytes": told.after_brings,
        "a_after_b_bytes": told.before_brings,
    }


def _instruction(line: Instruction) -> dict[str, object]:
    return {
        "what": "instruction",
        "change": line.change,
        "instruction": line.text,
        "a": _layer(line.before),
        "b": _layer(line.after),
    }


def _layer(step: Step | None) -> dict[str, object] | None:
    layer = step.layer if step else None
    return {"digest": layer.digest, "size_bytes": layer.size} if layer else None


def _files(part: Files) -> Iterator[dict[str, object]]:
    comparison = part.comparison
    for at in comparison.root.walk():
        if at.change:
            yield _file(at)
    yield {
        "what": "files",
        **{str(change): number for change, number in comparison.counts.items()},
        "a_bytes": comparison.root.size_before,
        "b_bytes": comparison.root.size_after,
        "maybe_changed": len(comparison.untold),
    }


def _file(at: Difference) -> dict[str, object]:
    return {
        "what": "file",
        **json_text("path", at.path),
        "change": at.change,
        "reasons": list(at.reasons),
        "a": _side(at.before),
        "b": _side(at.after),
    }


def _side(node: MergedNode | None) -> dict[str, object] | None:
    if node is None:
        return None
    return facts_as_json(node.entry) if node.entry else {"type": "dir"}
