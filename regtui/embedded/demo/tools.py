"""Tools as images: a signed one, a large one compressed by zstd, and one whose files have the oddest names."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from regtui.embedded.demo import debian
from regtui.embedded.demo.bases import PATH, debian_steps
from regtui.embedded.demo.contents import binary, lines, prose
from regtui.embedded.demo.supply import cosign_tags
from regtui.embedded.demo.tree import Tree
from regtui.embedded.demo.writer import ZSTD, Recipe, Step, Writer, ago


def migrate(writer: Writer) -> None:
    """A single static program, nothing below it; signed by cosign, whose tags stand among the versions."""
    for version, age, names in (
        ("4.17.1", 118.0, ["v4.17.1"]),
        ("4.18.3", 66.4, ["v4.18.3", "v4.18"]),
        ("4.19.0", 5.6, ["v4.19.0", "v4", "latest"]),
    ):
        layer = writer.shelf.layer(f"migrate {version}", partial(_migrate, version, ago(age)))
        steps = [
            Step("COPY /migrate /usr/bin/migrate # buildkit", ago(age), layer),
            Step("USER 65532", ago(age)),
            Step('ENTRYPOINT ["migrate"]', ago(age)),
        ]
        execution = {"User": "65532", "Env": [PATH], "Entrypoint": ["migrate"], "Cmd": ["--help"]}
        image = writer.image(Recipe(steps, execution))
        writer.tag(image, *names)
        if version != "4.17.1":
            cosign_tags(writer, image, ago(age))


def builder(writer: Writer) -> None:
    """Nightly builds: a compiler in a layer compressed by zstd."""
    for age, names in (
        (6.5, ["nightly-2026-11-14"]),
        (1.5, ["nightly-2026-11-19"]),
        (0.5, ["nightly-2026-11-20", "nightly"]),
    ):
        version = names[0].partition("-")[2]
        toolchain = writer.shelf.layer("builder toolchain", _toolchain, ZSTD)
        stamp = writer.shelf.layer(f"builder {version}", partial(_stamp, version, ago(age)), ZSTD)
        steps = [
            *debian_steps(writer.shelf, debian.TRIXIE, "amd64"),
            Step("RUN /bin/sh -c apt-get update && apt-get install -y gcc make # buildkit", ago(60), toolchain),
            Step("COPY build-id /etc/build-id # buildkit", ago(age), stamp),
            Step("ONBUILD RUN make", ago(age)),
            Step('SHELL ["/bin/bash" "-euc"]', ago(age)),
        ]
        execution = {"Env": [PATH, "CC=gcc-14"], "Shell": ["/bin/bash", "-euc"], "OnBuild": ["RUN make"]}
        writer.tag(writer.image(Recipe(steps, execution)), *names)


def odd_paths(writer: Writer) -> None:
    """Names and texts that a terminal must not be trusted with; every kind of entry that a tar archive has."""
    layer = writer.shelf.layer("odd paths", _odd)
    hidden = writer.shelf.layer("odd paths hidden", _hidden)
    steps = [
        Step("COPY . / # buildkit", ago(77), layer),
        Step("RUN /bin/sh -c printf '\x1b[31mred\x1b[0m' # buildkit", ago(77), hidden),
        Step('LABEL title="\u202egnp.exe"', ago(77)),
    ]
    labels = {
        "escape": "\x1b]0;title\x07\x1b[2J",
        "bidi": "\u202etxt.exe",
        "wide": "漢字 🐳",
        "empty": "",
        "long": "x" * 2_000,
    }
    execution = {
        "Env": ["PATH=/bin", "BROKEN", "=", "TAB=a\tb\nc"],
        "Cmd": ["sh", "-c", 'echo "$1"\n', ""],
        "Labels": labels,
    }
    writer.tag(writer.image(Recipe(steps, execution)), "1", "_-.-_", "A" * 128)


def _migrate(version: str, built: datetime) -> Tree:
    tree = Tree(built)
    tree.file("usr/bin/migrate", binary(f"migrate {version}", 2_700_000), 0o755)
    tree.file("etc/ssl/certs/ca-certificates.crt", prose("certificates", 200_000))
    tree.file("etc/passwd", lines("root:x:0:0:root:/root:/sbin/nologin", "nonroot:x:65532:65532::/home/nonroot:"))
    tree.folder("home/nonroot", 0o700, 65532, 65532)
    tree.folder("tmp", 0o1777)
    return tree


def _toolchain() -> Tree:
    tree = Tree(ago(60))
    debian.with_packages(tree, "amd64", debian.TRIXIE, "gcc-14", "make", "binutils", "libc6-dev")
    for name, size in (("cc1", 9_000_000), ("lto1", 7_000_000), ("collect2", 400_000), ("liblto_plugin.so", 90_000)):
        tree.file(f"usr/libexec/gcc/x86_64-linux-gnu/14/{name}", binary(f"gcc {name}", size), 0o755)
    for name in ("as", "ld.bfd", "nm", "objdump", "strip", "x86_64-linux-gnu-gcc-14"):
        tree.file(f"usr/bin/{name}", binary(f"binutils {name}", 300_000), 0o755)
    tree.hard_link("usr/bin/x86_64-linux-gnu-gcc", "usr/bin/x86_64-linux-gnu-gcc-14")
    tree.symlink("usr/bin/gcc", "x86_64-linux-gnu-gcc-14")
    tree.symlink("usr/bin/cc", "/etc/alternatives/cc")
    for name in ("stdio", "stdlib", "string", "unistd", "sys/types", "sys/socket", "linux/limits"):
        tree.file(f"usr/include/{name}.h", prose(name, 14_000))
    return tree


def _stamp(version: str, built: datetime) -> Tree:
    tree = Tree(built)
    tree.file("etc/build-id", lines(version))
    return tree


def _odd() -> Tree:
    tree = Tree(ago(77))
    for name in (
        "latin-1 caf\udce9.txt",
        "new\nline",
        "tab\tand\x1b[31mred\x1b[0m",
        "rlo\u202egnp.exe",
        "zero\u200bwidth",
        "漢字/かな/🐳",
        " leading and trailing ",
        "-rf",
        "quote'\"`$(reboot)",
        "[bold]markup[/bold]",
        "back\\slash",
        "a" * 255,
        "/".join(["deep"] * 60),
    ):
        tree.file(f"odd/{name}", name.encode("utf-8", "surrogateescape"))
    tree.file("odd/empty")
    tree.file("odd/set-user-id", b"#!", 0o4755)
    tree.file("odd/set-group-id", b"#!", 0o2755, group=42)
    tree.file("odd/nobody may read this", b"secret", 0, 4_000_000_000 & 0x1FFFFF, 65534)
    tree.folder("odd/sticky", 0o1777)
    tree.hard_link("odd/hard link", "odd/empty", 0o644)
    tree.symlink("odd/loop", "loop")
    tree.symlink("odd/outside", "../../../../etc/shadow")
    tree.symlink("odd/dangling", "nowhere/\x1b[7m")
    tree.device("odd/console", 5, 1)
    tree.device("odd/loop0", 7, 0, block=True)
    tree.pipe("odd/pipe")
    return tree


def _hidden() -> Tree:
    tree = Tree(ago(77))
    tree.whiteout("odd/-rf")
    tree.whiteout("odd/never was there")
    tree.opaque("odd/漢字")
    tree.file("odd/漢字/new")
    tree.file("odd/sticky", b"a file where a folder was")
    return tree
