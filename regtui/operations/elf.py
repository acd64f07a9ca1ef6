"""What an ELF file says of itself: for which machine it is, what it needs to run, how it was built."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from regtui.text import shown

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

_READS: Final = 50_000
"""Reads that are made of one file: real ones take a few thousand, those made to take for ever are left there."""
_READ: Final = 32 * 2**20
"""Bytes that these may have together."""
_LIBRARIES: Final = 40
"""Libraries that are named; more are counted."""

_TYPES = {"ET_EXEC": "program", "ET_DYN": "shared library", "ET_REL": "object file", "ET_CORE": "core dump"}

Facts = tuple[tuple[str, str], ...]


def elf_kind(data: bytes, *, is_whole: bool) -> tuple[str, str, Facts]:
    """Its name, "" for the encoding that it has none of, and the facts. Raises nothing, whatever the bytes are."""
    from elftools.elf.elffile import ELFFile

    try:
        elf = ELFFile(_Bounded(data))
        machine = elf.get_machine_arch().replace("x64", "x86-64")
        facts = {"Machine": f"{shown(machine, 60)}, {elf.elfclass}-bit"}
    except Exception:  # a stranger's bytes, and a library that may fail on them in any way
        return ("an ELF file of which only the beginning was read" if not is_whole else _UNREADABLE), "", ()
    name = _TYPES.get(elf.header["e_type"], "file")
    is_program = False
    try:
        is_program = _tell(elf, facts)
        if is_whole:
            facts["Symbols"] = "stripped" if elf.get_section_by_name(".symtab") is None else "not stripped"
    except Exception:
        facts["Rest"] = "can't be read"
    return f"ELF {'program' if is_program else name}", "", tuple(facts.items())


_UNREADABLE: Final = "an ELF file that can't be read"


def _tell(elf: ELFFile, facts: dict[str, str]) -> bool:
    """Whether it is a program, though its type may be that of a shared library: one at no fixed address (PIE)."""
    is_dynamic = is_pie = False
    segment: Any  # of a class of its own for each kind
    for segment in elf.iter_segments():
        kind = segment["p_type"]
        if kind == "PT_INTERP":
            facts["Interpreter"] = shown(segment.get_interp_name(), 200)
        elif kind == "PT_DYNAMIC":
            is_dynamic = True
            libraries: list[str] = []
            for tag in segment.iter_tags():
                if tag.entry.d_tag == "DT_NEEDED":
                    libraries.append(shown(tag.needed, 100))
                elif tag.entry.d_tag == "DT_SONAME":
                    facts["Name"] = shown(tag.soname, 100)
                elif tag.entry.d_tag == "DT_FLAGS_1" and tag.entry.d_val & 0x08000000:
                    is_pie = True
            more = len(libraries) - _LIBRARIES
            if libraries:
                facts["Needs"] = ", ".join(libraries[:_LIBRARIES]) + (f" and {more:,} more" if more > 0 else "")
        elif kind == "PT_NOTE":
            with suppress(AttributeError, TypeError):
                _tell_notes(segment, facts)
    if elf.header["e_type"] in ("ET_EXEC", "ET_DYN"):
        facts["Linked"] = "dynamically" if is_dynamic and ("Needs" in facts or "Interpreter" in facts) else "statically"
    return is_pie or ("Interpreter" in facts and "Name" not in facts)


def _tell_notes(segment: Any, facts: dict[str, str]) -> None:
    for note in segment.iter_notes():
        if note["n_type"] == "NT_GNU_BUILD_ID":
            facts["Build ID"] = shown(note["n_desc"], 100)
        elif note["n_name"] == "Go" and note["n_type"] in (4, "4"):
            facts["Go build ID"] = shown(note["n_desc"], 200)


class _Bounded(io.BytesIO):
    """Ends a reading that would go on and on."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads = self._read = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self._reads += 1
        self._read += len(data)
        if self._reads > _READS or self._read > _READ:
            raise ValueError("too much to read")
        return data
