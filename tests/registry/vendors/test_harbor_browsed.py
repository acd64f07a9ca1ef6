"""A whole Harbor: the embedded registry and Harbor's API over its content, on one real socket, browsed by a Client."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from regtui.embedded.app import registry_app
from regtui.errors import NotFound
from regtui.oci.digest import digest_of
from regtui.registry.asgi import StreamingASGITransport
from regtui.registry.client import Client
from regtui.registry.credentials import Credentials
from regtui.registry.endpoint import Endpoint
from regtui.registry.transport import Transport
from regtui.registry.vendors import Hit, Removal
from tests.embedded.content import push_image
from tests.embedded.server import served

ROBOT = Credentials("robot$ci", "secret")
_API = "/api/v2.0"


class FakeHarbor:
    """Its `/v2/` wants tokens that `/service/token` gives for the robot's login; its API wants that login itself."""

    def __init__(self, root: Path) -> None:
        self.address = ""
        self._registry = registry_app(root)
        transport = StreamingASGITransport(self._registry)
        self.inside = httpx.AsyncClient(transport=transport, base_url="http://harbor.test")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path, sent = scope["raw_path"].decode("ascii"), request.headers.get("authorization", "")
        robot = "Basic " + base64.b64encode(f"{ROBOT.username}:{ROBOT.password}".encode()).decode()
        if path.startswith("/v2/") and sent == "Bearer token":
            await self._registry(scope, receive, send)
        elif path == "/service/token" and sent == robot:
            await JSONResponse({"token": "token", "expires_in": 1800})(scope, receive, send)
        elif path.startswith(f"{_API}/") and sent == robot:
            answer = await self._api(request.method, path.removeprefix(_API))
            await answer(scope, receive, send)
        else:
            challenge = f'Bearer realm="http://{self.address}/service/token",service="harbor-registry"'
            problem = {"errors": [{"code": "UNAUTHORIZED", "message": "unauthorized"}]}
            await JSONResponse(problem, 401, {"www-authenticate": challenge})(scope, receive, send)

    async def _api(self, method: str, path: str) -> Response:
        match path.strip("/").split("/"):
            case ["repositories"]:
                return JSONResponse([{"name": name} for name in await self._names()])
            case ["projects", project, "repositories"]:
                mine = [name for name in await self._names() if name.startswith(f"{project}/")]
                return JSONResponse([{"name": name} for name in mine])
            case ["search"]:
                found = [{"repository_name": name} for name in await self._names()]
                return JSONResponse({"project": [], "repository": found})
            case ["projects", project, "repositories", name, "artifacts"]:
                return JSONResponse(await self._artifacts(f"{project}/{unquote(unquote(name))}"))
            case ["projects", project, "repositories", name, "artifacts", reference]:
                artifacts = await self._artifacts(f"{project}/{unquote(unquote(name))}")
                return JSONResponse(next(it for it in artifacts if reference in [tag["name"] for tag in it["tags"]]))
            case ["projects", project, "repositories", name, "artifacts", _, "tags", tag] if method == "DELETE":
                gone = await self.inside.delete(f"/v2/{project}/{unquote(unquote(name))}/manifests/{tag}")
                return Response(status_code=200 if gone.status_code == 202 else gone.status_code)
        return JSONResponse({"errors": [{"code": "NOT_FOUND", "message": path}]}, 404)

    async def _names(self) -> list[str]:
        return list((await self.inside.get("/v2/_catalog")).json()["repositories"])

    async def _artifacts(self, repository: str) -> list[dict[str, Any]]:
        artifacts: dict[str, dict[str, Any]] = {}
        for name in (await self.inside.get(f"/v2/{repository}/tags/list")).json()["tags"]:
            raw = (await self.inside.get(f"/v2/{repository}/manifests/{name}")).content
            content, digest = json.loads(raw), digest_of(raw)
            parts = [content["config"], *content["layers"]]
            fields = {
                "digest": digest,
                "size": len(raw) + sum(part["size"] for part in parts),
                "manifest_media_type": content["mediaType"],
                "extra_attrs": {"os": "linux", "architecture": "amd64", "created": "2024-01-02T03:04:05Z"},
            }
            tags = artifacts.setdefault(digest, {**fields, "tags": []})["tags"]
            tags.append({"name": name, "push_time": "2024-02-03T04:05:06Z", "immutable": name == "1.0"})
        return list(artifacts.values())


@pytest.fixture
async def harbor(tmp_path: Path) -> AsyncIterator[FakeHarbor]:
    """A Harbor with two repositories of its project `team`."""
    fake = FakeHarbor(tmp_path / "registry")
    await push_image(fake.inside, "team/tools/lint", "1.0", "latest")
    await push_image(fake.inside, "team/app", "2.0", layer=b"another layer")
    with served(fake) as fake.address:
        yield fake
    await fake.inside.aclose()


@pytest.fixture
async def client(harbor: FakeHarbor) -> AsyncIterator[Client]:
    async def credentials(repository: str) -> Credentials:
        return ROBOT

    endpoint = Endpoint(harbor.address, "http")
    client = Client(endpoint, Transport(timeout=10, environ={}), credentials=credentials, timeout=10)
    async with aclosing(client):
        await client.ping()
        yield client


async def test_it_is_recognised_and_browsed(client: Client) -> None:
    assert client.vendor.name == "Harbor"
    assert [page async for page in client.repositories()] == [["team/app", "team/tools/lint"]]
    assert [page async for page in client.repositories("team/tools")] == [["team/tools/lint"]]
    hits = [page async for page in client.vendor.search("lint")]
    assert Hit("team/tools/lint") in hits[0]
    [tags] = [page async for page in client.vendor.tags("team/tools/lint")]
    document = await client.manifest("team/tools/lint", "latest")
    assert {tag.name: tag.immutable for tag in tags} == {"1.0": True, "latest": False}
    assert {tag.digest for tag in tags} == {document.digest}
    assert {tag.platforms for tag in tags} == {("linux/amd64",)}


async def test_a_tag_is_removed_its_sibling_stays_and_an_immutable_one_is_refused(client: Client) -> None:
    vendor, repository = client.vendor, "team/tools/lint"
    assert (await vendor.removal(repository, "1.0"))[0] is Removal.NONE
    assert await vendor.removal(repository, "latest") == (Removal.VERB, "")
    digest = (await client.head(repository, "latest")).digest
    await vendor.remove_tag(repository, "latest")
    with pytest.raises(NotFound):
        await client.manifest(repository, "latest")
    assert (await client.head(repository, "1.0")).digest == digest
