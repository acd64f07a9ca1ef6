"""`regtui diff`: what two references differ in."""

from __future__ import annotations

from contextlib import aclosing

import click

from regtui import words
from regtui.cli.connect import manifest_of, with_sessions
from regtui.cli.diff_json import as_json
from regtui.cli.diff_text import Text
from regtui.cli.flags import Run, with_flags
from regtui.cli.output import Progress, print_json
from regtui.operations import compare
from regtui.operations.session import Session

DIFFERENT = 3
"""Not 1, as `diff` has it: that is a failure here, in every command."""


@click.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--files", "which", flag_value="all", help="List every file that differs; usually a few lines fold them.")
@click.option("--no-files", "which", flag_value="none", help="Read no layer: no files and no packages.")
@click.option("--content", is_flag=True, help="Read files that look alike and compare their bytes.")
@click.option("--times", is_flag=True, help="A file's time of change alone is a difference too.")
@click.option("--json", "as_json_lines", is_flag=True, help="One JSON object a line, each difference by itself.")
@with_flags
def diff(before: str, after: str, which: str | None, content: bool, times: bool, as_json_lines: bool) -> int:
    """Show what changes from the image A to the image B: config, labels, history, layers, files, packages.

    B may be just :TAG or @DIGEST in A's repository. Of two indexes it compares the images for --platform, or for this
    machine's. Files are compared by type, size, mode, owner and link; files of one size may still differ in content,
    which --content looks into. Nothing is read twice, and no layer when the two are the same or with --no-files.

    Exit code: 0 when both are the same image, 3 when they differ, 1 and 2 when that can't be told.
    """
    old = manifest_of(before)
    new = manifest_of(f"{old.at()}{after}" if after.startswith((":", "@")) else after)

    async def work(sessions: list[Session], run: Run) -> int:
        first, second = sessions[0], sessions[-1]
        platform = run.settings.named_platform
        parts = compare.compare(
            (first, old), (second, new), platform, with_files=which != "none", content=content, times=times
        )
        progress, text, code = Progress(run.quiet), Text(which == "all"), 0
        try:
            async with aclosing(parts) as events:
                async for part in events:
                    if isinstance(part, compare.Progress):
                        progress(words.so_far(part.bytes_read, part.bytes_total))
                        continue
                    progress.clear()
                    if isinstance(part, compare.Pair):
                        code = 0 if part.is_same else DIFFERENT
                    if as_json_lines:
                        for line in as_json(part):
                            print_json(line)
                    else:
                        text.show(part)
        finally:
            progress.clear()
        return code

    return with_sessions([old.registry, new.registry], work)
