"""`regtui pull` and `regtui push`, with skopeo and umoci on the other side of the file."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from regtui.cli.program import Start, run
from regtui.oci.digest import digest_of
from tests.docker_archives import new_save, old_save
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Layout, access, layer_tar, skopeo, skopeo_inspect, skopeo_tags

LOWER, UPPER = {"etc/hosts": b"localhost"}, {"app": b"x" * 3000, "big": b"\0" * 5_000_000}


def regtui(*words: str | Path) -> int:
    return run([str(word) for word in words], start_app)


def start_app(start: Start) -> int:
    raise AssertionError("no command here opens the app")


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CACHE", "STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.chdir(tmp_path)


def config_digest(source: str, *options: str) -> str:
    return digest_of(skopeo("inspect", "--raw", "--config", *options, source).encode())


def test_pull_to_a_layout_is_read_by_skopeo_and_umoci(
    registry: DockerRegistry, layout: Layout, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    amd, arm = layout.image(LOWER, UPPER), layout.image(LOWER, platform="linux/arm64")
    index = layout.push(layout.index(amd, arm), registry, "team/app:1.0")
    assert regtui("pull", f"{registry.host}/team/app:1.0", "oci:pulled") == 0
    assert regtui("pull", f"{registry.host}/team/app:1.0", "oci:pulled:arm", "--platform", "linux/arm64") == 0
    here = f"oci:{tmp_path}/pulled"
    assert json.loads(skopeo("inspect", f"{here}:1.0"))["Digest"] == index
    assert json.loads(skopeo("inspect", f"{here}:arm"))["Digest"] == arm["digest"]
    skopeo("copy", "--all", "--preserve-digests", f"{here}:1.0", f"oci:{tmp_path}/copied:1.0")
    subprocess.run(
        ["umoci", "unpack", "--rootless", "--image", "pulled:arm", "bundle"], check=True, capture_output=True
    )
    assert (tmp_path / "bundle/rootfs/etc/hosts").read_bytes() == b"localhost"
    capfd.readouterr()
    assert regtui("tags", "oci:pulled", "--json") == 0
    assert {json.loads(line)["tag"] for line in capfd.readouterr().out.splitlines()} == {"1.0", "arm"}
    assert regtui("undo", "--yes") == 0
    assert regtui("inspect", "oci:pulled:arm") == 1


def test_a_tag_of_a_layout_is_moved_with_force_only(
    registry: DockerRegistry, layout: Layout, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    layout.push(layout.image(LOWER), registry, "team/app:1")
    new = layout.push(layout.image(UPPER), registry, "team/app:2")
    assert regtui("pull", f"{registry.host}/team/app:1", "oci:pulled:it") == 0
    assert regtui("pull", f"{registry.host}/team/app:2", "oci:pulled:it") == 2
    assert "--force moves it" in capfd.readouterr().err
    assert regtui("pull", f"{registry.host}/team/app:2", "oci:pulled:it", "--force") == 0
    assert json.loads(skopeo("inspect", f"oci:{tmp_path}/pulled:it"))["Digest"] == new


def test_pull_to_an_archive_is_read_by_skopeo(
    registry: DockerRegistry, layout: Layout, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    amd, arm = layout.image(LOWER, UPPER, LOWER), layout.image(LOWER, platform="linux/arm64")
    layout.push(layout.index(amd, arm), registry, "team/app:1.0")
    assert regtui("pull", f"{registry.host}/team/app:1.0", "docker-archive:app.tar", "--platform", "linux/amd64") == 0
    with tarfile.open("app.tar") as tar:
        listed = json.load(tar.extractfile("manifest.json") or pytest.fail("not there"))[0]
        assert listed["RepoTags"] == [f"{registry.host}/team/app:1.0"]
        assert [digest_of((tar.extractfile(name) or pytest.fail("not there")).read()) for name in listed["Layers"]] == [
            digest_of(layer_tar(files)) for files in (LOWER, UPPER, LOWER)
        ]
    archive = f"docker-archive:{tmp_path}/app.tar"
    assert json.loads(skopeo("inspect", archive))["Architecture"] == "amd64"
    told = config_digest(archive)
    assert told == config_digest(f"docker://{registry.host}/team/app@{amd['digest']}", *access(registry))
    skopeo("copy", archive, f"oci:{tmp_path}/copied:1")
    capfd.readouterr()
    assert regtui("pull", f"{registry.host}/team/app:1.0", "docker-archive:app.tar") == 1
    assert "is there already. Add --force to replace it" in capfd.readouterr().err
    chosen = ("docker-archive:app.tar:mine:7", "--force", "--platform", "linux/arm64", "--json")
    assert regtui("pull", f"{registry.host}/team/app:1.0", *chosen) == 0
    assert json.loads(capfd.readouterr().out)["size_bytes"] == (tmp_path / "app.tar").stat().st_size
    assert json.loads(skopeo("inspect", f"{archive}:mine:7"))["Architecture"] == "arm64"
    assert not list(tmp_path.glob("*.part"))


def test_push_of_a_layout_keeps_every_digest(registry: DockerRegistry, layout: Layout) -> None:
    index = layout.index(layout.image(LOWER), layout.image(UPPER, platform="linux/arm64"))
    layout.tag("1.0", index)
    assert regtui("push", f"oci:{layout.folder}:1.0", f"{registry.host}/team/pushed", "--yes") == 0
    assert skopeo_inspect(registry, "team/pushed:1.0")["Digest"] == index["digest"]


@pytest.mark.parametrize("kind", ["old docker", "new docker", "skopeo"])
def test_push_of_an_archive_has_the_config_and_compressed_layers(
    kind: str, registry: DockerRegistry, layout: Layout, tmp_path: Path
) -> None:
    layers = [layer_tar(LOWER), layer_tar(UPPER), layer_tar(LOWER)]
    if kind == "old docker":
        old_save(tmp_path / "a.tar", layers, "team/app:1")
    elif kind == "new docker":
        new_save(tmp_path / "a.tar", layers, "team/app:1")
    else:
        layout.tag("it", layout.image(*layers))
        skopeo("copy", f"oci:{layout.folder}:it", f"docker-archive:{tmp_path}/a.tar:team/app:1")
    pushed = f"{registry.host}/team/pushed"
    assert regtui("push", "docker-archive:a.tar", f"{pushed}:1", "--yes") == 0
    assert regtui("push", "docker-archive:a.tar", f"{pushed}:again", "--yes") == 0
    assert set(skopeo_tags(registry, "team/pushed")) == {"1", "again"}
    told = skopeo_inspect(registry, "team/pushed:1")
    assert told["Digest"] == skopeo_inspect(registry, "team/pushed:again")["Digest"]
    sent = json.loads(skopeo("inspect", "--raw", *access(registry), f"docker://{pushed}:1"))["layers"]
    assert all(layer["mediaType"].endswith("+gzip") for layer in sent)
    assert sent[1]["size"] < 100_000
    config = config_digest(f"docker://{pushed}:1", *access(registry))
    assert config == config_digest(f"docker-archive:{tmp_path}/a.tar")
    skopeo("copy", *access(registry, "src-"), f"docker://{pushed}:1", f"oci:{tmp_path}/copied:1")
    assert not list((tmp_path / "CACHE").rglob("push-*"))


def test_without_a_terminal_a_push_needs_yes_and_an_archive_is_not_changed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    old_save(tmp_path / "a.tar", [layer_tar(LOWER)], "team/app:1")
    assert regtui("push", "docker-archive:a.tar", "localhost:1/app:1") == 2
    assert "Add --yes" in capfd.readouterr().err
    assert regtui("rm", "docker-archive:a.tar", "--yes") == 1
    assert "is an archive, which is only read from" in capfd.readouterr().err
    assert regtui("pull", "localhost:1/app:1", "app.tar") == 2
    assert "neither a layout nor an archive" in capfd.readouterr().err


def test_all_that_reads_takes_layouts_and_archives(
    layout: Layout, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    old_save(tmp_path / "a.tar", [layer_tar(LOWER), layer_tar({"app": b"1"})], "team/app:1")
    layout.tag("1", layout.image(LOWER, {"app": b"2"}))
    for source, repository in (("docker-archive:a.tar", "team/app"), (f"oci:{layout.folder}", layout.folder.name)):
        assert regtui("ls", source) == 0
        assert capfd.readouterr().out.strip() == repository
        assert regtui("tags", source) == 0
        assert regtui("inspect", source) == 0
        assert regtui("files", source) == 0
        assert regtui("cat", source, "/etc/hosts") == 0
        assert capfd.readouterr().out.endswith("localhost")
        assert regtui("find", source, "**/hosts") == 0
        capfd.readouterr()
    assert regtui("diff", "docker-archive:a.tar", f"oci:{layout.folder}:1", "--content") == 3
    assert "app" in capfd.readouterr().out


def test_read_only_is_about_registries_so_one_pulls_and_what_is_refused_leaves_nothing(
    registry: DockerRegistry, layout: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
    folder = tmp_path / "pulled"
    assert regtui("pull", f"{registry.host}/team/app:none", f"oci:{folder}:1.0") == 1
    assert not folder.exists()
    assert regtui("pull", "--read-only", f"{registry.host}/team/app:1.0", f"oci:{folder}:1.0") == 0
    assert json.loads(skopeo("inspect", f"oci:{folder}:1.0"))["Digest"] == digest
    capsys.readouterr()
    assert regtui("rm", "--read-only", "--yes", f"oci:{folder}:1.0") != 0
    assert "reading only" in capsys.readouterr().err
