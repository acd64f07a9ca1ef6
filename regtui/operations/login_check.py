"""Whether a login is good: tried at the registry itself, as docker does before it keeps one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regtui.operations.connecting import find_registry
from regtui.operations.login import confirmed_realms
from regtui.registry.answers import ERROR_LIMIT
from regtui.registry.exchange import Exchange
from regtui.registry.identity import Credentials, basic
from regtui.registry.refusals import Login, login_needed
from regtui.registry.request_log import RequestLog
from regtui.registry.tokens import Access
from regtui.registry.transport import open_transport

if TYPE_CHECKING:
    from regtui.config import Settings


async def check_login(registry: str, credentials: Credentials, settings: Settings) -> bool:
    """False when the registry asked for none, so that it can't be told. Raises as `login.log_in` does."""

    async def given(repository: str) -> Credentials:
        return credentials

    log = RequestLog(settings.log)
    endpoint = await find_registry(registry, settings, log)
    exchange = Exchange(
        endpoint,
        open_transport(endpoint, connections=1, timeout=settings.timeout),
        registry,
        given,
        elsewhere=None,
        read_only=True,
        concurrency=1,
        timeout=settings.timeout,
        realms=confirmed_realms(settings, registry),
        log=log,
    )
    try:
        return await _try(exchange, registry, credentials)
    finally:
        await exchange.aclose()
        log.close()


async def _try(exchange: Exchange, registry: str, credentials: Credentials) -> bool:
    answer = await exchange.send("GET", "/v2/", Access(), limit=ERROR_LIMIT)
    login = exchange.login("")
    if answer.status == 401 or login.withheld_from:  # what a stranger may do proves nothing
        raise login_needed(answer, registry, registry, login)
    if answer.status != 200 or answer.is_web_page:
        raise exchange.refusal(answer, registry, missing=f"{registry} is no registry: no /v2/ there")
    if login.is_given:
        return True
    if not credentials.is_password:
        return False
    # not asked for: some servers look at a login all the same
    answer = await exchange.send("GET", "/v2/", Access(), limit=ERROR_LIMIT, authorization=basic(credentials))
    if answer.status in (401, 403):
        raise login_needed(answer, registry, registry, Login(is_given=True))
    return False
