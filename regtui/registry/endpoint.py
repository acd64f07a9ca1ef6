"""Where a registry answers: host, scheme and how TLS is spoken there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import httpx

from regtui.errors import ConnectionFailed
from regtui.oci.reference import is_loopback


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A registry's address on the network. `host` is `host[:port]`, as in `Reference.host`."""

    host: str
    scheme: str = "https"
    insecure_tls: bool = False
    ca_file: str = ""
    client_cert: str = ""

    @property
    def base(self) -> str:
        """What the API's paths are put behind: `https://localhost:5000`."""
        return f"{self.scheme}://{self.host}"

    def elsewhere(self) -> Endpoint:
        """What a redirect to another host is followed with: the same trust, but not who we are."""
        return replace(self, client_cert="")


async def find_endpoint(
    host: str,
    *,
    plain_http: bool = False,
    insecure_tls: bool = False,
    ca_file: str = "",
    client_cert: str = "",
    timeout: float = 30.0,
) -> Endpoint:
    """Asks `GET /v2/` without credentials; any HTTP answer counts."""
    endpoint = Endpoint(host, "http" if plain_http else "https", insecure_tls, ca_file, client_cert)
    try:
        await _probe(endpoint, timeout)
    except ConnectionFailed:
        if plain_http or not is_loopback(host):
            raise
        endpoint = replace(endpoint, scheme="http")
        await _probe(endpoint, timeout)
    return endpoint


async def _probe(endpoint: Endpoint, timeout: float) -> None:
    from regtui.registry.failures import connection_failure
    from regtui.registry.transport import open_transport

    async with open_transport(endpoint, connections=1, timeout=timeout) as transport:
        try:
            response = await transport.handle_async_request(httpx.Request("GET", f"{endpoint.base}/v2/"))
            await response.aclose()
        except httpx.TransportError as error:
            raise connection_failure(error) from error
