"""Certificates in docker's and podman's `certs.d`: which folder counts, what is in it, and who gets to see it."""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from regtui.errors import ConfigError, LoginNeeded, TLSFailed
from regtui.oci.digest import digest_of
from regtui.registry.certs_d import Certificates, find_certificates
from regtui.registry.client import Client
from regtui.registry.endpoint import Endpoint, find_endpoint
from regtui.registry.tls import ssl_context
from regtui.registry.transport import open_transport
from tests.registry.wire import Authority, Peer, Script, raw_server
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry

HOST = "registry.example.com:5000"
PODMAN, ROOTLESS, SYSTEM_PODMAN, SYSTEM_DOCKER = (
    "home/.config/containers/certs.d",
    "config/docker/certs.d",
    "etc/containers/certs.d",
    "etc/docker/certs.d",
)


def put(root: Path, folder: str, *names: str, host: str = HOST) -> Path:
    place = root / folder / host
    place.mkdir(parents=True, exist_ok=True)
    for name in names:
        (place / name).write_text("")
    return place


def find(root: Path, host: str = HOST) -> Certificates:
    environ = {"HOME": str(root / "home"), "XDG_CONFIG_HOME": str(root / "config")}
    return find_certificates(host, environ, (root / SYSTEM_PODMAN, root / SYSTEM_DOCKER))


# Which folder


def test_of_the_folders_that_exist_the_first_counts_and_no_other(tmp_path: Path) -> None:
    assert find(tmp_path) == Certificates()
    for folder in (SYSTEM_DOCKER, SYSTEM_PODMAN, ROOTLESS, PODMAN):  # the last of them first
        place = put(tmp_path, folder, "ca.crt")
        assert find(tmp_path) == Certificates((str(place / "ca.crt"),)), folder
    (place / "ca.crt").unlink()
    assert find(tmp_path) == Certificates(), "an empty folder is one, as it is for podman"


def test_the_port_is_part_of_the_name(tmp_path: Path) -> None:
    put(tmp_path, PODMAN, "ca.crt", host="registry.example.com")
    assert find(tmp_path) == Certificates()
    assert find(tmp_path, "registry.example.com").cas


def test_without_a_variable_of_its_own_rootless_docker_s_folder_is_below_the_home(tmp_path: Path) -> None:
    put(tmp_path, "home/.config/docker/certs.d", "ca.crt")
    assert find_certificates(HOST, {"HOME": str(tmp_path / "home")}, ()).cas


async def test_docker_hub_has_the_folder_of_its_name(isolated_environment: Path) -> None:
    put(isolated_environment, ".config/containers/certs.d", "ca.crt", host="docker.io")
    assert (await find_endpoint("registry-1.docker.io")).certs.cas


# What is in it


def test_cas_are_crt_files_and_a_client_is_a_cert_with_its_key(tmp_path: Path) -> None:
    place = put(tmp_path, PODMAN, "b.crt", "a.crt", "client.cert", "client.key", "notes.txt", "z.cert", "z.key")
    assert find(tmp_path) == Certificates(
        (str(place / "a.crt"), str(place / "b.crt")), (str(place / "client.cert"), str(place / "client.key"))
    )


@pytest.mark.parametrize(
    ("there", "missing", "advice"), [("me.cert", "me.key", "CA certificates end in .crt."), ("me.key", "me.cert", "")]
)
def test_one_half_of_a_client_certificate_is_an_error(tmp_path: Path, there: str, missing: str, advice: str) -> None:
    place = put(tmp_path, PODMAN, "ca.crt", there)
    with pytest.raises(ConfigError) as caught:
        find(tmp_path)
    assert (caught.value.what, caught.value.advice) == (f"{place / there} needs {missing} beside it", advice)


def endpoint(place: Path) -> Endpoint:
    client = (str(place / "me.cert"), str(place / "me.key")) if (place / "me.cert").exists() else None
    return Endpoint(HOST, certs=Certificates(tuple(str(file) for file in place.glob("*.crt")), client))


def test_a_ca_that_is_none_is_named(tmp_path: Path) -> None:
    place = put(tmp_path, PODMAN, "ca.crt")
    with pytest.raises(ConfigError, match=r"certs\.d.*/ca\.crt can't be used: it isn't such a file"):
        ssl_context(endpoint(place))


