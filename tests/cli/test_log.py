"""`--log FILE`, and what is said while a registry asks to wait."""

from __future__ import annotations

import base64
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.cli.conftest import regtui
from tests.conftest import LOGIN
from tests.embedded.server import served
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.guarded import MAINTAINER, Guarded


def urls(log: Path) -> list[str]:
    return [line.split(" ")[2].partition("://")[2].partition("/")[2] for line in log.read_text().splitlines()]


def test_each_request_is_a_line(registry: DockerRegistry, tmp_path: Path) -> None:
    log = tmp_path / "requests.log"
    assert regtui("ls", registry.host, "--log", str(log)).code == 0
    assert urls(log) == ["v2/", "v2/", "v2/", "v2/_catalog?n=1000"]  # the first two ask whether it speaks TLS
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert regtui("--log", str(log), "ls", registry.host).code == 0
    assert len(urls(log)) == 8


def test_the_environment_names_it_too_and_config_shows_it(registry: DockerRegistry, tmp_path: Path) -> None:
    named = {"REGTUI_LOG": str(tmp_path / "requests.log")}
    assert regtui("ls", registry.host, environ=named).code == 0
    assert len(urls(tmp_path / "requests.log")) == 4
    assert f'log           "{named["REGTUI_LOG"]}"' in regtui("config", environ=named).out


@pytest.mark.parametrize("words", [["ls", "localhost:1"], ["demo"], ["config"]])
def test_a_file_that_can_t_be_written_is_said_before_anything_is_done(words: list[str], tmp_path: Path) -> None:
    ran = regtui(*words, "--log", str(tmp_path / "nowhere/log"))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"regtui: The request log {tmp_path}/nowhere/log can't be written: No such file or directory\n"


def test_what_failed_is_there_too(tmp_path: Path) -> None:
    assert regtui("ls", "localhost:1", "--log", str(tmp_path / "log")).code == 1
    assert " ConnectError " in (tmp_path / "log").read_text()


def secrets(*logins: tuple[str, str]) -> list[str]:
    found = ["Authorization", "Bearer", "Basic", "eyJ"]
    for name, password in logins:
        found += [password, base64.b64encode(f"{name}:{password}".encode()).decode()]
    return found


def test_no_password_and_nothing_made_of_it_is_written(registry_with_login: DockerRegistry, tmp_path: Path) -> None:
    log, host = tmp_path / "log", registry_with_login.host
    arguments = ("--log", str(log), "--username", LOGIN[0], "--password-stdin")
    assert regtui("ls", host, *arguments, stdin=LOGIN[1]).code == 0
    assert regtui("ls", host, *arguments, stdin="wrong-password").code == 1
    assert regtui("login", host, *arguments, stdin=LOGIN[1]).code == 0
    text = log.read_text()
    assert text.count("/v2/_catalog") == 1
    assert text.count(" 200 ") >= 3
    for secret in secrets(LOGIN, (LOGIN[0], "wrong-password")):
        assert secret not in text


def test_no_token_is_written(with_tokens: Guarded, tmp_path: Path) -> None:
    log = tmp_path / "log"
    for words in (("ls", with_tokens.host), ("rm", "--yes", f"{with_tokens.host}/team/app:2.0")):
        assert regtui(*words, *with_tokens.arguments, "--log", str(log)).code == 0
    text = log.read_text()
    assert "scope=repository%3Ateam%2Fapp%3Apull" in text
    assert " DELETE " in text  # the runner's own client writes into the same file
    for secret in secrets(MAINTAINER):
        assert secret not in text


# --- A registry with limits


@contextmanager
def limited(*retry_after: str) -> Iterator[str]:
    """A registry that answers its catalog with a 429 for each of these, by a signed redirect."""
    waiting = list(retry_after)

    async def front(request: Request) -> Response:
        return JSONResponse({})

    async def catalog(request: Request) -> Response:
        if waiting:
            return Response(status_code=429, headers={"Retry-After": waiting.pop(0)})
        return RedirectResponse("/signed?X-Signature=s3cret&n=1", 307)

    async def signed(request: Request) -> Response:
        return JSONResponse({"repositories": ["team/app"]})

    routes = [Route("/v2/", front), Route("/v2/_catalog", catalog), Route("/signed", signed)]
    with served(Starlette(routes=routes)) as host:
        yield host


def test_a_pause_is_said_when_it_begins_and_waited_out(tmp_path: Path) -> None:
    with limited("1") as host:
        began = time.monotonic()
        ran = regtui("ls", host, "--log", str(tmp_path / "log"))
        assert (ran.code, ran.out) == (0, "team/app\n")
        assert time.monotonic() - began >= 1
        assert ran.err.startswith(f"regtui: {host} asks to wait until ")
        assert len(ran.err.splitlines()) == 1
    text = (tmp_path / "log").read_text()
    assert "/_catalog?n=1000 429 " in text
    assert "/signed?X-Signature=…&n=1 200 " in text
    assert "s3cret" not in text


def test_quiet_says_nothing_of_it() -> None:
    with limited("1") as host:
        ran = regtui("ls", host, "--quiet")
        assert (ran.code, ran.out, ran.err) == (0, "team/app\n", "")


def test_a_long_pause_ends_the_command_with_the_time() -> None:
    with limited("10800") as host:
        ran = regtui("ls", host)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith(f"regtui: {host} takes no more requests until ")
        assert " (in 3 hours). Try again then." in ran.err
        assert len(ran.err.splitlines()) == 1
