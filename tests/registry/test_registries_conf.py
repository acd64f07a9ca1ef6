"""Podman's registries.conf: where it is read, what counts when files disagree, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from regtui.errors import ConfigError, RegistryError
from regtui.registry.registries_conf import read_registries_conf
from regtui.registry.rules import Mirror, Place, RegistriesConf

OWN, SYSTEM = "config/containers", "etc/containers"


@pytest.fixture
def home(isolated_environment: Path) -> Path:
    return isolated_environment


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def search(*names: str) -> str:
    return f"unqualified-search-registries = {list(names)}\n"


def conf(home: Path, text: str) -> RegistriesConf:
    write(home, {f"{OWN}/registries.conf": text})
    return read_registries_conf()


# Which files


@pytest.mark.parametrize(
    ("files", "environ", "found"),
    [
        ({}, {}, ()),
        ({f"{SYSTEM}/registries.conf": search("system.example")}, {}, ("system.example",)),
        (
            {f"{SYSTEM}/registries.conf": search("system.example"), f"{OWN}/registries.conf": search("own.example")},
            {},
            ("own.example",),
        ),
        (
            {f"{OWN}/registries.conf": search("own.example"), "named.conf": search("named.example")},
            {"CONTAINERS_REGISTRIES_CONF": "named.conf"},
            ("named.example",),
        ),
        (  # what is dropped in counts instead of the main file, the user's last
            {
                f"{SYSTEM}/registries.conf": search("system.example"),
                f"{SYSTEM}/registries.conf.d/50.conf": search("50.example"),
                f"{SYSTEM}/registries.conf.d/10.conf": search("10.example"),
            },
            {},
            ("50.example",),
        ),
        (
            {
                f"{SYSTEM}/registries.conf.d/99.conf": search("system.example"),
                f"{OWN}/registries.conf.d/00.conf": search("own.example"),
            },
            {},
            ("own.example",),
        ),
        (  # who has a file of their own has nothing to do with the system's folder
            {
                f"{OWN}/registries.conf": search("own.example"),
                f"{SYSTEM}/registries.conf.d/99.conf": search("system.example"),
            },
            {},
            ("own.example",),
        ),
        (  # but a file that is named doesn't keep what is dropped in away
            {"named.conf": search("named.example"), f"{SYSTEM}/registries.conf.d/99.conf": search("99.example")},
            {"CONTAINERS_REGISTRIES_CONF": "named.conf"},
            ("99.example",),
        ),
        (
            {
                f"{SYSTEM}/registries.conf": search("system.example"),
                f"{SYSTEM}/registries.conf.d/readme": search("no.example"),
                f"{SYSTEM}/registries.conf.d/folder.conf/x.conf": search("no.example"),
                f"{SYSTEM}/registries.conf.d/50.conf": "# says nothing of it",
            },
            {},
            ("system.example",),
        ),
        (
            {
                f"{SYSTEM}/registries.conf": search("system.example"),
                f"{SYSTEM}/registries.conf.d/50.conf": search(),
            },
            {},
            (),
        ),
    ],
)
def test_files_count_in_podmans_order(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    environ: dict[str, str],
    found: tuple[str, ...],
) -> None:
    write(home, files)
    for name, value in environ.items():
        monkeypatch.setenv(name, str(home / value))
    assert read_registries_conf().search == found


def test_without_xdg_config_home_the_user_s_files_are_below_the_home(home: Path) -> None:
    write(home, {".config/containers/registries.conf": search("own.example")})
    assert read_registries_conf({"HOME": str(home)}).search == ("own.example",)


def test_of_rules_and_aliases_with_one_name_the_later_file_s_counts(home: Path) -> None:
    write(
        home,
        {
            f"{OWN}/registries.conf": """
                aliases = {app = "one.example/app", tool = "one.example/tool", gone = "one.example/gone"}
                [[registry]]
                location = "one.example"
                insecure = true
                [[registry]]
                location = "two.example"
                insecure = true
                [[registry]]
                location = "two.example"
                """,
            f"{OWN}/registries.conf.d/50.conf": """
                [aliases]
                tool = "docker.io/tool"
                gone = ""
                [[registry]]
                location = "one.example"
                """,
        },
    )
    found = read_registries_conf()
    assert found.aliases == {"app": "one.example/app", "tool": "docker.io/library/tool"}
    assert [(rule.prefix, rule.insecure) for rule in found.rules] == [("one.example", False), ("two.example", True)]


def test_what_podman_was_told_of_a_short_name_counts_most(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 1000)
    write(
        home,
        {
            f"{OWN}/registries.conf": 'aliases = {app = "one.example/app"}',
            "cache/containers/short-name-aliases.conf": 'aliases = {app = "chosen.example/app"}',
        },
    )
    assert read_registries_conf().aliases == {"app": "chosen.example/app"}


def test_the_first_format_is_read_as_podman_reads_it(home: Path) -> None:
    found = conf(
        home,
        """
        [registries.search]
        registries = ["one.example"]
        [registries.insecure]
        registries = ["two.example:5000"]
        [registries.block]
        registries = ["three.example"]
        """,
    )
    assert found.search == ("one.example",)
    assert found.place("two.example:5000/app") == Place("two.example:5000", "app", insecure=True)
    with pytest.raises(RegistryError, match="is blocked by"):
        found.place("three.example/app")


def test_a_mirror_is_for_what_its_rule_says(home: Path) -> None:
    found = conf(
        home,
        """
        [[registry]]
        location = "one.example"
        mirror = [
            {location = "a.example", insecure = true},
            {location = "b.example/path/", pull-from-mirror = "digest-only"},
            {location = "c.example", pull-from-mirror = "tag-only"},
            {location = "d.example", pull-from-mirror = "all"},
        ]
        [[registry]]
        location = "two.example"
        mirror-by-digest-only = true
        mirror = [{location = "e.example"}]
        """,
    )
    one, two = found.rules
    assert one.mirrors == (
        Mirror("a.example", insecure=True),
        Mirror("b.example/path", for_tags=False),
        Mirror("c.example", for_digests=False),
        Mirror("d.example"),
    )
    assert two.mirrors == (Mirror("e.example", for_tags=False),)
    assert found.mirrors("one.example") == [Place("a.example", insecure=True), Place("d.example")]
    assert found.mirrors("two.example") == []
    assert (found.is_mirrored("two.example"), found.is_mirrored("three.example")) == (True, False)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[registry]\n", "line 1, column 11"),
        ("\n[[registry]]\nlocation = one.example\n", "line 3, column 12"),
        (
            '[[registry]]\nlocation = "one.example"\ninsecure = "yes"\n',
            r"Expected `bool`, got `str` - at `\$\.registry",
        ),
        ('unqualified-search-registries = "docker.io"', "unqualified-search-registries"),
        ('unqualified-search-registries = ["not a host"]', "'not a host' is no registry's host"),
        ('[[registry]]\nprefix = "one.example"\n', r"a \[\[registry\]\] has no location \(one\.example\)"),
        ("[[registry]]\nblocked = true\n", "has no location"),
        ('[[registry]]\nlocation = "https://one.example"\n', "has a scheme"),
        ('[[registry]]\nprefix = "*.example.com/x"\n', "has more than a domain behind its"),
        ('[[registry]]\nlocation = "a.b"\nmirror = [{insecure = true}]\n', "missing required field `location`"),
        ('[[registry]]\nlocation = "a.b"\nmirror = [{location = ""}]\n', "a mirror of a.b has no location"),
        ('[[registry]]\nlocation = "a.b"\nmirror = [{location = "c.d", pull-from-mirror = "x"}]\n', "pull-from-mirror"),
        (
            '[[registry]]\nlocation = "a.b"\nmirror-by-digest-only = true\n'
            'mirror = [{location = "c.d", pull-from-mirror = "all"}]\n',
            "pull-from-mirror",
        ),
        ('aliases = {"docker.io/app" = "a.b/app"}', "is no short name"),
        ('aliases = {"app:1" = "a.b/app"}', "is no short name"),
        ('aliases = {app = "library/app"}', "has to mean HOST/REPOSITORY"),
        ('aliases = {app = "a.b/app:1"}', "has to mean HOST/REPOSITORY"),
        ('aliases = {app = "a.b/App"}', "'App' is no repository name"),
        ("# " + "x" * 5_000_000, "more than 4,194,304 bytes"),
    ],
)
def test_a_file_that_can_t_be_used_is_named_with_where_it_is_wrong(home: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=rf"{OWN}/registries\.conf can't be used: .*{complaint}") as caught:
        conf(home, text)
    assert "CONTAINERS_REGISTRIES_CONF" in caught.value.advice


def test_a_file_that_is_named_and_isn_t_there_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(home / "gone.conf"))
    with pytest.raises(ConfigError, match=r"gone\.conf can't be used: no such file"):
        read_registries_conf()


def test_bytes_that_are_no_text_are_an_error(home: Path) -> None:
    write(home, {f"{OWN}/registries.conf": ""})
    (home / OWN / "registries.conf").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="can't be used"):
        read_registries_conf()


def test_what_regtui_doesn_t_know_is_left_alone(home: Path) -> None:
    found = conf(home, 'short-name-mode = "enforcing"\ncredential-helpers = ["pass"]\nother = 1\n')
    assert found == RegistriesConf(())


# Where a name is

ROUTES = """
[[registry]]
location = "plain.example"

