"""The steps that the demo's images begin with, and the repositories of base images."""

from __future__ import annotations

from datetime import datetime

from regtui.embedded.demo import alpine, debian, python
from regtui.embedded.demo.contents import binary, lines, prose
from regtui.embedded.demo.tree import Tree
from regtui.embedded.demo.writer import Recipe, Shelf, Step, Writer, ago
from regtui.oci.manifest import Descriptor

PATH = "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


def debian_steps(shelf: Shelf, release: debian.Release, architecture: str, slim: bool = True) -> list[Step]:
    name = f"debian {release.number} {architecture} {slim}"
    layer = shelf.layer(name, lambda: debian.root(release, architecture, slim=slim))
    built = f"@{int(release.built.timestamp())}"
    return [Step(f"# debian.sh --arch '{architecture}' out/ '{release.codename}' '{built}'", release.built, layer)]


def alpine_steps(shelf: Shelf, version: str, architecture: str) -> list[Step]:
    built = alpine.RELEASES[version]
    layer = shelf.layer(f"alpine {version} {architecture}", lambda: alpine.root(version, architecture))
    archive = f"alpine-minirootfs-{version}-{alpine.MACHINES[architecture]}.tar.gz"
    return [Step(f"ADD {archive} / # buildkit", built, layer), Step('CMD ["/bin/sh"]', built)]


def python_steps(shelf: Shelf, architecture: str) -> list[Step]:
    layer = shelf.layer(f"python {architecture}", lambda: python.runtime(architecture))
    return [
        Step(f"ENV {PATH}", python.BUILT),
        Step(f"ENV PYTHON_VERSION={python.VERSION}", python.BUILT),
        Step("RUN /bin/sh -c set -eux; wget -O python.tar.xz …; make install # buildkit", python.BUILT, layer),
        Step('CMD ["python3"]', python.BUILT),
    ]


def base_alpine(writer: Writer) -> None:
    """Docker's schema 2, one platform; four names on the newest."""
    for version, names in (
        ("3.20.8", ["3.20.8", "3.20"]),
        ("3.21.5", ["3.21.5", "3.21"]),
        ("3.22.2", ["3.22.2", "3.22", "3", "latest"]),
    ):
        execution = {"Env": [PATH], "Cmd": ["/bin/sh"], "WorkingDir": "/"}
        steps = alpine_steps(writer.shelf, version, "amd64")
        writer.tag(writer.image(Recipe(steps, execution, docker=True)), *names)


def base_debian(writer: Writer) -> None:
    """Docker manifest lists of two and three platforms, with slim variants."""
    for release in (debian.BOOKWORM, debian.TRIXIE):
        for suffix in ("", "-slim"):
            three = release is debian.TRIXIE and not suffix
            architectures = ("amd64", "arm64", "arm/v7") if three else ("amd64", "arm64")
            images = [_debian(writer, release, architecture, bool(suffix)) for architecture in architectures]
            names = [f"{name}{suffix}" for name in (release.number, release.version, release.codename)]
            writer.tag(writer.index(*images, docker=True), *names, *(["latest"] if three else []))


def nginx(writer: Writer) -> None:
    """An image as official ones are: an index, a few layers, ports and a stop signal."""
    for version, release, age, names in (
        ("1.28.0", debian.BOOKWORM, 101.0, ["1.28.0", "1.28", "stable"]),
        ("1.29.2", debian.TRIXIE, 38.6, ["1.29.2"]),
        ("1.29.3", debian.TRIXIE, 19.7, ["1.29.3", "1.29", "1", "mainline", "latest"]),
    ):
        images = [_nginx(writer, version, release, architecture, ago(age)) for architecture in ("amd64", "arm64")]
        writer.tag(writer.index(*images), *names)


def _debian(writer: Writer, release: debian.Release, architecture: str, slim: bool) -> Descriptor:
    steps = [*debian_steps(writer.shelf, release, architecture, slim), Step('CMD ["bash"]', release.built)]
    return writer.image(Recipe(steps, {"Env": [PATH], "Cmd": ["bash"]}, f"linux/{architecture}", docker=True))


def _nginx(writer: Writer, version: str, release: debian.Release, architecture: str, made: datetime) -> Descriptor:
    def server() -> Tree:
        tree = Tree(made)
        debian.with_packages(tree, architecture, release, "libpcre3", "libgeoip1")
        tree.file("usr/sbin/nginx", binary(f"nginx {version} {architecture}", 1_100_000), 0o755)
        for name in ("nginx.conf", "mime.types", "conf.d/default.conf"):
            tree.file(f"etc/nginx/{name}", prose(name, 1_400))
        tree.file("usr/share/nginx/html/index.html", b"<h1>Welcome to nginx</h1>\n")
        tree.symlink("var/log/nginx/access.log", "/dev/stdout")
        tree.symlink("var/log/nginx/error.log", "/dev/stderr")
        return tree

    def entrypoint() -> Tree:
        tree = Tree(ago(300))
        tree.file("docker-entrypoint.sh", lines("#!/bin/sh", "set -e", 'exec "$@"'), 0o755)
        return tree

    installed = writer.shelf.layer(f"nginx {version} {architecture}", server)
    steps = [
        *debian_steps(writer.shelf, release, architecture),
        Step("LABEL maintainer=NGINX Docker Maintainers", made),
        Step(f"ENV NGINX_VERSION={version}", made),
        Step("RUN /bin/sh -c set -x && groupadd --system --gid 101 nginx && apt-get … # buildkit", made, installed),
        Step("COPY docker-entrypoint.sh / # buildkit", made, writer.shelf.layer("nginx entrypoint", entrypoint)),
        Step('ENTRYPOINT ["/docker-entrypoint.sh"]', made),
        Step("EXPOSE map[80/tcp:{}]", made),
        Step("STOPSIGNAL SIGQUIT", made),
        Step('CMD ["nginx" "-g" "daemon off;"]', made),
    ]
    execution = {
        "ExposedPorts": {"80/tcp": {}},
        "Env": [PATH, f"NGINX_VERSION={version}"],
        "Entrypoint": ["/docker-entrypoint.sh"],
        "Cmd": ["nginx", "-g", "daemon off;"],
        "Labels": {"maintainer": "NGINX Docker Maintainers"},
        "StopSignal": "SIGQUIT",
    }
    return writer.image(Recipe(steps, execution, f"linux/{architecture}"))
