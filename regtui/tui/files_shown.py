"""What the files pane shows: of which image, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations.files import FileTree
from regtui.operations.image_files import MergedTree

Scope = Literal["layer", "below", "image"]
"""One layer alone, the image up to a layer, the whole image."""


@dataclass(frozen=True, slots=True)
class FilesShown:
    """What the pane shows: of which image, and how much of it."""

    reference: Reference  # its repository and digest
    layers: list[Descriptor]  # all of the image's
    number: int  # of the layer in hand
    scope: Scope
    tree: FileTree | MergedTree  # as far as it was read
