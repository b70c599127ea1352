"""The H-transform of images, back to pixels: HCOMPRESS, as the Digitized Sky Survey was packed.

It is decoded here because the usual decoder believes what the stream says and writes beyond its
memory when that is damaged. Here nothing is read beyond the stream, and what is written depends on
the shape of the tile alone.

References
----------
R. L. White, M. Postman & M. G. Lattanzi (1992), in Digitised Optical Sky Surveys, p. 167. FITS
Standard 4.0, section 10.4.3.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from galfeat import CutoutError

__all__ = ["hdecompress"]

_MAGIC = b"\xdd\x99"
# bytes: magic, two sides and the scale of four bytes each, the sum of eight, and three numbers of
# bit planes
_HEAD = 25
_MOST_PLANES = 60
# of the state: bits read so far; whether the stream ended too early or made no sense
_AT, _BAD = 0, 1


def hdecompress(packed: bytes, count: int) -> NDArray[np.int32]:
    """Return the pixels of a tile.

    Parameters
    ----------
    packed : bytes
        The stream.
    count : int
        Pixels that the tile has.

    Returns
    -------
    array of int32, shape (count,)

    Raises
    ------
    CutoutError
        If the stream is damaged, or is of another tile.
    """
    head = np.frombuffer(packed[2:14], ">i4").tolist()
    if packed[:2] != _MAGIC or len(packed) < _HEAD:
        raise CutoutError(
            "its compressed pixels are damaged: a tile does not begin as HCOMPRESS does"
        )
    ny, nx, scale = head
    planes = tuple(packed[22:25])
    if ny < 1 or nx < 1 or ny * nx != count or max(planes) > _MOST_PLANES:
        raise CutoutError(
            f"its compressed pixels are damaged: a tile claims {ny} x {nx} pixels where {count:,} "
            "are expected"
        )
    image = np.zeros((ny, nx), np.int64)
    state = np.zeros(2, np.int64)
    stream = np.frombuffer(packed, np.uint8, offset=_HEAD)
    _coefficients(stream, state, image, np.array(planes))
    if state[_BAD]:
        raise CutoutError(
            "its compressed pixels are damaged: a tile is cut short or makes no sense"
        )
    image[0, 0] = int.from_bytes(packed[14:22], "big", signed=True)
    if scale > 1:
        image *= scale
    _inverse(image)
    return image.reshape(-1).astype(np.int32)


# not kept on disk: such files are rare, and some seconds once are little beside unpacking them
_compiled: Any = njit(nogil=True)


@_compiled
def _bits(stream, state, count):  # type: ignore[no-untyped-def]
    """Read some bits, the first the highest; zeros beyond the end, which is noted."""
    value = 0
    for _ in range(count):
        at = state[0]
        byte = at >> 3
        if byte >= len(stream):
            state[1] = 1
            return 0
        value = (value << 1) | ((int(stream[byte]) >> (7 - (at & 7))) & 1)
        state[0] = at + 1
    return value


@_compiled
def _code(stream, state):  # type: ignore[no-untyped-def]
    """Read one word of the fixed Huffman code: four bits, each a quarter of a square."""
    word = _bits(stream, state, 3)
    if word < 4:
        return 1 << word
    word = (word << 1) | _bits(stream, state, 1)
    if word < 13:
        return (3, 5, 10, 12, 15)[word - 8]
    word = (word << 1) | _bits(stream, state, 1)
    if word < 31:
        return (6, 7, 9, 11, 13)[word - 26]
    word = (word << 1) | _bits(stream, state, 1)
    return 0 if word == 62 else 14


@_compiled
def _log2(number):  # type: ignore[no-untyped-def]
    """Return the least power of two that reaches a number."""
    power = 0
    while (1 << power) < number:
        power += 1
    return power


@_compiled
def _expanded(stream, state, codes, ny, nx):  # type: ignore[no-untyped-def]
    """Make each of four bits a square of its own, and read a word for each that is set."""
    fine = np.zeros((ny, nx), np.uint8)
    for y in range(ny):
        for x in range(nx):
            fine[y, x] = (codes[y >> 1, x >> 1] >> (3 - 2 * (y & 1) - (x & 1))) & 1
    for y in range(ny - 1, -1, -1):
        for x in range(nx - 1, -1, -1):
            if fine[y, x]:
                fine[y, x] = _code(stream, state)
    return fine


@_compiled
def _quadrant(stream, state, image, planes):  # type: ignore[no-untyped-def]
    """Read a quarter of the coefficients, bit plane by bit plane."""
    ny, nx = image.shape
    power = _log2(max(ny, nx))
    half_y, half_x = (ny + 1) // 2, (nx + 1) // 2
    for plane in range(planes - 1, -1, -1):
        how = _bits(stream, state, 4)
        codes = np.zeros((half_y, half_x), np.uint8)
        if how == 0:  # as they are
            for y in range(half_y):
                for x in range(half_x):
                    codes[y, x] = _bits(stream, state, 4)
        elif how == 15:  # as a tree of squares
            codes = np.zeros((1, 1), np.uint8)
            codes[0, 0] = _code(stream, state)
            for level in range(power - 2, -1, -1):
                side_y, side_x = -(-ny >> (level + 1)), -(-nx >> (level + 1))
                codes = _expanded(stream, state, codes, side_y, side_x)
        else:
            state[1] = 1
        if state[1]:
            return
        for y in range(ny):
            for x in range(nx):
                image[y, x] |= (
                    np.int64((codes[y >> 1, x >> 1] >> (3 - 2 * (y & 1) - (x & 1))) & 1) << plane
                )


@_compiled
def _coefficients(stream, state, image, planes):  # type: ignore[no-untyped-def]
    """Read all coefficients: the amounts of four quarters, then the signs."""
    ny, nx = image.shape
    y, x = (ny + 1) // 2, (nx + 1) // 2
    _quadrant(stream, state, image[:y, :x], planes[0])
    _quadrant(stream, state, image[:y, x:], planes[1])
    _quadrant(stream, state, image[y:, :x], planes[1])
    _quadrant(stream, state, image[y:, x:], planes[2])
    if state[1] or _bits(stream, state, 4) != 0:
        state[1] = 1
        return
    state[0] = (state[0] + 7) & ~np.int64(7)  # signs begin with a new byte
    for row in range(ny):
        for column in range(nx):
            if image[row, column] and _bits(stream, state, 1):
                image[row, column] = -image[row, column]


@_compiled
def _interleaved(image, ny, nx):  # type: ignore[no-untyped-def]
    """Put sums and differences, which lie behind each other, next to each other in both
    directions.
    """
    line = np.empty(max(ny, nx), np.int64)
    for y in range(ny):
        for x in range(nx):
            line[2 * x if x < (nx + 1) // 2 else 2 * (x - (nx + 1) // 2) + 1] = image[y, x]
        for x in range(nx):
            image[y, x] = line[x]
    for x in range(nx):
        for y in range(ny):
            line[2 * y if y < (ny + 1) // 2 else 2 * (y - (ny + 1) // 2) + 1] = image[y, x]
        for y in range(ny):
            image[y, x] = line[y]


@_compiled
def _rounded(value, half, least):  # type: ignore[no-untyped-def]
    """Round to a multiple of a power of two, halves away from zero but for the last step."""
    return (value + (half if value >= 0 else least)) & -(2 * half if half else 1)


@_compiled
def _inverse(image):  # type: ignore[no-untyped-def]
    """Turn coefficients into pixels in place, from the coarsest square to the finest."""
    ny, nx = image.shape
    power = _log2(max(ny, nx))
    if power == 0:
        return
    bit = np.int64(1) << (power - 1)
    image[0, 0] = _rounded(image[0, 0], 2 * bit, 2 * bit - 1)
    for level in range(power - 1, -1, -1):
        last = level == 0
        shift = 2 if last else 1
        half0, half1 = bit >> 1, bit
        least0, least1 = (0 if last else half0 - 1), half1 - 1
        rows, columns = -(-ny >> level), -(-nx >> level)
        _interleaved(image, rows, columns)
        for y in range(0, rows, 2):
            for x in range(0, columns, 2):
                below, right = y + 1 < rows, x + 1 < columns
                h0 = image[y, x]
                hx = _rounded(image[y + 1, x], half1, least1) if below else 0
                hy = _rounded(image[y, x + 1], half1, least1) if right else 0
                if below and right:
                    hc = _rounded(image[y + 1, x + 1], half0, least0)
                    low = hc & bit
                    hx = hx - low if hx >= 0 else hx + low
                    hy = hy - low if hy >= 0 else hy + low
                    odd = (hc ^ hx ^ hy) & (2 * bit)
                    h0 = h0 + low - odd if h0 >= 0 else h0 + (odd if low == 0 else low - odd)
                    image[y + 1, x + 1] = (h0 + hx + hy + hc) >> shift
                    image[y + 1, x] = (h0 + hx - hy - hc) >> shift
                    image[y, x + 1] = (h0 - hx + hy - hc) >> shift
                    image[y, x] = (h0 - hx - hy + hc) >> shift
                    continue
                one = hx if below else hy
                odd = one & (2 * bit)
                h0 = h0 - odd if h0 >= 0 else h0 + odd
                if below:
                    image[y + 1, x] = (h0 + one) >> shift
                if right:
                    image[y, x + 1] = (h0 + one) >> shift
                image[y, x] = (h0 - one) >> shift
        bit >>= 1
