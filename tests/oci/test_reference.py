"""What a user may write to name a registry, a repository, a tag or a digest."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.errors import ReferenceError
from regtui.oci.digest import Digest
from regtui.oci.reference import (
    DOCKER_HUB,
    Reference,
    check_host,
    check_repository,
    check_tag,
    is_loopback,
    parse_reference,
)

DIGEST = Digest("sha256:" + "9f" * 32)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Docker Hub: no host before the first slash, or none at all
        ("debian:12", Reference(DOCKER_HUB, "library/debian", "12")),
        ("debian", Reference(DOCKER_HUB, "library/debian")),
        ("grafana/loki:2.9", Reference(DOCKER_HUB, "grafana/loki", "2.9")),
        ("docker.io/debian", Reference(DOCKER_HUB, "library/debian")),
        ("index.docker.io/a/b", Reference(DOCKER_HUB, "a/b")),
        (f"debian@{DIGEST}", Reference(DOCKER_HUB, "library/debian", "", DIGEST)),
        (f"debian:12@{DIGEST}", Reference(DOCKER_HUB, "library/debian", "12", DIGEST)),
        # a host before the first slash: localhost, a dot or a colon
        ("localhost/app", Reference("localhost", "app")),
        ("localhost:5000/team/app:1", Reference("localhost:5000", "team/app", "1")),
        ("registry:5000/app", Reference("registry:5000", "app")),
        ("quay.io/org/app@" + DIGEST, Reference("quay.io", "org/app", "", DIGEST)),
        ("[::1]:5000/app:1", Reference("[::1]:5000", "app", "1")),
        ("127.0.0.1:5000/app", Reference("127.0.0.1:5000", "app")),
        # a registry alone
        ("localhost", Reference("localhost")),
        ("localhost:5000", Reference("localhost:5000")),
        ("registry:5000/", Reference("registry:5000")),
        ("registry.example.com", Reference("registry.example.com")),
        ("Registry.Example.COM:443", Reference("registry.example.com:443")),
        ("127.0.0.1:5000", Reference("127.0.0.1:5000")),
        ("[::1]:5000", Reference("[::1]:5000")),
        # pasted from a browser
        ("https://registry.example.com/v2/", Reference("registry.example.com")),
        ("https://registry.example.com/team/app/", Reference("registry.example.com", "team/app")),
        # folders and files
        ("oci:/srv/app", Reference("oci:/srv/app")),
        ("oci:/srv/../srv/app/", Reference("oci:/srv/app")),
        ("oci:/srv/My App", Reference("oci:/srv/My App")),
        ("oci:/srv/app:1.0", Reference("oci:/srv/app", "app", "1.0")),
        ("oci:/srv/My App:1.0", Reference("oci:/srv/My App", "my-app", "1.0")),
        ("oci:/srv/app:docker.io/library/debian:12", Reference("oci:/srv/app", "docker.io/library/debian", "12")),
        ("oci:/srv/app:localhost:5000/app:12", Reference("oci:/srv/app", "localhost-5000/app", "12")),
        ("oci:/srv/app//team/app", Reference("oci:/srv/app", "team/app")),
        (f"oci:/srv/app//team/app@{DIGEST}", Reference("oci:/srv/app", "team/app", "", DIGEST)),
        (f"oci:/srv/app:1@{DIGEST}", Reference("oci:/srv/app", "app", "1", DIGEST)),
        ("docker-archive:/srv/app.tar", Reference("docker-archive:/srv/app.tar")),
        ("docker-archive:/srv/app.tar:team/app:1", Reference("docker-archive:/srv/app.tar", "team/app", "1")),
        ("docker-archive:/srv/app.tar:debian", Reference("docker-archive:/srv/app.tar", "debian")),
        ("docker-archive:/srv/app.tar//app", Reference("docker-archive:/srv/app.tar", "app")),
        # Helm's
        ("oci://ghcr.io/team/chart:1", Reference("ghcr.io", "team/chart", "1")),
        # a name without a dot before the colon is an image of Docker Hub
        ("registry:2", Reference(DOCKER_HUB, "library/registry", "2")),
    ],
)
def test_what_users_write_is_understood_as_docker_does(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected
    assert parse_reference(str(expected)) == expected or expected.registry == "registry:5000"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "UPPER/case",
        "a//b",
        "-a/b",
        "app:",
        "app:-x",
        "app@sha256:123",
        "app@md5:" + "0" * 32,
        "app:" + "t" * 129,
        "reg.io:99999/a",
        "reg.io:0/a",
        "[::g]:5000/a",
        "re_g.io/a",
        "reg.io/" + "a" * 256,
        "reg.io/a b",
        "reg.io/a\x1b[31m",
        "reg.io/a:t\n",
        "a/../b",
        "reg.io/%2e%2e",
    ],
)
def test_what_is_no_reference_is_refused_with_a_printable_sentence(text: str) -> None:
    with pytest.raises(ReferenceError) as caught:
        parse_reference(text if text != "reg.io/a:t\n" else "reg.io/a:t\nx")
    assert str(caught.value).isprintable()


def test_upper_case_repository_says_what_is_wrong() -> None:
    with pytest.raises(ReferenceError, match="lower case"):
        check_repository("Team/App")


def test_docker_hub_is_served_by_another_host() -> None:
    assert parse_reference("debian").host == "registry-1.docker.io"
    assert parse_reference("quay.io/a/b").host == "quay.io"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("demo.localhost", True),
        ("127.0.0.1:5000", True),
        ("127.3.2.1", True),
        ("[::1]:5000", True),
        ("[::1]", True),
        ("[::2]:5000", False),
        ("localhost.example.com", False),
        ("10.0.0.1", False),
        ("registry:5000", False),
    ],
)
def test_loopback_is_this_machine_only(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


WORD = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)
PART = st.builds(
    lambda first, rest: first + "".join(s + w for s, w in rest),
    WORD,
    st.lists(st.tuples(st.sampled_from([".", "_", "__", "-", "---"]), WORD), max_size=3),
)
REPOSITORY = st.lists(PART, min_size=1, max_size=4).map("/".join)
TAG = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", fullmatch=True)
HOST = st.one_of(
    st.lists(WORD, min_size=2, max_size=4).map(".".join),
    st.builds(lambda w, port: f"{w}:{port}", WORD, st.integers(1, 65535)),
    st.just("[::1]:5000"),
    st.just("localhost"),
).filter(lambda host: check_host(host) != DOCKER_HUB)


@given(HOST, REPOSITORY, st.one_of(st.just(""), TAG), st.one_of(st.none(), st.just(DIGEST)))
def test_a_reference_reads_back_from_what_it_prints(
    host: str, repository: str, tag: str, digest: Digest | None
) -> None:
    reference = Reference(host, repository, tag, digest)
    assert parse_reference(str(reference)) == reference


@given(st.text(max_size=300))
def test_any_text_is_a_reference_or_a_usage_error(text: str) -> None:
    try:
        reference = parse_reference(text)
    except ReferenceError as error:
        assert str(error).isprintable()  # noqa: PT017 - the error is the answer here
    else:
        assert parse_reference(f"{reference.registry}/" + str(reference).partition("/")[2]) == reference


@given(st.text(max_size=140))
def test_what_passes_for_a_tag_is_ascii_and_has_no_slash(text: str) -> None:
    try:
        tag = check_tag(text)
    except ReferenceError:
        return
    assert tag.isascii()
    assert not set(tag) & set("/:@ \n")
