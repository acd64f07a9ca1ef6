"""The demo's own applications: `team/app` and what stands below and beside it."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from regtui.embedded.demo import debian, python
from regtui.embedded.demo.bases import PATH, alpine_steps, debian_steps, python_steps
from regtui.embedded.demo.contents import code, lines, prose
from regtui.embedded.demo.supply import attestation_child, attestation_of, sbom_of, signature_of
from regtui.embedded.demo.tree import Tree
from regtui.embedded.demo.versions import floating, versions
from regtui.embedded.demo.writer import Recipe, Step, Writer, ago, written
from regtui.oci.manifest import Descriptor

_WEB = (
    ("fastapi", "0.121.2"),
    ("starlette", "0.49.3"),
    ("uvicorn", "0.38.0"),
    ("httpx", "0.28.1"),
    ("anyio", "4.11.0"),
)
_TYPED = (("pydantic", "2.12.4", 0), ("pydantic-core", "2.41.5", 900_000), ("msgspec", "0.20.0", 160_000))
_ON_TWO = ("v1.13.", "v1.14.")
_USER = 10001


def app(writer: Writer) -> None:
    """400 versions, of two platforms since v1.13; a handful of names that move along with them."""
    made: dict[str, Descriptor] = {}
    for version, built in versions().items():
        architectures = ("amd64", "arm64") if version.startswith(_ON_TWO) else ("amd64",)
        images = [_app(writer, version, architecture, built) for architecture in architectures]
        made[version] = images[0] if len(images) == 1 else writer.index(*images)
        writer.tag(made[version], version)
    for name, version in floating().items():
        writer.tag(made[version], name)


def api(writer: Writer) -> None:
    """Indexes as BuildKit makes them, attestations among the images; the newest has referrers too."""
    for version, age, names in (
        ("1.3.9", 83.0, ["1.3.9", "1.3"]),
        ("1.4.0", 40.2, ["1.4.0"]),
        ("1.4.1", 9.4, ["1.4.1"]),
        ("1.4.2", 0.09, ["1.4.2", "1.4", "1", "latest"]),
        ("1.5.0-rc1", 0.02, ["1.5.0-rc1"]),
    ):
        images = [_api(writer, version, architecture, ago(age)) for architecture in ("amd64", "arm64", "arm/v7")]
        attestations = [attestation_child(writer, image, ago(age)) for image in images]
        index = writer.index(*images, *attestations)
        writer.tag(index, *names)
        if version == "1.4.2":
            for referrer in (
                signature_of(writer, index, ago(0.08)),
                sbom_of(writer, index, ago(0.08)),
                attestation_of(writer, index, ago(0.07)),
            ):
                writer.tag(referrer)


def worker(writer: Writer) -> None:
    """Images of many layers: whiteouts, opaque folders, files that are written twice."""
    shared = {"2.8.1": ["stable", "2.8", "2"], "2.9.0-beta": ["edge"]}
    for number, version in enumerate(("2.5.0", "2.6.0", "2.6.1", "2.7.0", "2.7.3", "2.8.0", "2.8.1", "2.9.0-beta")):
        image = _worker(writer, version, ago((7 - number) * 13.7 + 1.3))
        writer.tag(image, version, *shared.get(version, []))


def billing(writer: Writer) -> None:
    """Something old that nobody tends: a layer of 2.0.1 was lost by the storage."""
    for version, age in (("2.0.0", 305.0), ("2.0.1", 297.5), ("2.1.0", 212.4)):
        layer = writer.shelf.layer(f"billing {version}", partial(_billing, version, age))
        steps = [
            *debian_steps(writer.shelf, debian.BOOKWORM, "amd64"),
            Step("/bin/sh -c #(nop) COPY dir:5f0c91e4a8d2 in /srv/billing ", ago(age), layer),
            Step('/bin/sh -c #(nop)  CMD ["/srv/billing/run"]', ago(age)),
        ]
        writer.tag(writer.image(Recipe(steps, {"Cmd": ["/srv/billing/run"], "Env": [PATH]}, docker=True)), version)
        if version == "2.0.1":
            writer.lose(layer)


def sandbox(writer: Writer) -> None:
    """A repository whose last tag was deleted: an untagged image is left."""
    writer.tag(writer.image(Recipe(alpine_steps(writer.shelf, "3.21.5", "amd64"), {"Cmd": ["sh"]})))


def _app(writer: Writer, version: str, architecture: str, built: datetime) -> Descriptor:
    major, minor, _ = version.split(".", 2)
    wheels = f"{major}.{int(minor) // 3}"
    shelf = writer.shelf
    installed = shelf.layer(f"app {wheels} {architecture}", lambda: _requirements(wheels, architecture))
    source = shelf.layer(f"app {version}", lambda: _source("app", version, built))
    steps = [
        *alpine_steps(shelf, "3.22.2" if version.startswith(_ON_TWO) else "3.20.8", architecture),
        Step(
            "COPY /wheels /usr/local/lib/python3.13/site-packages # buildkit", built - timedelta(minutes=2), installed
        ),
        Step("WORKDIR /app", built - timedelta(minutes=1)),
        Step("COPY app /app # buildkit", built, source),
        Step(f"USER {_USER}", built),
        Step('CMD ["python3" "-m" "app"]', built),
    ]
    return writer.image(Recipe(steps, _execution("app", version, built), f"linux/{architecture}"))


def _api(writer: Writer, version: str, architecture: str, built: datetime) -> Descriptor:
    shelf = writer.shelf
    installed = shelf.layer(f"api packages {architecture}", lambda: _requirements("api", architecture))
    source = shelf.layer(f"api {version}", lambda: _source("api", version, built))
    steps = [
        *debian_steps(shelf, debian.TRIXIE, architecture),
        *(python_steps(shelf, architecture) if architecture != "arm/v7" else ()),
        Step("ENV PYTHONUNBUFFERED=1", built),
        Step("RUN /bin/sh -c pip install --no-cache-dir -r requirements.txt # buildkit", built, installed),
        Step("WORKDIR /app", built),
        Step("COPY api /app/api # buildkit", built, source),
        Step("EXPOSE map[8080/tcp:{}]", built),
        Step("VOLUME [/data]", built),
        Step(f"USER {_USER}", built),
        Step('ENTRYPOINT ["uvicorn" "api:app"]', built),
        Step('CMD ["--port" "8080"]', built),
    ]
    execution = _execution("api", version, built) | {
        "ExposedPorts": {"8080/tcp": {}},
        "Volumes": {"/data": {}},
        "Entrypoint": ["uvicorn", "api:app"],
        "Cmd": ["--port", "8080"],
    }
    annotations = {"org.opencontainers.image.created": written(built), "org.opencontainers.image.version": version}
    return writer.image(Recipe(steps, execution, f"linux/{architecture}", annotations=annotations))


def _worker(writer: Writer, version: str, built: datetime) -> Descriptor:
    shelf = writer.shelf
    release = debian.BOOKWORM if version < "2.8" else debian.TRIXIE
    system = shelf.layer(f"worker system {release.number}", lambda: _system(release))
    installed = shelf.layer("worker packages", lambda: _requirements("worker", "amd64"))
    source = shelf.layer(f"worker {version}", lambda: _source("worker", version, built))
    cleaned = shelf.layer("worker cleaned", _cleaned)
    steps = [
        *debian_steps(shelf, release, "amd64"),
        Step("RUN /bin/sh -c apt-get update && apt-get install -y libpq5 tini # buildkit", release.built, system),
        *python_steps(shelf, "amd64"),
        Step("RUN /bin/sh -c pip install -r requirements.txt # buildkit", built, installed),
        Step("COPY . /app # buildkit", built, source),
        Step("RUN /bin/sh -c rm -rf /app/tests /usr/local/lib/python3.13/__pycache__ # buildkit", built, cleaned),
        Step("HEALTHCHECK &{[CMD-SHELL python3 -m worker ping] 30s 5s}", built),
        Step('ENTRYPOINT ["tini" "--" "python3" "-m" "worker"]', built),
    ]
    execution = _execution("worker", version, built) | {"Entrypoint": ["tini", "--", "python3", "-m", "worker"]}
    return writer.image(Recipe(steps, execution))


def _execution(name: str, version: str, built: datetime) -> dict[str, object]:
    return {
        "User": str(_USER),
        "Env": [PATH, "PYTHONUNBUFFERED=1", f"APP_VERSION={version}"],
        "Cmd": ["python3", "-m", name],
        "WorkingDir": "/app",
        "Labels": {
            "org.opencontainers.image.title": name,
            "org.opencontainers.image.version": version,
            "org.opencontainers.image.created": written(built),
            "org.opencontainers.image.source": f"https://git.example.com/team/{name}",
            "org.opencontainers.image.licenses": "Apache-2.0",
            "com.example.team": "platform",
        },
    }


def _requirements(name: str, architecture: str) -> Tree:
    tree = Tree(ago(210))
    for package, version in _WEB[: 2 + len(name) % 4]:
        python.package(tree, package, version, architecture)
    if name in ("api", "worker"):
        for package, version, compiled in _TYPED:
            python.package(tree, package, version, architecture, compiled)
    tree.file("app/requirements.txt", lines(*(f"{package}=={version}" for package, version in _WEB)))
    return tree


def _source(name: str, version: str, built: datetime) -> Tree:
    tree = Tree(built)
    tree.file("app/VERSION", lines(version))
    tree.file(f"app/{name}/__init__.py", lines(f'__version__ = "{version}"'))
    for module in ("__main__", "routes", "models")[1 if name == "app" else 0 :]:
        tree.file(f"app/{name}/{module}.py", code(f"{name} {module} {version}", 1_200 + 500 * len(module)))
    if name != "app":
        tree.file(f"app/tests/test_{name}.py", code(f"tests {version}", 6_000))
        tree.file("app/static/app.css", prose(f"css {version}", 5_000))
        tree.symlink("app/static/current", "app.css")
        tree.file("app/config.yaml", lines("listen: 0.0.0.0:8080", f"release: {version}"), 0o640, _USER, _USER)
    return tree


def _system(release: debian.Release) -> Tree:
    tree = Tree(release.built)
    debian.with_packages(tree, "amd64", release, "libpq5", "libldap2", "tini")
    return tree


def _cleaned() -> Tree:
    tree = Tree(ago(210))
    tree.whiteout("app/tests")
    tree.whiteout(f"{python.LIBRARY}/__pycache__")
    tree.opaque(f"{python.LIBRARY}/site-packages/pip")
    tree.file(f"{python.LIBRARY}/site-packages/pip/__init__.py")
    return tree


def _billing(version: str, age: float) -> Tree:
    tree = Tree(ago(age))
    for name in ("run", "rules", "invoices", "export"):
        tree.file(f"srv/billing/{name}", code(f"billing {name} {version}", 40_000), 0o755)
    return tree
