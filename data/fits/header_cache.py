"""Cache of parsed headers, and reports of oddities once a source."""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from galfeat.data.fits.file import FileContents, FitsFile
from galfeat.data.fits.streams import Stamp, open_bytes

__all__ = ["HeaderCache"]

_MIN_EXTENSIONS = 16  # headers of files with fewer extensions are not cached
_MAX_FILES = 8  # more would cost too much memory
_LOG = logging.getLogger("galfeat")


class HeaderCache:
    """Parsed headers of files with many extensions, and the oddities reported so far.

    Oddities that the FITS standard forbids but archives contain (duplicate keywords, bytes behind
    the last image, an incomplete last block) are read as astropy reads them; pixels beyond float32
    become bad pixels. They are logged as warnings to the logger ``galfeat``, each kind once a
    source, with the first file that has it.

    Attributes
    ----------
    own : threading.local
        Buffers and readers of the current thread.
    inside : dict of Path to bool
        Whether a folder lies inside the source's own, links followed.
    """

    def __init__(self) -> None:
        self._contents: dict[Path, tuple[Stamp, FileContents]] = {}
        self._reported: set[str] = set()
        self.own = threading.local()
        self.inside: dict[Path, bool] = {}

    def __reduce__(self) -> tuple[type["HeaderCache"], tuple[()]]:
        return HeaderCache, ()  # another process parses the headers itself

    @contextmanager
    def open(self, path: Path) -> Iterator[FitsFile]:
        """Open a FITS file as a context manager; parse headers only if it is new or changed.

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
            if len(file.hdus) >= _MIN_EXTENSIONS:
                if len(self._contents) >= _MAX_FILES:
                    self._contents.clear()
                self._contents[path] = source.stamp, file.contents
            yield file

    def report(self, file: str, oddities: Mapping[str, str]) -> None:
        """Log the oddities of a file, except kinds that were logged before."""
        for kind, words in oddities.items():
            if kind not in self._reported:
                self._reported.add(kind)
                _LOG.warning("%s: %s (reported once for all files that it applies to)", file, words)
