"""Debian's `docker-registry` (CNCF distribution 2.8.2) on a free loopback port, over a temporary folder."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from regtui.oci import media_types
from tests.registry_servers.token_server import TokenServer, token_config

_START_LIMIT = 15.0
"""Seconds a registry may take to answer."""


@dataclass(frozen=True, slots=True)
class DockerRegistry:
    """A running server. `host` is what references begin with; `ca_file` trusts its certificate when it speaks TLS.

    `client_cert` is a client's certificate with its key, in a registry that lets nobody in without one; `tokens` the
    login server of one that wants tokens, where `login` then is a user.
    """

    host: str
    folder: Path
    login: tuple[str, str] | None = None
    ca_file: Path | None = None
    client_cert: Path | None = None
    tokens: TokenServer | None = None

    @property
    def base(self) -> str:
        return f"{'https' if self.ca_file else 'http'}://{self.host}"

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """A bare request past regtui, for what a test has to set up or see: status, headers in lower case, body."""
        request = urllib.request.Request(self.base + path, body, headers or {}, method=method)
        if self.tokens:
            everything = ("registry:catalog:*", *_whole_access(path))
            request.add_header("Authorization", f"Bearer {self.tokens.token('setup', everything)}")
        elif self.login:
            request.add_header("Authorization", "Basic " + b64encode(":".join(self.login).encode()).decode())
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if self.ca_file:
            context = ssl.create_default_context(cafile=str(self.ca_file))
            if self.client_cert:
                context.load_cert_chain(self.client_cert)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=10) as answer:
                return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()

    def tag(self, repository: str, source: str, *tags: str) -> None:
        """Points further tags to the manifest that `source` points to: much quicker than a push each."""
        path = f"/v2/{repository}/manifests/"
        _, headers, raw = self.request("GET", path + source, headers={"Accept": media_types.ACCEPT})
        for tag in tags:
            status, _, answer = self.request("PUT", path + tag, raw, {"Content-Type": headers["content-type"]})
            assert status == 201, answer

    def requests(self) -> list[str]:
        """Every request that has reached the server, as "GET /v2/", in order."""
        return re.findall(r'"([A-Z]+ \S+) HTTP/[\d.]+" \d{3} ', (self.folder / "log").read_text(errors="replace"))

    def garbage_collect(self, *flags: str) -> str:
        """Runs the server's own garbage collection beside it, as its operators do; returns what it said."""
        command = [_program(), "garbage-collect", *flags, str(self.folder / "config.yml")]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@contextmanager
def docker_registry(
    folder: Path,
    *,
    deletion: bool = True,
    htpasswd: tuple[str, str] | None = None,
    tls: bool = False,
    client_cert: bool = False,
    tokens: TokenServer | None = None,
    login: tuple[str, str] | None = None,
    packaged_config: bool = False,
) -> Iterator[DockerRegistry]:
    """Runs a registry that keeps its data in `folder`, until the `with` block is left.

    `client_cert` lets in only who has a certificate of the registry's CA, which comes with `tls`. `tokens` is the login
    server that the registry sends people to, with `login` one of its users; with `tls` both have the same CA.
    `packaged_config` has the in-memory blob cache of Debian's default configuration. The log is part of the error when
    the server doesn't start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if tls:
        _write_certificates(folder, tokens.authority if tokens else trustme.CA())
    if htpasswd:
        (folder / "htpasswd").write_text(f"{htpasswd[0]}:{_bcrypt(htpasswd[1])}\n")
    for attempts_left in (2, 1, 0):  # another process may take the port between our look and the server's start
        port = _free_port()
        config = _config(folder, port, deletion, tls, client_cert, packaged_config)
        if htpasswd:
            config += f"auth: {{htpasswd: {{realm: tests, path: {folder / 'htpasswd'}}}}}\n"
        if tokens:
            config += token_config(tokens, folder)
        (folder / "config.yml").write_text(config)
        registry = DockerRegistry(
            f"127.0.0.1:{port}",
            folder,
            htpasswd or login,
            folder / "ca.pem" if tls else None,
            folder / "client.pem" if client_cert else None,
            tokens,
        )
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [_program(), "serve", str(folder / "config.yml")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"},
            )
        try:
            if _answers(registry, process):
                yield registry
                return
        finally:
            _stop(process)
        said = (folder / "log").read_text(errors="replace")
        if not attempts_left or "address already in use" not in said:
            raise RuntimeError(f"docker-registry did not start:\n{said}")


def _program() -> str:
    beside = Path(sys.executable).with_name("docker-registry")  # where tests/run unpacks it
    found = shutil.which("docker-registry") or (str(beside) if beside.exists() else None)
    if not found:
        raise RuntimeError("These tests need docker-registry: tests/run gets it.")
    return found


def _write_certificates(folder: Path, authority: trustme.CA) -> None:
    """The CA's, the server's and a client's; the latter two with their keys, and under the names skopeo looks for."""
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(folder / "server.pem")
    )
    client = authority.issue_cert("someone@example.com")
    client.private_key_and_cert_chain_pem.write_to_path(str(folder / "client.pem"))
    client.cert_chain_pems[0].write_to_path(str(folder / "client.cert"))
    client.private_key_pem.write_to_path(str(folder / "client.key"))


def _whole_access(path: str) -> tuple[str, ...]:
    """The scopes to do anything in the repository that a request's path is in."""
    match = re.match(r"/v2/(.+)/(?:manifests|blobs|tags)/", path)
    return (f"repository:{match[1]}:pull,push,delete",) if match else ()


def _config(folder: Path, port: int, deletion: bool, tls: bool, client_cert: bool, packaged: bool) -> str:
    config = f"""\
version: 0.1
log: {{level: info}}
storage:
  filesystem: {{rootdirectory: {folder / "data"}}}
  delete: {{enabled: {str(deletion).lower()}}}
  maintenance: {{uploadpurging: {{enabled: false}}}}
"""
    if packaged:
        config += "  cache: {blobdescriptor: inmemory}\n"
    config += f"http:\n  addr: 127.0.0.1:{port}\n  secret: only-for-tests\n"
    if tls:
        clients = f", clientcas: [{folder / 'ca.pem'}]" if client_cert else ""
        config += f"  tls: {{certificate: {folder / 'server.pem'}, key: {folder / 'server.pem'}{clients}}}\n"
    return config


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(registry: DockerRegistry, process: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + _START_LIMIT
    while process.poll() is None and time.monotonic() < end:
        try:
            registry.request("GET", "/v2/")
        except OSError:
            time.sleep(0.02)
        else:
            return process.poll() is None
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)  # its graceful stop takes seconds, and the folder is thrown away
    process.wait(10)


def _bcrypt(password: str) -> str:
    """A hash as `htpasswd -B` makes it. Python dropped its crypt module in 3.13; Debian's libcrypt is still there."""
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    made: bytes | None = crypt(password.encode(), b"$2y$05$" + b"saltForTestsOnly......")
    if not made or not made.startswith(b"$2y$"):
        raise RuntimeError("libcrypt makes no bcrypt hashes here")
    return made.decode()
