"""Tab: commands, options, known registries, and references as they were last listed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from regtui.cli import completion
from regtui.cli.program import program
from regtui.config import load_settings
from regtui.operations.places import remember
from regtui.store.cache import Cache
from regtui.store.names import REPOSITORIES, TAGS
from tests.cli.conftest import LIMIT, command, regtui
from tests.cli.shells import Shell, shell
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.guarded import fill
from tests.registry_servers.images import Layout

HOST = "localhost:5000"


@pytest.fixture
def known(isolated_environment: Path) -> Path:
    """A user who has used `HOST`, and Docker Hub. Returns the cache's file."""
    folder = isolated_environment / "cache/regtui"

    async def fill_cache() -> None:
        cache = Cache(folder, 512_000_000)
        cache.keep_names(HOST, REPOSITORIES, "", ["team/app", "team/apple", "team/db", "lone"])
        cache.keep_names(HOST, TAGS, "team/app", ["1.0", "1.1", "2.0", "latest"])
        cache.keep_names("docker.io", TAGS, "library/debian", ["12", "12-slim", "bookworm"])
        await cache.close()

    asyncio.run(fill_cache())
    return folder / "cache.db"


def ask(line: str, shell: str = "zsh", breaks: str = "") -> list[str]:
    """What a shell reads when it asks what this line could become."""
    environ = {"_REGTUI_COMPLETE": shell, "_REGTUI_LINE": line, "_REGTUI_BREAKS": breaks}
    ran = regtui(environ=environ)
    assert (ran.code, ran.err) == (0, "")
    return [each.partition("\t")[0] for each in ran.out.splitlines()]


# --- What is known


def test_what_was_listed_is_completed(registry: DockerRegistry, layout: Layout) -> None:
    fill(registry, layout)
    assert ask(f"regtui inspect {registry.host}/") == []
    regtui("ls", registry.host)
    assert ask(f"regtui inspect {registry.host}/") == [f"-{registry.host}/team/"]
    regtui("tags", f"{registry.host}/team/app")
    before = registry.requests()
    assert ask(f"regtui inspect {registry.host}/team/app:1") == [
        f"+{registry.host}/team/app:1.0",
        f"+{registry.host}/team/app:1",
    ]
    assert registry.requests() == before


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("inspect loc", ["-localhost:5000/"]),
        ("inspect localhost:5000/", ["-localhost:5000/lone:", "-localhost:5000/team/"]),
        ("tags localhost:5000/", ["+localhost:5000/lone", "-localhost:5000/team/"]),
        ("localhost:5000/l", ["-localhost:5000/lone"]),
        ("tags localhost:5000/team/app", ["+localhost:5000/team/app", "+localhost:5000/team/apple"]),
        ("inspect localhost:5000/team/app:1", ["+localhost:5000/team/app:1.0", "+localhost:5000/team/app:1.1"]),
        ("tags localhost:5000/team/app:1", []),
        ("inspect localhost:5000/team/app@", []),
        ("login l", ["+localhost:5000"]),
        ("login localhost:5000/", []),
        ("ls l", ["-localhost:5000/"]),
        ("ls localhost:5000/", ["-localhost:5000/team/"]),
        ("rm localhost:5000/team/app:1.0 localhost:5000/team/app:l", ["+localhost:5000/team/app:latest"]),
        ("--quiet rm --yes localhost:5000/team/app:l", ["+localhost:5000/team/app:latest"]),
        ("--ca-file x inspect localhost:5000/team/d", ["-localhost:5000/team/db:"]),
        ("tag localhost:5000/team/app:1.0 l", ["+latest"]),
        ("tag localhost:5000/team/app:1.0 latest ", []),
        ("inspect debian:1", ["+debian:12", "+debian:12-slim"]),
        ("inspect library/debian:b", ["+library/debian:bookworm"]),
        ("inspect docker.io/debian:b", ["+docker.io/debian:bookworm"]),
        ("in", ["+inspect"]),
        ("l", ["+log", "+login", "+logout", "+ls", "-localhost:5000/"]),
        ("tags --so", ["+--sort"]),
        ("tags --sort s", ["+size"]),
        ("tags --sort=s", ["+--sort=size"]),
        ("completion z", ["+zsh"]),
        ("--ca-file ", ["FILE"]),
        ("ls --ca-file ", ["FILE"]),
        ("cat debian:1", ["+debian:12", "+debian:12-slim"]),
        ("extract debian:12 etc -o ", ["FILE"]),
        ("find localhost:5000/team/app", ["-localhost:5000/team/app", "-localhost:5000/team/apple"]),
        ("find localhost:5000/team/app:1", ["+localhost:5000/team/app:1.0", "+localhost:5000/team/app:1.1"]),
        ("find localhost:5000/team/app ", []),
        ("find --cac", ["+--cached"]),
        ("diff localhost:5000/team/app:1.0 debian:1", ["+debian:12", "+debian:12-slim"]),
        ("packages --kind d", ["+deb"]),
        ("packages --kind deb debian:b", ["+debian:bookworm"]),
        ("--username ", []),
        ("undo ", []),
        ("nonsense --", []),
        ("'localhost:5000/team/d", ["-localhost:5000/team/db"]),
        ("[::1", []),
        ("inspect [/a:", []),
    ],
)
def test_what_a_word_could_become(known: Path, line: str, expected: list[str]) -> None:
    assert ask(f"regtui {line}") == expected


