"""What a file is, by its content: real programs of this machine, small files made here, and broken ones."""

from __future__ import annotations

import gzip
import importlib.util
import marshal
import sqlite3
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.operations.file_kinds import FileKind, kind_of

SHELL = Path("/bin/sh").resolve().read_bytes()


def kind(data: bytes, path: str = "file") -> FileKind:
    return kind_of(path, data, len(data))


def png(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


# Text


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"root:x:0:0\n", "UTF-8"),
        ("Grüße, 世界\n".encode() * 9000, "UTF-8"),
        ("Viele Grüße\n".encode("latin-1"), "not all of it UTF-8"),
        (b"\xef\xbb\xbfhello\n", "UTF-8 with a byte order mark"),
        ("hello\n".encode("utf-16"), "UTF-16LE"),
        (b"\xfe\xff" + "hello\n".encode("utf-16-be"), "UTF-16BE"),
        (b"\x1b[31mred\x1b[0m\n", "UTF-8"),
    ],
)
def test_text_and_how_it_is_encoded(data: bytes, encoding: str) -> None:
    assert (kind(data).name, kind(data).encoding) == ("text", encoding)


def test_a_character_that_the_sample_cuts_makes_a_text_no_worse() -> None:
    for shift in range(4):
        assert kind(b"x" * shift + "€".encode() * 40_000).encoding == "UTF-8"


@pytest.mark.parametrize("data", [b"\0\1\2\3", bytes(range(1, 32)) * 20, bytes(range(128, 256)) * 20])
def test_what_is_none(data: bytes) -> None:
    assert (kind(data).name, kind(data).is_text) == ("binary data", False)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"#!/bin/sh\n", "script for sh"),
        (b"#! /usr/bin/env python3 -u\n", "script for python3"),
        (b"#!/usr/bin/env -S deno run\n", "script for deno"),
        (b"#!/usr/bin/\x1b[31m\n", "script for \\x1b[31m"),
        (b"#!\n", "text"),
    ],
)
def test_a_script_says_what_runs_it(line: bytes, name: str) -> None:
    assert kind(line).name == name
    assert kind(line).is_text


def test_an_empty_file() -> None:
    assert kind(b"").name == "empty file"


# ELF


def test_a_program_of_this_machine() -> None:
    found = kind(SHELL)
    facts = dict(found.facts)
    assert (found.name, found.is_text) == ("ELF program", False)
    assert "64-bit" in facts["Machine"]
    assert "ld-" in facts["Interpreter"]
    assert "libc.so" in facts["Needs"]
    assert (facts["Linked"], facts["Symbols"]) == ("dynamically", "stripped")
    said = subprocess.run(["readelf", "-n", "/bin/sh"], capture_output=True, text=True, check=False).stdout
    assert not said or f"Build ID: {facts['Build ID']}" in said


def test_a_shared_library_has_a_name() -> None:
    found = next(Path("/").glob("lib/*/libc.so.6"), None) or Path("/lib64/libc.so.6")
    assert kind(found.read_bytes()).name == "ELF shared library"
    assert dict(kind(found.read_bytes()).facts)["Name"] == "libc.so.6"


def test_of_a_beginning_what_it_tells() -> None:
    found = kind_of("sh", SHELL[:20_000], len(SHELL))
    assert found.name.startswith("ELF") or "only the beginning was read" in found.name
    assert "Symbols" not in dict(found.facts)
    assert kind(b"\x7fELF").name == "an ELF file that can't be read"


@given(st.data())
def test_a_broken_one_says_so_and_never_more(data: st.DataObject) -> None:
    broken = bytearray(SHELL[: data.draw(st.integers(5, 4096))])
    for _ in range(data.draw(st.integers(0, 8))):
        broken[data.draw(st.integers(4, len(broken) - 1))] = data.draw(st.integers(0, 255))
    assert "ELF" in kind(bytes(broken)).name


def test_one_that_is_made_to_take_for_ever() -> None:
    endless = bytearray(SHELL)
    struct.pack_into("<H", endless, 56, 0xFFFF)  # e_phnum: headers that are no headers
    struct.pack_into("<H", endless, 60, 0xFFFF)  # e_shnum
    began = time.process_time()
    kind(bytes(endless) + b"\0" * 2**22)
    assert time.process_time() - began < 10


# Others


@pytest.mark.parametrize(
    ("data", "name", "pixels"),
    [
        (png(640, 48), "PNG picture", "640 x 48"),
        (b"GIF89a" + struct.pack("<HH", 3, 4) + b"\0" * 20, "GIF picture", "3 x 4"),
        (b"BM" + b"\0" * 12 + struct.pack("<Iii", 40, 17, 19) + b"\0" * 20, "BMP picture", "17 x 19"),
        (b"\xff\xd8\xff\xc0\0\x11\x08" + struct.pack(">HH", 5, 7) + b"\0" * 20, "JPEG picture", "7 x 5"),
        (b"\0\0\1\0\2\0\x10\0" + b"\0" * 40, "icon (ICO)", "16 x 256, the first of 2"),
        (b"RIFF\0\0\0\0WEBPVP8X" + b"\x0a\0\0\0\0\0\0\0\x0f\0\0\x1f\0\0" + b"\0" * 9, "WebP picture", "16 x 32"),
        (b"\x89PNG\r\n\x1a\n", "PNG picture", "can't be read"),
        (b"\xff\xd8" + b"\xff" * 3_000_000, "JPEG picture", "can't be read"),
    ],
)
def test_a_picture_says_its_pixels(data: bytes, name: str, pixels: str) -> None:
    assert kind(data) == FileKind(name, facts=(("Pixels", pixels),))


def test_an_svg_is_text() -> None:
    found = kind(b'<?xml version="1.0"?><svg width="9" height="9"/>\n')
    assert (found.name, found.is_text) == ("SVG picture", True)


def test_a_text_that_begins_as_a_bitmap_does_is_none() -> None:
    assert kind(b"BMW and others\n").name == "text"


@given(
    st.sampled_from([b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff", b"BM", b"\0\0\1\0", b"xxxxxxxxWEBPVP8"]),
    st.binary(),
)
def test_a_broken_picture_raises_nothing(head: bytes, rest: bytes) -> None:
    assert kind(head + rest).name


def test_a_database(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "db") as database:
        database.execute("create table a (b)")
    database.close()
    assert kind((tmp_path / "db").read_bytes()) == FileKind("SQLite database", facts=(("Pages", "2 of 4,096 bytes"),))


def test_bytecode_says_its_python() -> None:
    code = importlib.util.MAGIC_NUMBER + b"\0" * 12 + marshal.dumps(compile("1", "a.py", "exec"))
    assert kind(code, "a.pyc").name == f"Python {sys.version_info[0]}.{sys.version_info[1]} bytecode"
    assert kind(b"\xff\xff\r\n" + b"\0" * 12, "a.pyc").name == "Python bytecode"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (gzip.compress(b"x", mtime=0), "gzip archive"),
        (b"\x28\xb5\x2f\xfd\0\0", "zstd archive"),
        (b"\xfd7zXZ\0\0", "xz archive"),
        (b"!<arch>\ndebian-binary   ", "Debian package"),
        (b"PK\x03\x04\0\0", "zip archive"),
    ],
)
def test_archives(data: bytes, name: str) -> None:
    assert kind(data).name == name
