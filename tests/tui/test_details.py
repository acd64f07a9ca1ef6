"""The details pane: everything about one manifest, in tabs, everything a link."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from textual.app import App, ComposeResult

from regtui.errors import NotFound
from regtui.oci import media_types
from regtui.oci.config import decode_config, join_history
from regtui.oci.digest import digest_of
from regtui.oci.kinds import Kind, kind_of
from regtui.oci.manifest import Descriptor, Manifest, decode_document
from regtui.oci.reference import Reference
from regtui.operations.facts import TagFacts
from regtui.operations.inspect import Inspected, Referrer
from regtui.tui.widgets.details.details import Details
from regtui.tui.widgets.lines import Lines

APP = Reference("registry.example.com", "team/app", "1.4.2")
LAYERS = [(digest_of(b"base"), 27_100_000), (digest_of(b"app"), 14_100_000)]
CONFIG: dict[str, Any] = {
    "architecture": "amd64",
    "os": "linux",
    "created": "2026-11-01T12:00:00Z",
    "config": {
        "Entrypoint": ["/bin/app", "--port", "80 80"],
        "Env": ["PATH=/bin", "EVIL=\x1b[31m[bold]x[/]\u202e"],
        "ExposedPorts": {"8080/tcp": {}},
        "Volumes": {"/data": {}},
        "Labels": {"org.opencontainers.image.source": "https://example.com/app"},
    },
    "history": [
        {"created_by": "/bin/sh -c #(nop) ADD rootfs in /"},
        {"created_by": "ENV PATH=/bin", "empty_layer": True},
        {"created_by": "RUN pip install app"},
    ],
}


def image() -> Inspected:
    config = json.dumps(CONFIG).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": {"mediaType": media_types.OCI_CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [
            {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest, "size": size}
            for digest, size in LAYERS
        ],
    }
    return inspected(manifest, config)


def index() -> Inspected:
    child = {"mediaType": media_types.OCI_MANIFEST, "size": 500}
    return inspected(
        {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_INDEX,
            "manifests": [
                child | {"digest": digest_of(b"amd64"), "platform": {"os": "linux", "architecture": "amd64"}},
                child | {"digest": digest_of(b"arm64"), "platform": {"os": "linux", "architecture": "arm64"}},
                child | {"digest": digest_of(b"att"), "platform": {"os": "unknown", "architecture": "unknown"}},
            ],
        }
    )


def inspected(manifest: dict[str, Any], config: bytes = b"", **more: Any) -> Inspected:
    raw = json.dumps(manifest).encode()
    document = decode_document(raw, digest_of(raw))
    decoded = decode_config(config) if config else None
    layers = document.content.layers or () if isinstance(document.content, Manifest) else ()
    steps = join_history(layers, decoded.history if decoded else None)
    reference = APP.at(APP.tag, document.digest)
    return Inspected(reference, document, kind_of(document), decoded, config, more.get("config_error"), steps)


class DetailsApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Any] = []

    def compose(self) -> ComposeResult:
        yield Details()

    def on_details_follow(self, message: Details.Follow) -> None:
        self.heard.append(message.reference)

    def on_details_layer_chosen(self, message: Details.LayerChosen) -> None:
        self.heard.append((message.number, message.layer.digest))

    def on_details_leaving(self, message: Details.Leaving) -> None:
        self.heard.append(message.place)

    @property
    def details(self) -> Details:
        return self.query_one(Details)

    def screen_text(self) -> str:
        (shown,) = [lines for lines in self.query(Lines) if lines.display]
        return "\n".join(shown.render_line(y).text for y in range(shown.size.height))


async def test_a_referrer_with_annotations_is_shown_and_shown_again() -> None:
    app = DetailsApp()
    referrer = Descriptor(media_types.OCI_MANIFEST, digest_of(b"sig"), 9, annotations={"made": "by cosign"})
    async with app.run_test(size=(90, 40)) as pilot:
        for _ in range(2):
            app.details.show(image())
            app.details.show_referrers([Referrer(referrer, Kind.SIGNATURE, "api")])
            await pilot.pause()
        assert "signature" in app.screen_text()


async def test_overview_says_what_and_where_it_is_and_how_to_get_it() -> None:
    app = DetailsApp()
    facts = TagFacts(digest_of(b"x"), "", Kind.IMAGE, datetime(2026, 11, 1, 12, tzinfo=UTC), "config", 41, ())
    async with app.run_test(size=(90, 40)):
        app.details.show(image(), facts)
        app.details.show_referrers([Referrer(Descriptor(digest=digest_of(b"sig"), size=9), Kind.SIGNATURE, "tag")])
        text = app.screen_text()
    for expected in (
        "registry.example.com/team/app:1.4.2",
        image().document.digest,
        "2026-11-01 12:00:00 UTC",
        "41.2 MB",
        "2 layers and the config",
        "docker pull registry.example.com/team/app:1.4.2",
        "org.opencontainers.image.source",
        "signature",
    ):
        assert expected in text


async def test_config_shows_what_a_container_runs_and_hostile_values_as_text() -> None:
    app = DetailsApp()
    async with app.run_test(size=(90, 40)) as pilot:
        app.details.show(image())
        app.details.focus_list()
        await pilot.press("]", "]")
        text = app.screen_text()
        assert app.details.title_text == "Overview Manifest [Config] Layers Packages"
    for expected in ("/bin/app --port '80 80'", "8080/tcp", "/data", "root (none is set)", "PATH"):
        assert expected in text
    assert "\\x1b[31m[bold]x[/]\\u202e" in text
    assert "\x1b" not in text


async def test_layers_join_history_and_enter_asks_for_the_files() -> None:
    app = DetailsApp()
    async with app.run_test(size=(90, 40)) as pilot:
        app.details.show(image())
        app.details.focus_list()
        await pilot.press("[", "[")
        rows = app.screen_text().splitlines()
        assert "27.1 MB" in rows[1]
        assert "ADD rootfs in /" in rows[1]
        assert "·" in rows[2]
        assert "ENV PATH=/bin" in rows[2]
        assert "14.1 MB" in rows[3]
        assert "RUN pip install app" in rows[3]
        await pilot.press("G", "enter")
        await pilot.pause()
    assert app.heard == [(1, LAYERS[1][0])]


async def test_the_manifest_folds_and_its_descriptors_lead_on() -> None:
    app = DetailsApp()
    async with app.run_test(size=(120, 40)) as pilot:
        app.details.show(image())
        app.details.focus_list()
        await pilot.press("]")
        text = app.screen_text()
        assert '"mediaType": "application/vnd.oci.image.manifest.v1+json"' in text
        assert "27.1 MB" in text  # a folded layer says what it links to
        await pilot.press("G", "k", "k", "l")  # the last layer, unfolded
        assert f'"digest": "{LAYERS[1][0]}"' in app.screen_text()
        await pilot.press("enter")
        await pilot.pause()
        assert app.details.title_text == "Overview Manifest Config [Layers] Packages"
        assert app.details.current_layer is not None
        assert app.details.current_layer[0].digest == LAYERS[1][0]
        (place,) = app.heard
        app.details.go(place)
        assert app.details.title_text == "Overview [Manifest] Config Layers Packages"
        assert app.details.place == place


async def test_an_index_lists_its_platforms_and_enters_them() -> None:
    app = DetailsApp()
    async with app.run_test(size=(60, 30)) as pilot:
        app.details.show(index())
        app.details.focus_list()
        await pilot.press("[")
        assert app.details.title_text == "Overview Manifest [Platforms]"
        text = app.screen_text()
        assert "linux/amd64" in text
        assert "attestation" in text
        await pilot.press("j", "enter")
        await pilot.pause()
    assert app.heard == [APP.at(digest=digest_of(b"arm64"))]


async def test_the_tab_stays_from_image_to_image_and_falls_back_where_there_is_none() -> None:
    app = DetailsApp()
    async with app.run_test(size=(60, 30)) as pilot:
        app.details.show(image())
        app.details.focus_list()
        await pilot.press("[")
        app.details.show(index())
        assert app.details.title_text == "[Overview] Manifest Platforms"


async def test_a_failure_stands_in_its_place_with_what_to_do() -> None:
    app = DetailsApp()
    async with app.run_test(size=(60, 30)):
        app.details.show(image())
        app.details.fail(NotFound("registry.example.com/team/app has no tag 1.4.2", status=404))
        text = app.screen_text()
    assert "has no tag 1.4.2" in text
    assert "Press r to try again" in " ".join(text.split())


async def test_a_config_that_can_not_be_read_says_why_in_its_tab() -> None:
    app = DetailsApp()
    broken = NotFound("The config is missing", status=404)
    manifest = json.loads(image().document.raw)
    async with app.run_test(size=(60, 30)) as pilot:
        app.details.show(inspected(manifest, config_error=broken))
        app.details.focus_list()
        await pilot.press("]", "]")
        assert "The config is missing" in app.screen_text()


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (20, 5)])
async def test_it_fits_anywhere(size: tuple[int, int]) -> None:
    app = DetailsApp()
    async with app.run_test(size=size) as pilot:
        for what in (image(), index()):
            app.details.show(what)
            app.details.focus_list()
            await pilot.press("]", "]", "]", "down", "enter")


async def test_a_tab_that_was_hidden_when_it_was_filled_is_laid_out_for_the_room_it_gets() -> None:
    app = DetailsApp()
    async with app.run_test(size=(90, 40)) as pilot:
        app.details.show(image())
        app.details.focus_list()
        await pilot.press("]", "]")
        await pilot.pause()
        drawn = [strip.text for strip in app.screen._compositor.render_strips()]
        assert any("Entrypoint" in line and "/bin/app --port '80 80'" in line for line in drawn)
        await pilot.resize_terminal(40, 30)
        await pilot.pause()
        drawn = [strip.text for strip in app.screen._compositor.render_strips()]
        assert all(len(line) <= 40 for line in drawn)
        assert any("/bin/app --port" in line for line in drawn)
