"""Who gets to see a login: told by the bytes that arrive at real sockets.

127.0.0.1, 127.0.0.2 and localhost are three hosts here, as they are to anybody who reads a URL.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path

import pytest

from regtui.errors import LoginNeeded, RegistryError
from regtui.registry.client import Client
from regtui.registry.credentials import Credentials
from regtui.registry.endpoint import Endpoint
from regtui.registry.request_log import RequestLog
from regtui.registry.tokens import Access
from regtui.registry.transport import open_transport
from tests.registry.fakes import BASIC, BLOB, BLOB_DIGEST, MANIFEST, RAW, SOMEONE, stream
from tests.registry.wire import Authority, Peer, RawServer, Script, raw_server

TOKEN, IDENTITY = "the.bearer.token", "the-identity-token"
SECRETS = [BASIC.removeprefix("Basic "), TOKEN, IDENTITY, SOMEONE.password]
SIGNED = "a%2Fb/c?X-Amz-Credential=AK%2F20240101%2Feu&X-Amz-Date=T10%3A20%3A30Z&sig=x%2By%3D%3D&empty="

REQUESTS = "requests.log"
"""The request log's file, in the test's folder."""

Respond = Callable[[str, bytes], bytes]
"""Of "GET /v2/" and the request's whole head, the answer."""


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Answer", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def line_of(head: bytes) -> str:
    return head.decode().partition(" HTTP/1.1\r\n")[0]


def web(respond: Respond) -> Script:
    async def script(peer: Peer) -> None:
        while True:
            head = await peer.request()
            await peer.send(respond(line_of(head), head))

    return script


def storage(what: bytes = BLOB) -> Script:
    """Gives the same to everybody who asks for anything."""
    return web(lambda line, head: answer(200, what, Content_Type="application/vnd.oci.image.manifest.v1+json"))


def registry(challenge: str, respond: Respond) -> Script:
    """Wants a login by this challenge, and then answers."""

    def guarded(line: str, head: bytes) -> bytes:
        known = b"authorization:" in head.lower()
        return respond(line, head) if known else answer(401, WWW_Authenticate=challenge)

    return web(guarded)


def redirecting(location: str, status: int = 307) -> Respond:
    return lambda line, head: answer(status, Location=location)


def token_giving(line: str, head: bytes) -> bytes:
    return answer(200, f'{{"token": "{TOKEN}"}}'.encode(), Content_Type="application/json")


def authorizations(server: RawServer) -> list[str]:
    """What each request to a server had as Authorization; empty for none."""
    found = []
    for head in server.heads:
        lines = head.decode().split("\r\n")
        found.append(next((line.partition(": ")[2] for line in lines if line.lower().startswith("authorization:")), ""))
    return found


def asked(server: RawServer) -> list[str]:
    return [line_of(head) for head in server.heads]


def at(server: RawServer, host: str) -> str:
    """The server's `host:port` by another name of this machine."""
    return f"{host}:{server.host.rpartition(':')[2]}"


@asynccontextmanager
async def connected(endpoint: Endpoint, login: Credentials = SOMEONE) -> AsyncIterator[Client]:
    async def credentials(repository: str) -> Credentials:
        return login

    transport, log = open_transport(endpoint, timeout=10), RequestLog(REQUESTS)
    client = Client(endpoint, transport, credentials=credentials, timeout=10, log=log)
    async with aclosing(client):
        yield client


@pytest.fixture(autouse=True)
def nothing_secret_in_logs(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Whatever these tests do, no logger of regtui or of a library sees a secret, however much it is told to say; nor
    does the request log, and it sees no signature either."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.chdir(tmp_path)
    yield
    logged = "\n".join(record.getMessage() for record in caplog.get_records("call"))
    assert "send_request_headers" in logged
    requests = Path(REQUESTS).read_text()
    assert "/v2/team/app/" in requests
    assert not [secret for secret in SECRETS if secret in logged + requests]
    assert not [secret for secret in ("AK%2F2024", "x%2By", "a%2Fb%3") if secret in requests]


# --- After a redirect


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "localhost"])
@pytest.mark.parametrize("by_token", [False, True], ids=["basic", "token"])
async def test_a_login_does_not_follow_a_blob_to_another_port_or_host(address: str, by_token: bool) -> None:
    async with AsyncExitStack() as servers:
        elsewhere = await servers.enter_async_context(
            raw_server(storage(), address="127.0.0.2" if address == "127.0.0.2" else "127.0.0.1")
        )
        login = await servers.enter_async_context(raw_server(web(token_giving)))
        challenge = f'Bearer realm="http://{login.host}/token"' if by_token else "Basic"
        target = f"http://{at(elsewhere, address)}/{SIGNED}"
        own = await servers.enter_async_context(raw_server(registry(challenge, redirecting(target))))
        async with connected(Endpoint(own.host, "http")) as client:
            assert await client.blob_bytes("team/app", BLOB_DIGEST, 99_999) == BLOB
    assert authorizations(own)[-1] == (f"Bearer {TOKEN}" if by_token else BASIC)
    assert authorizations(elsewhere) == [""]
    assert asked(elsewhere) == [f"GET /{SIGNED}"], "a signed URL arrives byte for byte"


