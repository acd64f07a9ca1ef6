"""Saving a file or a folder of an image under its own name, to a folder that the user names."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from regtui.config import Settings
from regtui.errors import RegtuiError, UsageError
from regtui.layers.merged import MergedNode, MergedTree
from regtui.layers.tree import FileTree, Node
from regtui.operations.extraction_plan import ExtractionPlan, plan_of_node
from regtui.operations.opening import FileOfImage, merged
from regtui.store.files import private_folder
from regtui.text import shown

_LONGEST = 4096  # bytes of the remembered folder's path


def plan_to_save(node: Node | MergedNode, tree: FileTree | MergedTree, number: int) -> ExtractionPlan:
    """What `w` writes of a node: a file, a folder with all that is in it, of a link what it leads to within the tree.

    `number` is a single layer's. Raises `RegtuiError` where there is nothing to write. Takes its time for a big layer.
    """
    name = shown(node.path, 200)
    if node.entry is None and not node.is_directory:
        raise RegtuiError(f"{name} is removed by layer {number}: there is nothing to save")
    whole = tree if isinstance(tree, MergedTree) else merged(tree, number)
    found: MergedNode | None = node if isinstance(node, MergedNode) else whole.find(node.path, follow=False)
    if node.entry is not None and node.entry.type == "symlink":
        found = whole.find(node.path)
        if found is None:
            raise RegtuiError(f"{name} is a link to {shown(node.entry.link, 200)}, which leads to nothing here")
    assert found is not None, "a tree has what it shows"
    plan = plan_of_node(found)
    if not plan:
        why = plan.left_out[0].why if plan.left_out else "is empty"
        raise RegtuiError(f"{shown(found.path, 200)} {why}: there is nothing to save")
    return plan


def plan_of_file(file: FileOfImage) -> ExtractionPlan:
    """The same for a file that is open."""
    tree = MergedTree()
    tree.add_layer(file.number, [file.entry])
    node = tree.find(file.entry.path)
    assert node is not None
    return plan_of_node(node)


def target_of(text: str) -> Path:
    """The folder that somebody typed; `~` is his home. Raises `UsageError`."""
    if not text.strip() or "\0" in text:
        raise UsageError("Name a folder", "It is made if it isn't there.")
    try:
        return Path(os.path.abspath(Path(text.strip()).expanduser()))
    except RuntimeError:
        raise UsageError(f"{text.strip()} begins with the name of nobody here", "A ~ alone is your home.") from None


def last_target(settings: Settings) -> str:
    """The folder that was saved to last, where it still is; else the one that regtui was started in."""
    with contextlib.suppress(OSError):
        raw = (settings.state_dir / "save-folder").read_bytes()[:_LONGEST]
        if os.path.isdir(raw):
            return os.fsdecode(raw)
    return os.getcwd()


def remember_target(settings: Settings, target: Path) -> None:
    """A convenience: what goes wrong with it stops nobody."""
    with contextlib.suppress(OSError):
        (private_folder(settings.state_dir) / "save-folder").write_bytes(os.fsencode(target))
