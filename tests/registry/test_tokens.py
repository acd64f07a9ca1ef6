"""Logging in: Basic and Bearer, what is sent where, and how often it is asked for."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from urllib.parse import parse_qs

import httpx
import pytest

from regtui.errors import Answered, Forbidden, LoginNeeded, RealmNotTrusted, RegistryError, RegtuiError, TooLarge
from regtui.registry import tokens
from regtui.registry.identity import Credentials, basic
from regtui.registry.tokens import TOKEN_LIMIT, merge_scopes
from tests.registry.fakes import BASIC, DIGEST, HOST, SOMEONE, Server, headers, names, problem

AUTH = "auth.example.com"
REALM = f"https://{AUTH}/token?from=challenge"


class TokenRegistry(Server):
    """A registry that lets in who shows a token for the scope, and its login server, which counts its tokens."""

    def __init__(self, realm: str = REALM) -> None:
        super().__init__(self.respond)
        self.realm = realm
        self.expires_in: object = 300
        self.given: dict[str, set[str]] = {}  # token → scopes
        self.grants = lambda scope: True  # what the login server grants
        self.also = ""  # a further scope that the registry wants

    def respond(self, request: httpx.Request) -> httpx.Response:
        return self.registry(request) if request.url.host == HOST else self.login(request)

    def registry(self, request: httpx.Request) -> httpx.Response:
        parts = request.url.path.split("/")
        needed = {self.also} if self.also else set()
        if len(parts) > 4:
            action = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}.get(request.method, "push")
            needed.add(f"repository:{parts[2]}/{parts[3]}:{action}")
        token = headers(request, "authorization").removeprefix("Bearer ")
        if token in self.given and all(scope in self.given[token] for scope in needed):
            return httpx.Response(200, json={"tags": ["1.0"]})
        challenge = f'Bearer realm="{self.realm}",service="the registry",scope="{" ".join(sorted(needed))}"'
        if token in self.given:
            challenge += ',error="insufficient_scope"'
        return problem(401, "UNAUTHORIZED", www_authenticate=challenge)

    def login(self, request: httpx.Request) -> httpx.Response:
        scopes = parse_qs(request.url.query.decode()).get("scope", [])
        granted = set()
        for scope in filter(self.grants, scopes):
            resource, _, actions = scope.rpartition(":")
            granted |= {f"{resource}:{action}" for action in actions.split(",")}
        token = f"token-{len(self.logins)}"
        self.given[token] = granted
        return httpx.Response(200, json={"token": token, "expires_in": self.expires_in})

    @property
    def logins(self) -> list[httpx.Request]:
        return [request for request in self.requests if request.url.host != HOST]

    def asked_for(self, number: int = -1) -> list[str]:
        return parse_qs(self.logins[number].url.query.decode()).get("scope", [])


async def read_tags(server: Server, repository: str = "team/app", **options: object) -> list[str]:
    client = server.client(**options)  # type: ignore[arg-type]
    return [name async for page in client.tags(repository) for name in page]


# --- The dance


async def test_the_first_request_says_nothing_and_the_challenge_tells_where_to_log_in() -> None:
    server = TokenRegistry()
    assert await read_tags(server, login=SOMEONE) == ["1.0"]
    first, login, second = server.requests
    assert "authorization" not in first.headers
    assert parse_qs(login.url.query.decode()) == {
        "from": ["challenge"],
        "service": ["the registry"],
        "scope": ["repository:team/app:pull"],
        "account": ["someone"],
    }
    assert headers(login, "authorization") == BASIC
    assert headers(second, "authorization") == "Bearer token-1"


async def test_without_credentials_an_anonymous_token_is_asked_for() -> None:
    server = TokenRegistry()
    assert await read_tags(server) == ["1.0"]
    assert "authorization" not in server.logins[0].headers
    assert "account" not in server.logins[0].url.params


async def test_what_is_known_goes_along_at_once_with_one_token_a_repository() -> None:
    server = TokenRegistry()
    client = server.client(SOMEONE)
    for repository in ("team/app", "team/app", "team/db"):
        [_ async for _ in client.tags(repository)]
    assert [request.url.host for request in server.requests] == [HOST, AUTH, HOST, HOST, AUTH, HOST]
    assert server.asked_for() == ["repository:team/db:pull"]


async def test_wider_scopes_are_asked_for_when_something_is_to_change() -> None:
    server = TokenRegistry()
    client = server.client(SOMEONE)
    [_ async for _ in client.tags("team/app")]
    await client.put_manifest("team/app", "1.0", b"{}", "application/json")
    assert server.asked_for() == ["repository:team/app:pull,push"]
    await client.delete_manifest("team/app", DIGEST)
    assert server.asked_for() == ["repository:team/app:pull,push,delete"]
    with pytest.raises(RegtuiError):
        await client.mount_blob("team/app", DIGEST, "team/other")
    assert server.asked_for() == ["repository:team/app:pull,push", "repository:team/other:pull"]


async def test_the_front_door_asks_for_no_scope_whatever_example_it_names() -> None:
    server = TokenRegistry()
    server.also = "repository:user/image:pull"  # as GHCR does
    with pytest.raises(LoginNeeded):
        await server.client(SOMEONE).ping()
    assert server.asked_for() == []


async def test_many_requests_share_one_login() -> None:
    server = TokenRegistry()
    client = server.client(SOMEONE)
    await asyncio.gather(*(client.tags("team/app").__anext__() for _ in range(16)))
    assert len(server.logins) == 1


async def test_who_stops_waiting_does_not_stop_the_login_of_the_others() -> None:
    server = TokenRegistry()
    client = server.client(SOMEONE)
    waiting = [asyncio.create_task(client.blob_size("team/app", DIGEST)) for _ in range(3)]
    while len(server.requests) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0)
    waiting[0].cancel()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError)
    assert done[1:] == [16, 16], "the length of the tags' JSON, which this server answers to everything"
    assert len(server.logins) == 1


async def test_a_token_is_renewed_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    server = TokenRegistry()
    client = server.client(SOMEONE)
    now = 1000.0
    monkeypatch.setattr("regtui.registry.tokens.time.monotonic", lambda: now)
    lifetimes = [(300, 295.0), ("300", 295.0), (None, 55.0), (0, 55.0), (-5, 55.0), (8, 4.0), (1e300, 86_395.0)]
    for expires_in, renewed_after in lifetimes:
        server.expires_in = expires_in
        now += 100_000
        [_ async for _ in client.tags("team/app")]
        logins = len(server.logins)
        now += renewed_after - 0.5
        [_ async for _ in client.tags("team/app")]
        assert len(server.logins) == logins, expires_in
        now += 1
        [_ async for _ in client.tags("team/app")]
        assert len(server.logins) == logins + 1, expires_in


async def test_a_token_that_was_revoked_is_replaced_once() -> None:
    server = TokenRegistry()
    client = server.client(SOMEONE)
    [_ async for _ in client.tags("team/app")]
    server.given.clear()
    await asyncio.gather(*(client.tags("team/app").__anext__() for _ in range(4)))
    assert len(server.logins) == 2


async def test_200_requests_in_flight_on_an_expired_token_cause_one_token_request() -> None:
    server = TokenRegistry()
    client = server.client(SOMEONE, concurrency=200)
    [_ async for _ in client.tags("team/app")]
    server.given.clear()  # expired, by the registry's clock
    before = len(server.requests)
    arrived, refused = 0, asyncio.Event()

    async def registry(request: httpx.Request) -> httpx.Response:
        nonlocal arrived
        if request.url.host == HOST and not refused.is_set():
            arrived += 1
            if arrived == 200:
                refused.set()  # all have been sent before the first is answered
            await refused.wait()
        return await server(request)

    client._exchange._transport = httpx.MockTransport(registry)
    await asyncio.gather(*(client.tags("team/app").__anext__() for _ in range(200)))
    assert len(server.logins) == 2, "the first one, and one for all"
    assert len(server.requests) - before == 200 + 1 + 200
    assert {headers(request, "authorization") for request in server.requests[-200:]} == {"Bearer token-2"}


async def test_a_refusal_that_comes_late_does_not_throw_the_new_token_away() -> None:
    server = TokenRegistry()
    client = server.client(SOMEONE)
    [_ async for _ in client.tags("team/app")]
    server.given.clear()
    late = asyncio.Event()

    async def registry(request: httpx.Request) -> httpx.Response:
        answer = await server(request)
        if answer.status_code == 401 and "late" in str(request.url):
            await late.wait()
        return answer

    client._exchange._transport = httpx.MockTransport(registry)
    waiting = asyncio.create_task(client.head("team/app", "late"))
    await client.tags("team/app").__anext__()
    late.set()
    with suppress(RegtuiError):
        await waiting
    assert len(server.logins) == 2, "the first, and one renewal"


@pytest.mark.parametrize("issued_at", ["1970-01-01T00:00:00Z", "2999-12-31T23:59:59Z", "yesterday", 7, None])
async def test_the_login_servers_clock_does_not_matter(issued_at: object) -> None:
    server = TokenRegistry()
    give = server.login

    def login(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={**give(request).json(), "issued_at": issued_at})

    server.login = login  # type: ignore[method-assign]
    client = server.client(SOMEONE)
    for _ in range(3):
        [_ async for _ in client.tags("team/app")]
    assert len(server.logins) == 1


async def test_a_scope_that_the_registry_misses_is_asked_for_once_and_remembered() -> None:
    server = TokenRegistry()
    server.also = "registry:special:view"
    client = server.client(SOMEONE)
    [_ async for _ in client.tags("team/app")]
    assert server.asked_for() == ["repository:team/app:pull", "registry:special:view"]
    [_ async for _ in client.tags("team/app")]
    assert len(server.logins) == 1


async def test_a_registry_that_is_never_content_is_asked_twice_and_no_more() -> None:
    server = TokenRegistry()
    server.grants = lambda scope: False
    with pytest.raises(
        LoginNeeded, match=r"gives the user that is logged in no access to registry.example.com/team/app"
    ):
        await read_tags(server, login=SOMEONE)
    assert [request.url.host for request in server.requests] == [HOST, AUTH, HOST]


async def test_insufficient_scope_may_come_with_403() -> None:
    server = TokenRegistry()
    client = server.client(SOMEONE)
    [_ async for _ in client.tags("team/app")]
    refusals = 1

    def strict(request: httpx.Request) -> httpx.Response:
        nonlocal refusals
        if refusals and request.url.host == HOST:
            refusals -= 1
            wanted = f'Bearer realm="{REALM}",scope="repository:team/app:pull",error="insufficient_scope"'
            return problem(403, "DENIED", www_authenticate=wanted)
        return server.respond(request)

    server._answer = strict
    assert [_ async for _ in client.tags("team/app")]
    refusals = 9
    with pytest.raises(Forbidden, match="does not allow this for registry"):
        [_ async for _ in client.tags("team/app")]
    assert refusals == 7


def test_scopes_are_joined_by_resource() -> None:
    scopes = ("repository:a/b:pull", "registry:catalog:*", "repository:a/b:pull,push", "repository:h:5000/c:pull")
    assert merge_scopes(scopes) == ("repository:a/b:pull,push", "registry:catalog:*", "repository:h:5000/c:pull")
    assert merge_scopes(("repository:a:pull", "aws", "aws")) == ("repository:a:pull", "aws")


# --- What login servers answer


class OAuth2Registry(TokenRegistry):
    """Its login server takes identity tokens, each once: with a token it gives the identity token for the next."""

    identity = "identity-0"
    status = 200

    def login(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST":
            return super().login(request)
        form = parse_qs(request.content.decode())
        if self.status != 200 or form["refresh_token"] != [self.identity]:
            return httpx.Response(401 if self.status == 200 else self.status)
        self.identity = f"identity-{len(self.logins)}"
        self.given[f"t-{len(self.logins)}"] = set(form["scope"])
        return httpx.Response(200, json={"access_token": f"t-{len(self.logins)}", "refresh_token": self.identity})


IDENTITY = Credentials("<token>", "", "identity-0")


async def test_an_identity_token_is_exchanged_by_oauth2() -> None:
    server = OAuth2Registry()
    await read_tags(server, login=IDENTITY)
    (login,) = server.logins
    assert (login.method, parse_qs(login.content.decode())) == (
        "POST",
        {
            "grant_type": ["refresh_token"],
            "refresh_token": ["identity-0"],
            "client_id": ["regtui"],
            "service": ["the registry"],
            "scope": ["repository:team/app:pull"],
        },
    )
    assert "authorization" not in login.headers


async def test_the_identity_token_that_comes_with_an_answer_is_used_from_then_on() -> None:
    server = OAuth2Registry()
    client = server.client(IDENTITY)
    await asyncio.gather(*(client.tags(f"team/{name}").__anext__() for name in ("a", "b", "c")))
    used = [parse_qs(login.content.decode())["refresh_token"] for login in server.logins]
    assert used == [["identity-0"], ["identity-1"], ["identity-2"]]


@pytest.mark.parametrize("status", [404, 405])
async def test_a_login_server_without_oauth2_gets_the_identity_token_as_a_password(status: int) -> None:
    server = OAuth2Registry()
    server.status = status
    await read_tags(server, login=replace(IDENTITY, username="someone"))
    assert [login.method for login in server.logins] == ["POST", "GET"]
    assert headers(server.logins[1], "authorization") == basic(Credentials("someone", "identity-0"))


async def test_a_registry_token_is_sent_as_it_is() -> None:
    server = TokenRegistry()
    server.given["ready"] = {"repository:team/app:pull"}
    token = Credentials("", "", registry_token="ready")
    assert await read_tags(server, login=token) == ["1.0"]
    assert not server.logins
    server.given.clear()
    with pytest.raises(LoginNeeded, match="gives the user that is logged in no access"):
        await read_tags(server, login=token)
    assert not server.logins


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (httpx.Response(200, json={}), RegistryError, "gave no token"),
        (httpx.Response(200, json={"token": "a\nb"}), RegistryError, "gave no token"),
        (httpx.Response(200, json={"token": "tökén"}), RegistryError, "gave no token"),
        (httpx.Response(200, text="<html>"), RegistryError, "gave no token"),
        (httpx.Response(200, content=b" " * (TOKEN_LIMIT + 1)), TooLarge, "1,048,576 bytes"),
        (problem(401, "UNAUTHORIZED"), LoginNeeded, "refused the one that was given"),
        (problem(403, "DENIED", "no seat"), Forbidden, "no seat"),
        (httpx.Response(400, json={"error": "bad", "error_description": "scope?"}), Answered, "answered 400 .scope?"),
        (httpx.Response(302, headers={"Location": "https://evil.example/"}), Answered, "answered 302"),
        (httpx.Response(404, html="<title>Not here</title>"), Answered, "answered 404"),
    ],
)
async def test_a_login_server_that_gives_no_token_is_named(
    answer: httpx.Response, kind: type[RegtuiError], words: str
) -> None:
    server = TokenRegistry()
    server.login = lambda request: answer  # type: ignore[method-assign]
    with pytest.raises(kind, match=words) as caught:
        await read_tags(server, login=SOMEONE)
    assert HOST in str(caught.value) or AUTH in str(caught.value)
    assert len(server.logins) == 1


async def test_anonymous_refusals_say_that_no_login_was_given() -> None:
    server = TokenRegistry()
    server.login = lambda request: problem(403, "DENIED")  # type: ignore[method-assign]
    with pytest.raises(LoginNeeded, match="none was given") as caught:
        await read_tags(server)
    assert caught.value.advice == (
        f"Check the name: what is not there is refused in the same way. Or log in: regtui login {HOST}"
    )


async def test_a_login_server_that_refuses_the_catalog_leaves_the_repositories() -> None:
    server = TokenRegistry()
    server.login = lambda request: problem(403, "DENIED")  # type: ignore[method-assign]
    with pytest.raises(LoginNeeded) as caught:
        [_ async for _ in server.client().repositories()]
    assert server.asked_for() == ["registry:catalog:*"]
    assert caught.value.advice == f"Open a repository by name. Or log in: regtui login {HOST}"


# --- Who may see the credentials


async def test_a_strange_realm_gets_an_anonymous_request_and_the_error_says_so() -> None:
    server = TokenRegistry("https://login.evil.example/token")
    server.grants = lambda scope: False
    with pytest.raises(
        RealmNotTrusted, match=r"at login.evil.example, which is not known to belong to it, so the password was not"
    ) as caught:
        await read_tags(server, login=SOMEONE)
    assert caught.value.realm == "login.evil.example"
    assert caught.value.advice.endswith(f"regtui login {HOST} --realm login.evil.example")
    assert [headers(request, "authorization") for request in server.logins] == [""]
    assert "account" not in server.logins[0].url.params


@pytest.mark.parametrize("status", [401, 403])
async def test_a_strange_realm_that_refuses_strangers_is_named_with_its_port(status: int) -> None:
    server = TokenRegistry("https://login.evil.example:8443/token")
    server.login = lambda request: problem(status, "DENIED")  # type: ignore[method-assign]
    with pytest.raises(RealmNotTrusted) as caught:
        await server.client(SOMEONE).ping()
    assert caught.value.realm == "login.evil.example:8443"
    with pytest.raises(RealmNotTrusted) as caught:
        await names(server.client(SOMEONE).repositories())
    assert "--realm" in caught.value.advice


async def test_a_realm_that_the_user_confirmed_gets_the_login() -> None:
    server = TokenRegistry("https://login.evil.example/token")
    await read_tags(server, login=SOMEONE, realms=frozenset({"login.evil.example"}))
    assert [headers(request, "authorization") for request in server.logins] == [BASIC]


async def test_a_realm_on_plain_http_never_gets_the_login_of_an_https_registry() -> None:
    server = TokenRegistry(f"http://{HOST}/token")
    server.login = lambda request: problem(401, "DENIED")  # type: ignore[method-assign]
    server._answer = lambda request: (server.login if request.url.path == "/token" else server.registry)(request)
    with pytest.raises(LoginNeeded, match=f"at {HOST} over plain HTTP, so the password was not sent there") as caught:
        await read_tags(server, login=SOMEONE, realms=frozenset({HOST}))
    assert not isinstance(caught.value, RealmNotTrusted)
    assert not [request for request in server.requests if "authorization" in request.headers]


@pytest.mark.parametrize(
    "realm", ["", "token", "ftp://auth.example.com/", "https://a:b@auth.example.com/", "http://", "https://xn--a/"]
)
async def test_a_realm_that_is_no_place_is_not_followed(realm: str) -> None:
    server = TokenRegistry(realm)
    with pytest.raises(LoginNeeded):
        await read_tags(server, login=SOMEONE)
    assert server.logins == []


# --- Basic


def basic_registry(request: httpx.Request) -> httpx.Response:
    if headers(request, "authorization") == BASIC:
        return httpx.Response(200, json={"tags": ["1.0"]})
    return problem(401, "UNAUTHORIZED", www_authenticate='Basic realm="tests"')


async def test_basic_is_asked_for_first_and_then_sent_along() -> None:
    server = Server(basic_registry)
    client = server.client(SOMEONE)
    await client.ping()
    [_ async for _ in client.tags("team/app")]
    assert [headers(request, "authorization") for request in server.requests] == ["", BASIC, BASIC]


async def test_a_wrong_password_is_sent_once() -> None:
    server = Server(basic_registry)
    with pytest.raises(
        LoginNeeded, match=r"^registry\.example\.com asked for a login and refused the one that was given\. "
    ):
        await server.client(replace(SOMEONE, password="wrong")).ping()
    assert len(server.requests) == 2


async def test_without_credentials_basic_is_not_tried() -> None:
    server = Server(basic_registry)
    with pytest.raises(LoginNeeded, match="and none was given"):
        await server.client().ping()
    assert len(server.requests) == 1


async def test_of_both_tokens_are_preferred() -> None:
    server = TokenRegistry()
    plain = server.respond

    def both(request: httpx.Request) -> httpx.Response:
        answer = plain(request)
        if answer.status_code == 401:
            answer.headers["WWW-Authenticate"] = f'Basic realm="x", {answer.headers["WWW-Authenticate"]}'
        return answer

    server._answer = both
    await read_tags(server, login=SOMEONE)
    assert headers(server.requests[-1], "authorization") == "Bearer token-1"


async def test_a_login_that_regtui_does_not_speak_is_said_to_be_one() -> None:
    server = Server(lambda request: problem(401, "", www_authenticate="Negotiate"))
    with pytest.raises(LoginNeeded, match="of a kind that regtui does not speak"):
        await server.client(SOMEONE).ping()


async def test_a_registry_with_tokens_opens_without_a_login_and_tells_by_repository() -> None:
    server = TokenRegistry()
    server.login = lambda request: problem(401, "UNAUTHORIZED")  # type: ignore[method-assign]
    client = server.client()
    await client.ping()
    with pytest.raises(LoginNeeded, match="none was given"):
        [_ async for _ in client.tags("team/app")]


# --- Credentials


async def test_credentials_are_looked_up_once_a_repository() -> None:
    asked = []

    async def credentials(repository: str) -> Credentials | None:
        asked.append(repository)
        await asyncio.sleep(0)
        return SOMEONE

    client = Server(basic_registry).client(credentials=credentials)
    await asyncio.gather(*(client.tags("team/app").__anext__() for _ in range(8)))
    await client.tags("team/db").__anext__()
    assert asked == ["team/app", "team/db"]


async def test_a_failing_lookup_is_the_error() -> None:
    async def credentials(repository: str) -> Credentials | None:
        raise RegistryError("The credential helper is not installed")

    with pytest.raises(RegistryError, match="helper is not installed"):
        await Server(basic_registry).client(credentials=credentials).ping()


def test_secrets_are_never_shown() -> None:
    assert "pass" not in repr(SOMEONE)
    assert "identity" not in repr(Credentials("<token>", "", "identity"))


# --- What a hostile registry, or its login server, makes of that


async def test_a_token_that_fits_into_no_header_is_none() -> None:
    server = TokenRegistry()
    server.login = lambda request: httpx.Response(200, json={"token": "x" * 100_000})  # type: ignore[method-assign]
    with pytest.raises(RegistryError, match="gave no token"):
        await read_tags(server)


async def test_tokens_and_scopes_that_a_registry_makes_up_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens, "KEPT", 5)
    server = TokenRegistry()

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.host != HOST:
            return server.login(request)
        scope = " ".join(f"repository:made/up/{len(server.requests)}/{number}:pull" for number in range(40))
        challenge = f'Bearer realm="{REALM}&number={len(server.requests)}",scope="{scope}"'
        return problem(401, "UNAUTHORIZED", www_authenticate=challenge)

    server._answer = respond
    client = server.client()
    for number in range(40):
        with suppress(RegtuiError):
            await client.head(f"team/app{number % 7}", "1.0")
    authorizer = client._exchange._authorizer
    assert len(authorizer._tokens) == len(authorizer._wider) == 5
    assert max(len(str(login.url)) for login in server.logins) < 2 * tokens.SCOPES_LIMIT
