"""What one does with the files that pane 4 shows: opens one, saves one or a whole folder."""

from __future__ import annotations

import asyncio

from textual.screen import Screen

from regtui.errors import RegtuiError
from regtui.operations.files import Node
from regtui.operations.image_files import MergedNode
from regtui.operations.opening import file_of, linked_folder
from regtui.operations.saving import plan_to_save
from regtui.operations.session import Session
from regtui.tui.file_scopes import FilesShown
from regtui.tui.screens.file import FileScreen
from regtui.tui.screens.panes import PanesScreen
from regtui.tui.screens.save import SaveDialog


async def open_file(screen: PanesScreen, session: Session, shown: FilesShown, node: Node | MergedNode) -> None:
    """Opens what a node means on a screen of its own, goes to the folder it leads to, or says why there is neither."""
    folder = await asyncio.to_thread(linked_folder, node, shown.tree, shown.number)
    if folder is not None and screen.files.shown is shown:
        screen.files.go_to(folder)
        return
    try:
        file = await asyncio.to_thread(file_of, node, shown.tree, shown.reference, shown.layers, shown.number)
    except RegtuiError as error:
        screen.notify(str(error), severity="warning", markup=False)
    else:
        screen.app.push_screen(FileScreen(session, shown.reference, file))


async def save_files(screen: Screen[None], session: Session, shown: FilesShown, node: Node | MergedNode) -> None:
    """Asks where a file or folder goes, saves it, and says what was saved."""
    try:
        plan = await asyncio.to_thread(plan_to_save, node, shown.tree, shown.number)
    except RegtuiError as error:
        screen.notify(str(error), severity="warning", markup=False)
        return
    layers = dict(enumerate(shown.layers))
    dialog = SaveDialog(session, shown.reference.repository, layers, plan, node.path)
    if said := await screen.app.push_screen_wait(dialog):
        screen.notify(said, markup=False)
