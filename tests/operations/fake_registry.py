"""A registry in memory, for what a real one can't be made to do: counting, holding back, failing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

from regtui.config import RegistrySettings, Settings
from regtui.oci import media_types
from regtui.oci.digest import digest_of
from regtui.operations.session import Session
from regtui.registry.client import Client
from regtui.registry.endpoint import Endpoint
from regtui.store.cache import Cache
from regtui.store.journal import Journal

HOST = "fake.example"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
Json = dict[str, Any]


class FakeRegistry:
    """One repository, `app`. `requests` are "GET v1" for a manifest, "GET sha256:…" for what has that digest."""

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}
        self.manifests: dict[str, tuple[bytes, str]] = {}
        self.blobs: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.failing: dict[str, int] = {}  # last part of a path → status
        self.page_size = 0
        self.before: Callable[[str], Awaitable[None]] | None = None  # called with every request; may hold it back

    # What is in it

    def blob(self, data: bytes, media_type: str, size: int | None = None) -> Json:
        self.blobs[digest_of(data)] = data
        return {"mediaType": media_type, "digest": digest_of(data), "size": len(data) if size is None else size}

    def manifest(self, content: Json, *tags: str) -> Json:
        raw, media_type = json.dumps({"schemaVersion": 2, **content}).encode(), content["mediaType"]
        digest = digest_of(raw)
        self.manifests[digest] = (raw, media_type)
        self.tags |= dict.fromkeys(tags, digest)
        return {"mediaType": media_type, "digest": digest, "size": len(raw)}

    def image(
        self,
        *tags: str,
        created: str | None = "2026-01-02T03:04:05Z",
        layers: Sequence[int] = (1000,),
        platform: str = "linux/amd64",
        annotations: dict[str, str] | None = None,
        name: str = "",
    ) -> Json:
        """An image with layers of these sizes, that aren't there. Its descriptor, with the platform."""
        system, architecture, *variant = platform.split("/")
        of_platform = {"os": system, "architecture": architecture} | ({"variant": variant[0]} if variant else {})
        config: Json = {**of_platform, "created": created, "config": {"Labels": {"name": name or ",".join(tags)}}}
        config["history"] = [{"created_by": f"COPY {size}"} for size in layers]
        descriptor = self.manifest(
            {
                "mediaType": media_types.OCI_MANIFEST,
                "config": self.blob(json.dumps(config).encode(), media_types.OCI_CONFIG),
                "layers": [
                    {"mediaType": LAYER, "digest": digest_of(f"{size}".encode()), "size": size} for size in layers
                ],
                **({"annotations": annotations} if annotations else {}),
            },
            *tags,
        )
        return {**descriptor, "platform": of_platform}

    def index(self, *children: Json, tags: Sequence[str] = (), annotations: dict[str, str] | None = None) -> Json:
        content: Json = {"mediaType": media_types.OCI_INDEX, "manifests": list(children)}
        return self.manifest(content | ({"annotations": annotations} if annotations else {}), *tags)

    def attestation(self, image: Json) -> Json:
        child = self.image(platform="unknown/unknown", name=f"attestation of {image['digest']}", layers=[77])
        marks = {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": image["digest"],
        }
        return {**child, "annotations": marks}

    def config_of(self, descriptor: Json) -> str:
        digest: str = json.loads(self.manifests[descriptor["digest"]][0])["config"]["digest"]
        return digest

    # How it answers

    async def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        last = path.rpartition("/")[2]
        self.requests.append(f"{request.method} {last}")
        if self.before:
            await self.before(last)
        if last in self.failing:
            return httpx.Response(self.failing[last], json={"errors": [{"code": "UNKNOWN", "message": "failing"}]})
        if path == "/v2/":
            return httpx.Response(200)
        if path.endswith("/tags/list"):
            return self._list(request)
        if "/manifests/" in path:
            digest = self.tags.get(last, last)
            if digest in self.manifests:
                raw, media_type = self.manifests[digest]
                headers = {"Content-Type": media_type, "Docker-Content-Digest": digest, "Content-Length": f"{len(raw)}"}
                return httpx.Response(200, headers=headers, content=raw if request.method == "GET" else b"")
        if "/blobs/" in path and last in self.blobs:
            return httpx.Response(200, content=self.blobs[last])
        return httpx.Response(404, json={"errors": [{"code": "MANIFEST_UNKNOWN", "message": "unknown"}]})

    def _list(self, request: httpx.Request) -> httpx.Response:
        names = list(self.tags)
        if not self.page_size:
            return httpx.Response(200, json={"name": "app", "tags": names})
        start = names.index(request.url.params["last"]) + 1 if "last" in request.url.params else 0
        page = names[start : start + self.page_size]
        more = start + self.page_size < len(names)
        headers = {"Link": f'</v2/app/tags/list?last={page[-1]}&n={self.page_size}>; rel="next"'} if more else {}
        return httpx.Response(200, headers=headers, json={"name": "app", "tags": page})

    def session(self, folder: Path, concurrency: int = 4) -> Session:
        """A session with it, whose cache and journal are below `folder`."""

        def new_client() -> Client:
            transport = httpx.MockTransport(self.answer)
            return Client(Endpoint(HOST), transport, registry=HOST, concurrency=concurrency, timeout=5)

        settings = Settings(
            folder / "config.toml",
            folder / "cache",
            folder / "state",
            registries={HOST: RegistrySettings(concurrency=concurrency)},
        )
        cache = Cache(settings.cache_dir, settings.cache_size)
        journal = Journal(settings.state_dir, settings.journal_days)
        return Session(HOST, new_client(), cache, journal, settings, False, new_client)


class Gate:
    """Holds back requests until it is opened for them."""

    def __init__(self, *held: str) -> None:
        self._held = set(held)
        self._open: dict[str, asyncio.Event] = {}
        self.waiting: list[str] = []
        self.cancelled: list[str] = []
        self._came = asyncio.Condition()

    async def __call__(self, last: str) -> None:
        if last in self._held or "*" in self._held:
            async with self._came:
                self.waiting.append(last)
                self._came.notify_all()
            try:
                await self._open.setdefault(last, asyncio.Event()).wait()
            except asyncio.CancelledError:
                self.cancelled.append(last)
                raise

    async def held(self, count: int) -> None:
        """Returns once this many requests came."""
        async with self._came:
            await self._came.wait_for(lambda: len(self.waiting) >= count)

    def open(self, last: str) -> None:
        self._open.setdefault(last, asyncio.Event()).set()
