"""The bytes of one file, whether it is gzipped or not, with a plain reason for every file that has
none to give.
"""

import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from galfeat import CutoutError

__all__ = ["FileBytes", "Stamp", "open_bytes", "stamp_of"]

_HEAD = 4 << 20  # a file up to this size is read in one go
# a gzipped file is unpacked in memory, and a small one can unpack to a thousand times its size
_LARGEST_UNZIPPED = 1 << 30
_GZIP = b"\x1f\x8b"


Stamp = tuple[int, ...]


def stamp_of(file: BinaryIO) -> Stamp:
    """Return what tells an opened file from what it was before.

    Which file, its size, and when it was written.
    """
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


class FileBytes:
    """Bytes that are read where they are asked for.

    Parameters
    ----------
    head : bytes
        The first bytes, or all of them.
    file : binary file, optional
        Where the others are.
    size : int, optional
        Bytes in all; those of `head` if not given.
    stamp : tuple of int, optional
        Which file it is and when it was written; another one as soon as the file is changed.

    Attributes
    ----------
    packed : bool
        Whether these bytes come from a file that holds them packed.
    """

    def __init__(
        self, head: bytes, file: BinaryIO | None = None, size: int | None = None, stamp: Stamp = ()
    ) -> None:
        self.stamp = stamp
        self.packed = file is None and bool(stamp)
        self.size = len(head) if size is None else size
        self._head = memoryview(head)
        self._file = file

    def read(self, offset: int, count: int) -> memoryview:
        """Return the bytes from `offset` on: `count` of them, or fewer at the end of the file.

        Raises
        ------
        CutoutError
            If the file can no longer be read.
        """
        count = max(0, min(count, self.size - offset))
        if offset + count <= len(self._head) or self._file is None:
            return self._head[offset : offset + count]
        try:
            self._file.seek(offset)
            data = self._file.read(count)
        except OSError as error:
            raise CutoutError(_why(error)) from error
        if len(data) < count:
            raise CutoutError("became shorter while it was being read")
        return memoryview(data)


@contextmanager
def open_bytes(path: Path) -> Iterator[FileBytes]:
    """Open a file, unpacking it if it is gzipped, and close it afterwards.

    Raises
    ------
    CutoutError
        If there is no such file, if it is no file, is empty, may not be read or cannot be unpacked.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise CutoutError(
                "is a folder, not a file" if path.is_dir() else "is not an ordinary file"
            )
        file = path.open("rb")
    except OSError as error:
        raise CutoutError(_why(error)) from error
    with file:
        yield _bytes(file)


def _bytes(file: BinaryIO) -> FileBytes:
    try:
        stamp = stamp_of(file)
        size = file.seek(0, 2)
        file.seek(0)
        head = file.read(min(size, _HEAD))
        if head[:2] == _GZIP:
            return FileBytes(_gunzip(head + file.read()), stamp=stamp)
    except OSError as error:
        raise CutoutError(_why(error)) from error
    if not size:
        raise CutoutError("is empty (0 bytes)")
    return FileBytes(head, file, size, stamp)


def _gunzip(packed: bytes) -> bytes:
    unpacked = bytearray()
    # a gzipped file may be several, one after the other; what is no gzip after them is left alone
    while packed[:2] == _GZIP:
        member = zlib.decompressobj(wbits=31)
        try:
            unpacked += member.decompress(packed, _LARGEST_UNZIPPED + 1 - len(unpacked))
        except zlib.error as error:
            raise CutoutError(f"is gzipped and damaged: {error}") from error
        if len(unpacked) > _LARGEST_UNZIPPED:
            raise CutoutError("unpacks to more than 1 GiB: unpack it on disk first (gunzip)")
        if not member.eof:
            raise CutoutError("is gzipped and truncated: its end is missing")
        packed = member.unused_data.lstrip(b"\0")
    if not unpacked:
        raise CutoutError("is empty: it unpacks to 0 bytes")
    return bytes(unpacked)


def _why(error: OSError) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "may not be read: permission denied"
    return f"cannot be read: {error.strerror or error}"