def test_a_ca_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"/gone\.crt can't be used: no such file or directory"):
        ssl_context(Endpoint(HOST, certs=Certificates(("/gone.crt",))))


def test_a_key_of_another_certificate_is_named(tmp_path: Path) -> None:
    place = put(tmp_path, PODMAN)
    client_files(Authority(tmp_path), place)
    other = tmp_path / "other"
    other.mkdir()
    client_files(Authority(other), other)
    (place / "me.key").write_bytes((other / "me.key").read_bytes())
    with pytest.raises(ConfigError, match=r"me\.cert with its \.key can't be used: .* don't belong together"):
        ssl_context(endpoint(place))


def test_settings_stand_instead_of_the_folder(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    wrong = Certificates(("/gone.crt",), ("/gone.cert", "/gone.key"))
    ssl_context(Endpoint(HOST, ca_file=authority.ca_file, client_cert=authority.client_cert, certs=wrong))


# On the wire


def client_files(authority: Authority, place: Path) -> None:
    """The CA, and a client's certificate and its key as two files."""
    (place / "ca.crt").write_bytes(Path(authority.ca_file).read_bytes())
    pem = Path(authority.client_cert).read_text()
    key, rest = pem.split("-----BEGIN CERTIFICATE-----", 1)
    (place / "me.key").write_text(key)
    (place / "me.cert").write_text(f"-----BEGIN CERTIFICATE-----{rest}")


def keep(registry: DockerRegistry, home: Path) -> None:
    """What the registry's operator tells people to do."""
    place = put(home, ".config/containers/certs.d", host=registry.host)
    assert registry.ca_file
    (place / "ca.crt").write_bytes(registry.ca_file.read_bytes())
    for name in ("client.cert", "client.key") if registry.client_cert else ():
        (place / name).write_bytes((registry.folder / name).read_bytes())


@pytest.mark.parametrize("client_cert", [False, True])
async def test_a_registry_with_a_private_ca_is_reached_by_its_folder(
    tmp_path: Path, isolated_environment: Path, client_cert: bool
) -> None:
    with docker_registry(tmp_path / "registry", tls=True, client_cert=client_cert) as registry:
        with pytest.raises(TLSFailed):
            await find_endpoint(registry.host)
        keep(registry, isolated_environment)
        found = await find_endpoint(registry.host)
        client = Client(found, open_transport(found))
        await client.ping()
        await client.aclose()


@pytest.mark.parametrize(
    "sends_away",
    [
        "307 There\r\nLocation: https://localhost:{port}/x",
        '401 No\r\nWWW-Authenticate: Bearer realm="https://localhost:{port}/token"',
    ],
)
async def test_a_client_certificate_is_not_shown_to_storage_and_login_servers(
    tmp_path: Path, isolated_environment: Path, sends_away: str
) -> None:
    authority, seen = Authority(tmp_path), list[tuple[str, bool]]()
    tls = authority.server(wants_client=True)
    tls.verify_mode = ssl.CERT_OPTIONAL

    def notes(name: str, answer: bytes) -> Script:
        async def script(peer: Peer) -> None:
            await peer.request()
            seen.append((name, bool(peer.writer.get_extra_info("peercert"))))
            await peer.send(answer)

        return script

    found_there = b'{"token":"t"}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(found_there)
    async with raw_server(notes("elsewhere", answer + found_there), tls) as elsewhere:
        away = f"HTTP/1.1 {sends_away.format(port=elsewhere.host.rpartition(':')[2])}\r\nContent-Length: 0\r\n\r\n"
        async with raw_server(notes("registry", away.encode()), tls) as server:
            place = put(isolated_environment, ".config/containers/certs.d", host=server.host)
            client_files(authority, place)
            found = await find_endpoint(server.host)
            client = Client(found, open_transport(found))
            with suppress(LoginNeeded):  # the token opens nothing here
                assert await client.blob_bytes("team/app", digest_of(found_there), 100) == found_there
            await client.aclose()
    assert ("elsewhere", False) in seen
    assert set(seen) == {("registry", True), ("elsewhere", False)}
