"""The vendors' test server: what it must keep of a request, so that the other tests mean something."""

from __future__ import annotations

import pytest

from regtui.errors import RateLimited
from regtui.registry.vendors import Vendor
from tests.registry.vendors.server import BASIC, SOMEONE, Network, Reply


async def test_a_request_arrives_as_at_its_own_host(network: Network) -> None:
    network.on("GET api.example.com/v1/a%2Fb", Reply(200, {"is": "good"}, {"x_more": "1"}))
    api = network.vendor(Vendor, "registry.example.com", SOMEONE).api
    answer = await api.ask("GET", "https://api.example.com/v1/a%2Fb?q=c%3Ad&e=f", await api.basic())
    assert (answer.status, answer.headers["x-more"], answer.body) == (200, "1", b'{"is": "good"}')
    assert network.asked == ["GET api.example.com/v1/a%2Fb?q=c%3Ad&e=f"]
    assert (network.last.scheme, network.last.authorization) == ("https", BASIC)


async def test_answers_come_in_turn_and_a_query_before_its_path(network: Network) -> None:
    network.on("GET registry.example.com/list", {"page": 1}, {"page": 2})
    network.on("GET registry.example.com/list?n=9", lambda request: Reply(429, {"host": request.host}))
    api = network.vendor(Vendor, "registry.example.com").api
    pages = [await api.get(dict[str, int], "/list", subject="the list") for _ in range(3)]
    assert pages == [{"page": 1}, {"page": 2}, {"page": 2}]
    with pytest.raises(RateLimited):
        await api.get(dict[str, int], "/list?n=9", subject="the list")


async def test_a_body_arrives_as_json(network: Network) -> None:
    api = network.vendor(Vendor, "registry.example.com").api
    answer = await api.ask("POST", "/v1/search", body={"words": ["nginx"]}, is_query=True)
    assert (answer.status, network.last.json) == (404, {"words": ["nginx"]})
