"""What `c` compares: two marked tags, the marked one and the one under the cursor, or what is asked for."""

from __future__ import annotations

from regtui.oci.reference import Reference
from regtui.tui.connections import Connections
from regtui.tui.glyphs import Glyphs
from regtui.tui.screens.compare import CompareScreen
from regtui.tui.screens.compare_with import CompareDialog
from regtui.tui.widgets.choices import Choice
from regtui.tui.widgets.tags import Tags
from regtui.words import size


async def compare(tags: Tags, target: Reference, connections: Connections, glyphs: Glyphs) -> None:
    """Opens the comparison; asks for the other reference where none is marked. `target` is what the key is meant for.

    Of two tags the one that was built earlier is A, the first.
    """
    marked = tags.marked
    if len(marked) > 2:
        tags.notify(f"{len(marked):,} tags are marked: mark one or two to compare.", severity="warning", markup=False)
        return
    chosen = [target.at(tag) for tag in marked]
    if len(chosen) < 2 and target not in chosen:
        chosen.append(target)
    if len(chosen) < 2:
        other = await tags.app.push_screen_wait(CompareDialog(target, _choices(tags, target), glyphs))
        if other is None:
            return
        chosen.append(other)
    before, after = chosen
    if _is_later(tags, before, after):
        before, after = after, before
    tags.app.push_screen(CompareScreen(connections, before, after))


def _choices(tags: Tags, target: Reference) -> list[Choice]:
    """The repository's tags, as the pane shows them."""
    if tags.repository != target.repository:
        return []
    found = []
    for tag in tags.listed:
        facts = tags.facts(tag)
        if tag != target.tag:
            created = f"{facts.created:%Y-%m-%d}" if facts and facts.created else ""
            about = [created, size(facts.size)] if facts else []
            found.append(Choice(tag, "  ".join(filter(None, about)), tag))
    return found


def _is_later(tags: Tags, one: Reference, other: Reference) -> bool:
    """Whether one was built later than the other, as far as that is known."""
    if {one.repository, other.repository} != {tags.repository}:
        return False
    dates = [facts.created if (facts := tags.facts(each.tag)) else None for each in (one, other)]
    return dates[0] is not None and dates[1] is not None and dates[0] > dates[1]
