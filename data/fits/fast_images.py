"""Fast path for folders of plain FITS images: one read a file, headers parsed once a layout.

A few cards of a header determine how the pixels are stored. The first file of a layout takes the
slow path (`galfeat.data.fits.file`); any file with the same keywords in the same places, the same
values in these cards and the same size stores its pixels alike, and they are copied from the
buffer. Every other file is left to the slow path.
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
from galfeat.data.fits.header_forms import HeaderCards
from galfeat.data.fits.headers import BLOCK, FIRST_CARDS, Hdu, Header
from galfeat.data.fits.image_info import calibration_keywords, coordinate_cards, unit_of
from galfeat.data.fits.layouts import Layout
from galfeat.data.fits.scaling import describe_overflow, stored_dtype
from galfeat.data.fits.selectors import Selector
from galfeat.data.fits.streams import FileBytes
from galfeat.data.grids.wcs_cards import card_places
from galfeat.data.missing import mask_missing, sampled_pairs

__all__ = ["LAYOUT_KEYWORDS", "SLOW_PATH_KEYWORDS", "FastImageReader"]

LAYOUT_KEYWORDS = re.compile(
    rb"SIMPLE|XTENSION|BITPIX|Z?NAXIS\d*|[PG]COUNT|GROUPS|EXTNAME|FILTER\d*|FILTNAM1|BAND\d*|END|"
    rb"IMAGETYP|IMTYPE|EXTTYPE|HDUNAME|DES_EXT|PRODTYPE|PRODCATG|FILETYPE|DATATYPE|HDUCLAS[23]|"
    rb"BUNIT|INITFILE"
)
"""Keywords whose values determine how a plain image is read."""

SLOW_PATH_KEYWORDS = re.compile(rb"BSCALE|BZERO|BLANK|BSOFTEN|BOFFSET|ZIMAGE|ZBITPIX")
"""Keywords of scaled or compressed images, which take the slow path."""

_SUFFIXES = (".fits", ".fit", ".fts")
# bytes of a file: for larger ones, reading takes longer than parsing the header
_MAX_BYTES = 4 << 20
_MAX_HEADER_BLOCKS = 16  # larger headers take the slow path
_MAX_LAYOUTS = 256  # with so many different ones nothing is gained by remembering more
_FIRST_CHARS, _FIRST_LETTERS = len(FIRST_CARDS[0]), bytes(card[0] for card in FIRST_CARDS)
_CARDS_PER_BLOCK = BLOCK // 80
_KEYWORD_CHARS = 10
# non-blocking, because opening a named pipe without a writer would hang
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)

_NO_LINKS = _FLAGS | getattr(os, "O_NOFOLLOW", 0)


class _EqualPairs:
    """Views for a quick test whether pixels beside each other are equal in the buffer.

    Made once: the test is `galfeat.data.missing.has_equal_pairs` on the bytes of each file.
    """

    def __init__(self, stored: NDArray[np.generic]) -> None:
        self.first, self.second = sampled_pairs(stored.view(f"u{stored.dtype.itemsize}"))
        self.flags = bytearray(self.first.size)
        self.equal = np.frombuffer(self.flags, np.bool_)


@dataclass(frozen=True, eq=False)
class _PixelLayout:
    """Pixel storage that files have in common; `stored` is a view of the buffer."""

    size: int
    start: int  # of the pixels
    stored: NDArray[np.generic]
    bands: tuple[str, ...]
    named: bool
    wide: bool  # whether values may exceed float32
    hdu: Hdu
    units: tuple[str, ...]
    coordinates: list[memoryview]  # cards of celestial coordinates, whose values may differ
    picture: bool  # whether it is a picture of 8 bits
    pairs: _EqualPairs | None  # tests whether there may be missing data


@dataclass(eq=False)
class _HeaderPattern:
    """Keywords that many headers share, and the pixel layouts by the values of decisive cards.

    `cards` are views of the buffer.
    """

    keywords: bytes
    blocks: int
    cards: list[memoryview]
    layouts: dict[bytes, _PixelLayout]


class FastImageReader:
    """Reader of plain FITS images of one galaxy each; it returns None for every other file.

    Parameters
    ----------
    folder : Path
        Folder that file paths are relative to.
    layout : {"auto", "cube", "bands", "galaxies"}
    known : HeaderCache, optional
        Where oddities are reported.
    extension : tuple of Selector
        Chosen images; empty: those of galaxies.
    links : bool
        Whether links are followed; otherwise files behind links take the slow path.
    masks_missing : bool
        Whether regions of one value are masked as missing data.
    calibration : bool
        Whether the keywords of the flux calibration and the coordinates are returned.

    Notes
    -----
    Not thread-safe: all files are read into one buffer. It keeps no file open.
    """

    def __init__(
        self,
        folder: Path,
        layout: Layout,
        known: HeaderCache | None = None,
        extension: tuple[Selector, ...] = (),
        *,
        links: bool = True,
        masks_missing: bool = True,
        calibration: bool = False,
    ) -> None:
        self._inside: dict[str, bool] | None = None if links else {}
        self._masks_missing = masks_missing
        self._calibration = calibration
        self._report = (known or HeaderCache()).report
        self._folder = f"{folder}{os.sep}"
        self._layout = layout
        self._extension = extension
        self._buffer = np.empty(_MAX_BYTES, np.uint8).data
        # the first ten characters of each card: keyword and value indicator
        self._keywords = {
            blocks: np.ndarray(
                (_CARDS_PER_BLOCK * blocks,), f"S{_KEYWORD_CHARS}", self._buffer, 0, (80,)
            )
            for blocks in range(1, _MAX_HEADER_BLOCKS + 1)
        }
        self._first_keywords = self._keywords[1]
        self._patterns: dict[bytes, list[_HeaderPattern]] = {}
        self._count = 0

    def read(self, file: str, *, with_grid: bool = False) -> PixelPlanes | None:
        """Return the pixels of the one galaxy of a file; None if the slow path must read it.

        Parameters
        ----------
        file : str
            Path below the folder.
        with_grid : bool
            Whether the cards of celestial coordinates are returned, too.
        """
        if ".." in file or file[:1] in ("/", "\\") or not file.lower().endswith(_SUFFIXES):
            return None
        count = self._fill(file)
        layout = self._find_layout(count) or self._learn(file, count)
        if layout is None or layout.size != count:
            return None
        found = self._in_buffer(file, layout, with_grid)
        return self._calibrated(found, layout) if self._calibration and found else found

    def _in_buffer(self, file: str, layout: _PixelLayout, with_grid: bool) -> PixelPlanes | None:
        """Return the pixels in the buffer."""
        start = layout.start
        if (
            self._buffer[start] in _FIRST_LETTERS
            and bytes(self._buffer[start : start + _FIRST_CHARS]) in FIRST_CARDS
        ):
            return None  # a header that is repeated
        grid = b"".join(layout.coordinates) if with_grid else b""
        if not layout.wide:
            pixels = layout.stored.astype(np.float32)
            pairs = layout.pairs
            if pairs is not None:
                np.equal(pairs.first, pairs.second, pairs.equal)
                if 1 in pairs.flags:
                    return _masked(pixels, layout, grid)
            return _planes(pixels, layout, grid)
        with np.errstate(all="ignore"):
            pixels = layout.stored.astype(np.float32)
        if np.isinf(pixels).any():  # beyond float32: bad pixels
            self._report(file, describe_overflow(pixels, layout.stored, layout.hdu))
        return _masked(pixels, layout, grid)

    def _calibrated(self, found: PixelPlanes, layout: _PixelLayout) -> PixelPlanes | None:
        """Return pixels with what the header in the buffer states of flux and coordinates."""
        cards = layout.hdu.header.cards
        if not isinstance(cards, HeaderCards):
            return None
        header = Header(HeaderCards(bytes(self._buffer[: layout.hdu.offset]), cards.form))
        hdu, count = layout.hdu._replace(header=header), len(found.bands)
        keywords = calibration_keywords(hdu, hdu, count)
        return found._replace(keywords=(keywords,) * count, grid=coordinate_cards(header))

    def _fill(self, file: str) -> int:
        """Read a file into the buffer; return its size, or 0 if it is unreadable or too large."""
        if self._inside is not None and not self._is_inside(file.rpartition("/")[0]):
            return 0
        try:
            opened = os.open(self._folder + file, _FLAGS if self._inside is None else _NO_LINKS)
        except (OSError, ValueError):
            return 0
        try:
            count = os.readv(opened, [self._buffer])
        except OSError:
            return 0
        finally:
            os.close(opened)
        return count if count < _MAX_BYTES else 0

    def _is_inside(self, parent: str) -> bool:
        """Return whether no part of a folder's path is a link; each is looked at once."""
        known = {} if self._inside is None else self._inside
        if parent not in known:
            where = os.path.realpath(self._folder)
            real = os.path.realpath(self._folder + parent)
            known[parent] = real == os.path.normpath(os.path.join(where, parent))  # noqa: PTH118
        return known[parent]

    def _find_layout(self, count: int) -> _PixelLayout | None:
        if count < BLOCK:
            return None
        for pattern in self._patterns.get(self._first_keywords.tobytes(), ()):
            blocks = pattern.blocks
            if count > blocks * BLOCK and (
                blocks == 1 or self._keywords[blocks].tobytes() == pattern.keywords
            ):
                return pattern.layouts.get(b"".join(pattern.cards))
        return None

    def _learn(self, name: str, count: int) -> _PixelLayout | None:
        """Read the file in the buffer by the slow path, and remember its layout if it is plain."""
        blocks = self._header_blocks(count)
        if not blocks or self._count >= _MAX_LAYOUTS or bytes(self._buffer[:9]) != b"SIMPLE  =":
            return None
        keywords = self._keywords[blocks].tobytes()
        names = [
            keywords[at : at + 8].strip().upper() for at in range(0, len(keywords), _KEYWORD_CHARS)
        ]
        if any(SLOW_PATH_KEYWORDS.fullmatch(name) for name in names):
            return None
        layout = self._parse_layout(name, count, blocks * BLOCK)
        if layout is not None:
            cards = _merge_adjacent(
                [at for at, name in enumerate(names) if LAYOUT_KEYWORDS.fullmatch(name)]
            )
            pattern = self._pattern(keywords, [self._buffer[card] for card in cards])
            pattern.layouts[b"".join(pattern.cards)] = layout
            self._count += 1
        return layout

    def _pattern(self, keywords: bytes, cards: list[memoryview]) -> _HeaderPattern:
        patterns = self._patterns.setdefault(keywords[: _KEYWORD_CHARS * _CARDS_PER_BLOCK], [])
        found = next((pattern for pattern in patterns if pattern.keywords == keywords), None)
        if found is None:
            blocks = len(keywords) // (_KEYWORD_CHARS * _CARDS_PER_BLOCK)
            found = _HeaderPattern(keywords, blocks, cards, {})
            patterns.append(found)
        return found

    def _header_blocks(self, count: int) -> int:
        for block in range(min(_MAX_HEADER_BLOCKS, count // BLOCK)):
            cards = (
                bytes(self._buffer[at : at + 80])
                for at in range(block * BLOCK, (block + 1) * BLOCK, 80)
            )
            if any(card.rstrip() == b"END" for card in cards):
                return block + 1
        return 0

    def _parse_layout(self, name: str, count: int, start: int) -> _PixelLayout | None:
        """Return the pixel layout of the file in the buffer; None if it is not plain."""
        try:
            file = FitsFile(FileBytes(bytes(self._buffer[:count])))
            galaxies = file.galaxies(self._layout, extension=self._extension)
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
            return None  # trailing bytes, or an incomplete last block
        shape = (prod(hdu.shape[:-2]), *hdu.shape[-2:])
        self._report(name, file.oddities)
        stored = np.ndarray(shape, stored_dtype(hdu.bitpix), self._buffer, start)
        unit, wide, picture = unit_of(hdu, hdu), hdu.bitpix == -64, hdu.bitpix == 8
        units = (unit,) * len(galaxy.bands) if unit else ()
        places = card_places(self._keywords[start // BLOCK].tobytes())
        coordinates = [self._buffer[place] for place in places]
        pairs = _EqualPairs(stored) if self._masks_missing and not picture else None
        names = galaxy.bands, galaxy.named
        return _PixelLayout(
            *(count, start, stored, *names, wide, hdu, units, coordinates, picture, pairs)
        )


def _masked(pixels: NDArray[np.float32], layout: _PixelLayout, grid: bytes) -> PixelPlanes:
    missing: tuple[int, ...] = ()
    if layout.pairs is not None:
        pixels, missing = mask_missing(pixels)
    return _planes(pixels, layout, grid, missing)


def _planes(
    pixels: NDArray[np.float32], layout: _PixelLayout, grid: bytes, missing: tuple[int, ...] = ()
) -> PixelPlanes:
    bands, named, units, picture = layout.bands, layout.named, layout.units, layout.picture
    return PixelPlanes(pixels, bands, named, None, None, units, grid, missing, picture)


def _merge_adjacent(cards: list[int]) -> list[slice]:
    """Return the places of cards in a header, adjacent ones merged."""
    runs: list[slice] = []
    for at in cards:
        start = runs.pop().start if runs and runs[-1].stop == 80 * at else 80 * at
        runs.append(slice(start, 80 * at + 80))
    return runs
