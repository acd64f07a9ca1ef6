"""What a refusal means for a person: one sentence of what happened, one of what to do."""

from __future__ import annotations

from dataclasses import dataclass

from regtui.errors import (
    Answered,
    Forbidden,
    LoginNeeded,
    NotFound,
    RateLimited,
    RealmNotTrusted,
    Unsupported,
)
from regtui.registry import retries
from regtui.registry.answers import Answer
from regtui.text import shown


@dataclass(frozen=True, slots=True)
class Login:
    """How far a login went that a server asked for."""

    is_given: bool = False  # credentials were sent
    withheld_from: str = ""  # the login server that they were not sent to: it isn't known to belong to the registry
    is_open: bool = False  # … or it speaks plain HTTP, and the registry HTTPS
    by_token: bool = False  # a login server knows the password; the registry only what the user may do
    is_foreign: bool = False  # neither Basic nor Bearer was offered

    @property
    def is_anonymous(self) -> bool:
        """Whether there are no credentials at all."""
        return not self.is_given and not self.withheld_from


NOBODY = Login()


def log_in(registry: str) -> str:
    """The advice for who has no login, or not the right one."""
    return f"Log in: regtui login {registry}"


def refusal(answer: Answer, registry: str, subject: str, login: Login = NOBODY, missing: str = "") -> Answered:
    """The error that an answer is. `subject` is the reference in question; `missing` the sentence for a 404."""
    status, code = answer.status, answer.code
    kind = _KINDS.get(status, Answered)
    if status == 429:
        return _rate_limited(answer, registry, login)
    if answer.is_web_page and status != 401:
        return kind(*_web_page(answer), status=status, code=code)
    if status == 401 or (status == 403 and login.withheld_from):
        return login_needed(answer, registry, subject, login)
    said = f" ({answer.said})" if answer.said else ""
    if status == 403:
        advice = "The user that is logged in may lack the right to it." if login.is_given else log_in(registry)
        return Forbidden(f"{registry} does not allow this for {subject}{said}", advice, status=status, code=code)
    if status == 404:
        return NotFound(missing or f"{registry} has no {subject}{said}", status=status, code=code)
    if status >= 500:
        advice = "Try again; if it stays so, the server's log says more."
        return kind(f"{registry} failed with {status}{said} on {answer.place}", advice, status=status, code=code)
    return kind(
        f"{registry} answered {status}{said} to {answer.method} {answer.place}",
        status=status,
        code=code,
    )


def login_needed(answer: Answer, registry: str, subject: str, login: Login) -> LoginNeeded:
    """The error for a login that is missing, was refused, or wasn't sent where the registry wanted it."""
    place = "" if subject == registry else f" for {subject}"
    if login.is_foreign:
        what = f"{registry} asked for a login{place} of a kind that regtui does not speak"
        advice = "regtui speaks Basic and Bearer; a proxy that wants another login may stand in between."
    elif login.withheld_from:
        return _withheld(answer, registry, place, login)
    elif login.is_given and login.by_token:
        what = f"{registry} gives the user that is logged in no access to {subject}"
        advice = _or_log_in(registry, subject, " as another user")
    elif login.is_given:
        what = f"{registry} asked for a login and refused the one that was given{place}"
        advice = f"Check the user name and the password, or: regtui login {registry}"
    else:
        what = f"{registry} asked for a login{place}, and none was given"
        advice = _or_log_in(registry, subject) if login.by_token else log_in(registry)
    return LoginNeeded(what, advice, status=answer.status, code=answer.code)


def _or_log_in(registry: str, subject: str, as_whom: str = "") -> str:
    """The advice where login servers decide, who refuse a repository that isn't there like one that is hidden."""
    if subject.startswith(f"{registry}/"):
        return (
            f"Check the name: what is not there is refused in the same way. Or log in{as_whom}: regtui login {registry}"
        )
    return f"Log in{as_whom}: regtui login {registry}"


def _withheld(answer: Answer, registry: str, place: str, login: Login) -> LoginNeeded:
    realm = shown(login.withheld_from, 200)
    asked = f"{registry} asked for a login{place} at {realm}"
    if login.is_open:
        what = f"{asked} over plain HTTP, so the password was not sent there"
        return LoginNeeded(what, "The registry's owner can change that.", status=answer.status, code=answer.code)
    return RealmNotTrusted(
        f"{asked}, which is not known to belong to it, so the password was not sent there",
        f"If the registry's owner says that it is its login server: regtui login {registry} --realm {realm}",
        realm=login.withheld_from,
        status=answer.status,
        code=answer.code,
    )


def web_page(answer: Answer) -> Answered:
    """The error that a web page is, whatever its status, where a registry's answer should be."""
    return Answered(*_web_page(answer), status=answer.status)


_KINDS: dict[int, type[Answered]] = {
    401: LoginNeeded,
    403: Forbidden,
    404: NotFound,
    405: Unsupported,
    501: Unsupported,
}


def _rate_limited(answer: Answer, registry: str, login: Login) -> RateLimited:
    wait = retries.seconds(answer.headers.get("retry-after", ""))
    when, advice = (retries.until(wait), "Try again then.") if wait else ("for now", "Try again later.")
    if login.is_anonymous:
        advice += " A user who is logged in often has a higher limit."
    said = f" ({answer.said})" if answer.said else ""
    return RateLimited(f"{registry} takes no more requests {when}{said}", advice, code=answer.code, retry_after=wait)


def _web_page(answer: Answer) -> tuple[str, str]:
    title = f", titled {answer.title!r}," if answer.title else ""
    return (
        f"{answer.place} answered {answer.status} with a web page{title} not a registry's answer",
        "A proxy may stand in between, or the host is no registry: check the address.",
    )
