"""Plain FITS images by the thousand.

One read each, and a header is understood once for all files that share it.

What a file says about its pixels stands in a few cards of its header. The first file of a kind is
read with all care (`fits`); any file that has the same keywords in the same places, the same values
in the cards that matter, and the same size then holds its pixels in the same way, and they are
taken as they lie. Whatever is different in any of this is left to the careful way.
"""

import os
import re
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.fits.file import FitsFile, PixelPlanes
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.fits.headers import BLOCK, Hdu
from galfeat.data.fits.layouts import Layout
from galfeat.data.fits.scaling import describe_overflow, stored_dtype
from galfeat.data.fits.streams import FileBytes

__all__ = ["LAYOUT_KEYWORDS", "SLOW_PATH_KEYWORDS", "FastImageReader"]

LAYOUT_KEYWORDS = re.compile(
    rb"SIMPLE|XTENSION|BITPIX|Z?NAXIS\d*|[PG]COUNT|GROUPS|EXTNAME|FILTER\d*|FILTNAM1|BAND\d*|END"
)
"""Keywords whose values decide how a plain image is read.

Where there is one of `SLOW_PATH_KEYWORDS`, it is none.
"""

SLOW_PATH_KEYWORDS = re.compile(rb"BSCALE|BZERO|BLANK|ZIMAGE|ZBITPIX")
_SUFFIXES = (".fits", ".fit", ".fts")
# bytes of a file: of larger ones, reading the pixels takes longer than understanding the header
_LARGEST = 4 << 20
_MOST_BLOCKS = 16  # of a header
_MOST_KINDS = 256  # that are remembered: where every file is another kind, nothing is gained
_CARDS = BLOCK // 80
_KEY = 10
# a pipe without a writer must not block
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, eq=False)
class _Kind:
    """Files that hold their pixels in the same way: where in the buffer they are, as a view."""

    size: int
    stored: NDArray[np.generic]
    bands: tuple[str, ...]
    named: bool
    wide: bool  # whether a number may be beyond float32
    hdu: Hdu


@dataclass(eq=False)
class _Form:
    """Headers with the same keywords in the same places.

    Where the cards that matter are, and the kinds by what these say.
    """

    keywords: bytes
    cards: list[slice]
    kinds: dict[bytes, _Kind]


