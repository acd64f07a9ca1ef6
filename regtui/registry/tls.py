"""How TLS is spoken with one registry: whom to trust, and who we are."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from regtui.errors import ConfigError
from regtui.text import shown

if TYPE_CHECKING:
    from regtui.registry.endpoint import Endpoint


def ssl_context(endpoint: Endpoint) -> ssl.SSLContext:
    """What TLS with this endpoint needs: the system's CAs and `ca_file`, the client's certificate, or no checks at all.

    It reads files and takes some 25 ms: build it once, and not for plain HTTP. Raises `ConfigError` naming the file
    that is missing or holds what can't be used.
    """
    from httpcore2 import default_ssl_context

    if endpoint.insecure_tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        # The system's own store on macOS and Windows (truststore). On Linux these are OpenSSL's files, read once:
        # truststore itself reads them again for every connection there, 24 ms each.
        try:
            context = default_ssl_context()
        except OSError as error:
            raise ConfigError(
                f"The CA certificates of this system can't be read: {shown(str(error), 200)}",
                "See where SSL_CERT_FILE and SSL_CERT_DIR in the environment point.",
            ) from error
    if endpoint.ca_file and not endpoint.insecure_tls:
        try:
            context.load_verify_locations(endpoint.ca_file)
        except OSError as error:
            raise _unusable(endpoint.ca_file, "ca_file", error, "It has to be PEM with CA certificates.") from error
    if endpoint.client_cert:
        try:
            # An empty password: a key that needs one fails, instead of OpenSSL asking on the terminal.
            context.load_cert_chain(endpoint.client_cert, password="")
        except OSError as error:
            advice = "It has to be PEM with a certificate and its key, without a password."
            raise _unusable(endpoint.client_cert, "client_cert", error, advice) from error
    return context


def _unusable(path: str, setting: str, error: OSError, advice: str) -> ConfigError:
    # ssl.SSLError is an OSError too: its text is OpenSSL's and helps nobody.
    reason = "it isn't such a file" if isinstance(error, ssl.SSLError) else (error.strerror or str(error)).lower()
    return ConfigError(f"{setting} {shown(path, 300)} can't be used: {reason}", advice)
