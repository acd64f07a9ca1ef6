"""What httpx's errors mean for people: what happened, to which host, and what to do about it."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

import httpx

from regtui.errors import ConnectionFailed, RegtuiError, TimedOut, TLSFailed
from regtui.text import shown

_PLAIN = "If it speaks plain HTTP, and the way to it is safe: --plain-http."
_LATER = "Try again; if it stays so, look at the registry's log."
# OpenSSL's numbers (X509_V_ERR_…), which Python doesn't name.
_NOT_YET_VALID, _EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 9, 10, 62, 64
# OpenSSL's words for bytes that are no TLS.
_NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL"}


def connection_failure(error: httpx.TransportError) -> ConnectionFailed:
    """The error for people, naming the request's host: `TLSFailed`, `TimedOut`, or a plain `ConnectionFailed`."""
    host = shown(error.request.url.netloc.decode("ascii"), 260)
    if isinstance(error, httpx.ProxyError):
        return ConnectionFailed(
            f"{host} can't be reached: {shown(str(error), 300)}",
            f"Check HTTPS_PROXY and HTTP_PROXY in the environment, or list {host} in NO_PROXY.",
        )
    if isinstance(error, httpx.TimeoutException):
        return _silence(error, host)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _untrusted(cause, host)
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLWantReadError):
            return _no_tls(cause, host)
        if isinstance(cause, socket.gaierror | UnicodeError):
            return _unknown(cause, shown(error.request.url.raw_host, 260))
    if isinstance(error, httpx.ConnectError):
        return _no_connection(error, host)
    return _broken(error, host)


def may_speak_plain_http(error: httpx.TransportError) -> bool:
    """Whether an `https` request failed in a way that a server of plain HTTP, or none on that port, makes it fail.

    A certificate that is refused, or any other word of TLS, shows a server that speaks TLS.
    """
    causes = list(_causes(error))
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) and all(
        _is_no_tls(cause) for cause in causes if isinstance(cause, ssl.SSLError | socket.gaierror | UnicodeError)
    )


def _is_no_tls(cause: BaseException) -> bool:
    waited = isinstance(cause, ssl.SSLWantReadError | ssl.SSLEOFError)
    return waited or (isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from. The pool takes `__cause__` away, but the context stays."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        this = waiting.pop(0)
        if this is None or this in seen:
            continue
        seen.append(this)
        yield this
        if isinstance(this, BaseExceptionGroup):
            waiting += this.exceptions
        waiting.append(this.__cause__ or this.__context__)


def _silence(error: httpx.TimeoutException, host: str) -> TimedOut:
    kinds = {httpx.ConnectTimeout: "connect", httpx.WriteTimeout: "write", httpx.PoolTimeout: "pool"}
    kind = kinds.get(type(error), "read")
    seconds = error.request.extensions.get("timeout", {}).get(kind)
    time = f"{seconds:g} s" if seconds else "too long"
    if kind == "pool":
        return TimedOut(f"No connection to {host} became free for {time}", "Try again when less is under way.")
    if kind == "write":
        return TimedOut(f"{host} stopped taking data for {time}", _LATER)
    if kind == "connect" and not any(isinstance(cause, ssl.SSLWantReadError) for cause in _causes(error)):
        advice = "Check host and port; a firewall or a missing VPN does this too. More time: --timeout SECONDS."
        return TimedOut(f"{host} took no connection for {time}", advice)
    if kind == "connect":
        return TimedOut(f"{host} kept silent for {time} when TLS was to be spoken", _PLAIN)
    return TimedOut(f"{host} kept silent for {time}", "Try again, or give it more time: --timeout SECONDS.")


def _untrusted(cause: ssl.SSLCertVerificationError, host: str) -> TLSFailed:
    code = getattr(cause, "verify_code", 0)
    if code == _EXPIRED:
        return TLSFailed(
            f"The certificate of {host} has expired",
            "The registry needs a new one; if it has one, check this machine's clock.",
        )
    if code == _NOT_YET_VALID:
        return TLSFailed(f"The certificate of {host} is not valid yet", "Check this machine's clock.")
    if code in (_OTHER_NAME, _OTHER_ADDRESS):
        return TLSFailed(f"The certificate of {host} is for another host", "Use the name that the certificate is for.")
    reason = shown(getattr(cause, "verify_message", "") or str(cause), 200)
    return TLSFailed(
        f"The certificate of {host} is not trusted: {reason}",
        'Name its CA: --ca-file FILE, or ca_file under [registry."HOST"] in the settings; '
        "or trust it blindly: --insecure-tls.",
    )


def _no_tls(cause: ssl.SSLError, host: str) -> TLSFailed:
    if _is_no_tls(cause):
        return TLSFailed(f"{host} speaks no TLS on this port", _PLAIN)
    reason = cause.reason or str(cause)
    if "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason):
        return TLSFailed(
            f"{host} wants a client certificate that it knows",
            'Name one: client_cert under [registry."HOST"] in the settings.',
        )
    return TLSFailed(
        f"TLS with {host} failed: {shown(reason.replace('_', ' ').lower(), 200)}",
        'It may want a client certificate (client_cert under [registry."HOST"]), or speak a TLS that is too old.',
    )


def _unknown(cause: Exception, host: str) -> ConnectionFailed:
    if isinstance(cause, socket.gaierror) and cause.errno in (socket.EAI_AGAIN, socket.EAI_FAIL):
        return ConnectionFailed(f"The name {host} can't be looked up now", "Check this machine's network and its DNS.")
    return ConnectionFailed(f"There is no host named {host}", "Check the name; some are known inside a VPN only.")


def _no_connection(error: httpx.ConnectError, host: str) -> ConnectionFailed:
    numbers = {cause.errno for cause in _causes(error) if isinstance(cause, OSError) and cause.errno}
    if errno.ECONNREFUSED in numbers:
        return ConnectionFailed(f"{host} refused the connection", "Check that the registry runs, and the port.")
    if numbers & {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}:
        return ConnectionFailed(f"There is no way from here to {host}", "Check this machine's network, or the VPN.")
    if error.request.url.scheme == "https" and errno.ETIMEDOUT not in numbers:
        return TLSFailed(f"{host} closed the connection when TLS was to be spoken", _PLAIN)
    return ConnectionFailed(f"{host} can't be reached", "Check host and port, and this machine's network.")


def _broken(error: httpx.TransportError, host: str) -> ConnectionFailed:
    said = str(error)
    own = next((cause for cause in _causes(error) if isinstance(cause, RegtuiError)), None)
    if own is not None:
        return ConnectionFailed(f"{host} failed: {own.what}", own.advice)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return ConnectionFailed(f"What is to be sent to {host} can't be: {shown(said, 200)}")
    if not isinstance(error, httpx.RemoteProtocolError):
        return ConnectionFailed(f"The connection to {host} broke", _LATER)
    if "complete message body" in said or "incomplete" in said:
        return ConnectionFailed(f"{host} broke off in the middle of its answer", _LATER)
    if "without sending a response" in said:
        plain = error.request.url.scheme == "http"
        advice = "If it speaks HTTPS, leave --plain-http out." if plain else _LATER
        return ConnectionFailed(f"{host} closed the connection without an answer", advice)
    return ConnectionFailed(f"{host} answered with what is no HTTP: {shown(said, 200)}", "Check host and port.")