class FastImageReader:
    """Reads plain images, each file holding one galaxy; of every other file it says None.

    Parameters
    ----------
    folder : Path
        Where paths start.
    layout : {"auto", "cube", "bands", "galaxies"}
    known : HeaderCache, optional
        Where oddities are reported.

    Notes
    -----
    It is for one thread: files are read into one buffer. It holds no file open.
    """

    def __init__(self, folder: Path, layout: Layout, known: HeaderCache | None = None) -> None:
        self._report = (known or HeaderCache()).report
        self._folder = f"{folder}{os.sep}"
        self._layout = layout
        self._buffer = np.empty(_LARGEST, np.uint8).data
        # the first ten characters of each card: the keyword, and whether a value follows
        self._keywords = {
            blocks: np.ndarray((_CARDS * blocks,), f"S{_KEY}", self._buffer, 0, (80,))
            for blocks in range(1, _MOST_BLOCKS + 1)
        }
        self._forms: dict[bytes, list[_Form]] = {}
        self._kinds = 0

    def read(self, file: str) -> PixelPlanes | None:
        """Return the pixels of the one galaxy of a file, as `galfeat.data.fits.file` does.

        None if that should do it.

        Parameters
        ----------
        file : str
            Path below the folder.
        """
        if ".." in file or file[:1] in ("/", "\\") or not file.lower().endswith(_SUFFIXES):
            return None
        count = self._fill(file)
        kind = self._known(count) or self._learn(file, count)
        if kind is None or kind.size != count:
            return None
        if not kind.wide:
            return PixelPlanes(kind.stored.astype(np.float32), kind.bands, kind.named)
        with np.errstate(all="ignore"):
            pixels = kind.stored.astype(np.float32)
        if np.isinf(pixels).any():  # beyond float32: bad pixels
            self._report(file, describe_overflow(pixels, kind.stored, kind.hdu))
        return PixelPlanes(pixels, kind.bands, kind.named)

    def _fill(self, file: str) -> int:
        """Read a file into the buffer.

        Return its size in bytes, or 0 if it cannot be read or does not fit.
        """
        try:
            opened = os.open(self._folder + file, _FLAGS)
        except (OSError, ValueError):
            return 0
        try:
            count = os.readv(opened, [self._buffer])
        except OSError:
            return 0
        finally:
            os.close(opened)
        return count if count < _LARGEST else 0

    def _known(self, count: int) -> _Kind | None:
        if count < BLOCK:
            return None
        for form in self._forms.get(self._keywords[1].tobytes(), ()):
            blocks = len(form.keywords) // (_KEY * _CARDS)
            if count > blocks * BLOCK and (
                blocks == 1 or self._keywords[blocks].tobytes() == form.keywords
            ):
                return form.kinds.get(self._said(form.cards))
        return None

    def _said(self, cards: list[slice]) -> bytes:
        return b"".join([self._buffer[card] for card in cards])

    def _learn(self, name: str, count: int) -> _Kind | None:
        """Read the file in the buffer with all care, and remember its kind if it is plain."""
        blocks = self._header_blocks(count)
        if not blocks or self._kinds >= _MOST_KINDS or bytes(self._buffer[:9]) != b"SIMPLE  =":
            return None
        keywords = self._keywords[blocks].tobytes()
        names = [keywords[at : at + 8].rstrip().upper() for at in range(0, len(keywords), _KEY)]
        if any(SLOW_PATH_KEYWORDS.fullmatch(name) for name in names):
            return None
        kind = self._kind(name, count, blocks * BLOCK)
        if kind is not None:
            cards = _runs([at for at, name in enumerate(names) if LAYOUT_KEYWORDS.fullmatch(name)])
            form = self._form(keywords, cards)
            form.kinds[self._said(cards)] = kind
            self._kinds += 1
        return kind

    def _form(self, keywords: bytes, cards: list[slice]) -> _Form:
        forms = self._forms.setdefault(keywords[: _KEY * _CARDS], [])
        found = next((form for form in forms if form.keywords == keywords), None)
        if found is None:
            found = _Form(keywords, cards, {})
            forms.append(found)
        return found

    def _header_blocks(self, count: int) -> int:
        for block in range(min(_MOST_BLOCKS, count // BLOCK)):
            cards = (
                bytes(self._buffer[at : at + 8])
                for at in range(block * BLOCK, (block + 1) * BLOCK, 80)
            )
            if any(card == b"END     " for card in cards):
                return block + 1
        return 0

    def _kind(self, name: str, count: int, start: int) -> _Kind | None:
        """Return how the file in the buffer holds its pixels, if it is one image without scaling
        that ends where the file ends.
        """
        try:
            file = FitsFile(FileBytes(bytes(self._buffer[:count])))
            galaxies = file.galaxies(self._layout)
        except CutoutError:
            return None
        if (
            file.damage
            or len(file.hdus) != 1
            or len(galaxies) != 1
            or galaxies[0].problem
            or galaxies[0].number is not None
        ):
            return None
        [hdu], [galaxy] = file.hdus, galaxies
        bytes_each = abs(hdu.bitpix) // 8
        if hdu.kind != "image" or hdu.offset != start or hdu.size != prod(hdu.shape) * bytes_each:
            return None
        if count != start + -(-hdu.size // BLOCK) * BLOCK:
            return None  # something follows, or the last block is short
        shape = (prod(hdu.shape[:-2]), *hdu.shape[-2:])
        self._report(name, file.oddities)
        stored = np.ndarray(shape, stored_dtype(hdu.bitpix), self._buffer, start)
        return _Kind(count, stored, galaxy.bands, galaxy.named, hdu.bitpix == -64, hdu)


def _runs(cards: list[int]) -> list[slice]:
    """Return where cards are in a header, neighbours in one piece."""
    runs: list[slice] = []
    for at in cards:
        start = runs.pop().start if runs and runs[-1].stop == 80 * at else 80 * at
        runs.append(slice(start, 80 * at + 80))
    return runs