[[registry]]
prefix = "moved.example"
location = "there.example:5000"

[[registry]]
prefix = "deep.example"
location = "there.example/hub"

[[registry]]
prefix = "one.example/team"
location = "there.example/group/team"
insecure = true

[[registry]]
prefix = "one.example/team/app"
location = "one.example/team/app"

[[registry]]
prefix = "one.example/secret"
location = "one.example/secret"
blocked = true

[[registry]]
prefix = "*.wild.example"

[[registry]]
prefix = "*.gone.example"
location = "there.example"

[[registry]]
prefix = "docker.io/library"
location = "there.example/mirrored"
"""


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("other.example/app", Place("other.example", "app")),
        ("plain.example/app", Place("plain.example", "app")),
        ("moved.example", Place("there.example:5000")),
        ("moved.example/team/app", Place("there.example:5000", "team/app")),
        ("moved.example:5000/app", Place("moved.example:5000", "app")),
        ("moved.example.org/app", Place("moved.example.org", "app")),
        ("deep.example", Place("there.example", "hub")),
        ("deep.example/app", Place("there.example", "hub/app")),
        ("one.example/other", Place("one.example", "other")),
        ("one.example/team/x", Place("there.example", "group/team/x", insecure=True)),
        ("one.example/team", Place("there.example", "group/team", insecure=True)),
        ("one.example/teammate", Place("one.example", "teammate")),
        ("one.example/team/app", Place("one.example", "team/app")),
        ("a.wild.example/app", Place("a.wild.example", "app")),
        ("a.b.gone.example/app", Place("there.example", "app")),
        ("a.gone.example:5000/app", Place("there.example:5000", "app")),
        ("gone.example/app", Place("gone.example", "app")),
        ("docker.io/library/debian", Place("there.example", "mirrored/debian")),
        ("docker.io/team/app", Place("docker.io", "team/app")),
    ],
)
def test_the_longest_prefix_says_where_a_name_is(home: Path, name: str, place: Place) -> None:
    assert conf(home, ROUTES).place(name) == place


def test_a_blocked_name_is_refused_and_says_by_which_file(home: Path) -> None:
    with pytest.raises(RegistryError, match=r"one\.example/secret/x is blocked by .*/registries\.conf") as caught:
        conf(home, ROUTES).place("one.example/secret/x")
    assert "[[registry]] for one.example/secret" in caught.value.advice


def test_a_rule_that_leads_nowhere_names_its_file(home: Path) -> None:
    found = conf(home, '[[registry]]\nprefix = "one.example"\nlocation = "two.example/Upper"\n')
    with pytest.raises(ConfigError, match=r"registries\.conf leads from one\.example/app to where nothing can be"):
        found.place("one.example/app")


@pytest.mark.parametrize(
    ("registry", "is_split"),
    [("other.example", False), ("moved.example", False), ("one.example", True), ("docker.io", True)],
)
def test_a_registry_is_split_where_a_part_of_it_is_elsewhere(home: Path, registry: str, is_split: bool) -> None:
    assert conf(home, ROUTES).is_split(registry) is is_split


def test_a_blocked_registry_whose_part_is_allowed_is_entered_by_that_part(home: Path) -> None:
    text = '[[registry]]\nlocation = "a.b"\nblocked = true\n[[registry]]\nlocation = "a.b/team"\n'
    found = conf(home, text)
    assert (found.is_split("a.b"), found.home("a.b")) == (True, Place("a.b", "team"))
