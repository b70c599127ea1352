"""What astropy may see of a FITS file: checked headers, or its HDUs up to the last whole one."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from galfeat.data.fits.headers import BLOCK, read_hdus
from galfeat.data.fits.streams import open_bytes

__all__ = ["ReadOnlyFile", "open_intact_part"]


class ReadOnlyFile(io.RawIOBase):
    """File of bytes that a function returns.

    Parameters
    ----------
    size : int
        Bytes.
    read : callable
        Takes a place and a number of bytes, both inside the file; returns as many or fewer.
    """

    def __init__(self, size: int, read: Callable[[int, int], bytes | memoryview]) -> None:
        super().__init__()
        self._size, self._read_at = size, read
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if self._at < 0:
            raise ValueError("a place before the beginning of the file")
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes into a buffer."""
        target = memoryview(buffer).cast("B")
        count = min(len(target), self._size - self._at)
        data = self._read_at(self._at, count) if count > 0 else b""
        target[: len(data)] = data
        self._at += len(data)
        return len(data)


@contextmanager
def open_intact_part(path: Path) -> Iterator[Any]:
    """Open the HDUs of a file that are whole with astropy, as a context manager.

    Behind a damaged header astropy may read for ever, and it reads on when it opens a file.

    Raises
    ------
    CutoutError
        If the file cannot be read.
    """
    from astropy.io import fits

    with open_bytes(path) as source:
        hdus, _ = read_hdus(source)
        end = max(hdu.offset + hdu.size + -hdu.size % BLOCK for hdu in hdus)
        part = ReadOnlyFile(min(end, source.size), lambda at, count: source.read(at, count))
        with fits.open(io.BufferedReader(part), memmap=False) as opened:
            yield opened
