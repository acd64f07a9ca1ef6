"""The first word, the flags, and how `regtui` says that it doesn't understand."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from regtui.cli.program import Start, program, run
from regtui.oci.reference import Reference
from tests.cli.conftest import regtui

started: list[Start] = []


def start_app(start: Start) -> int:
    started.append(start)
    return 0


def opened(*words: str) -> Start:
    started.clear()
    assert run(words, start_app) == 0
    return started[0]


def test_alone_it_opens_the_start_screen() -> None:
    assert opened().reference is None


def test_demo_opens_the_demo() -> None:
    assert opened("demo").reference == Reference("demo.localhost")


@pytest.mark.parametrize(
    ("word", "reference"),
    [
        ("localhost", Reference("localhost")),
        ("localhost:5000", Reference("localhost:5000")),
        ("registry.example.com", Reference("registry.example.com")),
        ("registry.example.com/team/app:1.0", Reference("registry.example.com", "team/app", "1.0")),
        ("debian:latest", Reference("docker.io", "library/debian", "latest")),
        ("team/app", Reference("docker.io", "team/app")),
    ],
)
def test_a_first_word_with_a_dot_a_colon_or_a_slash_is_a_reference(word: str, reference: Reference) -> None:
    assert opened(word).reference == reference


def test_flags_stand_before_and_after_the_first_word() -> None:
    settings = opened("--plain-http", "localhost:5000", "--read-only", "--timeout", "5").settings
    assert settings.plain_http
    assert settings.read_only
    assert settings.timeout == 5
    assert opened("--timeout=7", "demo", "--platform", "linux/arm64").settings.platform == "linux/arm64"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["tgas"], "'tgas' is neither a command nor a reference. Did you mean: regtui tags?"),
        (
            ["debian"],
            "Commands: cat, completion, config,",
        ),
        (["oci:"], "oci: names nothing. Write oci:PATH."),
        (["tags", "oci:a:not a tag"], "'not a tag' is no tag"),
        (["Example.com/UPPER"], "'UPPER' is no repository name"),
        (["\x1b[31m:5000"], "x1b[31m' is no repository name"),
        (["--timeout", "soon", "demo"], "--timeout: 'soon' can't be used, it takes seconds, from 1 to 3600"),
        (["--nonsense"], "No such option '--nonsense'."),
        (["ls"], "Missing argument 'REGISTRY'. Try regtui ls --help."),
        (["completion"], "Missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish. Try"),
        (["ls", "a.example/team:1"], "a.example/team:1 is more than a namespace. Its tags: regtui tags a.example/REPO"),
        (["ls", "a.example/Team"], "'Team' is no repository name. Names of repositories are in lower case."),
        (
            ["ls", "a.example/team", "--search", "x"],
            "--search asks the whole registry. Write: regtui ls a.example --se",
        ),
        (["tags", "a.example"], "a.example is a registry. Name a repository in it: regtui tags a.example/REPOSITORY"),
        (["tags", "a.example/b:1"], "a.example/b:1 is more than a repository. Write: regtui tags a.example/b"),
        (["tags", "a.example/b", "--sort", "luck"], "'luck' is not one of 'name', 'created', 'size'."),
        (["inspect", "a.example/b"], "a.example/b names no tag and no digest. Write a.example/b:TAG"),
        (["inspect", "a.example/b@sha256:1"], "'sha256:1' is no digest"),
        (["rm", "--dry-run", "a.example/b"], "a.example/b names no tag and no digest."),
        (["rm", "--yes", "a.example/b:1", "b.example/b:1"], "several registries: a.example, b.example."),
        (["undo"], "There is no terminal to ask on."),
        (["undo", "--yes", "first"], "'first' is not a valid integer range."),
        (["rm", "a.example/b:1"], "There is no terminal to ask on. Add --yes to delete without a question"),
        (["tag", "a.example/b:1", "b.example/b:2"], "b.example/b:2 is in another registry than a.example/b:1."),
        (["tag", "a.example/b:1", "?"], "'?' is no tag"),
        (["ls", "a.example", "--username", "me"], "no terminal to ask for the password. Use --password-stdin."),
        (["ls", "a.example", "--password-stdin"], "--password-stdin needs a name too. Add --username NAME."),
    ],
)
def test_what_is_not_understood_is_one_sentence_and_exit_code_2(
    words: list[str], sentence: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert run(words, start_app) == 2
    out, err = capfd.readouterr()
    assert sentence in err
    assert err.startswith("regtui: ")
    assert err.count("\n") == 1
    assert out == ""


def test_every_command_has_its_help() -> None:
    group = program(start_app)
    for name in group.list_commands(None):  # type: ignore[arg-type]
        result = CliRunner().invoke(group, [name, "--help"])
        assert result.exit_code == 0
        assert "--read-only" in result.output


def test_version_and_commands_import_no_more_than_they_need() -> None:
    code = "import sys; sys.argv = ['regtui', {!r}]; from regtui.__main__ import main; main(); print(*sys.modules)"
    modules = [
        set(subprocess.run([sys.executable, "-c", code.format(word)], capture_output=True, text=True).stdout.split())
        for word in ("--version", "config")
    ]
    assert not modules[0] & {"click", "httpx", "textual", "msgspec", "regtui.config"}
    assert "click" in modules[1]
    assert not modules[1] & {"httpx", "textual", "sqlite3"}


def test_no_terminal_is_said_and_not_waited_for() -> None:
    for words in ([], ["demo"], ["localhost:5000"]):
        ran = regtui(*words)
        assert ran.code == 2
        assert "need a terminal" in ran.err
