"""Where a registry answers: host, scheme and how TLS is spoken there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

import httpx

from regtui.errors import ConnectionFailed
from regtui.oci.reference import check_host, is_loopback
from regtui.registry.certs_d import NONE, Certificates, find_certificates
from regtui.registry.failures import connection_failure, may_speak_plain_http
from regtui.registry.logged import logged
from regtui.registry.request_log import RequestLog
from regtui.registry.transport import open_transport

_HANDSHAKE = 3.0  # seconds; some servers of plain HTTP wait for a line that TLS never sends


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A registry's address on the network. `host` is `host[:port]`, as in `Reference.host`.

    `ca_file` and `client_cert` are the settings', `certs` what docker's and podman's folders hold.
    """

    host: str
    scheme: str = "https"
    insecure_tls: bool = False
    ca_file: str = ""
    client_cert: str = ""
    certs: Certificates = NONE

    @property
    def base(self) -> str:
        """What the API's paths are put behind: `https://localhost:5000`."""
        return f"{self.scheme}://{self.host}"

    def elsewhere(self) -> Endpoint:
        """What a redirect to another host is followed with: the same trust, but not who we are."""
        return replace(self, client_cert="", certs=replace(self.certs, client=None))


async def find_endpoint(
    host: str,
    *,
    plain_http: bool = False,
    insecure_tls: bool = False,
    insecure: bool = False,
    ca_file: str = "",
    client_cert: str = "",
    timeout: float = 30.0,
    environ: Mapping[str, str] = os.environ,
    log: RequestLog | None = None,
) -> Endpoint:
    """How `host[:port]` is spoken to. `timeout` is in seconds; what has to be asked for it is noted in `log`.

    It is HTTPS unless `plain_http` says otherwise. Only on this machine is that a question, as it is for docker: there
    `GET /v2/` is asked without credentials, by HTTPS and, where no TLS can be spoken, by plain HTTP; any HTTP answer
    counts. `insecure` is registries.conf's: HTTPS with any certificate, and plain HTTP where that fails for any reason.
    Raises `ConnectionFailed` or `TLSFailed` when neither gives an answer, `ConfigError` for files of no use.
    """
    certs = await asyncio.to_thread(find_certificates, check_host(host), environ)
    scheme = "http" if plain_http else "https"
    endpoint = Endpoint(host, scheme, insecure_tls or insecure, ca_file, client_cert, certs)
    if plain_http or not (insecure or is_loopback(host)):
        return endpoint  # nothing to find: the first request tells what is wrong
    try:
        await _probe(endpoint, timeout, log)
        return endpoint
    except httpx.TransportError as error:
        # Docker takes any certificate from this machine, and plain HTTP when TLS fails for any reason. But what listens
        # here may be the end of a tunnel: a certificate that isn't trusted is never a reason to send passwords openly.
        if not insecure and not may_speak_plain_http(error):
            raise connection_failure(error) from error
        return await _plain(replace(endpoint, scheme="http", insecure_tls=insecure_tls), timeout, log, error)


async def _plain(endpoint: Endpoint, timeout: float, log: RequestLog | None, https: httpx.TransportError) -> Endpoint:
    try:
        complaint = await _probe(endpoint, timeout, log)
    except httpx.TransportError as error:
        if isinstance(error, httpx.ConnectError | httpx.TimeoutException):
            raise connection_failure(error) from error
        advice = "Check the port: something else listens there, or what listens is broken."
        raise ConnectionFailed(f"{endpoint.host} speaks neither HTTPS nor plain HTTP", advice) from https
    # What Go's, nginx's and Apache's TLS servers say to plain HTTP: this one does speak TLS, only not just now.
    if b"HTTPS" in complaint:
        raise connection_failure(https) from https
    return endpoint


async def _probe(endpoint: Endpoint, timeout: float, log: RequestLog | None) -> bytes:
    """Returns when the server answers: with nothing, or with how the body of a `400` begins."""
    patience = {"connect": min(timeout, _HANDSHAKE), "read": timeout, "write": timeout, "pool": None}
    request = httpx.Request("GET", f"{endpoint.base}/v2/", extensions={"timeout": patience})
    async with logged(open_transport(endpoint, connections=1, timeout=timeout), log) as transport:
        response = await transport.handle_async_request(request)
        try:
            if response.status_code == 400:
                async for beginning in response.aiter_raw():
                    return beginning
            return b""
        finally:
            await response.aclose()
