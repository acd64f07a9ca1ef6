"""What the comparison's tabs say, as rows."""

from __future__ import annotations

from regtui import words
from regtui.oci.config import Step
from regtui.oci.digest import short
from regtui.operations.compare import Fact, Facts, Files, Packages, Pair, sentence
from regtui.operations.inspect import Inspected
from regtui.tui.widgets.comparison.sides import SideRow
from regtui.tui.widgets.details.listing import Entry

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "shared": "=", "up": "~", "down": "~"}
_NAMED = 12
"""Facts that differ and are named in short."""


def fact_rows(part: Facts) -> list[SideRow]:
    """Config, labels and the rest by section; what is equal stands there too."""
    rows: list[SideRow] = []
    section = ""
    for fact in part.facts:
        if fact.section != section:
            section = fact.section
            rows.append(SideRow("", section))
        rows.append(SideRow(_sign(fact), fact.name, _text(fact.before), _text(fact.after)))
    return rows


def layer_rows(part: Facts) -> list[SideRow]:
    """The history, with the sizes of the layers that it made."""
    rows = [SideRow("", text) for text in sentence(part.layers).split("; ")] if part.history else []
    for line in part.history:
        step = line.before or line.after
        label = line.text or (step.layer.digest if step and step.layer else "")
        rows.append(SideRow(_SIGNS[line.change], label, _size(line.before), _size(line.after)))
    return rows


def package_rows(part: Packages) -> list[SideRow]:
    """Those that differ, by what happened to them."""
    rows: list[SideRow] = []
    for heading in ("up", "down", "changed", "added", "removed"):
        those = [change for change in part.changes if change.change == heading]
        if those:
            rows.append(SideRow("", f"{heading.capitalize()} · {len(those):,}"))
        for change in those:
            label = f"{change.name} ({change.kind})"
            rows.append(SideRow(_SIGNS[heading], label, ", ".join(change.before), ", ".join(change.after)))
    return rows


def summary(pair: Pair, told: Facts | None, files: Files | None, packages: Packages | None, cost: int) -> list[Entry]:
    """All in short. `cost`: bytes that reading the layers takes."""
    rows = [*_image("A", pair.before), *_image("B", pair.after)]
    if pair.platform:
        rows += [Entry("Platform", pair.platform)]
        rows += [Entry("Only in A", ", ".join(pair.only_before))] * bool(pair.only_before)
        rows += [Entry("Only in B", ", ".join(pair.only_after))] * bool(pair.only_after)
    if pair.is_same:
        return [Entry("Same", f"The same {pair.before.kind}: one digest."), *rows]
    for side, name in ((pair.before, "A"), (pair.after, "B")):
        if side.config_error:
            rows.append(Entry(f"Config of {name}", f"can't be compared: {side.config_error}"))
    if told is None:
        return rows
    rows += [Entry("Layers", sentence(told.layers)), Entry("Differs", _differing(told.facts))]
    if not pair.are_images:
        return rows
    unread = f"not read yet: {words.size(cost)} of layers" if cost else "not read yet; nothing is to be fetched"
    rows.append(Entry("Files", files.summary if files else unread, dim=files is None))
    if files and files.untold:
        rows.append(Entry("", f"{files.untold}. Press C to compare their content."))
    rows.append(Entry("Packages", packages.summary if packages else unread, dim=packages is None))
    rows += [Entry("", f"{note}.") for note in packages.notes] if packages else []
    return rows


def _image(name: str, side: Inspected) -> list[Entry]:
    size = sum({blob.digest: blob.size for blob in side.document.blobs}.values())
    created = side.config.built if side.config else None
    about = [
        f"{words.size(size)}" if size else "",
        words.exact(created) if created else "",
        short(side.document.digest),
    ]
    return [
        Entry(name, str(side.reference.at(side.reference.tag) if side.reference.tag else side.reference)),
        Entry("", " · ".join(filter(None, about)), dim=True),
    ]


def _differing(facts: list[Fact]) -> str:
    names = [fact.name for fact in facts if fact.differs and fact.section != "Platforms"]
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}" if names else "nothing of config, labels and annotations"


def _sign(fact: Fact) -> str:
    if not fact.differs:
        return "="
    return "+" if fact.before is None else "-" if fact.after is None else "~"


def _text(value: str | None) -> str:
    return "–" if value is None else value or '""'


def _size(step: Step | None) -> str:
    return words.size(step.layer.size) if step and step.layer else ""
