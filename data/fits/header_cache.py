"""What a source knows of its files.

What those of many extensions hold, and which oddities were reported.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from galfeat.data.fits.file import FileContents, FitsFile
from galfeat.data.fits.streams import Stamp, open_bytes

__all__ = ["HeaderCache"]

_MANY = 16  # extensions from which on a file is remembered
_MOST_KNOWN = 8  # files that are: their headers stay in memory
_LOG = logging.getLogger("galfeat")


class HeaderCache:
    """What was found out about files, so that it is found out and said once.

    Oddities that the FITS standard forbids and archives hold all the same (keywords that stand
    twice, bytes behind the last image, a last block that is not filled up) are read as astropy
    reads them; pixels beyond float32 are bad pixels. These are reported to the logger ``galfeat``
    as warnings: each kind once for a source, with the first file that has it.
    """

    def __init__(self) -> None:
        self._contents: dict[Path, tuple[Stamp, FileContents]] = {}
        self._said: set[str] = set()
        self.own = threading.local()  # what a thread keeps for itself

    def __reduce__(self) -> tuple[type["HeaderCache"], tuple[()]]:
        return HeaderCache, ()  # elsewhere it is found out again

    @contextmanager
    def open(self, path: Path) -> Iterator[FitsFile]:
        """Open a FITS file, looked through again only if it is another than it was, and close it
        afterwards.

        Raises
        ------
        CutoutError
            If there is no such file, or it is no FITS file.
        """
        report = partial(self.report, path.name)
        with open_bytes(path) as source:
            known = self._contents.get(path)
            if known is not None and known[0] == source.stamp:
                yield FitsFile(source, known[1], report)
                return
            file = FitsFile(source, report=report)
            self.report(path.name, file.oddities)
            if len(file.hdus) >= _MANY:
                if len(self._contents) >= _MOST_KNOWN:
                    self._contents.clear()
                self._contents[path] = source.stamp, file.contents
            yield file

    def report(self, file: str, oddities: Mapping[str, str]) -> None:
        """Say what is odd about a file, unless that was said of another."""
        for kind, words in oddities.items():
            if kind not in self._said:
                self._said.add(kind)
                _LOG.warning("%s: %s (said once, whichever files it is true of)", file, words)
