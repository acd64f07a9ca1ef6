"""A small Debian, believable in its paths, its packages and its quirks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from regtui.embedded.demo.contents import binary, lines, prose, words
from regtui.embedded.demo.tree import Tree
from regtui.embedded.demo.writer import ago

TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu", "arm/v7": "arm-linux-gnueabihf"}

_PROGRAMS = words(
    "awk bash base64 basename cat chgrp chmod chown cksum clear cmp comm cp csplit cut date dd df diff dir "
    "dircolors dirname du echo env expand expr factor false find flock fold free getent grep groups gzip head "
    "hostid id infocmp install join kill ldd ln locale login ls mawk md5sum mkdir mkfifo mknod mktemp more mv "
    "nice nl nohup nproc od paste perl5.40.1 pgrep printf ps pwd readlink realpath rm rmdir sed seq sha256sum "
    "shred sleep sort split stat stty sum sync tac tail tar tee test timeout touch tr true tty uname uniq unlink "
    "uptime users wc which who whoami xargs"
)
_LARGE = {"bash": 52_000, "perl5.40.1": 150_000, "tar": 21_000, "find": 16_000, "grep": 12_000, "sed": 9_000}
_SETUID = {"chfn": 0o4755, "chsh": 0o4755, "gpasswd": 0o4755, "mount": 0o4755, "newgrp": 0o4755, "passwd": 0o4755}
_SETUID |= {"su": 0o4755, "umount": 0o4755, "chage": 0o2755, "expiry": 0o2755}
_LIBRARIES = {
    "libc.so.6": 420_000,
    "libm.so.6": 160_000,
    "libpthread.so.0": 3_000,
    "libcrypto.so.3": 640_000,
    "libssl.so.3": 140_000,
    "libz.so.1.3.1": 24_000,
    "liblzma.so.5.8.1": 38_000,
    "libzstd.so.1.5.7": 120_000,
    "libpcre2-8.so.0.14.0": 110_000,
    "libselinux.so.1": 30_000,
    "libtinfo.so.6.5": 32_000,
    "libstdc++.so.6.0.33": 260_000,
    "libgcc_s.so.1": 26_000,
    "libsystemd.so.0.40.0": 140_000,
}
_PACKAGES = words(
    "apt base-files base-passwd bash bsdutils coreutils dash debconf debian-archive-keyring debianutils diffutils "
    "dpkg findutils gcc-14-base gpgv grep gzip hostname init-system-helpers libacl1 libapt-pkg7.0 libattr1 "
    "libaudit1 libbz2-1.0 libc-bin libc6 libcap2 libcrypt1 libgcc-s1 libgmp10 liblz4-1 liblzma5 libmount1 "
    "libpam0g libpcre2-8-0 libselinux1 libssl3t64 libstdc++6 libsystemd0 libtinfo6 libzstd1 login mawk mount "
    "ncurses-base passwd perl-base sed sysvinit-utils tar tzdata util-linux zlib1g"
)


@dataclass(frozen=True, slots=True)
class Release:
    number: str
    codename: str
    version: str
    built: datetime


BOOKWORM = Release("12", "bookworm", "12.12", ago(140.2))
TRIXIE = Release("13", "trixie", "13.2", ago(104.6))


def root(release: Release, architecture: str, *, slim: bool) -> Tree:
    """The file system of `debian:RELEASE`, or of its slim variant, which goes without documentation."""
    tree = Tree(release.built)
    for name in ("bin", "lib", "lib64", "sbin"):
        tree.symlink(name, f"usr/{name}")
    for name in ("boot", "dev", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys"):
        tree.folder(name)
    tree.folder("root", 0o700)
    tree.folder("tmp", 0o1777)
    _settings(tree, release)
    _programs(tree, release, architecture)
    _libraries(tree, release, architecture)
    packages(tree, architecture, release, _PACKAGES)
    if not slim:
        for package in _PACKAGES:
            tree.file(f"usr/share/doc/{package}/changelog.Debian.gz", binary(f"changelog {package}", 4_500))
            tree.file(f"usr/share/man/man1/{package}.1.gz", binary(f"manual {package}", 3_500))
    tree.symlink("var/lock", "/run/lock")
    tree.symlink("var/run", "/run")
    return tree


def packages(tree: Tree, architecture: str, release: Release, names: Iterable[str]) -> None:
    """What dpkg keeps about installed packages; a layer that installs some has the whole status file again."""
    status = []
    for name in names:
        status.append(
            f"Package: {name}\nStatus: install ok installed\nPriority: required\nSection: admin\n"
            f"Installed-Size: {len(name) * 97}\nMaintainer: Debian Developers <debian-devel@lists.debian.org>\n"
            f"Architecture: {'armhf' if architecture == 'arm/v7' else architecture}\n"
            f"Version: {package_version(name, release)}\nDescription: {name} for the demo\n"
        )
        tree.file(f"var/lib/dpkg/info/{name}.list", lines("/.", "/usr", f"/usr/share/doc/{name}/copyright"))
        tree.file(f"usr/share/doc/{name}/copyright", prose(f"copyright {name}", 1_800))
    tree.file("var/lib/dpkg/status", "\n".join(status).encode())


def with_packages(tree: Tree, architecture: str, release: Release, *names: str) -> None:
    """What `apt-get install NAMES` leaves, its lists and caches removed as good Dockerfiles do."""
    for name in names:
        tree.file(f"usr/lib/{TRIPLETS[architecture]}/{name}.so.5", binary(f"{name} {architecture}", 90_000))
    packages(tree, architecture, release, sorted((*_PACKAGES, *names)))
    tree.file("var/log/dpkg.log", lines(*(f"2026-11-02 09:14:11 install {name}" for name in names)))
    tree.file("var/log/apt/history.log", lines("Commandline: apt-get install -y --no-install-recommends", *names))
    tree.file("etc/ssl/certs/ca-certificates.crt", prose("certificates", 200_000))
    tree.file("etc/ld.so.cache", binary(f"cache {names}", 9_000))
    tree.opaque("var/lib/apt/lists")
    tree.opaque("var/cache/apt")


def package_version(name: str, release: Release) -> str:
    seed = sum(name.encode())
    return f"{seed % 9 + 1}.{seed % 31}.{seed % 7}-{seed % 5 + 1}+deb{release.number}u{seed % 3 + 1}"


def _settings(tree: Tree, release: Release) -> None:
    tree.file("etc/debian_version", lines(release.version))
    tree.file(
        "usr/lib/os-release",
        lines(
            f'PRETTY_NAME="Debian GNU/Linux {release.number} ({release.codename})"',
            'NAME="Debian GNU/Linux"',
            f'VERSION_ID="{release.number}"',
            f'VERSION="{release.number} ({release.codename})"',
            f"VERSION_CODENAME={release.codename}",
            "ID=debian",
            'HOME_URL="https://www.debian.org/"',
        ),
    )
    tree.symlink("etc/os-release", "../usr/lib/os-release")
    users = ("root:x:0:0:root:/root:/bin/bash", "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin")
    tree.file("etc/passwd", lines(*users, "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin"))
    tree.file("etc/group", lines("root:x:0:", "shadow:x:42:", "nogroup:x:65534:"))
    tree.file("etc/shadow", lines("root:*:20412:0:99999:7:::", "nobody:*:20412:0:99999:7:::"), 0o640, group=42)
    tree.file(
        f"etc/apt/sources.list.d/{release.codename}.sources", lines("Types: deb", "URIs: http://deb.debian.org/debian")
    )
    for name in (
        "bash.bashrc",
        "profile",
        "login.defs",
        "nsswitch.conf",
        "pam.conf",
        "security/limits.conf",
        "skel/.bashrc",
    ):
        tree.file(f"etc/{name}", prose(name, 1_200))
    tree.file(f"var/lib/apt/lists/deb.debian.org_debian_dists_{release.codename}_InRelease", prose("InRelease", 40_000))
    tree.file("var/log/dpkg.log", prose("dpkg.log", 6_000))


def _programs(tree: Tree, release: Release, architecture: str) -> None:
    for name in _PROGRAMS:
        made = binary(f"{name} {release.number} {architecture}", _LARGE.get(name, 2_000 + len(name) * 300))
        tree.file(f"usr/bin/{name}", made, 0o755)
    for name, mode in _SETUID.items():
        group = 42 if mode == 0o2755 else 0
        tree.file(f"usr/bin/{name}", binary(f"{name} {release.number} {architecture}", 5_000), mode, group=group)
    tree.hard_link("usr/bin/perl", "usr/bin/perl5.40.1")
    tree.file("usr/bin/gunzip", lines("#!/bin/sh", 'exec gzip -d "$@"'), 0o755)
    tree.hard_link("usr/bin/uncompress", "usr/bin/gunzip")
    tree.symlink("usr/bin/sh", "bash")
    tree.symlink("usr/bin/vi", "/etc/alternatives/vi")
    tree.file("usr/sbin/ldconfig", binary(f"ldconfig {architecture}", 60_000), 0o755)


def _libraries(tree: Tree, release: Release, architecture: str) -> None:
    folder = f"usr/lib/{TRIPLETS[architecture]}"
    for name, size in _LIBRARIES.items():
        tree.file(f"{folder}/{name}", binary(f"{name} {release.number} {architecture}", size))
        stem, _, number = name.partition(".so.")
        if "." in number:
            tree.symlink(f"{folder}/{stem}.so.{number.partition('.')[0]}", name)
    if architecture == "amd64":
        tree.symlink("usr/lib64/ld-linux-x86-64.so.2", f"../lib/{TRIPLETS[architecture]}/ld-linux-x86-64.so.2")
