"""Bytes of a file, packed or not, with a plain reason for each file that cannot be read."""

import bz2
import os
import stat
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from galfeat import CutoutError
from galfeat.data.memory import BUDGET

__all__ = ["FileBytes", "Stamp", "describe_error", "is_packed", "open_bytes", "stamp_of"]

_READ_WHOLE = 4 << 20  # files up to this size are read at once
_UNPACK_AT_ONCE = 4 << 20  # so are packed ones that unpack to no more
_PIECE = 1 << 20  # bytes that are unpacked at a time

Stamp = tuple[int, ...]


def stamp_of(file: BinaryIO) -> Stamp:
    """Return device, inode, size and time of change of an open file, to detect changes."""
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


class FileBytes:
    """Random access to the bytes of a file.

    Parameters
    ----------
    head : bytes or bytearray
        The first bytes, or all of them.
    file : binary file, optional
        Where the others are read from.
    size : int, optional
        Bytes in all; those of `head` if not given.
    stamp : tuple of int, optional
        See `stamp_of`.
    reserved : ExitStack, optional
        Holds reserved memory while the file is open.

    Attributes
    ----------
    packed : bool
        Whether the file is packed by gzip or bzip2.
    """

    def __init__(
        self,
        head: bytes | bytearray,
        file: BinaryIO | None = None,
        size: int | None = None,
        stamp: Stamp = (),
        reserved: ExitStack | None = None,
    ) -> None:
        self.stamp = stamp
        self.packed = file is None and bool(stamp)
        self.size = len(head) if size is None else size
        self._reserved = reserved
        self._head = memoryview(head)
        self._file = file

    def reserve(self, size: int) -> None:
        """Reserve memory for what is read from the file, as long as it is open.

        Raises
        ------
        CutoutError
            If it is more than may be used.
        """
        if self._reserved is None:
            BUDGET.check(size)
        else:
            self._reserved.enter_context(BUDGET.reserve(size))

    def close(self) -> None:
        """Drop the bytes: the traceback of an exception may hold this object for long."""
        self._head = memoryview(b"")
        self.size = 0

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


def is_packed(path: Path) -> bool:
    """Return whether gzip or bzip2 packed a file, by its first bytes."""
    with path.open("rb") as file:
        return file.read(3).startswith(tuple(_COMPRESSIONS))


@contextmanager
def open_bytes(path: Path) -> Iterator[FileBytes]:
    """Open a file as a context manager, decompressing it if gzip or bzip2 packed it.

    Raises
    ------
    CutoutError
        If it does not exist, is not a regular file, is empty, unreadable, or packed and damaged, or
        unpacks to more than the memory that may be used.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise CutoutError(
                "is a folder, not a file" if path.is_dir() else "is not a regular file"
            )
        file = path.open("rb")
    except OSError as error:
        raise CutoutError(describe_error(error)) from error
    with file, ExitStack() as reserved:
        source = _read_head(file, reserved)
        try:
            yield source
        finally:
            source.close()


def _read_head(file: BinaryIO, reserved: ExitStack) -> FileBytes:
    """Read the first bytes, or all of a compressed file: its memory is reserved in the stack."""
    try:
        stamp = stamp_of(file)
        size = file.seek(0, 2)
        file.seek(0)
        head = file.read(min(size, _READ_WHOLE))
        for magic, form in _COMPRESSIONS.items():
            if head.startswith(magic):
                return FileBytes(
                    _unpack(head, file, form, reserved), stamp=stamp, reserved=reserved
                )
    except OSError as error:
        raise CutoutError(describe_error(error)) from error
    if not size:
        raise CutoutError("is empty (0 bytes)")
    return FileBytes(head, file, size, stamp, reserved)


class _Compression(NamedTuple):
    """How files of a compression are unpacked.

    Parameters
    ----------
    magic : bytes
        First bytes of the file, and of each of its members.
    verb : str
        For messages.
    start : callable
        Makes a decompressor of one member, with the methods and attributes of `zlib` and `bz2`.
    """

    magic: bytes
    verb: str
    start: Callable[[], Any]


_COMPRESSIONS = {
    each.magic: each
    for each in (
        _Compression(b"\x1f\x8b", "gzipped", lambda: zlib.decompressobj(wbits=31)),
        _Compression(b"BZh", "packed with bzip2", bz2.BZ2Decompressor),
    )
}


def _unpack(
    head: bytes, file: BinaryIO, form: _Compression, reserved: ExitStack
) -> bytes | bytearray:
    """Return the contents of a compressed file.

    Small ones are unpacked at once. Larger ones are unpacked twice: first to count their bytes
    without keeping them, because what a file says of its size cannot be relied on, and then into
    memory that has been reserved.
    """
    start, pieces, count = b"", _pieces(head, file, form), 0
    for piece in pieces:
        count += len(piece)
        if count > _UNPACK_AT_ONCE:
            pieces.close()
            break
        start += piece
    else:
        if not count:
            raise CutoutError("is empty: it unpacks to 0 bytes")
        return start
    most, count = BUDGET.limit, 0
    for piece in _pieces(head, file, form):
        count += len(piece)
        if count > most:
            stated = _stated_size(file) if form.verb == "gzipped" else 0
            raise CutoutError(
                f"unpacks to {f'{stated:,}' if stated > count else f'more than {most:,}'} bytes, "
                f"and {most:,} bytes of memory may be used: allow more (--memory), or unpack it on "
                "disk"
            )
    reserved.enter_context(BUDGET.reserve(count))
    unpacked, at = bytearray(count), 0
    for piece in _pieces(head, file, form):
        if at + len(piece) > count:
            raise CutoutError("changed while it was being read")
        unpacked[at : at + len(piece)] = piece
        at += len(piece)
    if at < count:
        raise CutoutError("changed while it was being read")
    return unpacked


def _pieces(head: bytes, file: BinaryIO, form: _Compression) -> Generator[bytes, None, None]:
    """Unpack a file piece by piece.

    A file may have several members; whatever follows them and is none is ignored.
    """
    file.seek(len(head))
    packed = head
    while packed[: len(form.magic)] == form.magic:
        member = form.start()
        while not member.eof:
            try:
                piece = member.decompress(packed, _PIECE)
            except (zlib.error, OSError) as error:
                raise CutoutError(f"is {form.verb} and damaged: {error}") from error
            # zlib returns what it has not taken yet, bz2 keeps it
            packed = getattr(member, "unconsumed_tail", b"")
            yield piece
            if member.eof or packed or not getattr(member, "needs_input", True):
                continue
            packed = file.read(_PIECE)
            if not packed and not piece:
                raise CutoutError(f"is {form.verb} and truncated: its end is missing")
        packed = member.unused_data.lstrip(b"\0")
        while len(packed) < len(form.magic) and (more := file.read(_PIECE)):
            packed = (packed + more).lstrip(b"\0")


def _stated_size(file: BinaryIO) -> int:
    """Return the size that the last four bytes of a gzip file state, modulo 4 GiB."""
    file.seek(-4, os.SEEK_END)
    return int.from_bytes(file.read(4), "little")


def describe_error(error: OSError) -> str:
    """Return why a file cannot be read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "may not be read: permission denied"
    return f"cannot be read: {error.strerror or error}"
