"""Which room may know which: the table of the house's plan, held by reading every import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import regtui

HOUSE = Path(regtui.__file__).parent
GROUND = {"errors", "text"}
BELOW_OPERATIONS = GROUND | {"oci", "words", "speed", "patterns", "config", "registry", "layers", "store", "embedded"}
FOR_FACES = GROUND | {"oci", "words", "speed", "patterns", "config", "operations"}
NETWORK = {"httpx", "httpcore2"}
FACES = {"textual", "rich", "click"}

# room → the rooms that it may import, and the libraries that it must not
RULES: dict[str, tuple[set[str], set[str]]] = {
    "errors": (set(), NETWORK | FACES | {"sqlite3"}),
    "text": (set(), NETWORK | FACES | {"sqlite3"}),
    "oci": (GROUND, NETWORK | FACES | {"sqlite3"}),
    "words": (GROUND | {"oci"}, NETWORK | FACES | {"sqlite3"}),
    "speed": ({"words"}, NETWORK | FACES | {"sqlite3"}),
    "patterns": (GROUND, NETWORK | FACES | {"sqlite3"}),
    "config": (GROUND | {"oci"}, NETWORK | FACES | {"sqlite3"}),
    "registry": (GROUND | {"oci"}, FACES | {"sqlite3"}),
    "layers": (GROUND | {"oci"}, NETWORK | FACES | {"sqlite3"}),
    "store": ({"errors", "oci"}, NETWORK | FACES),
    "embedded": ({"errors", "oci"}, NETWORK | FACES | {"sqlite3"}),
    "operations": (BELOW_OPERATIONS, FACES | {"sqlite3"}),
    "reports": (GROUND | {"oci", "operations"}, NETWORK | FACES | {"sqlite3"}),
    "cli": (FOR_FACES | {"reports"}, NETWORK | {"sqlite3", "textual"}),
    "tui": (FOR_FACES, NETWORK | {"sqlite3", "click"}),
    "__main__": ({"cli", "tui", "errors", "config"}, NETWORK | FACES | {"sqlite3"}),
    "__init__": (set(), NETWORK | FACES | {"sqlite3"}),
}


def imports(file: Path) -> Iterator[str]:
    """Every module that a file names in an import, wherever it stands."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: write imports in full"
            assert node.module
            yield node.module
            if node.module == "regtui":
                yield from (f"regtui.{name.name}" for name in node.names if not name.name.startswith("__"))


def room_of(file: Path) -> str:
    return file.relative_to(HOUSE).parts[0].removesuffix(".py")


def test_every_room_has_its_rule() -> None:
    assert {room_of(file) for file in HOUSE.rglob("*.py")} <= RULES.keys()


@pytest.mark.parametrize("room", RULES)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    rooms, libraries = RULES[room]
    for file in HOUSE.rglob("*.py"):
        if room_of(file) != room:
            continue
        for module in imports(file):
            top, _, rest = module.partition(".")
            assert top not in libraries, f"{file} imports {module}"
            if top == "regtui" and rest:
                assert rest.partition(".")[0] in rooms | {room}, f"{file} imports {module}"
