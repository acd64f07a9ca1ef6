"""Makes the pictures of this folder from the demo: `.venv/bin/python screenshots/make.py [SCENE...]`, in the root.

Each is the SVG that Textual draws; where there is a Chromium (Debian's `chromium`), those of the README become PNG too.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))

from tests.tui.running import Running, confirmed, running  # noqa: E402 - the tests know how to drive the app

SIZES = {"80x24": (80, 24), "160x45": (160, 45)}
AS_PNG = ("main-160x45", "main-80x24")
APP = "demo.localhost/team/app"


async def main_screen(at: Running) -> None:
    await at.until("newest first")
    await at.press("2")
    await at.until("Pull" if at.app.size.width > 100 else "Digest")


async def layer_pane(at: Running) -> None:
    await at.until("newest first")
    await at.press("3", "[", "[", "4")
    await at.until("usr/")


async def delete_dialog(at: Running) -> None:
    await at.until("newest first")
    at.browser.tags.go_to("v1.14")
    await at.until(lambda: at.browser.spot.reference.tag == "v1.14")
    await at.press("d")
    await at.until("Reclaims")


async def help_screen(at: Running) -> None:
    await at.until("newest first")
    await at.press("2", "?")
    await at.until("In this pane")


async def signatures(at: Running) -> None:
    await at.until("newest first")
    await at.press("2", ".")
    await at.until("└")


async def request_log(at: Running) -> None:
    await at.until("newest first")
    await at.press("ctrl+l")
    await at.until("GET")


async def files_of_image(at: Running) -> None:
    await at.until("newest first")
    await at.press("3", "[", "[", "down", "4")
    await at.until("unpacked")
    await at.press("a")
    await at.until("wasted")


async def opened_file(at: Running) -> None:
    await files_of_image(at)
    at.browser.files.go_to("etc/os-release")
    await at.press("enter")
    await at.until("PRETTY")


async def packages(at: Running) -> None:
    await at.until("newest first")
    await at.press("K")
    await at.until("busybox")


async def compared(at: Running) -> None:
    await at.until("newest first")
    await at.press("2")
    at.browser.tags.go_to("v1.13.0")
    await at.press("space")
    at.browser.tags.go_to("v1.14.0")
    await at.press("c")
    await at.until("Summary")
    await at.press("]")
    await at.until("APP_VERSION")


async def many_deleted(at: Running) -> None:
    await at.until("newest first")
    await at.press("2", "slash")
    await at.type("*-rc*")
    await at.press("enter", "A", "d")
    await at.until("Reclaims")


async def history(at: Running) -> None:
    """Three changes, the first of them undone."""
    await at.until("newest first")
    await at.press("2")
    for tag, keys in (("v1.13.0", "d"), ("", "u"), ("v1.12.0", "d")):
        if tag:
            at.browser.tags.go_to(tag)
        await at.press(keys)
        await confirmed(at)
        await at.until("newest first")
    await at.press("U")
    await at.until("undone by")


async def copy_dialog(at: Running) -> None:
    await at.until("newest first")
    await at.press("2")
    at.browser.tags.go_to("v1.14.2")
    await at.until(lambda: at.browser.inspected)
    await at.press("t")
    await at.type("registry.example.com/")
    await at.until("Platforms")


async def tag_log(at: Running) -> None:
    """A tag that was moved and moved back."""
    await at.until("newest first")
    await at.press("2")
    for source in ("v1.13.0", "v1.14.2"):
        at.browser.tags.go_to(source)
        await at.press("t")
        await at.type("candidate")
        await at.press("enter")
        await confirmed(at)
        await at.until("newest first")
    at.browser.tags.go_to("candidate")
    await at.press("T")
    await at.until("Enter opens")


SCENES: dict[str, tuple[str, Callable[[Running], Awaitable[None]]]] = {
    "main": (APP, main_screen),
    "layers": (f"{APP}/worker", layer_pane),
    "delete": (APP, delete_dialog),
    "help": (APP, help_screen),
    "requests": (APP, request_log),
    "files": (f"{APP}/worker", files_of_image),
    "file": (f"{APP}/worker", opened_file),
    "packages": (APP, packages),
    "compare": (APP, compared),
    "bulk": (APP, many_deleted),
    "history": (APP, history),
    "copy": (APP, copy_dialog),
    "log": (APP, tag_log),
}


async def picture(name: str, size: str, theme: str) -> None:
    target, scene = SCENES[name]
    async with running(target, SIZES[size], theme=theme) as at:
        await scene(at)
        await at.pilot.pause(0.5)
        svg = at.app.export_screenshot(title="regtui", simplify=True)
    stem = f"{name}-{size}{'-light' if theme == 'light' else ''}"
    # Textual names each export anew: a fixed name keeps a picture that shows the same the same file
    svg = re.sub(r"terminal-\d+", "terminal", svg)
    (FOLDER / f"{stem}.svg").write_text(svg)
    if stem in AS_PNG and (chromium := shutil.which("chromium")):
        to_png(chromium, svg, FOLDER / f"{stem}.png")


def to_png(chromium: str, svg: str, path: Path) -> None:
    width, height = (round(float(side)) for side in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())  # type: ignore[union-attr]
    with tempfile.TemporaryDirectory() as profile:
        page = Path(profile, "page.html")
        page.write_text(f'<body style="margin:0;background:#000">{svg.replace("Fira Code", "DejaVu Sans Mono")}')
        subprocess.run(  # noqa: S603 - our own file
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}",
             "--disable-background-networking", f"--window-size={width},{height}", f"--screenshot={path}", str(page)],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip


async def main() -> None:
    for name in sys.argv[1:] or SCENES:
        for size in SIZES:
            for theme in ("dark", "light"):
                await picture(name, size, theme)
                print(f"{name} {size} {theme}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:  # the pictures show nobody's own settings
        os.environ |= {f"XDG_{kind}_HOME": home for kind in ("CONFIG", "CACHE", "STATE", "DATA")}
        asyncio.run(main())
