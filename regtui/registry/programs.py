"""A program that is asked something: by standard input and output, within limits of time and size."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping

from regtui.errors import TooLarge

_GRACE = 1.0
"""Seconds that what a program said is waited for after its end: its own children may keep the pipe open for good."""


async def ask(
    path: str, verb: str, said: bytes, environ: Mapping[str, str], timeout: float, limit: int
) -> tuple[int, bytes]:
    """A program's exit status, and what it answers to `said`, in `limit` bytes at most; after `timeout` seconds it is
    killed. Raises `OSError` when it can't be started, `TimeoutError`, and `TooLarge`.

    Not by `asyncio.subprocess`: that reads all there is, and waits for the pipes of a program that was killed.
    """
    transport, talk = await asyncio.get_running_loop().subprocess_exec(
        lambda: _Talk(limit), path, verb, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=dict(environ)
    )
    try:
        pipe = transport.get_pipe_transport(0)
        assert isinstance(pipe, asyncio.WriteTransport)
        pipe.write(said)
        pipe.close()
        async with asyncio.timeout(timeout):
            await talk.heard.wait()
            if len(talk.out) > limit:
                raise TooLarge(f"The answer has more than {limit:,} bytes")
            await talk.ended.wait()
    finally:
        transport.close()  # kills what still runs
    return transport.get_returncode() or 0, bytes(talk.out)


class _Talk(asyncio.SubprocessProtocol):
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.out = bytearray()
        self.heard, self.ended = asyncio.Event(), asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.out += data
        if len(self.out) > self._limit:
            self.heard.set()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            self.heard.set()

    def process_exited(self) -> None:
        self.ended.set()
        asyncio.get_running_loop().call_later(_GRACE, self.heard.set)
