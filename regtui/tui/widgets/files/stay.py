"""How the user stands in a tree of files, to stand so in another tree of the same image."""

from __future__ import annotations

from collections.abc import Mapping

from regtui.tui.widgets.files.marks import AnyNode, node_at


class Stay:
    """What was unfolded and folded, and where the cursor stood, by path. What one tree doesn't have, the next may."""

    def __init__(self) -> None:
        self.at = ""
        """The path that the cursor is to go to."""
        self._folding: dict[str, bool] = {}
        self._taken = False  # by the tree that is shown
        self._landed: AnyNode | None = None  # where the cursor was put

    def note(self, folding: Mapping[AnyNode, bool], at: AnyNode | None) -> None:
        """Another tree is about to be shown."""
        if not self._taken and self.at:
            return  # that tree never came to its end
        self._folding |= {node.path: is_open for node, is_open in folding.items()}
        if at is not None and at is not self._landed:
            self.at = at.path
        self._taken, self._landed = False, None

    def take_up(self, root: AnyNode, folding: dict[AnyNode, bool]) -> None:
        """Unfolds in a tree what was unfolded, but for what the user did in it since."""
        self._taken = True
        for path, is_open in self._folding.items():
            if (node := node_at(root, path)) is not None:
                folding.setdefault(node, is_open)

    def landed(self, at: AnyNode | None) -> None:
        """The cursor was put to `at`, or as near as there is something: as long as it stands there, it stays meant."""
        self._landed = at
