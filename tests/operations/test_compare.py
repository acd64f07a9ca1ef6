"""Two references beside each other, in a real registry."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from regtui.config import load_settings
from regtui.errors import RegtuiError
from regtui.oci.digest import digest_of
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference, parse_reference
from regtui.operations.compare import Facts, Files, Packages, Pair, Part, Progress, compare, sentence
from regtui.operations.compare_files import Source, compare_files
from regtui.operations.compare_packages import direction, package_changes
from regtui.operations.packages import Package
from regtui.operations.session import DEMO, Session, open_session
from tests.layers.toc_layers import estargz_entries, table, with_estargz_table
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import LAYER, Json, Layout
from tests.registry_servers.images import Files as Content

BASE: Content = {"etc/": b"", "etc/motd": b"hello", "bin/": b"", "bin/sh": b"s" * 3000, "bin/ls": b"l" * 5000}
STATUS = b"Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: %s\n\n"


@pytest.fixture
async def session(registry: DockerRegistry) -> AsyncIterator[Session]:
    session = await open_session(registry.host, load_settings({}))
    yield session
    await session.aclose()


def at(registry: DockerRegistry, name: str) -> Reference:
    return parse_reference(f"{registry.host}/{name}")


async def parts(session: Session, before: Reference, after: Reference, platform: str = "", **how: bool) -> list[Part]:
    """All parts but the progress."""
    async with aclosing(compare((session, before), (session, after), platform, **how)) as found:
        return [part async for part in found if not isinstance(part, Progress)]


def pushed(registry: DockerRegistry, layout: Layout, **images: Json) -> None:
    for tag, described in images.items():
        layout.push(described, registry, f"app:{tag}")


def signs(files: Files) -> list[str]:
    return [f"{node.change} {node.path}" for node in files.comparison.root.walk() if node.change]


def tags(session: Session, one: str, two: str) -> tuple[Reference, Reference]:
    return Reference(session.registry, "app", one), Reference(session.registry, "app", two)


# What is compared


async def test_one_digest_under_two_tags_is_the_same_image_and_no_layer_is_read(
    session: Session, registry: DockerRegistry, layout: Layout
) -> None:
    image = layout.image(BASE)
    pushed(registry, layout, one=image, two=image)
    found = await parts(session, *tags(session, "one", "two"))
    assert len(found) == 1
    assert isinstance(found[0], Pair)
    assert found[0].is_same
    assert not [record for record in session.log.records() if "/blobs/" in record.url and record.received > 1000]


async def test_parts_come_in_order_config_history_and_layers_before_any_layer_is_read(
    session: Session, registry: DockerRegistry, layout: Layout
) -> None:
    one = layout.image(BASE, {"app": b"1"}, env=["A=1", "B=2"], labels={"v": "1"})
    two = layout.image(BASE, {"app": b"22"}, env=["A=1", "B=3"], labels={"v": "2", "new": "x"}, cmd=["/bin/two", "a b"])
    pushed(registry, layout, one=one, two=two)
    pair, facts, files, packages = await parts(session, *tags(session, "one", "two"))
    assert isinstance(pair, Pair)
    assert not pair.is_same
    assert isinstance(facts, Facts)
    assert [(fact.section, fact.name, fact.before, fact.after) for fact in facts.facts if fact.differs] == [
        ("Config", "Command", "/bin/app", "/bin/two 'a b'"),
        ("Environment", "B", "2", "3"),
        ("Labels", "v", "1", "2"),
        ("Labels", "new", None, "x"),
    ]
    assert [(line.change, line.text) for line in facts.history] == [
        ("shared", "COPY layer0 /"),
        ("changed", "COPY layer1 /"),
    ]
    assert isinstance(files, Files)
    assert signs(files) == ["changed app"]
    assert isinstance(packages, Packages)
    assert not packages.changes


async def test_the_layers_say_what_is_shared_and_what_each_way_brings(
    session: Session, registry: DockerRegistry, layout: Layout
) -> None:
    one, two = layout.image(BASE), layout.image(BASE, {"app": b"22" * 999})
    pushed(registry, layout, one=one, two=two)
    pair, facts, *_ = await parts(session, *tags(session, "one", "two"), with_files=False)
    assert isinstance(pair, Pair)
    assert isinstance(facts, Facts)
    told = facts.layers
    config, base, upper = pair.after.document.blobs
    assert (told.before, told.after, told.shared, told.shared_bytes) == (1, 2, 1, base.size)
    assert told.after_brings == config.size + upper.size
    assert told.before_brings == pair.before.document.blobs[0].size
    assert sentence(told).startswith("A and B share 1 layer, ")


async def test_a_step_in_the_middle_of_the_history_doesn_t_hide_what_is_equal_around_it(
    session: Session, registry: DockerRegistry, layout: Layout
) -> None:
    env: Json = {"created_by": "ENV A=1", "empty_layer": True}
    steps: list[Json] = [{"created_by": "FROM base"}, env, {"created_by": "COPY app /"}]
    one = layout.image(BASE, {"app": b"1"}, history=steps)
    two = layout.image(
        BASE, {"app": b"1"}, history=[steps[0], {"created_by": "ENV A=2", "empty_layer": True}, steps[2]]
    )
    pushed(registry, layout, one=one, two=two)
    _, facts, files, _ = await parts(session, *tags(session, "one", "two"))
    assert isinstance(facts, Facts)
    assert [(line.change, line.text) for line in facts.history] == [
        ("shared", "FROM base"),
        ("removed", "ENV A=1"),
        ("added", "ENV A=2"),
        ("shared", "COPY app /"),
    ]
    assert isinstance(files, Files)
    assert not files.comparison  # the layers are the same ones: none was read
    assert not [record for record in session.log.records() if pair_layer(facts) in record.url]


def pair_layer(facts: Facts) -> str:
    step = facts.history[0].before
    assert step
    assert step.layer
    return step.layer.digest


async def test_a_manifest_that_is_no_image_is_compared_without_files(
    session: Session, registry: DockerRegistry, layout: Layout
) -> None:
    old = layout.artifact("application/x.config", layout.blob(b"1", "text/plain"), annotations={"a": "1"})
    new = layout.artifact("application/x.config", layout.blob(b"2", "text/plain"), annotations={"a": "2"})
    pushed(registry, layout, one=old, two=new)
    _, facts = await parts(session, *tags(session, "one", "two"))
    assert isinstance(facts, Facts)
    assert [(fact.section, fact.name) for fact in facts.facts if fact.differs] == [("Annotations", "a")]
    assert [line.change for line in facts.history] == ["removed", "added"]


# Platforms


async def test_of_two_indexes_this_machine_s_platform_is_compared_and_what_only_one_has_is_said(
    session: Session, registry: DockerRegistry, layout: Layout
) -> None:
    amd, arm = layout.image(BASE), layout.image(BASE, platform="linux/arm64")
    other = layout.image({"etc/motd": b"other"})
    riscv = layout.image(BASE, platform="linux/riscv64")
    pushed(registry, layout, one=layout.index(arm, amd), two=layout.index(riscv, other))
    pair, facts, files, _ = await parts(session, *tags(session, "one", "two"))
    assert isinstance(pair, Pair)
    assert (pair.platform, pair.only_before, pair.only_after) == ("linux/amd64", ("linux/arm64",), ("linux/riscv64",))
    assert isinstance(facts, Facts)
    assert {fact.name: fact.after is None for fact in facts.facts if fact.section == "Platforms"} == {
        "linux/arm64": True,
        "linux/amd64": False,
        "linux/riscv64": False,
    }
    assert isinstance(files, Files)
    assert files.comparison


async def test_beside_an_image_an_index_is_searched_for_that_image_s_platform(
    session: Session, registry: DockerRegistry, layout: Layout
) -> None:
    arm = layout.image(BASE, platform="linux/arm64")
    pushed(registry, layout, one=layout.index(layout.image(BASE), arm), two=arm)
    pair, *_ = await parts(session, *tags(session, "one", "two"))
    assert isinstance(pair, Pair)
    assert pair.platform == "linux/arm64"
    assert pair.is_same


async def test_a_platform_that_is_asked_for_has_to_be_in_both(
    session: Session, registry: DockerRegistry, layout: Layout
) -> None:
    amd, arm = layout.image(BASE), layout.image(BASE, platform="linux/arm64")
    pushed(registry, layout, one=layout.index(amd, arm), two=layout.index(amd), three=layout.index(arm))
    with pytest.raises(RegtuiError, match="has no image for linux/arm64"):
        await parts(session, *tags(session, "one", "two"), "linux/arm64")
    with pytest.raises(RegtuiError, match="no platform in common") as raised:
        await parts(session, *tags(session, "two", "three"))
    assert raised.value.advice == "The first has linux/amd64; the second linux/arm64."


# Files


async def test_files_of_one_size_are_compared_by_their_content_when_that_is_asked_for(
    session: Session, registry: DockerRegistry, layout: Layout
) -> None:
    one, two = layout.image(BASE, {"app": b"1", "lib": b"l"}), layout.image(BASE, {"app": b"2", "lib": b"l"})
    pushed(registry, layout, one=one, two=two)
    *_, files, _ = await parts(session, *tags(session, "one", "two"))
    assert isinstance(files, Files)
    assert signs(files) == []
    assert [old.path for old, _ in files.comparison.untold] == ["app", "lib"]  # not what is of the shared layer
    *_, files, _ = await parts(session, *tags(session, "one", "two"), content=True)
    assert isinstance(files, Files)
    assert signs(files) == ["changed app"]
    assert files.comparison.untold == []


@pytest.mark.parametrize("chunk", [2**30, 1000])
async def test_tables_of_contents_tell_by_digest_what_no_byte_is_read_for(session: Session, chunk: int) -> None:
    async def source(files: dict[str, bytes]) -> Source:
        """An eStargz image of one layer."""
        layer, entries = estargz_entries(files, chunk)
        layer, annotations = with_estargz_table(layer, table(entries))

        async def content() -> AsyncIterator[bytes]:
            yield layer

        digest = digest_of(layer)
        await session.client.upload_blob("app", digest, len(layer), content())
        descriptor = Descriptor(LAYER, digest, len(layer), annotations=annotations)
        return Source(session, Reference(session.registry, "app", digest=digest), [descriptor])

    noise = random.Random(1).randbytes(100_000)
    before = await source({"same": noise, "app": b"1" * 1500, "added later": b"x"})
    after = await source({"same": noise, "app": b"2" * 1500, "added later": b"x"})
    async with aclosing(compare_files(before, after)) as events:
        [files] = [event async for event in events if isinstance(event, Files)]
    assert signs(files) == ["changed app"]
    assert files.comparison.untold == []
    received = sum(record.received for record in session.log.records() if "/blobs/" in record.url)
    assert received < 50_000  # tables alone


# Packages


async def test_packages_that_went_up_and_down(session: Session, registry: DockerRegistry, layout: Layout) -> None:
    def image(version: bytes, npm: str) -> Json:
        package = json.dumps({"name": "left-pad", "version": npm}).encode()
        return layout.image(
            {"var/lib/dpkg/status": STATUS % version, "app/node_modules/left-pad/package.json": package}
        )

    pushed(registry, layout, one=image(b"2.36-9+deb12u9", "1.10.0"), two=image(b"2.36-9+deb12u10", "1.9.0"))
    *_, packages = await parts(session, *tags(session, "one", "two"))
    assert isinstance(packages, Packages)
    assert [(change.change, change.name, change.before, change.after) for change in packages.changes] == [
        ("up", "libc6", ("2.36-9+deb12u9",), ("2.36-9+deb12u10",)),
        ("down", "left-pad", ("1.10.0",), ("1.9.0",)),
    ]


async def test_a_database_that_can_t_be_read_is_said(
    session: Session, registry: DockerRegistry, layout: Layout
) -> None:
    one, two = (layout.image({"usr/lib/sysimage/rpm/Packages.db": b"x" * size}) for size in (10, 20))
    pushed(registry, layout, one=one, two=two)
    *_, packages = await parts(session, *tags(session, "one", "two"))
    assert isinstance(packages, Packages)
    assert [note.partition(":")[0] for note in packages.notes] == ["In A", "In B"]
    assert all("rpm database" in note for note in packages.notes)


def test_of_several_versions_those_that_both_have_are_left_out() -> None:
    def installed(*versions: str) -> list[Package]:
        return [Package("npm", "glob", version, path=f"{n}/package.json") for n, version in enumerate(versions)]

    [change] = package_changes(installed("7.0.0", "8.0.0"), installed("7.0.0", "9.0.0"))
    assert (change.change, change.before, change.after) == ("up", ("8.0.0",), ("9.0.0",))
    [change] = package_changes(installed("7.0.0"), installed("7.0.0", "9.0.0"))
    assert (change.change, change.after) == ("added", ("9.0.0",))
    [change] = package_changes(installed("1.0.0", "2.0.0"), installed("3.0.0", "4.0.0"))
    assert change.change == "changed"


@pytest.mark.parametrize(
    ("kind", "lower", "higher"),
    [
        ("deb", "1.0~rc1-1", "1.0-1"),
        ("deb", "1.9-1", "1.10-1"),
        ("deb", "9.9", "1:0.1"),
        ("deb", "1.0-1", "1.0-1+b1"),
        ("apk", "1.2.3_rc1-r0", "1.2.3-r0"),
        ("apk", "1.2.9-r0", "1.2.10-r0"),
        ("apk", "1.2.3-r9", "1.2.3-r10"),
        ("python", "1.0rc1", "1.0"),
        ("python", "1.0", "1.0.post1"),
        ("npm", "1.0.0-beta.2", "1.0.0-beta.11"),
        ("npm", "1.0.0-rc.1", "1.0.0"),
    ],
)
def test_versions_are_ordered_as_their_own_tools_do_it(kind: str, lower: str, higher: str) -> None:
    assert direction(kind, lower, higher) == "up"
    assert direction(kind, higher, lower) == "down"


@pytest.mark.parametrize("kind", ["deb", "apk", "python", "npm", "of no kind"])
def test_what_is_no_version_changed_and_has_no_order(kind: str) -> None:
    assert direction(kind, "\x1b[31m", "latest and greatest") == "changed"
    assert direction(kind, "1." * 60 + "1", "1." * 60 + "2") == "changed"  # so long that its order takes too long


# The demo


async def test_the_demo_s_tags_can_be_compared() -> None:
    session = await open_session(DEMO, load_settings({}))
    try:
        before, after = (Reference(DEMO, "base/debian", tag) for tag in ("bookworm", "trixie"))
        *_, files, packages = await parts(session, before, after)
        assert isinstance(files, Files)
        assert files.comparison
        assert isinstance(packages, Packages)
        assert any(change.change == "up" for change in packages.changes)
    finally:
        await session.aclose()
