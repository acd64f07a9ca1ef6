"""A folder on this machine that a stranger's files are written to, and nothing outside of it.

A path is a tuple of names as the image has them, and every name is opened on its own, from the folder it is in, never
through a link: it doesn't matter what else is there, or what an image has written before.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from regtui.errors import RegtuiError
from regtui.operations.holes import is_hole
from regtui.text import shown

Names = tuple[bytes, ...]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ELSEWHERE = "Name another folder."
_LONGEST = 255  # bytes of a name
_PERMISSIONS = 0o777
"""Neither setuid, setgid nor sticky: here the files are the user's own."""


class TargetFolder:
    """Either `commit` is reached, or `roll_back` takes away all that was written. Methods raise `RegtuiError`."""

    def __init__(self, path: Path, *, force: bool = False) -> None:
        """Makes the folder if it isn't there. `force`: what isn't a folder may be replaced, at `commit`."""
        self.path = path
        self._force = force
        self._written: dict[Names, bytes] = {}  # the name that it has until `commit`
        self._folders: dict[Names, int] = {}  # made here, parents first, with their modes
        with self._explained(()):
            self._made = _make_folders(path)
            self._root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    @property
    def files(self) -> int:
        """Written here, with links."""
        return len(self._written)

    @property
    def folders(self) -> int:
        """Made here."""
        return len(self._folders)

    def check(self, names: Names, *, is_folder: bool = False) -> None:
        """Raises if this can't be written because of what is there already."""
        try:
            with self._parent(names) as parent:
                mode = os.stat(names[-1], dir_fd=parent, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._failed(names, error) from error
        if is_folder or stat.S_ISDIR(mode):
            if is_folder != stat.S_ISDIR(mode):
                raise RegtuiError(f"{self._place(names)} is {'no' if is_folder else 'a'} folder", _ELSEWHERE)
        elif not self._force:
            raise RegtuiError(f"{self._place(names)} is there already", "Add --force, or name another folder.")

    def make_folder(self, names: Names, mode: int) -> None:
        """One level; one that is there already stays as it is."""
        with self._explained(names), self._parent(names) as parent:
            try:
                os.mkdir(names[-1], 0o700, dir_fd=parent)
            except FileExistsError:
                os.close(os.open(names[-1], _FOLDER, dir_fd=parent))
            else:
                self._folders[names] = mode & _PERMISSIONS

    def create(self, names: Names) -> int:
        """A descriptor of a new file, which nobody else may read before `finish`. One written here before goes."""
        self.discard(names)
        with self._explained(names), self._parent(names) as parent:
            name = self._first_name(names)
            descriptor = os.open(name, _NEW, 0o600, dir_fd=parent)
            self._written[names] = name
            return descriptor

    def write(self, names: Names, descriptor: int, data: bytes) -> None:
        rest = memoryview(data)
        with self._explained(names):
            if is_hole(data):
                os.lseek(descriptor, len(data), os.SEEK_CUR)
                return
            while rest:
                rest = rest[os.write(descriptor, rest) :]

    def finish(self, names: Names, descriptor: int, mode: int, mtime: int) -> None:
        """Gives a file its mode and time. The descriptor stays open."""
        with self._explained(names):
            os.ftruncate(descriptor, os.lseek(descriptor, 0, os.SEEK_CUR))  # it may end with a hole
            os.fchmod(descriptor, mode & _PERMISSIONS)
            with suppress(OSError, OverflowError):  # a time that this disk can't hold
                os.utime(descriptor, (mtime, mtime))

    def link(self, names: Names, target: Names) -> None:
        """A hard link to a file that was written here."""
        self.discard(names)
        with self._explained(names), self._parent(target) as source, self._parent(names) as parent:
            name = self._first_name(names)
            written = self._written[target]
            os.link(written, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
            self._written[names] = name

    def symlink(self, names: Names, text: bytes) -> None:
        """Where the link leads is the caller's to check."""
        with self._explained(names), self._parent(names) as parent:
            name = self._first_name(names)
            os.symlink(text, name, dir_fd=parent)
            self._written[names] = name

    def discard(self, names: Names) -> None:
        """Takes away what was written here under this name."""
        if (name := self._written.pop(names, None)) is not None:
            with suppress(OSError), self._parent(names) as parent:
                os.unlink(name, dir_fd=parent)

    def commit(self) -> None:
        """Gives everything its name, and the folders their modes."""
        for names, name in list(self._written.items()):
            if name != names[-1]:
                with self._explained(names), self._parent(names) as parent:
                    os.replace(name, names[-1], src_dir_fd=parent, dst_dir_fd=parent)
                self._written[names] = names[-1]
        for names, mode in reversed(self._folders.items()):
            with self._explained(names), self._folder(names) as folder:
                os.fchmod(folder, mode)
        self._written, self._folders, self._made = {}, {}, []

    def roll_back(self) -> None:
        """Takes away what isn't committed, as far as that can be done."""
        for names in list(self._written):
            self.discard(names)
        for names in reversed(self._folders):
            with suppress(OSError), self._parent(names) as parent:
                os.rmdir(names[-1], dir_fd=parent)
        for made in self._made:
            with suppress(OSError):
                made.rmdir()

    def close(self) -> None:
        os.close(self._root)

    def _first_name(self, names: Names) -> bytes:
        """With `force` a file takes its place only at the end, so that what it replaces isn't lost before."""
        return b".regtui-" + secrets.token_hex(8).encode() if self._force else names[-1]

    @contextmanager
    def _parent(self, names: Names) -> Iterator[int]:
        """The folder that the last name is in."""
        _check(names[-1])
        with self._folder(names[:-1]) as folder:
            yield folder

    @contextmanager
    def _folder(self, names: Names) -> Iterator[int]:
        """Raises `OSError` where the way leads through a link."""
        folder = os.dup(self._root)
        try:
            for name in names:
                _check(name)
                inner = os.open(name, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)

    def _place(self, names: Names) -> str:
        return shown(b"/".join((os.fsencode(self.path), *names)), 300)

    @contextmanager
    def _explained(self, names: Names) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._failed(names, error) from error

    def _failed(self, names: Names, error: OSError) -> RegtuiError:
        if error.errno in (errno.ELOOP, errno.ENOTDIR) and names:
            return RegtuiError(f"The way to {self._place(names)} leads through a link or a file", _ELSEWHERE)
        return RegtuiError(f"{self._place(names)} can't be written: {error.strerror}")


def _check(name: bytes) -> None:
    if not is_name(name):
        raise OSError(errno.EINVAL, "that is no name of a file")


def is_name(name: bytes) -> bool:
    """Whether this is one name in a folder, not a way through several, or up, and no longer than a disk's names are."""
    return len(name) <= _LONGEST and name not in (b"", b".", b"..") and b"/" not in name and b"\0" not in name


def _make_folders(path: Path) -> list[Path]:
    """The folders that had to be made for this one, the innermost first."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir()
    return missing
