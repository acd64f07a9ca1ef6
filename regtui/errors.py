"""The tree of errors: each says what happened, to what, and what the user can do.

A message may quote what a server sent: whoever shows an error passes it through `regtui.text`.
"""

from __future__ import annotations


class RegtuiError(Exception):
    """Something went wrong that a user can understand.

    `what` is one sentence without its full stop: what happened, and to which reference.
    `advice` is what the user can do about it, or empty.
    """

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what, advice)
        self.what = what
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.what}. {self.advice}" if self.advice else self.what

    @property
    def sentences(self) -> str:
        """The whole message with its full stops, for where more text follows."""
        text = str(self)
        return text if text.endswith((".", "?", "`")) else f"{text}."


class UsageError(RegtuiError):
    """The user's own words can't be understood: a reference, a flag, a setting. Exit code 2."""


class ReferenceError(UsageError):
    """Text that is no reference, digest, tag or repository name by the distribution specification's grammar."""


class ConfigError(UsageError):
    """A settings file, an environment variable or a flag holds what can't be used."""


class ContentError(RegtuiError):
    """Content that can't be what it says it is: bad JSON, a wrong digest, a broken archive."""


class DigestMismatch(ContentError):
    """The bytes received do not have the digest that was asked for. They are never shown as content."""


class TooLarge(ContentError):
    """Content beyond a bound that regtui sets for it. The bound is named in the message."""


class RegistryError(RegtuiError):
    """The registry, or the way to it, failed."""


class ConnectionFailed(RegistryError):
    """No answer came: unknown host, refused, reset, proxy."""


class TLSFailed(ConnectionFailed):
    """The server's certificate is not trusted, is for another host, or TLS could not be spoken."""


class TimedOut(ConnectionFailed):
    """The server took the connection or the request and then kept silent for too long."""


class Answered(RegistryError):
    """The server answered, with an error: `status` is HTTP's, `code` the specification's or empty."""

    def __init__(self, what: str, advice: str = "", *, status: int, code: str = "") -> None:
        super().__init__(what, advice)
        self.status = status
        self.code = code


class LoginNeeded(Answered):
    """401: nobody is logged in, or the credentials were refused."""


class RealmNotTrusted(LoginNeeded):
    """`realm` (`HOST` or `HOST:PORT`) asked for the credentials that there are, and isn't known as the registry's."""

    def __init__(self, what: str, advice: str = "", *, realm: str, status: int = 401, code: str = "") -> None:
        super().__init__(what, advice, status=status, code=code)
        self.realm = realm


class Forbidden(Answered):
    """403: the user may not do this, or the registry wants another scope."""


class NotFound(Answered):
    """404: no such repository, tag, manifest or blob, or no such API on this server."""


class RateLimited(Answered):
    """429: too many requests. `retry_after` is in seconds, or None when the server did not say."""

    def __init__(
        self,
        what: str,
        advice: str = "",
        *,
        status: int = 429,
        code: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(what, advice, status=status, code=code)
        self.retry_after = retry_after


class Unsupported(Answered):
    """The server can't do this: deletion switched off, no tag deletion, an API that it doesn't have."""


class NoRanges(RegistryError):
    """The server sends a whole blob where a part of it was asked for."""


class ReadOnly(RegtuiError):
    """A change was asked for while changes are switched off (`--read-only`)."""


class PlanStale(RegtuiError):
    """The registry is no longer what the plan saw; nothing was written by the step that noticed."""


class StepFailed(RegtuiError):
    """A change was stopped on the way; the message says what was done and what was put back."""


class StoreError(RegtuiError):
    """The cache or the journal on this machine can't be read or written."""