def test_registries_are_those_logged_in_to_opened_or_listed(known: Path, isolated_environment: Path) -> None:
    (isolated_environment / ".docker").mkdir()
    (isolated_environment / ".docker/config.json").write_text(json.dumps({"auths": {"private.example.com": {}}}))
    remember(load_settings({}), "opened.example.com:5443/x/y:1")
    assert ask("regtui login ") == ["+private.example.com", "+opened.example.com:5443", "+docker.io", f"+{HOST}"]


def test_bash_gets_what_follows_the_marks_that_break_its_words(known: Path) -> None:
    breaks = " \t\n\"'@><=;|&(:"
    assert ask(f"regtui inspect {HOST}/te", "bash", breaks) == ["5000/team/"]
    assert ask(f"regtui inspect {HOST}/team/app:l", "bash", breaks) == ["latest "]
    assert ask("regtui tags --sort=s", "bash", breaks) == ["size "]
    assert ask(f"regtui inspect {HOST}/team/app:l", "bash", " ") == [f"{HOST}/team/app:latest "]
    assert ask(f"regtui inspect '{HOST}/team/app:l", "bash") == [f"{HOST}/team/app:latest"]


def test_every_option_that_takes_a_value_is_known_to_take_one() -> None:
    group = program(lambda start: 0)
    context = click.Context(group)
    common = {name for option in group.params for name in option.opts}
    for name in group.list_commands(context):
        one = group.get_command(context, name)
        assert one
        for option in one.params:
            if isinstance(option, click.Option) and not option.is_flag:
                assert set(option.opts) <= common | completion._WITH_VALUE, f"{name}: add it to _WITH_VALUE"


# --- Nothing goes wrong


def damaged(file: Path) -> Iterator[None]:
    """The cache in many states, one after the other."""
    for content in (b"", b"no database" * 1000, b"SQLite format 3\0" + b"\xff" * 5000):
        file.write_bytes(content)
        yield
    file.unlink()
    yield
    file.mkdir()
    yield


def test_a_broken_cache_completes_nothing_and_says_nothing(known: Path) -> None:
    for _ in damaged(known):
        for line in ("regtui login ", f"regtui inspect {HOST}/", f"regtui inspect {HOST}/team/app:"):
            assert ask(line) == []


def test_broken_settings_and_lists_say_nothing(known: Path, isolated_environment: Path) -> None:
    (isolated_environment / "state/regtui").mkdir(parents=True)
    (isolated_environment / "state/regtui/places.json").write_text(
        '["\\u001b[31m", "a b", "$(reboot)/x", 7, "ok.example"]'
    )
    assert ask("regtui login ") == ["+ok.example", "+docker.io", f"+{HOST}"]
    (isolated_environment / "config/regtui").mkdir(parents=True)
    (isolated_environment / "config/regtui/config.toml").write_text("not toml")
    assert ask("regtui login ") == []


