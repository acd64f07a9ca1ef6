"""`os-release`, as os-release(5) has it."""

from __future__ import annotations

import platform
from pathlib import Path

from regtui.layers.packages.release import Release, read_release


def test_this_machine_s_is_what_python_reads() -> None:
    told = platform.freedesktop_os_release()
    read = read_release(Path("/etc/os-release").read_bytes())
    assert read == Release(told["ID"], told.get("VERSION_ID", ""), told["PRETTY_NAME"])


def test_quotes_and_escapes() -> None:
    data = b"""# a comment\nID='my linux'\nVERSION_ID=3.18.4\nPRETTY_NAME="A \\"good\\" \\$system"\nVARIANT_ID=x\n"""
    assert read_release(data) == Release("my linux", "3.18.4", 'A "good" $system')


def test_what_says_nothing() -> None:
    assert read_release(b"") == Release()
    assert read_release(b"\xff\xfe\x00ID=debian") == Release()
