"""Transcoding of HCOMPRESS and PLIO tiles to uncompressed ones, which astropy then reads.

The C decoders that astropy uses for these two trust the stream; the ones here do not. Quantization
and dithering, which are the same for all codecs, are left to astropy.

References
----------
FITS Standard 4.0, sections 10.4.3 and 10.4.4.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.fits.headers import Hdu

__all__ = ["TRANSCODED_CODECS", "card_number", "tile_sizes", "transcode"]

TRANSCODED_CODECS = ("HCOMPRESS_1", "PLIO_1")
"""Methods that are decoded here."""

_ITEM = {"B": 1, "I": 2, "J": 4}
# instructions of a line list: zeros; set the value; a run of it; zeros with the value at the end
_ZEROS, _SET, _FILL, _LAST = 0, 1, 4, 5
_CHANGES = {2: 1, 3: -1, 6: 1, 7: -1}  # instructions that add to or subtract from the value
_SINGLE = (6, 7)  # of these, the ones that also write one pixel
_HEAP_LIMIT = 1 << 31  # largest offset in a 32-bit descriptor


def transcode(
    hdu: Hdu, cards: Mapping[str, object], data: bytes
) -> tuple[dict[str, object], bytes]:
    """Return header cards and table of an image with its tiles uncompressed.

    Parameters
    ----------
    hdu : Hdu
    cards : mapping of str to object
        As `galfeat.data.fits.tiles` vetted them.
    data : bytes
        The table, with its heap.

    Raises
    ------
    CutoutError
        If a tile is damaged.
    """
    if hdu.header.text("ZCMPTYPE") == "HCOMPRESS_1":
        _refuse_smoothing(hdu)
        # imported late: numba, for a rare codec
        from galfeat.data.fits.hcompress import hdecompress as decode
    else:
        decode = _decode_plio
    number = next(
        each
        for each in range(1, card_number(cards, "TFIELDS") + 1)
        if cards[f"TTYPE{each}"] == "COMPRESSED_DATA"
    )
    form = str(cards[f"TFORM{number}"]).lstrip("1")
    if form[0] not in "PQ" or form[1] not in _ITEM:
        raise CutoutError(f"its header is damaged: tiles cannot be in a column of the form {form}")
    width, rows, heap = (card_number(cards, name) for name in ("NAXIS1", "NAXIS2", "THEAP"))
    table = bytearray(data)
    kind, item = np.dtype(">i4" if form[0] == "P" else ">i8"), _ITEM[form[1]]
    column = sum(_column_width(str(cards[f"TFORM{each}"])) for each in range(1, number))
    places = np.ndarray((rows, 2), kind, table, column, (width, kind.itemsize))
    pieces, end = [], len(data)
    for row, count in enumerate(tile_sizes(hdu, cards).ravel().tolist()):
        length, offset = (int(value) for value in places[row])
        if not length:
            continue  # the tile is stored in another column
        if length < 0 or offset < 0 or heap + offset + length * item > len(data):
            raise CutoutError("its compressed pixels are damaged: a tile lies outside its table")
        begin = heap + offset
        pieces.append(decode(data[begin : begin + length * item], count).astype(">i4").tobytes())
        if end - heap >= _HEAP_LIMIT:
            raise CutoutError("is too large to be unpacked in memory: unpack it first (funpack)")
        places[row] = len(pieces[-1]), end - heap
        end += len(pieces[-1])
    del places
    changed = {
        "ZCMPTYPE": "NOCOMPRESS",
        f"TFORM{number}": f"1{form[0]}B",
        "PCOUNT": end - width * rows,
    }
    return {**cards, **changed}, bytes(table) + b"".join(pieces)


def card_number(cards: Mapping[str, object], name: str) -> int:
    """Return the number on a vetted card."""
    value = cards[name]
    if not isinstance(value, int):
        raise TypeError(f"{name} is not vetted")
    return value


def _column_width(form: str) -> int:
    form = form.lstrip("1")
    return {"P": 8, "Q": 16}.get(form[0]) or {"B": 1, "I": 2, "J": 4, "K": 8, "E": 4, "D": 8}[
        form[0]
    ]


def tile_sizes(hdu: Hdu, cards: Mapping[str, object]) -> NDArray[np.int64]:
    """Return the number of pixels of each tile, with an axis of tiles for each axis of the image.

    Tiles at the far edges are smaller.
    """
    sizes = np.ones((), np.int64)
    for axis, length in enumerate(hdu.shape):
        tile = card_number(cards, f"ZTILE{len(hdu.shape) - axis}")
        sizes = sizes[..., None] * np.minimum(tile, length - np.arange(0, length, tile))
    return sizes


def _refuse_smoothing(hdu: Hdu) -> None:
    for number in range(1, 10):
        value = str(hdu.header.cards.get(f"ZVAL{number}", "")).split("/")[0].strip()
        if hdu.header.text(f"ZNAME{number}") == "SMOOTH" and value not in ("", "0", "F"):
            raise CutoutError(
                "is compressed with HCOMPRESS, to be smoothed when unpacked, which is not "
                "supported: unpack it first (funpack)"
            )


def _decode_plio(packed: bytes, count: int) -> NDArray[np.int32]:
    """Return the pixels of a tile in the PLIO codec: IRAF line lists of runs and value changes."""
    words = np.frombuffer(packed[: len(packed) // 2 * 2], ">i2").tolist()
    at, end = _instruction_range(words)
    pixels = np.zeros(count, np.int64)
    place, value = 0, 1
    while at < end and place < count:
        code, amount = words[at] >> 12, words[at] & 4095
        if code < 0:  # C decoders pass over some of these and take others for zeros
            raise CutoutError("its compressed pixels are damaged: there is no such instruction")
        at += 1
        if code == _SET and at < end:
            value = (words[at] << 12) + amount
            at += 1
        value += _CHANGES.get(code, 0) * amount
        first, last = _span(code, place, amount)
        pixels[first:last] = value
        place = max(place, last)
    if np.abs(pixels).max(initial=0) >= 1 << 31:
        raise CutoutError("its compressed pixels are damaged: a value does not fit")
    return pixels.astype(np.int32)


def _span(code: int, place: int, amount: int) -> tuple[int, int]:
    """Return the pixels that an instruction sets to the value; the second is where it ends.

    Pixels before the span stay zero.
    """
    if code in _SINGLE:
        return place, place + 1
    if code == _FILL:
        return place, place + amount
    if code == _LAST and amount:
        return place + amount - 1, place + amount
    end = place + amount if code == _ZEROS else place
    return end, end


def _instruction_range(words: Sequence[int]) -> tuple[int, int]:
    """Return where the instructions of a line list begin and end."""
    if len(words) > 3 and words[2] > 0:
        at, end = 3, words[2]
    elif len(words) > 4:
        at, end = words[1], (words[4] << 15) + words[3]
    else:
        at, end = 0, -1
    if not 0 <= at <= end <= len(words):
        raise CutoutError("its compressed pixels are damaged: a tile is truncated")
    return at, end