def test_names_that_no_registry_could_have_are_not_completed(known: Path) -> None:
    with sqlite3.connect(known) as database:
        database.execute("UPDATE listing SET names = names || ?", ("\n$(reboot)\n`id`\n-rf\na b\n\x1b[31m",))
        database.execute("UPDATE listing SET registry = '$(reboot)' WHERE registry = 'docker.io'")
    assert ask(f"regtui inspect {HOST}/") == [f"-{HOST}/lone:", f"-{HOST}/team/"]
    assert len(ask(f"regtui inspect {HOST}/team/app:")) == 4
    assert ask("regtui login ") == [f"+{HOST}"]


def test_what_never_answers_is_not_waited_for(known: Path, isolated_environment: Path) -> None:
    (isolated_environment / "state/regtui").mkdir(parents=True)
    os.mkfifo(isolated_environment / "state/regtui/places.json")
    assert ask("regtui login ") == []


def test_a_shell_that_reads_no_more_is_no_error(known: Path) -> None:
    process = subprocess.Popen(
        command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "_REGTUI_COMPLETE": "bash", "_REGTUI_LINE": "regtui "},
    )  # fmt: skip
    assert process.stdout
    process.stdout.close()
    assert process.wait(LIMIT) == 0
    assert process.stderr
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.parametrize(
    ("line", "without"),
    [
        (f"inspect {HOST}/team/app:", {"httpx", "textual", "rich", "asyncio"}),
        (f"rm --yes {HOST}/team/", {"httpx", "textual", "rich", "asyncio"}),
        ("inspect ", {"httpx", "textual", "rich", "asyncio"}),
        ("rm --", {"httpx", "textual", "rich"}),
        ("undo --", {"httpx", "textual", "rich"}),
        ("", {"httpx", "textual", "rich"}),
    ],
)
def test_it_imports_little(known: Path, line: str, without: set[str]) -> None:
    code = "import sys\nfrom regtui.__main__ import main\nmain()\nprint(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=LIMIT, check=True,
        env={**os.environ, "_REGTUI_COMPLETE": "zsh", "_REGTUI_LINE": f"regtui {line}"},
    )  # fmt: skip
    answer, modules = ran.stdout.splitlines()[:-1], ran.stdout.splitlines()[-1].split()
    assert answer
    assert not without & set(modules)


# --- In real shells


@pytest.fixture(params=["bash", "zsh", "fish"])
def at(request: pytest.FixtureRequest, known: Path, tmp_path: Path) -> Iterator[Shell]:
    if not shutil.which(request.param):
        pytest.skip(f"{request.param} is not here")
    with shell(request.param, tmp_path) as at:
        yield at


def test_tab_in_a_shell(at: Shell, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    for typed, becomes in (
        ("regtui insp", "regtui inspect "),
        ("regtui inspect loc", f"regtui inspect {HOST}/"),
        (f"regtui inspect {HOST}/te", f"regtui inspect {HOST}/team/"),
        (f"regtui inspect {HOST}/team/d", f"regtui inspect {HOST}/team/db:"),
        (f"regtui inspect {HOST}/team/app:l", f"regtui inspect {HOST}/team/app:latest "),
        (f"regtui inspect {HOST}/team/app:1", f"regtui inspect {HOST}/team/app:1."),
        (f"regtui tags {HOST}/team/d", f"regtui tags {HOST}/team/db "),
        (f"regtui inspect {HOST}/nothing", f"regtui inspect {HOST}/nothing"),
        (f"echo a | regtui rm --yes {HOST}/team/app:l", f"echo a | regtui rm --yes {HOST}/team/app:latest "),
        (f"A=1 regtui inspect {HOST}/team/app:l", f"A=1 regtui inspect {HOST}/team/app:latest "),
        ("regtui --plain", "regtui --plain-http "),
        ("regtui tags --sort=s", "regtui tags --sort=size "),
        ("regtui --ca-file c", "regtui --ca-file ca.pem "),
    ):
        assert at.tab(typed) == becomes
    assert at.tab(f"regtui inspect '{HOST}/team/app:l").rstrip() == f"regtui inspect '{HOST}/team/app:latest'"
