"""A layout that other tools use too: its names are repositories and tags, and changing it leaves theirs alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regtui.embedded.one_layout import open_layout, open_target
from regtui.errors import ContentError
from regtui.oci.digest import digest_of, short
from regtui.oci.manifest import decode_document
from tests.registry_servers.images import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


def entries(folder: Path) -> list[tuple[str, str]]:
    """Names and digests in `index.json`."""
    found = json.loads((folder / "index.json").read_bytes())["manifests"]
    return [
        (each.get("annotations", {}).get("org.opencontainers.image.ref.name", ""), each["digest"]) for each in found
    ]


def test_names_are_tags_and_whole_references_are_repositories(layout: Layout) -> None:
    image = layout.image({"a": b"1"})
    other = layout.image({"a": b"2"})
    layout.tag("1.0", image)
    layout.tag("docker.io/library/debian:12", image)
    layout.tag("localhost:5000/app:1", other)
    found = open_layout(layout.folder, "own")
    assert found.names() == ["docker.io/library/debian", "localhost-5000/app", "own"]
    assert found.tags("own") == ["1.0"]
    assert found.tags("docker.io/library/debian") == ["12"]
    assert found.tags("elsewhere") is None


def test_what_has_no_name_is_seen_too_but_not_what_is_part_of_something(layout: Layout) -> None:
    image = layout.image({"a": b"1"})
    signature = layout.artifact("application/x", subject=image)
    index = layout.index(image)
    unnamed = [index, image, signature]
    (layout.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": unnamed}))
    found = open_layout(layout.folder, "own")
    assert found.names() == ["own"]
    assert found.tags("own") == [short(index["digest"])]


def test_an_index_that_is_put_hides_its_images_and_leaves_them_when_it_goes(layout: Layout) -> None:
    image = layout.image({"a": b"1"})
    index = layout.index(image)
    layout.tag("image", image)
    own = open_layout(layout.folder, "own").create("own")
    own.remove_tag("image")
    raw = (layout.folder / "blobs" / index["digest"].replace(":", "/")).read_bytes()
    own.put(decode_document(raw, digest_of(raw)), index["mediaType"], "all")
    assert entries(layout.folder) == [("all", index["digest"])]
    assert own.remove(digest_of(raw))
    assert entries(layout.folder) == [("", image["digest"])]
    assert own.remove_tag(short(image["digest"]))
    assert entries(layout.folder) == []


def test_removing_a_manifest_leaves_what_another_repository_has(layout: Layout) -> None:
    image = layout.image({"a": b"1"})
    layout.tag("1.0", image)
    layout.tag("docker.io/library/debian:12", image)
    found = open_layout(layout.folder, "own")
    assert found.create("own").remove(image["digest"])
    assert found.names() == ["docker.io/library/debian"]
    assert found.create("own").find(image["digest"]) is None
    assert found.create("docker.io/library/debian").find("12")


def test_only_an_empty_place_becomes_a_layout_at_the_first_write_and_nothing_else_stays_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "one"
    target = open_target(folder, "one")
    assert target.names() == []
    assert target.tags("one") is None
    assert not folder.exists()
    target.create("one")
    target.close()
    assert {each.name for each in folder.iterdir()} == {"oci-layout", "index.json", "blobs"}
    assert open_target(folder, "one").names() == ["one"]
    with pytest.raises(ContentError, match="is no OCI layout"):
        open_target(tmp_path / "new", "new")


def test_what_is_no_layout_is_said(tmp_path: Path) -> None:
    file = tmp_path / "a.tar"
    file.touch()
    Layout(tmp_path / "team" / "app")
    for path, sentence in (
        (tmp_path / "nowhere", "there is no such folder"),
        (file, f"it is a file. What docker save wrote is opened as docker-archive:{file}"),
        (tmp_path / "team", "the folder has no oci-layout and no index.json. There are layouts in folders below it"),
    ):
        with pytest.raises(ContentError) as caught:
            open_layout(path, "own")
        assert sentence in str(caught.value)
