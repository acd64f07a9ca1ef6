"""A small Alpine: BusyBox and its links."""

from __future__ import annotations

from regtui.embedded.demo.contents import binary, lines, prose, words
from regtui.embedded.demo.tree import Tree
from regtui.embedded.demo.writer import ago

_APPLETS = words(
    "arch ash base64 cat chgrp chmod chown cp date dd df dmesg echo ed egrep false fgrep grep gunzip gzip "
    "hostname kill link ln login ls mkdir mknod mktemp more mount mv netstat nice ping ps pwd rm rmdir sed sh "
    "sleep stat su sync tar touch true umount uname usleep watch zcat"
)
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_PACKAGES = words(
    "alpine-baselayout alpine-keys apk-tools busybox ca-certificates-bundle libcrypto3 libssl3 musl musl-utils scanelf "
    "ssl_client zlib"
)


RELEASES = {"3.20.8": ago(486.2), "3.21.5": ago(157.5), "3.22.2": ago(43.1)}
"""Version → when it was built."""


def root(version: str, architecture: str) -> Tree:
    """The file system of `alpine:VERSION` for `amd64` or `arm64`."""
    machine = MACHINES[architecture]
    tree = Tree(RELEASES[version])
    tree.file("bin/busybox", binary(f"busybox {version} {machine}", 810_000), 0o755)
    for name in _APPLETS:
        tree.symlink(f"bin/{name}", "/bin/busybox")
    tree.file("bin/bbsuid", binary(f"bbsuid {machine}", 14_000), 0o4111)
    for name in ("dev", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys"):
        tree.folder(name)
    tree.folder("root", 0o700)
    tree.folder("tmp", 0o1777)
    tree.file("etc/alpine-release", lines(version))
    tree.file("etc/os-release", lines('NAME="Alpine Linux"', "ID=alpine", f"VERSION_ID={version}"))
    tree.file("etc/passwd", lines("root:x:0:0:root:/root:/bin/sh", "nobody:x:65534:65534:nobody:/:/sbin/nologin"))
    tree.file("etc/shadow", lines("root:*::0:::::", "nobody:!::0:::::"), 0o640, group=42)
    tree.file(
        "etc/apk/repositories", lines(f"https://dl-cdn.alpinelinux.org/alpine/v{version.rpartition('.')[0]}/main")
    )
    tree.file("etc/ssl/certs/ca-certificates.crt", prose("certificates", 120_000))
    tree.symlink("etc/ssl/cert.pem", "certs/ca-certificates.crt")
    tree.file(f"lib/ld-musl-{machine}.so.1", binary(f"musl {version} {machine}", 620_000), 0o755)
    tree.symlink(f"lib/libc.musl-{machine}.so.1", f"ld-musl-{machine}.so.1")
    tree.file("usr/lib/libcrypto.so.3", binary(f"libcrypto {version} {machine}", 1_400_000), 0o755)
    tree.file("usr/lib/libssl.so.3", binary(f"libssl {version} {machine}", 260_000), 0o755)
    tree.file("sbin/apk", binary(f"apk {version} {machine}", 70_000), 0o755)
    tree.file("lib/apk/db/installed", _installed(version, machine))
    tree.symlink("var/run", "../run")
    return tree


def _installed(version: str, machine: str) -> bytes:
    """apk's list of what is installed."""
    entries = (f"P:{name}\nV:{version}-r{len(name) % 4}\nA:{machine}\nL:MIT\n" for name in _PACKAGES)
    return "\n".join(entries).encode()
