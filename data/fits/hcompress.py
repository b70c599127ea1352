"""HCOMPRESS decoder: inverse H-transform, as used for the Digitized Sky Survey.

The usual C decoder trusts the stream and writes out of bounds when it is damaged. This one never
reads beyond the stream, and the shape of the tile alone determines what is written.

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
# bytes: magic (2), ny, nx and scale (4 each), sum (8), numbers of bit planes (3)
_HEADER_BYTES = 25
_MAX_PLANES = 60
# indices of the decoder's state: bits read so far; error flag
_POSITION, _DAMAGED = 0, 1


def hdecompress(packed: bytes, count: int) -> NDArray[np.int32]:
    """Decode one tile.

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
    if packed[:2] != _MAGIC or len(packed) < _HEADER_BYTES:
        raise CutoutError(
            "its compressed pixels are damaged: a tile does not begin with the code of HCOMPRESS"
        )
    ny, nx, scale = head
    planes = tuple(packed[22:25])
    if ny < 1 or nx < 1 or ny * nx != count or max(planes) > _MAX_PLANES:
        raise CutoutError(
            f"its compressed pixels are damaged: a tile claims {ny} x {nx} pixels where {count:,} "
            "are expected"
        )
    image = np.zeros((ny, nx), np.int64)
    state = np.zeros(2, np.int64)
    stream = np.frombuffer(packed, np.uint8, offset=_HEADER_BYTES)
    _read_coefficients(stream, state, image, np.array(planes))
    if state[_DAMAGED]:
        raise CutoutError("its compressed pixels are damaged: a tile is truncated or invalid")
    image[0, 0] = int.from_bytes(packed[14:22], "big", signed=True)
    if scale > 1:
        image *= scale
    _inverse_transform(image)
    return image.reshape(-1).astype(np.int32)


# not cached on disk: such files are rare, and compiling takes seconds once a process
_compiled: Any = njit(nogil=True)


@_compiled
def _read_bits(stream, state, count):  # type: ignore[no-untyped-def]
    """Read an integer of some bits, most significant first; past the end, set the error flag."""
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
def _read_code(stream, state):  # type: ignore[no-untyped-def]
    """Read one word of the fixed Huffman code: four bits, one for each quarter of a square."""
    word = _read_bits(stream, state, 3)
    if word < 4:
        return 1 << word
    word = (word << 1) | _read_bits(stream, state, 1)
    if word < 13:
        return (3, 5, 10, 12, 15)[word - 8]
    word = (word << 1) | _read_bits(stream, state, 1)
    if word < 31:
        return (6, 7, 9, 11, 13)[word - 26]
    word = (word << 1) | _read_bits(stream, state, 1)
    return 0 if word == 62 else 14


@_compiled
def _log2(number):  # type: ignore[no-untyped-def]
    """Return the smallest exponent of two that reaches a number."""
    power = 0
    while (1 << power) < number:
        power += 1
    return power


@_compiled
def _expand_quadtree(stream, state, codes, ny, nx):  # type: ignore[no-untyped-def]
    """Split each cell of a quadtree level into four, and read a code word for each set bit."""
    fine = np.zeros((ny, nx), np.uint8)
    for y in range(ny):
        for x in range(nx):
            fine[y, x] = (codes[y >> 1, x >> 1] >> (3 - 2 * (y & 1) - (x & 1))) & 1
    for y in range(ny - 1, -1, -1):
        for x in range(nx - 1, -1, -1):
            if fine[y, x]:
                fine[y, x] = _read_code(stream, state)
    return fine


@_compiled
def _read_quadrant(stream, state, image, planes):  # type: ignore[no-untyped-def]
    """Read the absolute coefficients of a quadrant, bit plane by bit plane."""
    ny, nx = image.shape
    power = _log2(max(ny, nx))
    half_y, half_x = (ny + 1) // 2, (nx + 1) // 2
    for plane in range(planes - 1, -1, -1):
        how = _read_bits(stream, state, 4)
        codes = np.zeros((half_y, half_x), np.uint8)
        if how == 0:  # direct bits
            for y in range(half_y):
                for x in range(half_x):
                    codes[y, x] = _read_bits(stream, state, 4)
        elif how == 15:  # Huffman-coded quadtree
            codes = np.zeros((1, 1), np.uint8)
            codes[0, 0] = _read_code(stream, state)
            for level in range(power - 2, -1, -1):
                side_y, side_x = -(-ny >> (level + 1)), -(-nx >> (level + 1))
                codes = _expand_quadtree(stream, state, codes, side_y, side_x)
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
def _read_coefficients(stream, state, image, planes):  # type: ignore[no-untyped-def]
    """Read all coefficients: absolute values of four quadrants, then the signs."""
    ny, nx = image.shape
    y, x = (ny + 1) // 2, (nx + 1) // 2
    _read_quadrant(stream, state, image[:y, :x], planes[0])
    _read_quadrant(stream, state, image[:y, x:], planes[1])
    _read_quadrant(stream, state, image[y:, :x], planes[1])
    _read_quadrant(stream, state, image[y:, x:], planes[2])
    if state[1] or _read_bits(stream, state, 4) != 0:
        state[1] = 1
        return
    state[0] = (state[0] + 7) & ~np.int64(7)  # signs start at a byte boundary
    for row in range(ny):
        for column in range(nx):
            if image[row, column] and _read_bits(stream, state, 1):
                image[row, column] = -image[row, column]


@_compiled
def _interleave(image, ny, nx):  # type: ignore[no-untyped-def]
    """Interleave sums and differences, which are stored one after the other, along both axes."""
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
def _round(value, half, least):  # type: ignore[no-untyped-def]
    """Round to a multiple of a power of two, halves away from zero except in the last step."""
    return (value + (half if value >= 0 else least)) & -(2 * half if half else 1)


@_compiled
def _inverse_transform(image):  # type: ignore[no-untyped-def]
    """Transform coefficients to pixels in place, from the coarsest level to the finest."""
    ny, nx = image.shape
    power = _log2(max(ny, nx))
    if power == 0:
        return
    bit = np.int64(1) << (power - 1)
    image[0, 0] = _round(image[0, 0], 2 * bit, 2 * bit - 1)
    for level in range(power - 1, -1, -1):
        last = level == 0
        shift = 2 if last else 1
        half0, half1 = bit >> 1, bit
        least0, least1 = (0 if last else half0 - 1), half1 - 1
        rows, columns = -(-ny >> level), -(-nx >> level)
        _interleave(image, rows, columns)
        for y in range(0, rows, 2):
            for x in range(0, columns, 2):
                below, right = y + 1 < rows, x + 1 < columns
                h0 = image[y, x]
                hx = _round(image[y + 1, x], half1, least1) if below else 0
                hy = _round(image[y, x + 1], half1, least1) if right else 0
                if below and right:
                    hc = _round(image[y + 1, x + 1], half0, least0)
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
