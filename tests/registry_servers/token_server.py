"""A login server: distribution's "Token Authentication" and OAuth2, with JWTs that a real registry verifies."""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ISSUER = "regtui-tests"
SERVICE = "registry-of-the-tests"
_LEEWAY = 60
"""Seconds beyond its end for which docker-registry 2.8.2 still takes a token; taken off, so that an end is one."""


@dataclass(frozen=True, slots=True)
class User:
    """Who may do what: actions by pattern of repository, as {"team/*": "pull,push"}; the first pattern counts."""

    password: str
    rights: Mapping[str, str] = field(default_factory=dict)
    catalog: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a token: how it was made, by whom, the scopes that were asked and those that were granted."""

    method: str
    way: str  # "anonymous", "basic" or "refresh_token"
    user: str  # empty for nobody, and for a login that was refused
    scopes: tuple[str, ...]
    granted: tuple[str, ...]
    fields: Mapping[str, str]  # the other fields: service, account, client_id, …
    status: int

    @property
    def actions(self) -> set[str]:
        """Every action that was asked for, of whatever repository."""
        return {action for scope in self.scopes for action in scope.rpartition(":")[2].split(",")}


class TokenServer:
    """A running server. A test may change `users`, `lifetime` and `told` at any time, and reads `asked`."""

    def __init__(self, authority: trustme.CA, users: Mapping[str, User], public: Mapping[str, str]) -> None:
        self.authority = authority
        """Signs the certificate in the tokens, and the server's own when it speaks TLS."""
        self.users = dict(users)
        self.public = public
        """What anybody may do, as `User.rights`."""
        self.lifetime = 300
        """Seconds that a token is good for at the registry."""
        self.told: int | None = None
        """`expires_in`, where it is not the truth."""
        self.asked: list[Asked] = []
        self.realm = ""
        self._refresh_tokens: dict[str, str] = {}
        certificate = authority.issue_cert("tokens.example.com")
        self._chain = [_der(pem.bytes()) for pem in certificate.cert_chain_pems]
        key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key

    def refresh_token(self, user: str) -> str:
        """An identity token, as `docker login` would have got and kept it."""
        token = secrets.token_urlsafe(24)
        self._refresh_tokens[token] = user
        return token

    def token(self, user: str, scopes: tuple[str, ...]) -> str:
        """A JWT that grants these scopes, whatever the user's rights are."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": user,
            "aud": SERVICE,
            "iat": now,
            "nbf": now - _LEEWAY,
            "exp": now + self.lifetime - _LEEWAY,
            "jti": secrets.token_hex(8),
            "access": [_grant(scope) for scope in scopes],
        }
        header = {"typ": "JWT", "alg": "ES256", "x5c": self._chain}
        signed = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def answer(self, method: str, authorization: str, fields: list[tuple[str, str]]) -> tuple[int, dict[str, Any]]:
        """One request's status and JSON; notes it in `asked`."""
        scopes = tuple(scope for name, value in fields if name == "scope" for scope in value.split())
        others = {name: value for name, value in fields if name != "scope"}
        way, user = self._who(method, authorization, others)
        granted = tuple(filter(None, (self._granted(user, scope) for scope in scopes))) if user is not None else ()
        status = 401 if user is None else 200
        self.asked.append(Asked(method, way, user or "", scopes, granted, others, status))
        if user is None:
            return 401, {"errors": [{"code": "UNAUTHORIZED", "message": "incorrect username or password"}]}
        name = "access_token" if method == "POST" else "token"
        answer: dict[str, Any] = {name: self.token(user, granted)}
        answer["expires_in"] = self.lifetime if self.told is None else self.told
        if user and (others.get("offline_token") == "true" or others.get("access_type") == "offline"):
            answer["refresh_token"] = self.refresh_token(user)
        return 200, answer

    def _who(self, method: str, authorization: str, fields: Mapping[str, str]) -> tuple[str, str | None]:
        """How the login was made, and the user: empty for nobody, None for a login of no worth."""
        if method == "POST":
            if fields.get("grant_type") == "refresh_token" and fields.get("client_id"):
                return "refresh_token", self._refresh_tokens.get(fields.get("refresh_token", ""))
            return fields.get("grant_type", ""), None
        if not authorization:
            return "anonymous", ""
        name, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        user = self.users.get(name)
        return "basic", name if user and secrets.compare_digest(user.password, password) else None

    def _granted(self, name: str, scope: str) -> str:
        """The part of a scope that the user has a right to, or empty."""
        resource, _, actions = scope.rpartition(":")
        kind, _, repository = resource.partition(":")
        user = self.users.get(name)
        if kind == "registry":
            return scope if user and user.catalog and scope == "registry:catalog:*" else ""
        rights = {**self.public, **user.rights} if user else self.public
        mine = next((rights[pattern].split(",") for pattern in rights if fnmatchcase(repository, pattern)), [])
        both = [action for action in actions.split(",") if action in mine]
        return f"{resource}:{','.join(both)}" if both else ""


@contextmanager
def token_server(
    users: Mapping[str, User], *, public: Mapping[str, str] | None = None, tls: bool = False, host: str = "127.0.0.1"
) -> Iterator[TokenServer]:
    """Runs a login server on a free port of `host` (a loopback name), until the `with` block is left."""
    state = TokenServer(trustme.CA(), users, public or {})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._respond(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self._respond(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _respond(self, query: str) -> None:
            fields = parse_qsl(query, keep_blank_values=True)
            status, answer = state.answer(self.command, self.headers.get("Authorization", ""), fields)
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        state.authority.issue_cert("localhost", "127.0.0.1", "127.0.0.2").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    state.realm = f"{'https' if tls else 'http'}://{host}:{server.server_address[1]}/token"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def token_config(server: TokenServer, folder: Path) -> str:
    """The `auth` part of docker-registry's configuration; the certificates it needs are written into `folder`."""
    server.authority.cert_pem.write_to_path(str(folder / "tokens.pem"))
    return (
        f"auth: {{token: {{realm: '{server.realm}', service: {SERVICE}, issuer: {ISSUER},"
        f" rootcertbundle: {folder / 'tokens.pem'}}}}}\n"
    )


def _grant(scope: str) -> dict[str, Any]:
    resource, _, actions = scope.rpartition(":")
    kind, _, name = resource.partition(":")
    return {"type": kind, "name": name, "actions": actions.split(",")}


def _der(pem: bytes) -> str:
    """A certificate as `x5c` has it: DER in ordinary base64 (RFC 7515, section 4.1.6)."""
    return "".join(line for line in pem.decode().splitlines() if not line.startswith("-----"))


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
