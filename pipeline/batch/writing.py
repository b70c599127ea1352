"""Files that appear whole, and what to say where the system refuses to write."""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from galfeat import UsageError

__all__ = ["PART", "Part", "appearing", "resumable", "sync_folder"]

PART = ".part"
_WHY = {
    errno.ENOSPC: "there is no space left on the disk; make room",
    errno.EDQUOT: "your quota of disk space is used up; make room",
    errno.EFBIG: "the file gets larger than the system allows; raise the limit (ulimit -f)",
    errno.EACCES: "there is no permission to write there; change that",
    errno.EPERM: "there is no permission to write there; change that",
    errno.EROFS: "the disk is read-only; change that",
}


class Part:
    """A file on its way: it has another name until it is whole.

    Each writer has a temporary name of its own: where two write the same file, one of them comes
    last, and both are right.

    Parameters
    ----------
    path : Path
    folder : Path, optional
        Where the file is while it is written, on the same disk; what is left there by a run that
        was killed gets cleared away.
    """

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        self._path = path
        self._part = (folder or path.parent) / f"{path.name}.{uuid.uuid4().hex[:8]}{PART}"
        self.file: BinaryIO = self._part.open("xb")

    def appear(self) -> None:
        """Make sure that the file is safe on the disk, and give it its name."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        os.replace(self._part, self._path)  # noqa: PTH105 - the name of the system call

    def vanish(self) -> None:
        """Leave no trace of a file that did not appear."""
        with suppress(OSError):  # such as that what was still to be written cannot be
            self.file.close()
        with suppress(OSError):
            self._part.unlink(missing_ok=True)


@contextmanager
def appearing(path: Path, folder: Path | None = None) -> Iterator[BinaryIO]:
    """Open a file that appears under its name when the block ends well, whole and safe on the disk.

    Otherwise it leaves no trace.

    Parameters
    ----------
    path : Path
    folder : Path, optional
        As of a `Part`.
    """
    part = Part(path, folder)
    try:
        yield part.file
        part.appear()
    except BaseException:
        part.vanish()
        raise


@contextmanager
def resumable(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write into a sentence that says what to do.

    Raises
    ------
    UsageError
        Instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        why = _WHY.get(error.errno or 0, f"{error.strerror or error}; see to that")
        raise UsageError(
            f"cannot write {path}: {why}, and give the same command again: it goes on where it "
            "stopped"
        ) from error


def sync_folder(folder: Path) -> None:
    """Make sure that what was renamed in a folder stays so even if the power fails, where the
    system can do that.
    """
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
