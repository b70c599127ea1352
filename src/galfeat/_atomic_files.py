"""Atomic file replacement: unique temporary file, fsync, rename.

A file is written under a temporary name in the folder of its target, flushed to disk, and renamed.
Whatever interrupts the writer, the target is either the old file or the complete new one.

Each writer has its own temporary name, so two writers of one target never mix their bytes: the one
that renames last wins. A writer that is killed leaves its temporary file behind; the suffix `PART`
marks it for whoever owns the folder, and `target_name` tells which file it was meant to become.
"""

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from galfeat import UsageError

__all__ = [
    "MAX_NAME_BYTES",
    "PART",
    "AtomicFile",
    "atomic_open",
    "atomic_path",
    "target_name",
    "temporary_path",
]

PART = ".part"
"""Suffix of temporary files."""
MAX_NAME_BYTES = 255
"""Length of the longest name that common file systems take."""
_TEMPORARY = re.compile(r"(.+)\.[0-9a-f]{8}" + re.escape(PART))


def temporary_path(path: Path, folder: Path | None = None) -> Path:
    """Return a new temporary name for a file, in its own folder unless another one is given.

    A long name is cut, so that the temporary one is not too long for the disk.
    """
    ending = f".{uuid.uuid4().hex[:8]}{PART}"
    name = path.name
    while len(os.fsencode(name)) > MAX_NAME_BYTES - len(ending):
        name = name[:-1]
    return (folder or path.parent) / f"{name}{ending}"


def target_name(path: Path) -> str:
    """Return the name of the file that a temporary file was meant to become; empty if it is none.

    Examples
    --------
    >>> target_name(Path("out/F.parquet.0123abcd.part"))
    'F.parquet'
    """
    match = _TEMPORARY.fullmatch(path.name)
    return match[1] if match else ""


class AtomicFile:
    """Binary file that is written under a temporary name and renamed by `commit`.

    Parameters
    ----------
    path : Path
        The target.
    folder : Path, optional
        Where the temporary file lies, on the same file system as the target; by default beside it.
    durable : bool
        Whether `commit` waits until file and name are on the disk. Caches need not.

    Attributes
    ----------
    file : binary file
        Open for writing.
    """

    def __init__(self, path: Path, folder: Path | None = None, *, durable: bool = True) -> None:
        self._path, self._durable = path, durable
        self._temporary = temporary_path(path, folder)
        self.file: BinaryIO = self._temporary.open("xb")

    def commit(self) -> None:
        """Flush the file to disk and rename it to its target.

        Raises
        ------
        OSError
            If the system refuses; the target is unchanged then.
        """
        self.file.flush()
        if self._durable:
            os.fsync(self.file.fileno())
        self.file.close()
        _rename(self._temporary, self._path, self._durable)

    def discard(self) -> None:
        """Remove the temporary file; do nothing after `commit`."""
        with suppress(OSError):  # closing writes what is buffered, which may fail on a full disk
            self.file.close()
        with suppress(OSError):
            self._temporary.unlink(missing_ok=True)


@contextmanager
def atomic_open(
    path: Path, folder: Path | None = None, *, durable: bool = True
) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces `path` if the block succeeds.

    If the block fails, the temporary file is removed and the target is unchanged.

    Parameters
    ----------
    path, folder, durable
        As of `AtomicFile`.

    Raises
    ------
    OSError
        If the system refuses to write.
    """
    atomic = AtomicFile(path, folder, durable=durable)
    try:
        yield atomic.file
        atomic.commit()
    except BaseException:
        atomic.discard()
        raise


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path whose file replaces `path` if the block succeeds.

    For libraries that write to a path rather than to a file object. Missing folders are created. If
    the block fails or writes nothing, the target is unchanged.

    Parameters
    ----------
    path : Path
        The target.

    Yields
    ------
    Path
        The path to write to.

    Raises
    ------
    UsageError
        If the system refuses: no permission, no space, a file where a folder should be.
    """
    temporary = temporary_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if temporary.exists():
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            _rename(temporary, path, durable=True)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _rename(temporary: Path, path: Path, durable: bool) -> None:
    os.replace(temporary, path)  # noqa: PTH105 - tests of crash safety intercept this call
    if durable:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, where the system can, so that a rename survives a crash."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
