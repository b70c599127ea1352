"""Counts of uniform local binary patterns: 64 pixels a word, one word a point of the circle.

A comparison of 64 pixels with a point of their circles is one word of 64 bits. The words of a circle's points are added like
binary numbers whose digits stand in different words, so counting costs a few instructions for 64 to 512 pixels; a histogram is
a number of set bits; bad pixels and borders are words too, so they cost no branch.

Points between pixels are interpolated in float32: along rows once for each column of the circle, then between two rows.
Before, the middle of the block's range is subtracted and the rest scaled to at most A = 1.7 * 2^20. Pixels, weights and
operations then err by at most 18 * 2^-24 A = 1.92 together, so a difference of at least 2 has the right sign. The highest bit
of a float's exponent says that; where it is missing, 16 pixels are compared again in float64, by the definition
(`galfeat.features.plain.lbp`). Points that are pixels are compared as they are.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel
from galfeat.features.kernels.lbp_tables import BLOCK, Tables, tables
from galfeat.features.kernels.lbp_vectors import (
    DIGITS,
    bad_word,
    bits_set,
    equal,
    equal_large,
    first_bit,
    interpolate,
    one_row,
    straight,
    tally,
    two_rows,
)

__all__ = ["directed_lbp", "lbp"]

_EXPONENT = 0x7F800000  # all ones in float32 that are infinite or no number
_LARGEST = 1.7 * 2.0**20  # scaled pixels; see above
_UNSURE = 4.0  # differences below are compared again; more than 2, since this code rounds otherwise than the vectors


class _Scratch(NamedTuple):
    """Memory of one call; flat, in float32 or words of 64 bits. `pixels` and `codes` are the same memory.

    Attributes
    ----------
    pixels, codes : the plane with a border before and after, bad pixels replaced, as float32 and as int32
    scaled : the same, scaled
    planes : interpolated rows of a block
    words : (points, `BLOCK`) which points are below the centre
    digits : (`DIGITS` + 1, `BLOCK`) number of points below the centre; circles with several runs
    counted : (`BLOCK`,) which circles count
    inner : (radii, words) circles inside the image
    bad : bad pixels, with a border
    """

    pixels: NDArray[np.float32]
    codes: NDArray[np.int32]
    scaled: NDArray[np.float32]
    planes: NDArray[np.float32]
    words: NDArray[np.int64]
    digits: NDArray[np.int64]
    counted: NDArray[np.int64]
    inner: NDArray[np.int64]
    bad: NDArray[np.int64]


def lbp(planes: NDArray[np.float32], radii: Sequence[int]) -> NDArray[np.int64]:
    """Return how many circles have which uniform pattern, whatever its rotation.

    Parameters
    ----------
    planes : array of float32, shape (m, ny, nx), C-contiguous
    radii : sequence of int
        Radii in pixels, 1 to 127.

    Returns
    -------
    array of int64, shape (m, sum of 8 R + 2)
        For each radius R the number of circles with 0 to 8 R points set in one run, and of those with several runs, as in
        `galfeat.features.plain.lbp.patterns`. Circles that leave the image or touch a bad pixel are not counted.
    """
    return _counts(planes, radii, False)


def directed_lbp(planes: NDArray[np.float32], radii: Sequence[int]) -> NDArray[np.int64]:
    """Return how many circles have which uniform pattern, each rotation by itself.

    Parameters
    ----------
    planes, radii
        As in `lbp`.

    Returns
    -------
    array of int64, shape (m, sum of P (P - 1) + 3), where P = 8 R
        In the order of `galfeat.features.plain.lbp.directed_patterns`.
    """
    return _counts(planes, radii, True)


def _counts(planes: NDArray[np.float32], radii: Sequence[int], directed: bool) -> NDArray[np.int64]:
    count, ny, nx = planes.shape
    width = _width(nx)
    table = tables(tuple(int(radius) for radius in radii), width)
    points = table.heads[:, 1]
    sizes = points * (points - 1) + 3 if directed else points + 2
    found = np.zeros((count, int(sizes.sum())), dtype=np.int64)
    scratch = _scratch(table, ny, width)
    _mark_inner(scratch.inner, table.heads, ny, nx, width)
    _count_planes(planes.view(np.int32), np.int64(width), table, scratch, np.cumsum(sizes) - sizes, directed, found)
    return found


def _width(nx: int) -> int:
    """Return how far apart rows are kept: whole words where that wastes little, since two rows are then compared at once."""
    whole = -(-nx // 64) * 64
    return whole if whole <= 1.15 * nx else nx


def _scratch(table: Tables, ny: int, width: int) -> _Scratch:
    heads = table.heads
    reach = int(heads[:, 0].max()) * (width + 1)
    words = -(-ny * width // 64)
    padded = _aligned(64 * words + 2 * _border(reach), np.float32)
    return _Scratch(
        padded,
        padded.view(np.int32),
        _aligned(len(padded), np.float32),
        _aligned(int((heads[:, 2] * (heads[:, 10] - heads[:, 5])).max()), np.float32),
        _aligned(int(heads[:, 1].max()) * BLOCK, np.int64),
        _aligned((DIGITS + 1) * BLOCK, np.int64),
        _aligned(BLOCK, np.int64),
        np.zeros((len(heads), words), dtype=np.int64),
        np.zeros(words + 2 * (_border(reach) // 64), dtype=np.int64),
    )


def _aligned(count: int, kind: type[np.generic]) -> NDArray[Any]:
    """Return uninitialised memory whose vectors do not straddle cache lines."""
    size = count * np.dtype(kind).itemsize
    memory = np.empty(size + 64, dtype=np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(kind)


@kernel(fast=False)
def _border(reach: Any) -> Any:
    """Return how many pixels lie before and after the image, so that no circle of a word leaves the memory."""
    return 64 * ((reach + 63) // 64 + 4)


@kernel(fast=False)
def _mark_inner(inner: Any, heads: Any, ny: Any, nx: Any, width: Any) -> None:
    for k in range(len(heads)):
        radius = heads[k, 0]
        for y in range(radius, ny - radius):
            for i in range(y * width + radius, y * width + nx - radius):
                inner[k, i >> 6] |= np.int64(1) << (i & 63)


@kernel(fast=False)
def _count_planes(images: Any, width: Any, table: Any, scratch: Any, starts: Any, directed: Any, found: Any) -> None:
    ny = images.shape[1]
    size = ny * width
    words = (size + 63) // 64
    widest = table.heads[:, 0].max() * (width + 1)
    front = _border(widest)
    for row in range(len(images)):
        flawed = _any_bad(images[row].ravel())
        if not _take(images[row], width, front, flawed, scratch):
            continue
        for block in range(0, words, BLOCK):
            start = front + max(64 * block - widest, 0)
            stop = front + min(64 * (block + BLOCK) + widest, size)
            begin, end = front + 64 * block - widest - 64, front + 64 * min(block + BLOCK, words) + widest + 192
            constant = _scale(scratch, start, stop, begin, end)
            for k in range(len(table.heads)):
                radius = table.heads[k, 0]
                first = max(block, radius * width // 64)
                last = min(block + BLOCK, ((ny - radius) * width + 63) // 64)
                if first < last and _any_counted(scratch, k, first, last, flawed, front // 64, table):
                    if constant:
                        scratch.words[:] = 0
                    else:
                        _compare(scratch, table, k, first, last, width, front)
                    tally(scratch.words, np.int64(BLOCK), np.int64(8 * radius), np.int64(last - first), scratch.digits)
                    if directed:
                        _add_directed(scratch, np.int64(8 * radius), last - first, found[row, starts[k] :])
                    else:
                        _add_uniform(scratch, np.int64(8 * radius), np.int64(last - first), found[row, starts[k] :])


@kernel(fast=False)
def _any_bad(codes: Any) -> bool:
    bad = np.int32(0)
    for i in range(len(codes)):
        bad |= np.int32((codes[i] & _EXPONENT) == _EXPONENT)
    return bad != 0


@kernel(fast=False)
def _take(image: Any, width: Any, front: Any, flawed: Any, scratch: Any) -> bool:
    """Copy a plane into the border, its bad pixels replaced by a good one and noted; return whether there is a good one."""
    ny, nx = image.shape
    codes = scratch.codes
    filler = _first_good(image)
    if (filler & _EXPONENT) == _EXPONENT:
        return False
    _fill(codes[:front], filler)
    _fill(codes[front + ny * width :], filler)
    if width == nx:
        _copy(image.ravel(), codes[front : front + ny * nx])
    else:
        for y in range(ny):
            _copy(image[y], codes[front + y * width : front + y * width + nx])
            _fill(codes[front + y * width + nx : front + (y + 1) * width], filler)
    if flawed:
        for word in range((ny * width + 63) // 64):
            at = front + 64 * word
            bad = bad_word(codes, np.int64(at))
            scratch.bad[front // 64 + word] = bad
            if bad != 0:
                for i in range(at, at + 64):
                    codes[i] = filler if (codes[i] & _EXPONENT) == _EXPONENT else codes[i]
    return True


@kernel(fast=False)
def _first_good(image: Any) -> Any:
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            if (image[y, x] & _EXPONENT) != _EXPONENT:
                return image[y, x]
    return image[0, 0]


@kernel(fast=False)
def _copy(source: Any, target: Any) -> None:
    for i in range(len(source)):
        target[i] = source[i]


@kernel(fast=False)
def _fill(target: Any, value: Any) -> None:
    for i in range(len(target)):
        target[i] = value


@kernel(fast=False)
def _scale(scratch: Any, start: Any, stop: Any, begin: Any, end: Any) -> bool:
    """Scale the pixels from `begin` to `end` by the range of those from `start` to `stop`; return whether that is nothing."""
    low, high = _extremes(scratch.codes[start:stop])
    middle = np.float32(0.5 * np.float64(low) + 0.5 * np.float64(high))
    half = max(np.float64(high) - np.float64(middle), np.float64(middle) - np.float64(low))
    if half == 0:
        return True
    _stretch(scratch.pixels[begin:end], scratch.scaled[begin:end], middle, np.float32(min(_LARGEST / half, 1e38)))
    return False


@kernel(fast=False)
def _extremes(codes: Any) -> Any:
    """Return the least and the greatest of floats by their bits, which are ordered like integers once negatives are turned."""
    low, high = np.int32(0x7FFFFFFF), np.int32(-0x80000000)
    for i in range(len(codes)):
        order = np.int32(codes[i] ^ ((codes[i] >> 31) & 0x7FFFFFFF))
        low = min(low, order)
        high = max(high, order)
    low = np.int32(low ^ ((low >> 31) & 0x7FFFFFFF))
    high = np.int32(high ^ ((high >> 31) & 0x7FFFFFFF))
    return low.view(np.float32), high.view(np.float32)


@kernel(fast=False)
def _stretch(pixels: Any, scaled: Any, middle: Any, scale: Any) -> None:
    for i in range(len(pixels)):
        scaled[i] = (pixels[i] - middle) * scale


@kernel(fast=False)
def _any_counted(scratch: Any, k: Any, first: Any, last: Any, flawed: Any, before: Any, table: Any) -> bool:
    """Note which circles of a block lie inside and touch no bad pixel; return whether there are any."""
    counted = scratch.counted
    counted[:] = 0
    if flawed:
        for at in range(table.heads[k, 8], table.heads[k, 13]):
            _spread(scratch.bad, counted, before + first, last - first, table.reach[at])
    found = np.int64(0)
    for w in range(last - first):
        counted[w] = scratch.inner[k, first + w] & ~counted[w]
        found |= counted[w]
    return found != 0


@kernel(fast=False)
def _spread(bad: Any, touched: Any, start: Any, count: Any, offset: Any) -> None:
    """Mark the circles whose pixel at this offset is bad."""
    place, shift = start + (offset >> 6), np.uint64(offset & 63)
    lower, upper = bad[place : place + count], bad[place + 1 : place + 1 + count]
    for w in range(count):
        touched[w] |= np.int64((np.uint64(lower[w]) >> shift) | (np.uint64(upper[w]) << np.uint64(1) << (np.uint64(63) - shift)))


@kernel(fast=False)
def _compare(scratch: Any, table: Any, k: Any, first: Any, last: Any, width: Any, front: Any) -> None:
    """Find which points of a block's circles are below the centre."""
    head = table.heads[k]
    rise = head[0] * width
    scaled, planes, words, pixels = scratch.scaled, scratch.planes, scratch.words, scratch.pixels
    top, count, length = np.int64(front + 64 * first - rise), np.int64((64 * (last - first) + 2 * rise + 63) // 64 * 64), np.int64(head[2])
    for row in range(head[4], head[9]):
        left, plane, number = table.groups[row, 0], table.groups[row, 1], table.groups[row, 2]
        to = np.int64((plane - head[5]) * length)
        interpolate(scaled, planes, np.int64(top + left), count, to, length, table.mixes, plane, number)
    start, stop, stride = front + 64 * first, last - first, np.int64(BLOCK)
    for q in range(stop):
        straight(pixels, np.int64(start + 64 * q), table.straights, head[7], head[12], words, stride, np.int64(q))
    points, ratios, begin, middle, end = table.points, table.ratios, np.int64(head[6]), np.int64(head[3]), np.int64(head[11])
    apart = width // 64 if width % 64 == 0 else stop
    paired = stop // (2 * apart) * 2 * apart
    for pair in range(0, paired, 2 * apart):
        for q in range(pair, pair + apart):
            at, there, below = np.int64(start + 64 * q), np.int64(64 * q), np.int64(q + apart)
            large = two_rows(scaled, at, planes, there, width, points, ratios, begin, middle, end, words, stride, np.int64(q), below)
            if large & (1 << 30) == 0:
                _repair(scratch, table, head, start, q, width)
                _repair(scratch, table, head, start, below, width)
    for q in range(paired, stop):
        at, there = np.int64(start + 64 * q), np.int64(64 * q)
        large = one_row(scaled, at, planes, there, width, points, ratios, begin, middle, end, words, stride, np.int64(q))
        if large & (1 << 30) == 0:
            _repair(scratch, table, head, start, q, width)


@kernel(fast=False)
def _repair(scratch: Any, table: Any, head: Any, start: Any, q: Any, width: Any) -> None:
    """Compare again, exactly, where float32 cannot be sure."""
    if scratch.counted[q] == 0:
        return
    at = start + 64 * q
    sizes, total = np.empty(64, dtype=np.float32), np.empty(16)
    centre = scratch.scaled[at : at + 64]
    for point in range(head[6], head[11]):
        upper = scratch.planes[table.points[point, 0] + 64 * q :]
        near, far = (upper, upper[width:]) if point < head[3] else (upper[width:], upper)
        if _sizes(near[:64], far[:64], centre, table.ratios[point], sizes):
            for part in range(0, 64, 16):
                if sizes[part : part + 16].min() < _UNSURE:
                    _sum_exactly(scratch.pixels, at + part, table.corners[point], table.weights[point], total)
                    below = np.int64(0)
                    for i in range(16):
                        below |= np.int64(total[i] < 0) << (part + i)
                    place = table.points[point, 1] * BLOCK + q
                    scratch.words[place] = (scratch.words[place] & ~(np.int64(0xFFFF) << part)) | below


@kernel(fast=False)
def _sizes(near: Any, far: Any, centre: Any, ratio: Any, sizes: Any) -> bool:
    """Note how large the differences are; return whether any is too small to be sure of."""
    unsure = np.int32(0)
    for i in range(64):
        sizes[i] = abs(ratio * far[i] + (near[i] - centre[i]))
        unsure |= np.int32(sizes[i] < _UNSURE)
    return unsure != 0


@kernel(fast=False)
def _sum_exactly(pixels: Any, at: Any, corners: Any, weights: Any, total: Any) -> None:
    total[:] = 0
    for corner in range(4):
        here = pixels[at + corners[corner] :]
        for i in range(16):
            total[i] += weights[corner] * (np.float64(here[i]) - np.float64(pixels[at + i]))


@kernel(fast=False)
def _add_uniform(scratch: Any, points: Any, count: Any, found: Any) -> None:
    circles = np.int64(0)
    for w in range(count):
        circles += bits_set(scratch.counted[w])
    for below in range(points + 1):
        if points < 32:
            number = equal(scratch.digits, np.int64(BLOCK), count, np.int64(below), scratch.counted, np.int64(0))
        else:
            number = equal_large(scratch.digits, np.int64(BLOCK), count, np.int64(below), scratch.counted, np.int64(0))
        found[points - below] += number
        circles -= number
    found[points + 1] += circles


@kernel(fast=False)
def _add_directed(scratch: Any, points: Any, count: Any, found: Any) -> None:
    digits = scratch.digits
    for w in range(count):
        several = digits[DIGITS * BLOCK + w]
        left = scratch.counted[w]
        found[points * (points - 1) + 2] += bits_set(left & several)
        left &= ~several
        for begin in range(points):
            begins = left & ~scratch.words[begin * BLOCK + w] & scratch.words[(begin + points - 1) % points * BLOCK + w]
            left &= ~begins
            while begins != 0:
                place = first_bit(begins)
                begins &= begins - 1
                number = points
                for digit in range(DIGITS):
                    number -= ((digits[digit * BLOCK + w] >> place) & 1) << digit
                found[1 + (number - 1) * points + begin] += 1
        empty = left & scratch.words[w]
        found[0] += bits_set(empty)
        found[points * (points - 1) + 1] += bits_set(left & ~empty)
