"""What `docker save` writes is read as a registry, out of the file itself; a hostile one is refused with the reason."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from regtui.embedded.docker_archive import DockerArchive, open_archive
from regtui.errors import ContentError, RegtuiError
from regtui.oci.digest import digest_of
from regtui.oci.manifest import Manifest, decode_document
from tests.docker_archives import config_of, listed, new_save, old_save, write_tar
from tests.registry_servers.images import layer_tar

LOWER, UPPER = layer_tar({"etc/hosts": b"localhost"}), layer_tar({"app": b"x" * 2000})


def read(archive: DockerArchive, digest: str) -> bytes:
    file, start, size = archive.open(digest)
    with file:
        file.seek(start)
        return file.read(size)


def manifest_of(archive: DockerArchive, repository: str, tag: str) -> Manifest:
    found = archive.get(repository)
    assert found
    descriptor = found.find(tag)
    assert descriptor
    raw = read(archive, descriptor.digest)
    content = decode_document(raw, digest_of(raw), descriptor.media_type).content
    assert isinstance(content, Manifest)
    return content


def test_of_old_docker_a_manifest_is_made_and_layers_have_their_diff_ids(tmp_path: Path) -> None:
    archive = open_archive(old_save(tmp_path / "a.tar", [LOWER, UPPER, LOWER], "team/app:1", "team/app:latest"), "a")
    assert archive.names() == ["team/app"]
    assert archive.tags("team/app") == ["1", "latest"]
    manifest = manifest_of(archive, "team/app", "1")
    assert [layer.digest for layer in manifest.layers or ()] == [digest_of(layer) for layer in (LOWER, UPPER, LOWER)]
    assert [read(archive, layer.digest) for layer in manifest.layers or ()] == [LOWER, UPPER, LOWER]
    assert read(archive, manifest.config.digest) == config_of(LOWER, UPPER, LOWER)


def test_of_new_docker_the_manifest_in_it_is_served_as_it_is(tmp_path: Path) -> None:
    file, digest = new_save(tmp_path / "a.tar", [LOWER, UPPER], "team/app:1")
    archive = open_archive(file, "a")
    found = archive.get("team/app")
    assert found
    descriptor = found.find("1")
    assert descriptor
    assert descriptor.digest == digest
    assert digest_of(read(archive, digest)) == digest


def test_an_image_without_a_name_has_digits_of_its_digest_and_a_port_loses_its_colon(tmp_path: Path) -> None:
    unnamed = open_archive(old_save(tmp_path / "a.tar", [LOWER]), "backup")
    assert unnamed.names() == ["backup"]
    assert len((unnamed.tags("backup") or [""])[0]) == 12
    assert open_archive(old_save(tmp_path / "b.tar", [LOWER], "localhost:5000/app:1"), "b").names() == [
        "localhost-5000/app"
    ]


def test_layers_that_are_compressed_keep_their_own_digest(tmp_path: Path) -> None:
    packed = gzip.compress(LOWER, mtime=0)
    config = config_of(LOWER)
    file = write_tar(
        tmp_path / "ko.tar",
        {"c.json": config, "layer.tar.gz": packed, "manifest.json": listed("c.json", ["layer.tar.gz"], "app:1")},
    )
    archive = open_archive(file, "ko")
    layer = (manifest_of(archive, "app", "1").layers or ())[0]
    assert (layer.digest, layer.size) == (digest_of(packed), len(packed))
    assert layer.media_type.endswith("+gzip")


def test_a_file_that_changed_is_not_read_at_old_places(tmp_path: Path) -> None:
    file = old_save(tmp_path / "a.tar", [LOWER], "app:1")
    archive = open_archive(file, "a")
    file.write_bytes(file.read_bytes() + bytes(10240))
    with pytest.raises(ContentError, match="was changed"):
        archive.open(digest_of(LOWER))


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"app": b"x"}, "not of docker save: it has no manifest.json"),
        ({"oci-layout": b"{}", "index.json": b"{}"}, "OCI layout in an archive: unpack it"),
        ({"manifest.json": b"[{}]"}, "manifest.json can't be read"),
        ({"manifest.json": listed("c.json", [])}, "lacks 'c.json'"),
        ({"manifest.json": listed("c.json", []), "c.json": "c.json"}, "lacks 'c.json'"),  # a link to itself
        ({"manifest.json": listed("../../etc/passwd", [])}, "lacks '../../etc/passwd'"),
        ({"manifest.json": listed("c.json", []), "c.json": "/etc/passwd"}, "lacks 'c.json'"),
        ({"manifest.json": listed("c.json", ["l"]), "c.json": config_of(), "l": LOWER}, "1 layers, and its config"),
        ({"manifest.json": listed("c.json", ["l"]), "c.json": config_of(LOWER)}, "lacks 'l'"),
        ({"manifest.json": listed("c.json", []), "c.json": b"x" * (17 * 2**20)}, "regtui reads 16,777,216 at most"),
    ],
)
def test_what_is_wrong_with_an_archive_is_said(members: dict[str, bytes | str], sentence: str, tmp_path: Path) -> None:
    file = write_tar(tmp_path / "a.tar", members)
    with pytest.raises(RegtuiError) as caught:
        open_archive(file, "a")
    assert sentence in str(caught.value)


def test_what_is_no_archive_is_said(tmp_path: Path) -> None:
    for name, data, sentence in (
        ("empty", b"", "no tar archive"),
        ("text", b"hello" * 1000, "no tar archive"),
        ("packed", gzip.compress(LOWER), "compressed with gzip. Unpack it first: gunzip"),
        ("cut", old_save(tmp_path / "whole", [UPPER], "app:1").read_bytes()[:4000], "cut off"),
    ):
        file = tmp_path / name
        file.write_bytes(data)
        with pytest.raises(ContentError) as caught:
            open_archive(file, "a")
        assert sentence in str(caught.value)
    with pytest.raises(ContentError, match="There is no file"):
        open_archive(tmp_path / "nowhere", "a")


def test_a_size_that_lies_is_found(tmp_path: Path) -> None:
    file = old_save(tmp_path / "a.tar", [LOWER], "app:1")
    raw = bytearray(file.read_bytes())
    raw[124:136] = b"77777777777\0"
    total = sum(raw[:512]) - sum(raw[148:156]) + 8 * 32
    raw[148:156] = f"{total:06o}\0 ".encode()
    file.write_bytes(raw)
    with pytest.raises(ContentError, match="has 8,589,934,591 bytes"):
        open_archive(file, "a")
