"""What the *Overview* and *Config* tabs say, as entries of a listing."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from regtui import words
from regtui.oci.config import Execution, ImageConfig, parse_date
from regtui.oci.manifest import Descriptor, Index, Manifest
from regtui.oci.media_types import OCI_MANIFEST
from regtui.oci.transports import is_local
from regtui.operations.facts import TagFacts
from regtui.operations.inspect import Inspected, Referrer
from regtui.tui.widgets.details.listing import Entry


def overview(inspected: Inspected, facts: TagFacts | None, referrers: Sequence[Referrer] | None) -> list[Entry]:
    """Where it is, what it is, how to get it; an index's platforms; what refers to it. None: not known yet."""
    document = inspected.document
    entries = [
        Entry("Reference", _by_tag(inspected)),
        Entry("Digest", document.digest),
        Entry("Kind", inspected.kind),
        Entry("Media type", document.media_type or "not said"),
    ]
    artifact_type = getattr(document.content, "artifact_type", "")
    if artifact_type:
        entries.append(Entry("Artifact type", artifact_type))
    if inspected.config and str(inspected.config.platform):
        entries.append(Entry("Platform", str(inspected.config.platform)))
    entries += _dates(inspected, facts)
    entries += _sizes(inspected, facts)
    label = "Push" if is_local(inspected.reference.registry) else "Pull"
    entries.append(Entry(label, pull_command(inspected)))
    if document.subject:
        entries.append(Entry("Subject", document.subject.digest, _link(document.subject)))
    if isinstance(document.content, Index):
        entries += _platforms(document.children)
    if inspected.config and inspected.config.config:
        entries += _table("Labels", inspected.config.config.labels)
    entries += _table("Annotations", document.annotations)
    return entries + _referrers(referrers)


def pull_command(inspected: Inspected) -> str:
    """What a user types elsewhere to get this."""
    if inspected.kind == "Helm chart":
        reference = inspected.reference
        return f"helm pull oci://{reference.registry}/{reference.repository} --version {reference.version}"
    if is_local(inspected.reference.registry):
        return f"regtui push {_by_tag(inspected)} HOST/REPOSITORY:TAG"
    return f"docker pull {_by_tag(inspected)}"


def _by_tag(inspected: Inspected) -> str:
    """The reference without the digest, when it has a tag."""
    reference = inspected.reference
    return str(reference.at(reference.tag) if reference.tag else reference)


def configuration(config: ImageConfig) -> list[Entry]:
    """What a container of the image runs."""
    run = config.config or Execution()
    entries = [
        Entry("Entrypoint", _command(run.entrypoint)),
        Entry("Command", _command(run.cmd)),
        Entry("User", run.user or "root (none is set)"),
        Entry("Directory", run.working_dir or "/"),
        Entry("Ports", ", ".join(run.exposed_ports or ()) or "none"),
        Entry("Volumes", ", ".join(run.volumes or ()) or "none"),
        Entry("Stop signal", run.stop_signal or "SIGTERM (none is set)"),
        Entry("Platform", str(config.platform) or "not said"),
        Entry("Created", config.created or "not said"),
        Entry("Author", config.author or "not said"),
    ]
    variables = dict(variable.partition("=")[::2] for variable in run.env or ())
    return entries + _table("Environment", variables) + _table("Labels", run.labels)


def _command(command: tuple[str, ...] | str | None) -> str:
    return (shlex.join(command) if isinstance(command, tuple) else command or "") or "none"


def _dates(inspected: Inspected, facts: TagFacts | None) -> list[Entry]:
    told = {"Pushed": facts.pushed, "Last pull": facts.pulled} if facts else {}
    vendors = [Entry(name, f"{words.ago(date)} · {words.exact(date)}") for name, date in told.items() if date]
    return _created(inspected, facts) + vendors


def _created(inspected: Inspected, facts: TagFacts | None) -> list[Entry]:
    if facts and facts.created and facts.created_source != "pushed":
        date = facts.created
        note = " (annotation)" if facts.created_source == "annotation" else ""
        if facts.partial:
            note = " (the newest of the images read so far)"
    elif inspected.config and inspected.config.built:
        date, note = inspected.config.built, ""
    else:
        said = parse_date(inspected.config.created) if inspected.config else None
        why = f"not known: the config says {said:%Y-%m-%d}, as reproducible builds do" if said else "not known"
        return [Entry("Created", why, dim=True)]
    return [Entry("Created", words.ago(date)), Entry("", f"{words.exact(date)}{note}")]


def _sizes(inspected: Inspected, facts: TagFacts | None) -> list[Entry]:
    document = inspected.document
    if isinstance(document.content, Manifest):
        size = sum({blob.digest: blob.size for blob in document.blobs}.values())
        layers = document.content.layers or ()
        detail = f"{_size(size)}, {len(layers)} layer{'s' * (len(layers) != 1)} and the config"
        return [Entry("Size", detail), Entry("Manifest", f"{len(document.raw):,} bytes")]
    if facts and isinstance(document.content, Index):
        about = "at least " if facts.partial else ""
        return [
            Entry("Size", f"{about}{_size(facts.size)}, all platforms"),
            Entry("Index", f"{len(document.raw):,} bytes"),
        ]
    return [Entry("Manifest", f"{len(document.raw):,} bytes")]


def _size(count: int) -> str:
    return words.size(count) if count < 1000 else f"{words.size(count)}, {count:,} bytes"


def _platforms(children: Sequence[Descriptor]) -> list[Entry]:
    if not children:
        return [Entry("Platforms"), Entry("", "none: the index is empty", dim=True)]
    images = [child for child in children if not child.is_attestation]
    rows = [Entry(str(child.platform or "") or "no platform", child.digest, _link(child)) for child in images]
    rows += [Entry("attestation", child.digest, _link(child)) for child in children if child.is_attestation]
    return [Entry("Platforms · Enter goes in"), *rows]


def _referrers(referrers: Sequence[Referrer] | None) -> list[Entry]:
    if referrers is None:
        return [Entry("Referrers"), Entry("", "…", dim=True)]
    if not referrers:
        return [Entry("Referrers"), Entry("", "none: no signature, SBOM or attestation", dim=True)]
    return [
        Entry("Referrers · Enter goes in"),
        *(Entry(str(found.kind), found.descriptor.digest, _link(found.descriptor)) for found in referrers),
    ]


def _table(title: str, pairs: Mapping[str, str] | None) -> list[Entry]:
    return [Entry(title), *(Entry(key, value or '""') for key, value in pairs.items())] if pairs else []


def _link(descriptor: Descriptor) -> Descriptor:
    """A link to a manifest: those that don't say their media type get the commonest."""
    return descriptor if descriptor.media_type else Descriptor(OCI_MANIFEST, descriptor.digest, descriptor.size)
