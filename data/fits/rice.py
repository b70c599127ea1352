"""Check of Rice streams before astropy decodes them.

The C decoder counts leading zeros without looking where its input ends: on a damaged stream it
reads on through the memory behind it, and may crash. The check follows a stream from code to code,
without the pixels, and takes a small part of the time of decoding.

References
----------
FITS Standard 4.0, section 10.4.1. R. F. Rice, P.-S. Yeh & W. H. Miller (1993), Proc. 9th AIAA
Computing in Aerospace Conf., AIAA-93-4541-CP.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat._compiling import compiled
from galfeat.data.fits.headers import Hdu
from galfeat.data.fits.streams import FileBytes
from galfeat.data.fits.transcode import card_number, tile_sizes

__all__ = ["check_image", "check_section"]

# for each number of bytes of a pixel: bits of a block's code, and the code of blocks that are
# stored as they are (larger ones do not exist)
_CODE_BITS = np.array([0, 3, 4, 0, 5])
_AS_THEY_ARE = np.array([0, 6, 14, 0, 25])
_LEADING_ZEROS = np.array([8 - value.bit_length() for value in range(256)])


def check_image(
    hdu: Hdu, cards: Mapping[str, object], streams: NDArray[np.int64], heap: memoryview
) -> None:
    """Refuse an image with a stream that ends before its last pixel.

    Parameters
    ----------
    hdu : Hdu
    cards : mapping of str to object
        As `galfeat.data.fits.tiles` checked them.
    streams : array of int64, shape (n_tiles, 2)
        Length and offset of each stream in the heap, inside it; streams of no bytes are passed
        over (such a tile is stored in another column).
    heap : memoryview

    Raises
    ------
    CutoutError
        If a stream is damaged.
    """
    sizes = tile_sizes(hdu, cards).ravel()
    _check(cards, np.frombuffer(heap, np.uint8), streams, sizes, np.arange(len(sizes)))


def check_section(
    hdu: Hdu,
    cards: Mapping[str, object],
    streams: NDArray[np.int64],
    source: FileBytes,
    section: Sequence[int | slice],
) -> None:
    """Refuse a section with such a stream under it: an index or a slice for each axis."""
    sizes = tile_sizes(hdu, cards)
    under = []
    for axis, each in enumerate(section):
        first, last = (each, each) if isinstance(each, int) else (each.start, each.stop - 1)
        tile = card_number(cards, f"ZTILE{len(section) - axis}")
        under.append(np.arange(first // tile, last // tile + 1))
    tiles = np.ravel_multi_index(np.ix_(*under), sizes.shape).ravel()
    begin = hdu.offset + card_number(cards, "THEAP")
    pieces = [
        np.frombuffer(source.read(begin + offset, length), np.uint8)
        for length, offset in streams[tiles].tolist()
    ]
    lengths = np.array([len(piece) for piece in pieces], np.int64)
    places = np.stack([lengths, np.cumsum(lengths) - lengths], axis=1)
    _check(cards, np.concatenate(pieces), places, sizes.ravel()[tiles], tiles)


def _check(
    cards: Mapping[str, object],
    heap: NDArray[np.uint8],
    streams: NDArray[np.int64],
    sizes: NDArray[np.int64],
    tiles: NDArray[np.int64],
) -> None:
    """Refuse a damaged stream by its number."""
    form = next(
        str(cards[f"TFORM{field}"])
        for field in range(1, card_number(cards, "TFIELDS") + 1)
        if cards[f"TTYPE{field}"] == "COMPRESSED_DATA"
    )
    if form[1] not in "PQ" or form[2] != "B":
        raise CutoutError(f"its header is damaged: tiles cannot be in a column of the form {form}")
    block, pixel_bytes = (card_number(cards, f"ZVAL{number}") for number in (1, 2))
    damaged = _first_damaged(heap, streams, sizes, block, pixel_bytes)
    if damaged >= 0:
        raise CutoutError(
            f"its compressed pixels are damaged: tile {tiles[damaged] + 1} ends before its last "
            "pixel, or has a code that does not exist: get the file again"
        )


@compiled
def _first_damaged(heap, places, counts, block, pixel_bytes):  # type: ignore[no-untyped-def]
    """Return the number of the first damaged stream, or -1."""
    for tile in range(len(places)):
        length, offset = places[tile]
        stream = heap[offset : offset + length]
        if length and not _is_complete(stream, counts[tile], block, pixel_bytes):
            return tile
    return -1


@compiled
def _is_complete(stream, count, block, pixel_bytes):  # type: ignore[no-untyped-def]
    """Return whether a stream has the codes of all pixels."""
    code_bits, as_they_are = _CODE_BITS[pixel_bytes], _AS_THEY_ARE[pixel_bytes]
    end = 8 * len(stream)
    at = 8 * pixel_bytes  # the first pixel comes before the codes
    for first in range(0, count, block):
        pixels = min(block, count - first)
        if at + code_bits > end:
            return False
        code = _bits(stream, at, code_bits) - 1
        at += code_bits
        if code > as_they_are:
            return False
        if code == as_they_are:
            at += 8 * pixel_bytes * pixels
        elif code >= 0:
            for _ in range(pixels):
                at = _after_next_one(stream, at, end) + code
        if at > end:
            return False
    return True


@compiled
def _bits(stream, at, count):  # type: ignore[no-untyped-def]
    """Return a few bits as a number: at most eight, and not beyond the end."""
    byte = at >> 3
    two = int(stream[byte]) << 8
    if byte + 1 < len(stream):
        two |= int(stream[byte + 1])
    return (two >> (16 - (at & 7) - count)) & ((1 << count) - 1)


@compiled
def _after_next_one(stream, at, end):  # type: ignore[no-untyped-def]
    """Return the position behind the next set bit; beyond the end if there is none."""
    byte = at >> 3
    if byte >= len(stream):
        return end + 1
    value = int(stream[byte]) & (0xFF >> (at & 7))
    while value == 0:
        byte += 1
        if byte >= len(stream):
            return end + 1
        value = int(stream[byte])
    return 8 * byte + _LEADING_ZEROS[value] + 1
