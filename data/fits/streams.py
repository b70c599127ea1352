"""Bytes of a file, packed or not, with a plain reason for each file that cannot be read."""

import bz2
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from galfeat import CutoutError

__all__ = ["FileBytes", "Stamp", "describe_error", "open_bytes", "stamp_of"]

_READ_WHOLE = 4 << 20  # files up to this size are read at once
# packed files are decompressed in memory, and small ones can grow a thousandfold
_MAX_UNZIPPED = 1 << 30
_GZIP, _BZIP2 = b"\x1f\x8b", b"BZh"


Stamp = tuple[int, ...]


def stamp_of(file: BinaryIO) -> Stamp:
    """Return device, inode, size and time of change of an open file, to detect changes."""
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


class FileBytes:
    """Random access to the bytes of a file.

    Parameters
    ----------
    head : bytes
        The first bytes, or all of them.
    file : binary file, optional
        Where the others are read from.
    size : int, optional
        Bytes in all; those of `head` if not given.
    stamp : tuple of int, optional
        See `stamp_of`.

    Attributes
    ----------
    packed : bool
        Whether the file is packed by gzip or bzip2.
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
        """Return `count` bytes from `offset` on, or fewer at the end of the file.

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
            raise CutoutError(describe_error(error)) from error
        if len(data) < count:
            raise CutoutError("became shorter while it was being read")
        return memoryview(data)


@contextmanager
def open_bytes(path: Path) -> Iterator[FileBytes]:
    """Open a file as a context manager, decompressing it if gzip or bzip2 packed it.

    Raises
    ------
    CutoutError
        If it does not exist, is no regular file, is empty, unreadable, or packed and damaged.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise CutoutError(
                "is a folder, not a file" if path.is_dir() else "is not an ordinary file"
            )
        file = path.open("rb")
    except OSError as error:
        raise CutoutError(describe_error(error)) from error
    with file:
        yield _read_head(file)


def _read_head(file: BinaryIO) -> FileBytes:
    try:
        stamp = stamp_of(file)
        size = file.seek(0, 2)
        file.seek(0)
        head = file.read(min(size, _READ_WHOLE))
        if head[:2] == _GZIP:
            return FileBytes(_gunzip(head + file.read()), stamp=stamp)
        if head[: len(_BZIP2)] == _BZIP2:
            return FileBytes(_bunzip2(head + file.read()), stamp=stamp)
    except OSError as error:
        raise CutoutError(describe_error(error)) from error
    if not size:
        raise CutoutError("is empty (0 bytes)")
    return FileBytes(head, file, size, stamp)


def _gunzip(packed: bytes) -> bytes:
    unpacked = bytearray()
    # a gzip file may have several members; trailing bytes that are no gzip are ignored
    while packed[:2] == _GZIP:
        member = zlib.decompressobj(wbits=31)
        try:
            unpacked += member.decompress(packed, _MAX_UNZIPPED + 1 - len(unpacked))
        except zlib.error as error:
            raise CutoutError(f"is gzipped and damaged: {error}") from error
        if len(unpacked) > _MAX_UNZIPPED:
            raise CutoutError("unpacks to more than 1 GiB: unpack it on disk first (gunzip)")
        if not member.eof:
            raise CutoutError("is gzipped and truncated: its end is missing")
        packed = member.unused_data.lstrip(b"\0")
    if not unpacked:
        raise CutoutError("is empty: it unpacks to 0 bytes")
    return bytes(unpacked)


def _bunzip2(packed: bytes) -> bytes:
    unpacked = bytearray()
    # parallel compressors write several streams; trailing bytes that are no bzip2 are ignored
    while packed[: len(_BZIP2)] == _BZIP2:
        stream = bz2.BZ2Decompressor()
        try:
            unpacked += stream.decompress(packed, _MAX_UNZIPPED + 1 - len(unpacked))
        except (OSError, ValueError) as error:
            raise CutoutError(f"is packed with bzip2 and damaged: {error}") from error
        if len(unpacked) > _MAX_UNZIPPED:
            raise CutoutError("unpacks to more than 1 GiB: unpack it on disk first (bunzip2)")
        if not stream.eof:
            raise CutoutError("is packed with bzip2 and truncated: its end is missing")
        packed = stream.unused_data.lstrip(b"\0")
    if not unpacked:
        raise CutoutError("is empty: it unpacks to 0 bytes")
    return bytes(unpacked)


def describe_error(error: OSError) -> str:
    """Return why a file cannot be read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "may not be read: permission denied"
    return f"cannot be read: {error.strerror or error}"
