"""A folder that a stranger's files are written to, and nothing outside of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from regtui.errors import RegtuiError
from regtui.operations.target_folder import Names, TargetFolder

Open = Callable[..., TargetFolder]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the target, which nothing may reach."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("mine")
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


@pytest.fixture
def opened(target: Path) -> Iterator[Open]:
    folders = []

    def open_folder(force: bool = False) -> TargetFolder:
        folders.append(TargetFolder(target, force=force))
        return folders[-1]

    yield open_folder
    for folder in folders:
        folder.close()


def put(folder: TargetFolder, *names: bytes, content: bytes = b"new", mode: int = 0o644) -> None:
    descriptor = folder.create(names)
    try:
        folder.write(names, descriptor, content)
        folder.finish(names, descriptor, mode, 86400)
    finally:
        os.close(descriptor)


def test_files_and_folders_keep_their_modes_and_times(opened: Open, target: Path) -> None:
    folder = opened()
    folder.make_folder((b"closed",), 0o500)
    put(folder, b"closed", b"run", mode=0o751)
    folder.commit()
    status = (target / "closed/run").stat()
    assert (status.st_mode & 0o7777, status.st_mtime) == (0o751, 86400)
    assert (target / "closed").stat().st_mode & 0o7777 == 0o500
    assert (target / "closed/run").read_bytes() == b"new"


def test_nothing_runs_as_somebody_else(opened: Open, target: Path) -> None:
    folder = opened()
    folder.make_folder((b"tmp",), 0o3777)
    put(folder, b"su", mode=0o6755)
    folder.commit()
    assert (target / "su").stat().st_mode & 0o7777 == 0o755
    assert (target / "tmp").stat().st_mode & 0o7777 == 0o777


@pytest.mark.parametrize(
    "names", [(b"..", b"secret"), (b"..",), (b"/etc",), (b"a/../../b",), (b"",), (b".",), (b"a\0b",)]
)
def test_a_name_is_one_name(opened: Open, target: Path, names: Names) -> None:
    folder = opened(True)
    for write in (folder.check, folder.create, lambda names: folder.make_folder(names, 0o755)):
        with pytest.raises(RegtuiError, match="no name of a file"):
            write(names)
    with pytest.raises(RegtuiError, match="no name of a file"):
        folder.symlink(names, b"x")
    assert list(target.iterdir()) == []


def test_a_name_may_have_any_other_character(opened: Open, target: Path) -> None:
    folder = opened()
    put(folder, b"two\nlines \x1b[31m \xff")
    folder.commit()
    assert os.listdir(os.fsencode(target)) == [b"two\nlines \x1b[31m \xff"]


@pytest.mark.parametrize("force", [False, True])
def test_no_way_leads_through_a_link(opened: Open, target: Path, outside: Path, force: bool) -> None:
    folder = opened(force)
    (target / "way").symlink_to(outside)
    writes: list[Callable[[], object]] = [
        lambda: folder.check((b"way", b"secret")),
        lambda: put(folder, b"way", b"secret"),
        lambda: folder.make_folder((b"way",), 0o755),
        lambda: folder.make_folder((b"way", b"in"), 0o755),
        lambda: folder.symlink((b"way", b"link"), b"x"),
        lambda: folder.check((b"way",), is_folder=True),
    ]
    for write in writes:
        with pytest.raises(RegtuiError, match=r"through a link|is no folder"):
            write()
    folder.roll_back()
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_text() == "mine"


@pytest.mark.parametrize("force", [False, True])
def test_a_link_in_a_file_s_place_isn_t_followed(opened: Open, target: Path, outside: Path, force: bool) -> None:
    folder = opened(force)
    (target / "file").symlink_to(outside / "secret")
    if force:
        folder.check((b"file",))
        put(folder, b"file")
        folder.commit()
        assert not (target / "file").is_symlink()
    else:
        with pytest.raises(RegtuiError, match=r"is there already\. Add --force"):
            folder.check((b"file",))
        with pytest.raises(RegtuiError, match="File exists"):
            put(folder, b"file")
    assert (outside / "secret").read_text() == "mine"


def test_what_is_there_stays_until_the_new_is_whole(opened: Open, target: Path) -> None:
    target.mkdir()
    (target / "file").write_text("old")
    folder = opened(True)
    put(folder, b"file")
    assert (target / "file").read_text() == "old"
    folder.commit()
    assert [path.read_text() for path in target.iterdir()] == ["new"]


def test_a_folder_is_never_overwritten(opened: Open, target: Path) -> None:
    folder = opened(True)
    (target / "etc").mkdir()
    with pytest.raises(RegtuiError, match="is a folder"):
        folder.check((b"etc",))
    folder.check((b"etc",), is_folder=True)


@pytest.mark.parametrize("force", [False, True])
def test_going_back_takes_away_what_was_written_and_nothing_else(opened: Open, target: Path, force: bool) -> None:
    (target / "etc").mkdir(parents=True)
    (target / "etc/old").write_text("old")
    folder = opened(force)
    folder.make_folder((b"etc",), 0o700)
    folder.make_folder((b"new",), 0o700)
    put(folder, b"etc", b"a")
    put(folder, b"new", b"b")
    folder.link((b"new", b"c"), (b"etc", b"a"))
    folder.symlink((b"new", b"link"), b"b")
    if force:
        put(folder, b"etc", b"old")
    folder.roll_back()
    assert sorted(str(path.relative_to(target)) for path in target.rglob("*")) == ["etc", "etc/old"]
    assert (target / "etc/old").read_text() == "old"


def test_a_folder_that_was_made_for_it_goes_too(tmp_path: Path) -> None:
    folder = TargetFolder(tmp_path / "some/where")
    put(folder, b"file")
    folder.roll_back()
    folder.close()
    assert not (tmp_path / "some").exists()


def test_a_target_that_is_no_folder_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RegtuiError, match="can't be written"):
        TargetFolder(tmp_path / "file")


def test_long_stretches_of_zeros_are_holes(opened: Open, target: Path) -> None:
    folder, zeros = opened(), bytes(2**20)
    file = folder.create((b"a",))
    for data in (zeros, b"in the middle", *[zeros] * 100):
        folder.write((b"a",), file, data)
    folder.finish((b"a",), file, 0o644, 0)
    os.close(file)
    folder.commit()
    assert (target / "a").read_bytes() == zeros + b"in the middle" + zeros * 100
    assert (target / "a").stat().st_blocks * 512 < 2**20
