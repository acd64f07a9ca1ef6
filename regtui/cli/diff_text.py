"""What `regtui diff` writes for people, part by part."""

from __future__ import annotations

import click

from regtui import words
from regtui.cli.output import Table
from regtui.oci.config import Step
from regtui.operations.compare import Difference, Fact, Facts, Files, Instruction, Packages, Pair, sentence, told
from regtui.text import shown

_ROWS = 40
"""Lines of files at most, unless all are asked for."""
_SIGNS = {"added": "+", "removed": "-", "changed": "~", "shared": "=", "": " "}


class Text:
    """Writes each part with a headline. `all_files`: nothing is folded."""

    def __init__(self, all_files: bool) -> None:
        self._all_files = all_files

    def show(self, part: Pair | Facts | Files | Packages) -> None:
        if isinstance(part, Pair):
            self._pair(part)
        elif isinstance(part, Facts):
            self._facts(part)
        elif isinstance(part, Files):
            self._files(part)
        else:
            self._packages(part)

    def _pair(self, pair: Pair) -> None:
        _line(f"A  {pair.before.reference}")
        _line(f"B  {pair.after.reference}")
        if pair.platform:
            only = [(f"only A has {', '.join(pair.only_before)}")] * bool(pair.only_before)
            only += [f"only B has {', '.join(pair.only_after)}"] * bool(pair.only_after)
            _line("; ".join([f"Compared for {pair.platform}", *only]))
        if pair.is_same:
            _line(f"The same {pair.before.kind}: one digest.")
        for side, name in ((pair.before, "A"), (pair.after, "B")):
            if side.config_error:
                _line(f"The config of {name} can't be compared: {side.config_error}")

    def _facts(self, part: Facts) -> None:
        section = ""
        for fact in part.facts:
            if not fact.differs or fact.section == "Platforms":  # the first lines told of these
                continue
            if fact.section != section:
                section = fact.section
                _headline(section)
            _fact(fact)
        _headline(sentence(part.layers))
        table = Table("", "SIZE", "INSTRUCTION", right=("SIZE",))
        for line in part.history:
            table.row(_SIGNS[line.change], _sizes(line), line.text or _digest(line.before or line.after))
        table.close()

    def _files(self, part: Files) -> None:
        comparison = part.comparison
        root = comparison.root
        _headline(f"Files: {part.summary}")
        if part.untold:
            _line(f"{part.untold}. --content compares them.")
        shown_ = [at for at in root.walk() if at.change] if self._all_files else comparison.folded(_ROWS)
        for at in shown_ if self._all_files else shown_[:_ROWS]:
            _line(f"  {_SIGNS[at.change]} {_path(at)}  {told(at)}")
        left = len(shown_) - _ROWS
        if left > 0 and not self._all_files:
            _line(f"  … {left:,} more lines")
        if not self._all_files and any(at.count > 1 for at in shown_):
            _line("  Each path by itself: --files")

    def _packages(self, part: Packages) -> None:
        if not part.before and not part.after and not part.notes:
            return
        _headline(f"Packages: {part.summary}")
        table = Table("", "KIND", "NAME", "A", "B")
        for change in part.changes:
            table.row(change.change, change.kind, change.name, _versions(change.before), _versions(change.after))
        if part.changes:
            table.close()
        for note in part.notes:
            _line(f"{note}.")


def _line(text: str) -> None:
    click.echo(shown(text))


def _headline(text: str) -> None:
    click.echo()
    _line(text)


def _fact(fact: Fact) -> None:
    for sign, value in (("-", fact.before), ("+", fact.after)):
        if value is not None:
            _line(f"  {sign} {fact.name}: {value}" if value else f"  {sign} {fact.name} is empty")


def _sizes(line: Instruction) -> str:
    sizes = [words.size(step.layer.size) for step in (line.before, line.after) if step and step.layer]
    return " to ".join(dict.fromkeys(sizes)) or "-"


def _digest(step: Step | None) -> str:
    return step.layer.digest if step and step.layer else "-"


def _path(at: Difference) -> str:
    return f"{at.path}/" if at.is_directory else at.path


def _versions(versions: tuple[str, ...]) -> str:
    return ", ".join(versions) or "-"
