"""`ls`, `tags` and `inspect` against a real registry, beside what skopeo says of it."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from regtui.oci.digest import Digest
from tests.cli.conftest import AtTerminal, at_terminal, command, regtui
from tests.conftest import LOGIN
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.images import Layout, skopeo_digest, skopeo_inspect, skopeo_tags


@pytest.fixture
def filled(registry: DockerRegistry, layout: Layout) -> DockerRegistry:
    """team/app with three tags on an old image, a newer and larger one, an index of both; and another repository."""
    old = layout.image({"app": b"1"}, created="2024-01-01T00:00:00Z", labels={"evil": "\x1b[31mred\u202e"})
    new = layout.image({"app": bytes(range(256)) * 40}, created="2025-01-01T00:00:00.5Z", platform="linux/arm/v7")
    layout.push(old, registry, "team/app:1.9")
    registry.tag("team/app", "1.9", "latest", "1.9.0")
    layout.push(new, registry, "team/app:1.10")
    layout.push(layout.index(old, new), registry, "team/app:multi")
    layout.push(old, registry, "base/debian:12")
    return registry


def test_ls_lists_repositories(filled: DockerRegistry) -> None:
    ran = regtui("ls", filled.host)
    assert (ran.code, ran.out.splitlines(), ran.err) == (0, ["base/debian", "team/app"], "")
    assert regtui("ls", f"http://{filled.host}/", "--json").objects == [
        {"repository": name, "reference": f"{filled.host}/{name}"} for name in ("base/debian", "team/app")
    ]


def test_ls_lists_a_namespace(filled: DockerRegistry) -> None:
    assert regtui("ls", f"{filled.host}/team/").out == "team/app\n"
    ran = regtui("ls", f"{filled.host}/team/app")
    assert (ran.code, ran.out) == (0, "")
    assert f"Tags of one: regtui tags {filled.host}/team/app" in ran.err


def test_a_registry_without_a_search_says_what_to_do(filled: DockerRegistry) -> None:
    ran = regtui("ls", filled.host, "--search", "app")
    assert (ran.code, ran.out) == (2, "")
    assert f"{filled.host} can't be searched. What it has: regtui ls {filled.host}" in ran.err


def test_tags_agree_with_skopeo(filled: DockerRegistry) -> None:
    ran = regtui("tags", f"{filled.host}/team/app", "--json")
    assert ran.code == 0
    assert ran.err == ""
    found = {row["tag"]: row for row in ran.objects}
    assert sorted(found) == sorted(skopeo_tags(filled, "team/app"))
    for tag, row in found.items():
        target = f"team/app:{tag}"
        assert row["reference"] == f"{filled.host}/{target}"
        assert row["digest"] == skopeo_digest(filled, target)
    for tag in ("1.9", "1.10"):
        seen = skopeo_inspect(filled, f"team/app:{tag}")
        assert found[tag]["platforms"][0].startswith(f"{seen['Os']}/{seen['Architecture']}")
        assert found[tag]["created"] == seen["Created"][:19] + "Z"
        assert found[tag]["size_bytes"] > 0
    multi = found["multi"]
    assert multi["kind"] == "index"
    assert multi["media_type"] == "application/vnd.oci.image.index.v1+json"
    assert multi["created"] == "2025-01-01T00:00:00Z"
    assert multi["platforms"] == ["linux/amd64", "linux/arm/v7"]
    assert multi["size_bytes"] == found["1.9"]["size_bytes"] + found["1.10"]["size_bytes"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", ["1.10", "1.9.0", "1.9"]),
        ("created", ["1.10", "1.9"]),
        ("size", ["1.10", "1.9"]),
    ],
)
def test_tags_are_sorted_as_asked(filled: DockerRegistry, sort: str, order: list[str]) -> None:
    tags = [row["tag"] for row in regtui("tags", f"{filled.host}/team/app", "--sort", sort, "--json").objects]
    assert len(tags) == 5
    assert [tag for tag in tags if tag in order] == order


def test_the_table_is_aligned_and_whole(filled: DockerRegistry) -> None:
    header, *rows = regtui("tags", f"{filled.host}/team/app").out.splitlines()
    column = header.index("DIGEST")
    assert header.split() == ["TAG", "CREATED", "SIZE", "KIND", "PLATFORMS", "DIGEST"]
    assert len(rows) == 5
    assert all(row[column:].startswith("sha256:") and row[column - 1] == " " for row in rows)
    assert any(row.startswith("1.9 ") and "2024-01-01T00:00:00Z" in row and "linux/amd64" in row for row in rows)


def test_tags_that_can_not_be_read_are_named_and_the_rest_is_shown(filled: DockerRegistry) -> None:
    digest = skopeo_digest(filled, "team/app:1.10")
    broken = filled.folder / "data/docker/registry/v2/blobs/sha256" / digest[7:9] / digest[7:] / "data"
    broken.unlink()
    ran = regtui("tags", f"{filled.host}/team/app", "--json")
    failed = {row["tag"]: row for row in ran.objects if "error" in row}
    assert ran.code == 1
    assert "1.10" in failed
    assert failed["1.10"]["digest"] is None
    assert f"{filled.host}/team/app:1.10: " in ran.err


def test_inspect_shows_an_image(filled: DockerRegistry) -> None:
    ran = regtui("inspect", f"{filled.host}/team/app:1.9")
    assert ran.code == 0
    assert "Digest: " + skopeo_digest(filled, "team/app:1.9") in ran.out
    assert "Label evil: \\x1b[31mred\\u202e" in ran.out
    assert "COPY layer0 /" in ran.out
    (found,) = regtui("inspect", f"{filled.host}/team/app:1.9", "--json").objects
    assert found["config"]["config"]["Labels"]["evil"] == "\x1b[31mred\u202e"
    assert found["layers"][0]["digest"] == found["manifest"]["layers"][0]["digest"]
    assert found["created"] == "2024-01-01T00:00:00Z"


def test_inspect_chooses_from_an_index_only_when_told(filled: DockerRegistry) -> None:
    multi = f"{filled.host}/team/app:multi"
    (index,) = regtui("inspect", multi, "--json").objects
    assert index["kind"] == "index"
    assert len(index["manifest"]["manifests"]) == 2
    (image,) = regtui("--platform", "linux/arm/v7", "inspect", multi, "--json").objects
    assert image["digest"] == skopeo_digest(filled, "team/app:1.10")
    ran = regtui("inspect", multi, "--platform", "windows/amd64")
    assert ran.code == 1
    assert "has no image for windows/amd64" in ran.err


def test_json_is_safe_on_a_terminal(filled: DockerRegistry) -> None:
    out = regtui("inspect", f"{filled.host}/team/app:1.9", "--json").out
    assert out.isascii()
    assert out.strip().isprintable()


def test_what_is_not_there_is_one_sentence(filled: DockerRegistry) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        unused = f"127.0.0.1:{closed.getsockname()[1]}"
    nothing = Digest("sha256:" + "0" * 64)
    for words in (
        ["inspect", f"{filled.host}/team/app:none"],
        ["inspect", f"{filled.host}/team/app@{nothing}"],
        ["tags", f"{filled.host}/team/none"],
        ["ls", unused],
        ["ls", "no-such-host.invalid"],
    ):
        ran = regtui(*words)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("regtui: ")
        assert ran.err.count("\n") == 1


def test_a_login_comes_from_flags_variables_or_a_prompt(registry_with_login: DockerRegistry, layout: Layout) -> None:
    host, (name, password) = registry_with_login.host, LOGIN
    layout.push(layout.image({"app": b"1"}), registry_with_login, "team/app:1.0")
    assert regtui("ls", host).code == 1
    assert regtui("ls", host, "--username", name, "--password-stdin", stdin=f"{password}\n").out == "team/app\n"
    environ = {"REGTUI_USERNAME": name, "REGTUI_PASSWORD": password}
    assert regtui("tags", f"{host}/team/app", "--json", environ=environ).objects[0]["tag"] == "1.0"
    with at_terminal("ls", host, "--username", name) as terminal:
        terminal.wait_for("Password of someone: ")
        terminal.type(f"{password}\n")
        ran = terminal.end()
        assert ran.out == "team/app\n"
        assert password not in ran.err
    wrong = regtui("ls", host, "--username", name, "--password-stdin", stdin="wrong")
    assert wrong.code == 1
    assert host in wrong.err
    assert "wrong" not in wrong.err


def test_an_untrusted_certificate_is_said_and_can_be_trusted(tmp_path: Path, layout: Layout) -> None:
    with docker_registry(tmp_path / "server", tls=True) as server:
        layout.push(layout.image({"app": b"1"}), server, "team/app:1.0")
        ran = regtui("ls", server.host)
        assert ran.code == 1
        assert "certificate" in ran.err
        assert regtui("ls", server.host, "--ca-file", str(server.ca_file)).out == "team/app\n"
        assert regtui("--insecure-tls", "ls", server.host).out == "team/app\n"


def test_ls_imports_no_textual(filled: DockerRegistry) -> None:
    code = (
        "import sys; from regtui.__main__ import main; code = main();"
        "assert code == 0; assert not {'textual', 'regtui.embedded'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, "ls", filled.host], check=True, timeout=30)


def test_a_pipe_closed_early_is_no_error(filled: DockerRegistry) -> None:
    filled.tag("team/app", "1.9", *(f"2.{n}" for n in range(200)))
    process = subprocess.Popen(
        command("tags", f"{filled.host}/team/app", "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr
    assert process.stderr.read() == b""
    assert process.wait(30) == 141


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_a_command_quietly(number: signal.Signals) -> None:
    accepted = asyncio.Event()

    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    host = "{}:{}".format(*server.sockets[0].getsockname())
    process = await asyncio.create_subprocess_exec(
        *command("ls", host, "--plain-http"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    await asyncio.wait_for(accepted.wait(), 20)
    begun = time.monotonic()
    process.send_signal(number)
    assert await process.communicate() == (b"", b"")
    assert process.returncode == 128 + number
    assert time.monotonic() - begun < 5
    server.close()


def test_ctrl_c_at_the_password_leaves_the_terminal_as_it_was(registry_with_login: DockerRegistry) -> None:
    terminal: AtTerminal
    with at_terminal("ls", registry_with_login.host, "--username", "me") as terminal:
        terminal.wait_for("Password of me: ")
        terminal.type("\x03")
        ran = terminal.end()
        assert ran.code == 130
        assert "regtui:" not in ran.err
        assert terminal.echoes()