async def test_a_login_for_a_vendors_api_stays_away_from_where_another_host_leads_back_to() -> None:
    back: list[str] = []

    def own(line: str, head: bytes) -> bytes:
        return answer(200, b"{}") if "chosen" in line else answer(307, Location=f"http://{back[0]}/x")

    async with AsyncExitStack() as servers:
        api = await servers.enter_async_context(raw_server(web(own)))
        leads_back = redirecting(f"http://{api.host}/chosen/by/others")
        other = await servers.enter_async_context(raw_server(web(leads_back), address="127.0.0.2"))
        back.append(other.host)
        registry_ = await servers.enter_async_context(raw_server(storage(RAW)))
        async with connected(Endpoint(registry_.host, "http")) as client:
            await client.manifest("team/app", "1.0")
            await client._exchange.send("GET", f"http://{api.host}/api", Access(), limit=99, authorization=BASIC)
    assert authorizations(api) == [BASIC, ""]
    assert authorizations(other) == [""]


async def test_a_login_does_not_follow_a_manifest() -> None:
    async with raw_server(storage(RAW), address="127.0.0.2") as elsewhere:
        script = registry("Basic", redirecting(f"http://{elsewhere.host}/manifest?sig=a%2Fb%3Ac", 302))
        async with raw_server(script) as own, connected(Endpoint(own.host, "http")) as client:
            assert (await client.manifest("team/app", "1.0")).digest == MANIFEST
    assert authorizations(elsewhere) == [""]
    assert asked(elsewhere) == ["GET /manifest?sig=a%2Fb%3Ac"]


async def test_a_login_does_not_follow_from_https_to_plain_http(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with raw_server(storage()) as elsewhere:
        script = registry("Basic", redirecting(f"http://{elsewhere.host}/{SIGNED}"))
        async with (
            raw_server(script, authority.server()) as own,
            connected(Endpoint(own.host, ca_file=authority.ca_file)) as client,
        ):
            assert await client.blob_bytes("team/app", BLOB_DIGEST, 99_999) == BLOB
            with pytest.raises(RegistryError, match="redirects from HTTPS"):
                await client.manifest("team/app", "1.0")
    assert authorizations(elsewhere) == [""]


async def test_a_login_does_not_follow_an_upload_or_the_next_page() -> None:
    async with raw_server(web(lambda line, head: answer(201)), address="127.0.0.2") as elsewhere:
        there = f"http://{elsewhere.host}/upload?state=a%2Fb%3D"

        def respond(line: str, head: bytes) -> bytes:
            if line.startswith("POST"):
                return answer(202, Location=there)
            return answer(200, b'{"tags": ["1"]}', Link=f'<http://{elsewhere.host}/tags>; rel="next"')

        async with raw_server(registry("Basic", respond)) as own, connected(Endpoint(own.host, "http")) as client:
            await client.upload_blob("team/app", BLOB_DIGEST, len(BLOB), stream(BLOB))
            assert [page async for page in client.tags("team/app")] == [["1"]]
    assert authorizations(elsewhere) == [""]
    assert asked(elsewhere)[0] == f"PUT /upload?state=a%2Fb%3D&digest={BLOB_DIGEST}"


# --- To a login server


@pytest.mark.parametrize("address", ["127.0.0.2", "localhost"])
@pytest.mark.parametrize("login", [SOMEONE, Credentials("someone", "", IDENTITY)], ids=["password", "identity token"])
async def test_a_login_server_that_nobody_trusted_sees_no_login(address: str, login: Credentials) -> None:
    host = "127.0.0.2" if address == "127.0.0.2" else "127.0.0.1"
    async with raw_server(web(token_giving), address=host) as stranger:
        challenge = f'Bearer realm="http://{at(stranger, address)}/token",service="x"'
        script = web(lambda line, head: answer(401, WWW_Authenticate=challenge))
        async with raw_server(script) as own, connected(Endpoint(own.host, "http"), login) as client:
            with pytest.raises(LoginNeeded, match="not known to belong to it"):
                await client.manifest("team/app", "1.0")
    _sees_no_login(stranger)


async def test_a_login_server_on_plain_http_sees_no_login_for_a_registry_on_https(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with raw_server(web(token_giving)) as stranger:
        challenge = f'Bearer realm="http://{stranger.host}/token",service="x"'
        script = web(lambda line, head: answer(401, WWW_Authenticate=challenge))
        async with (
            raw_server(script, authority.server()) as own,
            connected(Endpoint(own.host, ca_file=authority.ca_file)) as client,
        ):
            with pytest.raises(LoginNeeded):
                await client.manifest("team/app", "1.0")
    _sees_no_login(stranger)


async def test_a_login_server_that_redirects_takes_no_login_along() -> None:
    async with (
        raw_server(web(token_giving), address="127.0.0.2") as stranger,
        raw_server(web(redirecting(f"http://{stranger.host}/token"))) as login,
    ):
        script = registry(f'Bearer realm="http://{login.host}/token"', lambda line, head: answer(200))
        async with raw_server(script) as own, connected(Endpoint(own.host, "http")) as client:
            with pytest.raises(RegistryError):
                await client.manifest("team/app", "1.0")
    assert authorizations(login)[0] == BASIC
    _sees_no_login(stranger)


async def test_basic_is_not_sent_before_it_was_asked_for() -> None:
    async with raw_server(storage(RAW)) as own, connected(Endpoint(own.host, "http")) as client:
        await client.manifest("team/app", "1.0")
    assert authorizations(own) == [""]


def _sees_no_login(server: RawServer) -> None:
    assert set(authorizations(server)) <= {""}
    seen = b"".join((*server.heads, *server.bodies)).decode()
    assert not [secret for secret in (*SECRETS, SOMEONE.username) if secret in seen]
