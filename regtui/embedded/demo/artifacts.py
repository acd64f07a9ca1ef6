"""What is no image: Helm charts, and a model of a media type that nobody knows."""

from __future__ import annotations

from datetime import datetime
from random import Random

import msgspec

from regtui.embedded.demo.contents import lines, prose
from regtui.embedded.demo.tree import Tree
from regtui.embedded.demo.writer import Writer, ago, written
from regtui.oci import media_types
from regtui.oci.manifest import Descriptor

_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_PROVENANCE = "application/vnd.cncf.helm.chart.provenance.v1.prov"


def chart_app(writer: Writer) -> None:
    for version, app, age in (("0.9.0", "v1.10.0", 121.0), ("1.0.0", "v1.11.0", 92.5), ("1.1.0", "v1.12.0", 60.3)):
        writer.tag(_chart(writer, "app", version, app, ago(age)), version)
    writer.tag(_chart(writer, "app", "1.2.0", "v1.14.0", ago(10.8), signed=True), "1.2.0")


def chart_redis(writer: Writer) -> None:
    for version, age in (("23.1.1", 49.0), ("23.2.0+build.7", 16.1)):
        writer.tag(_chart(writer, "redis", version, "8.2.3", ago(age)), version.replace("+", "_"))


def ranker(writer: Writer) -> None:
    """Weights, their metrics and a licence, by the month."""
    for month, age, loss in (("2026-09", 66.0, 0.2217), ("2026-10", 34.0, 0.2104), ("2026-11", 3.3, 0.2069)):
        annotations = {
            "org.opencontainers.image.created": written(ago(age)),
            "org.opencontainers.image.title": "ranker",
        }
        artifact = writer.artifact(
            "application/vnd.example.ranker.model.v2",
            _titled(writer, "weights.safetensors", Random(month).randbytes(6_200_000), "application/octet-stream"),
            _titled(writer, "metrics.json", msgspec.json.encode({"loss": loss, "epochs": 12}), "application/json"),
            _titled(writer, "LICENSE", prose("licence ranker", 4_000), "text/plain"),
            annotations=annotations,
        )
        writer.tag(artifact, month, *(["current"] if month == "2026-11" else []))


def _chart(writer: Writer, name: str, version: str, app: str, made: datetime, *, signed: bool = False) -> Descriptor:
    """A chart as `helm push` writes it: its Chart.yaml as JSON for a config, its archive for a layer."""
    chart = {"apiVersion": "v2", "name": name, "version": version, "appVersion": app, "type": "application"}
    chart["description"] = f"Runs {name} in a cluster"

    def files() -> Tree:
        tree = Tree(made)
        tree.file(f"{name}/Chart.yaml", lines(*(f"{key}: {value}" for key, value in chart.items())))
        tree.file(f"{name}/values.yaml", prose(f"values {name}", 3_100))
        tree.file(f"{name}/templates/_helpers.tpl", prose(f"helpers {name}", 1_900))
        for kind in ("deployment", "service", "ingress", "configmap", "serviceaccount", "tests/connection"):
            tree.file(f"{name}/templates/{kind}.yaml", prose(f"{kind} {name} {version}", 1_500))
        tree.file(f"{name}/README.md", prose(f"readme {name}", 5_200))
        return tree

    layers = [writer.put(writer.shelf.layer(f"chart {name} {version}", files, _CHART))]
    if signed:
        layers.append(writer.blob(prose("provenance", 900), _PROVENANCE))
    annotations = {
        "org.opencontainers.image.created": written(made),
        "org.opencontainers.image.title": name,
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.description": chart["description"],
    }
    config = writer.blob(msgspec.json.encode(chart), media_types.HELM_CONFIG)
    return writer.artifact("", *layers, config=config, annotations=annotations)


def _titled(writer: Writer, name: str, data: bytes, media_type: str) -> Descriptor:
    return writer.blob(data, media_type, {"org.opencontainers.image.title": name})
