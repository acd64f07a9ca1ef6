"""How TLS is spoken with one registry: whom to trust, and who we are."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from regtui.errors import ConfigError
from regtui.text import shown

if TYPE_CHECKING:
    from regtui.registry.endpoint import Endpoint


def ssl_context(endpoint: Endpoint) -> ssl.SSLContext:
    """What TLS with this endpoint needs: the system's CAs and its own, the client's certificate, or no checks at all.

    The settings' `ca_file` and `client_cert` stand instead of what is in the registry's `certs.d` folder. It reads
    files and takes some 25 ms: build it once, and not for plain HTTP. Raises `ConfigError` naming the file that is
    missing or holds what can't be used.
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
        _trust(context, endpoint)
    _present(context, endpoint)
    return context


def _trust(context: ssl.SSLContext, endpoint: Endpoint) -> None:
    for path in (endpoint.ca_file,) if endpoint.ca_file else endpoint.certs.cas:
        try:
            context.load_verify_locations(path)
        except OSError as error:
            name = f"{'ca_file ' if endpoint.ca_file else ''}{shown(path, 300)}"
            raise _unusable(name, error, "It has to be PEM with CA certificates.") from error


def _present(context: ssl.SSLContext, endpoint: Endpoint) -> None:
    if endpoint.client_cert:
        certificate, key = endpoint.client_cert, None
        name = f"client_cert {shown(certificate, 300)}"
        advice = "It has to be PEM with a certificate and its key, without a password."
    elif endpoint.certs.client:
        certificate, key = endpoint.certs.client
        name = f"{shown(certificate, 300)} with its .key"
        advice = "They have to be PEM, a certificate and the key that belongs to it, without a password."
    else:
        return
    try:
        # An empty password: a key that needs one fails, instead of OpenSSL asking on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        raise _unusable(name, error, advice) from error


def _unusable(name: str, error: OSError, advice: str) -> ConfigError:
    # ssl.SSLError is an OSError too: its text is OpenSSL's and helps nobody.
    if isinstance(error, ssl.SSLError):
        is_mismatch = error.reason == "KEY_VALUES_MISMATCH"
        reason = "certificate and key don't belong together" if is_mismatch else "it isn't such a file"
    else:
        reason = (error.strerror or str(error)).lower()
    return ConfigError(f"{name} can't be used: {reason}", advice)
