"""Open directory: its entries are found and deleted without following links.

The directory is opened once. Whatever takes its place under its name later, operations reach the
one that was opened. On systems that cannot do that (Windows), its path is used.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

__all__ = ["Directory"]

_BY_HANDLE = {os.open, os.unlink, os.rmdir, os.stat} <= os.supports_dir_fd and (
    os.listdir in os.supports_fd
)
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class Directory:
    """Directory that is held open.

    Parameters
    ----------
    path : Path
        A directory; a link to one is refused.
    parent : Directory, optional
        The open directory in which it lies.

    Raises
    ------
    OSError
        If it cannot be opened: there is none, it is a link or a file, or without permission.
    """

    def __init__(self, path: Path, parent: "Directory | None" = None) -> None:
        self.path = path
        self._handle: int | None = None
        if _BY_HANDLE:
            where = None if parent is None else parent._handle
            self._handle = os.open(
                path if parent is None else path.name,
                os.O_RDONLY | os.O_DIRECTORY | _NO_LINKS,
                dir_fd=where,
            )
        elif path.is_symlink() or not path.is_dir():
            raise NotADirectoryError(20, "no directory", str(path))

    def __enter__(self) -> "Directory":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the directory."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def names(self) -> list[str]:
        """Return the names of its entries."""
        return sorted(os.listdir(self.path if self._handle is None else self._handle))  # noqa: PTH208 - of a handle

    def status(self) -> os.stat_result:
        """Return owner and mode of the directory itself."""
        return self.path.stat() if self._handle is None else os.fstat(self._handle)

    def close_to_others(self) -> None:
        """Let only its owner read it and write to it."""
        os.chmod(self.path if self._handle is None else self._handle, 0o700)  # noqa: PTH101 - of a handle

    def is_in_place(self) -> bool:
        """Return whether the directory still bears its name."""
        try:
            return os.path.samestat(self.path.lstat(), self.status())
        except OSError:
            return False

    def is_file(self, name: str) -> bool:
        """Return whether an entry is a regular file: no link, no directory."""
        try:
            found = os.stat(self._at(name), dir_fd=self._handle, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return stat.S_ISREG(found.st_mode)

    def open_file(self, name: str, flags: int) -> int:
        """Open or create a file for its owner only, and return its handle."""
        return os.open(self._at(name), flags | _NO_LINKS, 0o600, dir_fd=self._handle)

    def open_directory(self, name: str) -> "Directory":
        """Open a directory that lies in this one."""
        return Directory(self.path / name, self)

    def unlink(self, name: str) -> None:
        """Delete a file; one that is gone already is no error."""
        with suppress(FileNotFoundError):
            os.unlink(self._at(name), dir_fd=self._handle)

    def rmdir(self, name: str) -> None:
        """Delete an empty directory."""
        os.rmdir(self._at(name), dir_fd=self._handle)

    def _at(self, name: str) -> str | Path:
        return self.path / name if self._handle is None else name
