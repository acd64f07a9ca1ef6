"""What is installed in an image as a CycloneDX 1.6 document, by cyclonedx-python-lib."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Final

from cyclonedx.model import HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from regtui import __version__
from regtui.oci.reference import Reference
from regtui.operations.packages import Package, Release

_TYPES: Final = {"deb": "deb", "apk": "apk", "python": "pypi", "npm": "npm"}
_SYSTEMS: Final = {"deb": "debian", "apk": "alpine"}
"""Whose packages these are when the image doesn't say which system it is."""


def bill_of_materials(image: Reference, packages: Iterable[Package], release: Release) -> str:
    """JSON. `image` has a digest. Packages of which only the configuration is left aren't in it.

    The serial number follows from what is listed: two documents that differ only in their time have the same.
    """
    assert image.digest
    whole, bom = _image(image), Bom()
    parts = _components(packages, release)
    if release.id:
        system = Component(
            type=ComponentType.OPERATING_SYSTEM,
            name=release.id,
            version=release.version or None,
            description=release.name or None,
            bom_ref=f"os:{release.id}@{release.version}",
        )
        parts.append(system)
    bom.metadata.component = whole
    bom.metadata.tools.components.add(Component(type=ComponentType.APPLICATION, name="regtui", version=__version__))
    bom.components.update(parts)
    bom.register_dependency(whole, parts)
    listed = "\n".join(sorted(str(part.bom_ref.value) for part in parts))
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, f"{whole.bom_ref.value}\n{__version__}\n{listed}")
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)


def _image(image: Reference) -> Component:
    assert image.digest
    name = image.repository.rpartition("/")[2]
    where = {"repository_url": f"{image.registry}/{image.repository}", "tag": image.tag}
    purl = PackageURL("oci", name=name, version=str(image.digest), qualifiers=where)
    return Component(
        type=ComponentType.CONTAINER,
        name=f"{image.registry}/{image.repository}",
        version=image.tag or str(image.digest),
        hashes=[HashType.from_composite_str(image.digest)],
        purl=purl,
        bom_ref=purl.to_string(),
    )


def _components(packages: Iterable[Package], release: Release) -> list[Component]:
    """One for each package, in whatever places it stands."""
    places: dict[str, list[Package]] = {}
    purls: dict[str, PackageURL] = {}
    for package in packages:
        if package.is_there:
            purl = _purl(package, release)
            purls[purl.to_string()] = purl
            places.setdefault(purl.to_string(), []).append(package)
    return [_component(purls[name], those) for name, those in places.items()]


def _component(purl: PackageURL, places: list[Package]) -> Component:
    package, name = places[0], purl.to_string()
    files = {each.path.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for each in places}
    is_built = package.source and package.source != package.name
    return Component(
        name=purl.name if purl.namespace else package.name,
        group=purl.namespace if package.kind == "npm" else None,
        version=package.version,
        purl=purl,
        bom_ref=name,
        properties=[Property(name="regtui:source", value=package.source)] if is_built else [],
        evidence=ComponentEvidence(
            # the library sorts them by their reference, and without one as memory has it
            occurrences=[Occurrence(location=file, bom_ref=f"{name}#{file}") for file in files]
        ),
    )


def _purl(package: Package, release: Release) -> PackageURL:
    """As purl-spec's PURL-TYPES has it."""
    kind, name, namespace, qualifiers = package.kind, package.name, "", {}
    if kind in _SYSTEMS:
        namespace = release.id or _SYSTEMS[kind]
        qualifiers = {"arch": package.architecture}
        if release.id and release.version:
            qualifiers["distro"] = f"{release.id}-{release.version}"
    elif kind == "npm" and name.startswith("@"):
        namespace, _, name = name.rpartition("/")
    return PackageURL(_TYPES[kind], namespace or None, name, package.version, qualifiers)
