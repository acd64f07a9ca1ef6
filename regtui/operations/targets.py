"""Where images were copied to lately: what is proposed for the next one."""

from __future__ import annotations

from regtui.config import Settings
from regtui.oci.reference import Reference
from regtui.store.places import Places

_FILE = "targets"


def recent_targets(settings: Settings) -> list[str]:
    """Repositories as one types them, the newest first. Reads one small file; what can't be read counts as empty."""
    return Places(settings.state_dir, _FILE).recent()


def remember_target(settings: Settings, target: Reference) -> None:
    """Puts the target's repository at the top. Where nothing can be written, it is forgotten."""
    Places(settings.state_dir, _FILE).remember(str(target.at()))
