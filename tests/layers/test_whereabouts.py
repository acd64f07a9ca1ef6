"""What is kept of a layer: it lists what was listed, and knows where the files' bytes are."""

from __future__ import annotations

import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.errors import ContentError
from regtui.layers.tar import Entry, Place, TarWalker
from regtui.layers.whereabouts import Chunk, IndexMaker, LayerIndex
from tests.layers.archives import archive, member
from tests.registry_servers.images import layer_tar

NUMBERS = st.integers(-(2**63), 2**64 - 1)
PATHS = st.binary(max_size=50).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


def listed(index: LayerIndex) -> list[Entry]:
    return [entry for portion in index.listing() for entry in portion]


def index_of(data: bytes, *leave_out: str) -> LayerIndex:
    maker = IndexMaker(leave_out)
    walker = TarWalker(payloads=maker)
    walker.feed(data, [])
    walker.close()
    index = maker.finish(len(data))
    assert index
    return LayerIndex.decode(index.encode())


@given(st.lists(st.builds(Entry, PATHS, st.just("file"), *[NUMBERS] * 5, PATHS), max_size=20))
def test_entries_come_back_as_they_were_whatever_their_names_and_numbers(entries: list[Entry]) -> None:
    maker = IndexMaker()
    for number, entry in enumerate(entries):
        maker.add(entry, Place(number, number))
    index = maker.finish(1, "sha256:...")
    assert index
    again = LayerIndex.decode(index.encode())
    assert listed(again) == entries
    assert (again.entries, again.unpacked, again.diff_id, again.has_chunks) == (len(entries), 1, "sha256:...", False)
    assert again.find(entries) == {entry: Place(number, number) for number, entry in enumerate(entries)}


def test_places_are_where_the_archive_has_the_bytes() -> None:
    data = layer_tar({"etc/": b"", "etc/one": b"1", "a/long/" + "name/" * 40: b"", "b" * 200: b"two", "empty": b""})
    index = index_of(data)
    places = index.find(listed(index))
    assert {entry.path for entry in places} == {"etc/one", "b" * 200, "empty"}
    for entry, place in places.items():
        assert isinstance(place, Place)
        assert data[place.position :][: place.stored] == {"etc/one": b"1", "empty": b""}.get(entry.path, b"two")


def test_of_a_path_that_is_there_twice_the_last_one_counts() -> None:
    data = archive([member("a", 10), member("b", 700), member("a", 10)])
    index = index_of(data)
    (place,) = index.find([listed(index)[0]]).values()
    assert place == Place(512 * 5 + 512, 10)


def test_files_are_found_among_many() -> None:
    data = archive([member(f"usr/share/{number}", 3) for number in range(3500)])
    index = index_of(data)
    entries = listed(index)
    assert len(index.portions) == 4
    for wanted in (entries[2000:2001], entries[::50], [entries[-1]], []):
        assert index.find(wanted).keys() == set(wanted)
    assert index.find([Entry("usr/share/7", "file", 4, 0, 0, 0, 0)]) == {}  # another file than is listed
    assert len(index.encode()) / 3500 < 20  # bytes an entry


def test_chunks_are_kept_with_their_digests() -> None:
    chunks = (Chunk(10, 20, 0, 5, "sha256:..."), Chunk(20, 20, 0, 5))
    entry = Entry("file", "file", 10, 0, 0, 0, 0)
    maker = IndexMaker(leave_out=["landmark"])
    maker.add(Entry("landmark", "file", 1, 0, 0, 0, 0))
    maker.add(entry, chunks=chunks)
    index = maker.finish()
    assert index
    assert (index.entries, index.unpacked, index.has_chunks) == (1, 10, True)
    assert LayerIndex.decode(index.encode()).find([entry]) == {entry: chunks}


def test_numbers_that_can_t_be_kept_are_not_kept_as_others() -> None:
    info = tarfile.TarInfo("old")
    info.mtime = 2**70
    maker = IndexMaker()
    TarWalker(payloads=maker).feed(archive([info], tarfile.GNU_FORMAT), [])
    assert maker.finish(1) is None


def test_an_index_that_is_damaged_says_so() -> None:
    raw = index_of(layer_tar({"a": b"a"})).encode()
    for wrong in (b"", raw[:-5], b"\x93", b"{}", b"\xff" * 100):
        with pytest.raises(ContentError):
            LayerIndex.decode(wrong)
    for portion in (b"", b"nothing", b"\x28\xb5\x2f\xfd" + bytes(20)):
        index = LayerIndex(1, 1, False, "", (portion,))
        with pytest.raises(ContentError):
            listed(index)
