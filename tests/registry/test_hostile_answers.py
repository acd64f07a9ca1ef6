"""Whatever a server answers: the client understands it or says why not."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regtui.errors import RegtuiError
from regtui.oci import media_types
from tests.registry.fakes import DIGEST, MANIFEST, RAW, SOMEONE, ZEROS, Body, Server, collect, names, stream

odd = st.one_of(
    st.sampled_from(["", "x", ZEROS, MANIFEST, "12", "-1", "1e9", "99999999999999999999", "text/html", "gzip", "\xff"]),
    st.sampled_from(
        [
            "/",
            "https://",
            "https://[",
            "https://xn--a/",
            "//x",
            "http://x:99999/",
            "?\x00",
            "https://x/\x7f",
            "bytes 0-0/1",
        ]
    ),
    st.sampled_from(
        ['Bearer realm="https://x"', "Basic", 'Bearer realm="/"', 'Bearer realm="https://x:x"', "<>; rel=next"]
    ),
    st.sampled_from(["https://xn--a/jwt/auth", "https://["]).map(
        lambda realm: f'Bearer realm="{realm}",service="container_registry"'
    ),
    st.text(st.characters(max_codepoint=255), max_size=30),
)
fields = st.dictionaries(
    st.sampled_from(
        """Location Link WWW-Authenticate Docker-Content-Digest Content-Length Content-Type Content-Range Retry-After
        RateLimit-Limit RateLimit-Remaining Warning Content-Encoding""".split()  # noqa: SIM905
    ),
    odd,
    max_size=6,
)
bodies = st.one_of(
    st.binary(max_size=50),
    st.sampled_from([RAW, b"{}", b"null", b'{"tags":["a","a"]}', b'{"errors":[{"code":1}]}', b"[" * 2000, b"<title>x"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["errors", "code", "message", "tags", "token", "expires_in"]), inner)
        ),
        max_leaves=6,
    ).map(lambda value: json.dumps(value).encode()),
)
statuses = st.sampled_from([200, 201, 202, 206, 301, 307, 400, 401, 403, 404, 405, 416, 418, 429, 500, 503])


@given(st.lists(st.tuples(statuses, fields, bodies), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_server_answers_only_regtuis_errors_leave(answers: list[tuple[int, dict[str, str], bytes]]) -> None:
    async def ask_everything() -> None:
        waiting = itertools.cycle(answers)

        def answer(request: httpx.Request) -> httpx.Response:
            status, named, body = next(waiting)
            raw = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
            return httpx.Response(status, headers=raw, stream=Body(body))

        client = Server(answer).client(SOMEONE)
        asks: list[Callable[[], Any]] = [
            client.ping,
            lambda: names(client.repositories()),
            lambda: names(client.tags("team/app")),
            lambda: client.head("team/app", "1.0"),
            lambda: client.manifest("team/app", MANIFEST),
            lambda: client.put_manifest("team/app", "1.0", RAW, media_types.OCI_MANIFEST),
            lambda: client.delete_manifest("team/app", "1.0"),
            lambda: client.may_delete("team/app"),
            lambda: collect(client.blob("team/app", DIGEST, start=1, end=3)),
            lambda: client.blob_size("team/app", DIGEST),
            lambda: client.mount_blob("team/app", DIGEST, "team/other"),
            lambda: client.upload_blob("team/app", DIGEST, 1, stream(b"x")),
            lambda: client.referrers("team/app", DIGEST),
        ]
        for ask in asks:
            with suppress(RegtuiError):
                await ask()

    asyncio.run(ask_everything())
