"""`regtui log`: what a tag pointed to before."""

from __future__ import annotations

import click

from regtui.cli.connect import manifest_of, with_session
from regtui.cli.failures import FAILED, say
from regtui.cli.flags import Run, with_flags
from regtui.cli.output import Table, json_time, print_json
from regtui.operations.session import Session


@click.command()
@click.argument("reference", metavar="REF")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a line: digest, first, last, change, user, now, there."
)
@with_flags
def log(reference: str, as_json: bool) -> int:
    """List what a tag pointed to before, the newest first: as this machine saw it, and as its changes left it.

    What is still there can be put back: regtui tag REPO@DIGEST TAG --force.
    """
    tag = manifest_of(reference)

    async def work(session: Session, run: Run) -> int:
        from regtui.operations.tag_log import tag_log  # not for --help and completion

        events = await tag_log(session, tag)
        table = Table("FIRST SEEN", "LAST SEEN", "DIGEST", "STATE", "BY")
        for event in events:
            state = "now" if event.is_now else {True: "there", False: "gone", None: ""}[event.is_there]
            change = event.by
            if as_json:
                print_json(
                    {
                        "digest": event.digest,
                        "first": json_time(event.first),
                        "last": json_time(event.last),
                        "change": change.id if change else None,
                        "user": change.user if change else None,
                        "now": event.is_now,
                        "there": event.is_there,
                    }
                )
            else:
                by = f"{change.user}, change {change.id}: {change.title}" if change else ""
                first, last = json_time(event.first) or "", json_time(event.last) or ""
                table.row(first, last, event.digest or "deleted", state, by)
        if not as_json and events:
            table.close()
        if not events and not run.quiet:
            say(f"{tag} is not there, and regtui never saw it")
        return 0 if events else FAILED

    return with_session(tag.registry, work)
