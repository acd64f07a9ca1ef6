"""apk's database, as Alpine's wiki describes it ("Apk spec", installed database v2)."""

from __future__ import annotations

from regtui.layers.packages.apk import read_apk
from regtui.layers.packages.package import Package

INSTALLED = b"""\
C:Q1WPbqwEVEA+2mSvSCsuv5Hu81LeU=
P:musl
V:1.2.4-r2
A:x86_64
S:383459
I:622592
T:the musl c library (libc) implementation
U:https://musl.libc.org/
L:MIT
o:musl
m:Someone <someone@example.com>
t:1691520450
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1FSfYlhIgqVQc6MmfSp1Cr1FcR7A=

P:busybox-binsh
V:1.36.1-r5
A:x86_64
I:8192
o:busybox

P:no-version

V:1-r0

P:huge
V:1-r0
I:99999999999999999999999999
"""


def test_what_apk_has_installed() -> None:
    read = read_apk(INSTALLED, "lib/apk/db/installed", 1)
    assert read.packages[:2] == [
        Package("apk", "musl", "1.2.4-r2", "x86_64", "musl", "lib/apk/db/installed", 1, 622592),
        Package("apk", "busybox-binsh", "1.36.1-r5", "x86_64", "busybox", "lib/apk/db/installed", 1, 8192),
    ]


def test_records_without_a_name_or_a_version_are_counted() -> None:
    read = read_apk(INSTALLED, "installed", 0)
    assert read.broken == 2
    assert (read.packages[2].name, read.packages[2].size) == ("huge", None)
