"""Settings: from where they come, which wins, and how a mistake in them is told."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from regtui.config import Settings, as_rows, example, load_settings
from regtui.errors import ConfigError


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def load(file: Path, text: str, flags: dict[str, object] | None = None, **environ: str) -> Settings:
    file.write_text(text)
    return load_settings(flags or {}, {"REGTUI_CONFIG": str(file), **environ})


def test_without_a_file_the_defaults_hold() -> None:
    settings = load_settings({}, {"LANG": "en_GB.UTF-8"})
    assert settings.timeout == 30
    assert settings.cache_size == 512_000_000
    assert settings.journal_days == 365
    assert settings.details == "all"
    assert not settings.ascii
    assert not settings.page_jump
    assert re.fullmatch(r"linux/\w+(/v\d)?", settings.platform)


def test_flags_win_over_the_environment_and_that_over_the_file(config_file: Path) -> None:
    text = 'timeout = 1\njournal_days = 1\ncache_size = "1 MB"\n'
    settings = load(config_file, text, {"timeout": "3"}, REGTUI_TIMEOUT="2", REGTUI_JOURNAL_DAYS="2")
    assert (settings.timeout, settings.journal_days, settings.cache_size) == (3, 2, 1_000_000)
    origins = {name: origin for name, _, origin in as_rows(settings)}
    assert origins["timeout"] == "--timeout"
    assert origins["journal_days"] == "REGTUI_JOURNAL_DAYS"
    assert origins["cache_size"] == f"{config_file}, line 3"
    assert origins["theme"] == "default"


def test_a_flag_holds_for_every_registry_and_a_table_for_one(config_file: Path) -> None:
    text = """
    protected = ["v*"]
    [registry."Registry.Example.com:5000"]
    plain_http = true
    ca_file = "certificates/ca.pem"
    concurrency = 4
    realm = "Login.Example.net:8443"
    protected = ["golden"]
    [registry."index.docker.io"]
    namespace = "library"
    """
    settings = load(config_file, text, {"read_only": True})
    one = settings.for_registry("registry.example.com:5000")
    assert one.plain_http
    assert one.read_only
    assert one.ca_file == str(config_file.parent / "certificates/ca.pem")
    assert one.concurrency == 4
    assert one.realm == "login.example.net:8443"
    assert one.protected == ("v*", "golden")
    other = settings.for_registry("other.example.com")
    assert other.read_only
    assert not other.plain_http
    assert settings.for_registry("docker.io").namespace == "library"


def test_protected_tags_are_patterns_and_those_of_a_registry_add_to_them(config_file: Path) -> None:
    settings = load(config_file, '[registry."a.example"]\nprotected = ["golden"]')
    assert settings.is_protected("a.example", "latest")
    assert settings.is_protected("a.example", "production-7")
    assert settings.is_protected("a.example", "golden")
    assert not settings.is_protected("b.example", "golden")
    assert not settings.is_protected("a.example", "LATEST")


def test_keys_are_one_or_several(config_file: Path) -> None:
    settings = load(config_file, '[keys]\nrefresh = "f5"\ndown = ["j", "down"]')
    assert settings.keys == {"refresh": ("f5",), "down": ("j", "down")}


@pytest.mark.parametrize(
    ("environ", "ascii_only"),
    [
        ({"LANG": "C"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "POSIX"}, True),
        ({"LANG": "C.utf8"}, False),
        ({}, False),
        ({"LANG": "C", "REGTUI_ASCII": "no"}, False),
    ],
)
def test_ascii_follows_the_locale_unless_told(environ: dict[str, str], ascii_only: bool) -> None:
    assert load_settings({}, environ).ascii is ascii_only


def test_over_ssh_less_is_sent() -> None:
    settings = load_settings({}, {"SSH_CONNECTION": "10.0.0.1 5 10.0.0.2 22"})
    assert settings.page_jump
    assert settings.details == "visible"


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("theme = 'x'\n  tiemout = 3", 2, 3, "no setting 'tiemout' here. Did you mean timeout?"),
        ("timeout = true", 1, 1, "True can't be used, it takes seconds, from 1 to 3600"),
        ("timeout = 0", 1, 1, "it takes seconds"),
        ("timeout = nan", 1, 1, "it takes seconds"),
        ("cache_size = '3 apples'", 1, 1, "it takes a size"),
        ("journal_days = 1.5", 1, 1, "it takes a number of days"),
        ("details = 'some'", 1, 1, 'it takes "all" or "visible"'),
        ("details = ['all']", 1, 1, 'it takes "all" or "visible"'),
        ("ascii = 'yes'", 1, 1, "it takes true or false"),
        ("platform = 'linux arm64'", 1, 1, "it takes a platform"),
        ("platform = 3", 1, 1, "it takes a platform"),
        ("protected = 'latest'", 1, 1, "it takes a list of texts"),
        ("[registry.'a.example']\nrealm = 'https://x/token'", 2, 1, "it takes a host, HOST or HOST:PORT"),
        ("[registry.'a.example']\nrealm = 3", 2, 1, "it takes a host, HOST or HOST:PORT"),
        ("protected = ['latest', 3]", 1, 1, "it takes a list of texts"),
        ("read_only = true", 1, 1, "no setting 'read_only' here"),
        ("\n[registry.'a.example']\nread_onyl = true", 3, 1, "Did you mean read_only?"),
        ("[registry]\n'a.example'.concurrency = 0", 2, 1, "it takes a number from 1 to 256"),
        ("[registry]\n'a.example' = {\"plain_htpp\" = true}", 2, 1, "Did you mean plain_http?"),
        ("[registry.'not a host']", 1, 2, "no registry's host"),
        ("[registry.'docker.io']\n[registry.'index.docker.io']", 2, 2, "a second table for docker.io"),
        ("registry = 3", 1, 1, "registry must be a table"),
        ("[registry]\na = 3", 2, 1, "this must be a table"),
        ("[[keys]]", 1, 3, "keys must be a table"),
        ("[keys]\ndown = 3", 2, 1, "it takes a key or a list of keys"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(
    config_file: Path, text: str, line: int, column: int, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(config_file, text)
    assert str(caught.value).startswith(f"{config_file}, line {line}, column {column}: ")
    assert words in str(caught.value)


def test_a_file_that_is_no_toml_says_where(config_file: Path) -> None:
    with pytest.raises(ConfigError, match=r"can't be read: .*at line 2, column 9"):
        load(config_file, "theme = 'x'\ntimeout 3")


def test_a_file_that_cannot_be_read_is_no_traceback(config_file: Path, tmp_path: Path) -> None:
    config_file.write_bytes(b"theme = '\xff'")
    with pytest.raises(ConfigError, match="can't be read"):
        load_settings({}, {"REGTUI_CONFIG": str(config_file)})
    with pytest.raises(ConfigError, match="can't be read"):
        load_settings({}, {"REGTUI_CONFIG": str(tmp_path)})
    with pytest.raises(ConfigError, match="There is no settings file"):
        load_settings({}, {"REGTUI_CONFIG": str(tmp_path / "missing")})


def test_mistakes_in_flags_and_variables_name_them() -> None:
    with pytest.raises(ConfigError, match="--timeout: 'soon' can't be used"):
        load_settings({"timeout": "soon"}, {})
    with pytest.raises(ConfigError, match="REGTUI_READ_ONLY: 'maybe' can't be used, it takes true or false"):
        load_settings({}, {"REGTUI_READ_ONLY": "maybe"})
    with pytest.raises(ConfigError, match=r"REGTUI_READONLY is no setting.* REGTUI_READ_ONLY\?"):
        load_settings({}, {"REGTUI_READONLY": "1"})


def test_flags_that_were_not_given_change_nothing() -> None:
    settings = load_settings({"timeout": None, "read_only": False}, {"REGTUI_READ_ONLY": "1"})
    assert settings.read_only
    assert settings.timeout == 30


def test_a_relative_path_of_a_flag_is_one_from_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings({"ca_file": "ca.pem"}, {}).ca_file == str(tmp_path / "ca.pem")


def test_the_example_loads_as_it_is_and_with_everything_switched_on(config_file: Path) -> None:
    plain = load(config_file, example(), LANG="C.UTF-8")
    assert plain == load(config_file, "", LANG="C.UTF-8")
    everything = re.sub(r"^# (?=\w+ = |\[)", "", example(), flags=re.MULTILINE)
    assert len(tomllib.loads(everything)) == 11
    assert load(config_file, everything).for_registry("registry.example.com:5000").concurrency == 16
