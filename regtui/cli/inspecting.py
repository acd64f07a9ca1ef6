"""`regtui inspect`: what a reference points to."""

from __future__ import annotations

from collections.abc import Iterator

import click
import msgspec

from regtui import words
from regtui.cli.connect import manifest_of, with_session
from regtui.cli.failures import say
from regtui.cli.flags import Run, with_flags
from regtui.cli.output import Table, json_time, print_json
from regtui.errors import RegtuiError
from regtui.oci.config import CONFIG_LIMIT, ImageConfig
from regtui.oci.decode import decode
from regtui.oci.manifest import MANIFEST_LIMIT
from regtui.operations import inventory
from regtui.operations.facts import TagFacts
from regtui.operations.inspect import Inspected
from regtui.operations.inspect import inspect as inspect_reference
from regtui.operations.session import Session
from regtui.text import shown


@click.command()
@click.argument("reference", metavar="REF")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object, with the manifest, the config and the layers.",
)
@with_flags
def inspect(reference: str, as_json: bool) -> int:
    """Show what REF points to. An index stays an index unless --platform names one of its images."""
    wanted = manifest_of(reference)

    async def work(session: Session, run: Run) -> int:
        chosen = run.settings.named_platform
        found = await inspect_reference(session, wanted, chosen)
        try:
            facts = await inventory.facts(session, wanted.repository, found.document.digest)
        except RegtuiError:
            facts = None  # what is missing, a config as a rule, is said in `config_error`
        if as_json:
            print_json(_as_json(found, facts))
        else:
            _print(found, facts)
        return 0

    return with_session(wanted.registry, work)


def _as_json(found: Inspected, facts: TagFacts | None) -> dict[str, object]:
    document = found.document
    return {
        "reference": str(found.reference),
        "digest": document.digest,
        "media_type": document.media_type,
        "kind": found.kind,
        "created": json_time(facts.created) if facts else None,
        "size_bytes": facts.size if facts else _size(found),
        "platforms": list(facts.platforms) if facts else [],
        "manifest": decode(document.raw, object, "manifest", MANIFEST_LIMIT),
        "config": decode(found.config_raw, object, "config", CONFIG_LIMIT) if found.config else None,
        "config_error": str(found.config_error) if found.config_error else None,
        "layers": [
            {
                "instruction": step.instruction,
                "digest": step.layer.digest if step.layer else None,
                "media_type": step.layer.media_type if step.layer else None,
                "size_bytes": step.layer.size if step.layer else 0,
            }
            for step in found.steps
        ],
    }


def _size(found: Inspected) -> int | None:
    """Compressed bytes as the manifest alone tells; None for an index, whose images tell it."""
    if found.document.children:
        return None
    return sum({blob.digest: blob.size for blob in found.document.blobs}.values())


def _print(found: Inspected, facts: TagFacts | None) -> None:
    document, size = found.document, facts.size if facts else _size(found)
    rows = [
        ("Reference", str(found.reference)),
        ("Digest", document.digest),
        ("Media type", document.media_type),
        ("Kind", found.kind),
    ]
    if size is not None:
        rows.append(("Size", f"{words.size(size)} ({size:,} bytes)"))
    if facts and facts.created:
        rows.append(("Created", words.exact(facts.created)))
    if found.config:
        rows += _config_rows(found.config)
    if found.config_error:
        say(f"The config of {found.reference} can't be shown: {found.config_error}")
    rows += [(f"Annotation {name}", value) for name, value in document.annotations.items()]
    for label, value in rows:
        click.echo(f"{shown(label)}: {shown(value)}")
    if document.children:
        table = Table("PLATFORM", "DIGEST")
        for child in document.children:
            table.row("attestation" if child.is_attestation else str(child.platform or "-"), child.digest)
    else:
        table = Table("LAYER", "SIZE", "DIGEST", "INSTRUCTION", right=("LAYER", "SIZE"))
        for step in found.steps:
            layer = step.layer
            number = "-" if step.layer_number is None else str(step.layer_number)
            table.row(
                number, words.size(layer.size) if layer else "-", layer.digest if layer else "-", step.instruction
            )
    click.echo()
    table.close()


def _config_rows(config: ImageConfig) -> Iterator[tuple[str, str]]:
    yield "Platform", str(config.platform)
    run = config.config
    if run is None:
        return
    for label, value in (("Entrypoint", run.entrypoint), ("Cmd", run.cmd)):
        if value:
            yield label, value if isinstance(value, str) else msgspec.json.encode(value).decode()
    for label, text in (("User", run.user), ("Working folder", run.working_dir), ("Stop signal", run.stop_signal)):
        if text:
            yield label, text
    for label, names in (("Port", run.exposed_ports), ("Volume", run.volumes), ("Env", run.env)):
        for name in names or ():
            yield label, name
    for name, value in (run.labels or {}).items():
        yield f"Label {name}", value
