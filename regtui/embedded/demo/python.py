"""Python under /usr/local, and what pip installs."""

from __future__ import annotations

from regtui.embedded.demo.contents import binary, code, lines, prose, words
from regtui.embedded.demo.tree import Tree
from regtui.embedded.demo.writer import ago

VERSION = "3.13.9"
BUILT = ago(98.8)
LIBRARY = "usr/local/lib/python3.13"

_MODULES = words(
    "abc argparse ast asyncio/__init__ asyncio/base_events asyncio/tasks base64 bisect calendar codecs "
    "collections/__init__ contextlib copy csv dataclasses datetime decimal difflib dis email/__init__ "
    "email/message email/parser enum functools gzip hashlib heapq hmac html/__init__ http/__init__ http/client "
    "http/server inspect io ipaddress json/__init__ json/decoder json/encoder keyword locale logging/__init__ "
    "logging/config lzma multiprocessing/__init__ os pathlib pickle platform pprint queue random re/__init__ "
    "sched secrets selectors shutil signal socket sqlite3/__init__ ssl stat statistics string subprocess tarfile "
    "tempfile textwrap threading timeit token tokenize traceback types typing unittest/__init__ unittest/case "
    "unittest/mock urllib/__init__ urllib/parse urllib/request uuid venv/__init__ warnings weakref xml/__init__ "
    "xml/dom/minidom zipfile/__init__ zoneinfo/__init__"
)


def runtime(architecture: str) -> Tree:
    """What `make install` of CPython leaves, with the links to it."""
    tree = Tree(BUILT)
    tree.file("usr/local/bin/python3.13", binary(f"python {VERSION} {architecture}", 15_000), 0o755)
    for name in ("python", "python3"):
        tree.symlink(f"usr/local/bin/{name}", "python3.13")
    library = binary(f"libpython {VERSION} {architecture}", 2_400_000)
    tree.file("usr/local/lib/libpython3.13.so.1.0", library, 0o755)
    tree.symlink("usr/local/lib/libpython3.13.so", "libpython3.13.so.1.0")
    for name in _MODULES:
        source = code(f"{name} {VERSION}", 2_000 + len(name) * 800)
        tree.file(f"{LIBRARY}/{name}.py", source)
        folder, _, module = f"{LIBRARY}/{name}".rpartition("/")
        tree.file(f"{folder}/__pycache__/{module}.cpython-313.pyc", binary(f"{name}.pyc {VERSION}", len(source) // 3))
    package(tree, "pip", "25.3", architecture)
    return tree


def package(tree: Tree, name: str, version: str, architecture: str, compiled: int = 0) -> None:
    """A package as pip installs it; `compiled` is the size in bytes of its extension module, if it has one."""
    folder = f"{LIBRARY}/site-packages"
    module = name.replace("-", "_").lower()
    for part in ("__init__", "_types", "core", "errors", "main"):
        tree.file(f"{folder}/{module}/{part}.py", code(f"{name} {version} {part}", 2_500 + len(part) * 700))
    tree.file(f"{folder}/{module}/py.typed")
    if compiled:
        extension = f"_{module}.cpython-313-{architecture.replace('/', '')}-linux-gnu.so"
        tree.file(f"{folder}/{module}/{extension}", binary(f"{name} {version} {architecture}", compiled), 0o755)
    information = f"{folder}/{module}-{version}.dist-info"
    tree.file(
        f"{information}/METADATA",
        lines("Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", "License: MIT"),
    )
    tree.file(f"{information}/RECORD", lines(f"{module}/__init__.py,sha256=,", f"{module}/core.py,sha256=,"))
    tree.file(f"{information}/INSTALLER", b"pip\n")
    tree.file(f"{information}/licenses/LICENSE", prose(f"licence {name}", 1_100))
