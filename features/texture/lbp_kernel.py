"""Counts of uniform local binary patterns: 64 pixels a word, one word a point of the circle.

A comparison of 64 pixels with a point of their circles is one word of 64 bits. The words of a
circle's points are added like binary numbers whose digits stand in different words, so counting
costs a few instructions for 64 to 512 pixels; a histogram is a number of set bits; bad pixels and
borders are words too, so they cost no branch.

Points between pixels are interpolated in float32: along rows once for each column of the circle,
then between two rows. Where rows are whole words that goes on in strips of 64 columns, three rows
at a time: the interpolated rows that the circles still need are kept in rings, small enough for the
processor's first cache. Before, the middle of the block's range is subtracted and the rest scaled
to at most A = 1.7 * 2^20. Pixels, weights and operations then err by at most 18 * 2^-24 A = 1.92
together, so a difference of at least 2 has the right sign. The highest bit of a float's exponent
says that; where it is missing, 16 pixels are compared again in float64, by the definition
(`galfeat.features.texture.lbp_reference`). Points that are pixels are compared as they are.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel
from galfeat.features.texture.lbp_circles import (
    DIGITS,
    bits_set,
    first_bit,
    tally,
    two_equal,
    two_equal_large,
)
from galfeat.features.texture.lbp_planes import (
    any_counted,
    border,
    fill,
    mark_inner,
    scale_pixels,
    take,
)
from galfeat.features.texture.lbp_tables import BLOCK, ROWS, Tables, block_of, in_strips, tables
from galfeat.features.texture.lbp_vectors import (
    interpolate,
    interpolate_three,
    moved,
    one_row,
    straight,
    three_rows,
)

__all__ = ["directed_lbp", "lbp"]

# words from one point to the next; a power of two would send all of them to the same part of the
# cache
_STRIDE = BLOCK
# differences below are compared again; more than 2, since this code rounds otherwise than the
# vectors
_UNSURE = 4.0


class _Scratch(NamedTuple):
    """Memory of one call; flat, in float32 or words of 64 bits.

    `pixels` and `codes` are the same memory.

    Attributes
    ----------
    pixels, codes : the plane with a border before and after, bad pixels replaced, as float32 and
        as int32
    scaled : the same, scaled
    planes : interpolated rows of a block, or of a strip of it
    words : (points, `_STRIDE`) which points are below the centre
    beyond : (2, n) which points to the right, and below in the image, are above the centre, with
        the words before the block
    digits : (`DIGITS` + 1, `_STRIDE`) number of points below the centre; circles with several runs
    counted : (`BLOCK`,) which circles count
    inner : (radii, words) circles inside the image
    bad : bad pixels, with a border
    """

    pixels: NDArray[np.float32]
    codes: NDArray[np.int32]
    scaled: NDArray[np.float32]
    planes: NDArray[np.float32]
    words: NDArray[np.int64]
    beyond: NDArray[np.int64]
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
        For each radius R the number of circles with 0 to 8 R points set in one run, and of those
        with several runs, as in `galfeat.features.texture.lbp_reference.patterns`. Circles that
        leave the image or touch a bad pixel are not counted.
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
        In the order of `galfeat.features.texture.lbp_reference.directed_patterns`.
    """
    return _counts(planes, radii, True)


def _counts(planes: NDArray[np.float32], radii: Sequence[int], directed: bool) -> NDArray[np.int64]:
    count, ny, nx = planes.shape
    width = _width(nx)
    block = block_of(ny, width)
    table = tables(tuple(int(radius) for radius in radii), width, block)
    points = table.heads[:, 1]
    sizes = points * (points - 1) + 3 if directed else points + 2
    found = np.zeros((count, int(sizes.sum())), dtype=np.int64)
    scratch = _scratch(table, ny, width)
    mark_inner(scratch.inner, table.heads, ny, nx, width)
    bits, strips, starts = planes.view(np.int32), in_strips(width), np.cumsum(sizes) - sizes
    _count_planes(
        bits, np.int64(width), np.int64(block), strips, starts, directed, found, *scratch, *table
    )
    return found


def _width(nx: int) -> int:
    """Return how far apart rows are kept.

    Whole words where that wastes little, since they are then compared in strips.
    """
    whole = -(-nx // 64) * 64
    return whole if whole <= 1.15 * nx else nx


def _scratch(table: Tables, ny: int, width: int) -> _Scratch:
    heads = table.heads
    reach = (int(heads[:, 0].max()) + ROWS - 1) * (width + 1)
    words = -(-ny * width // 64)
    padded = _aligned(64 * words + 2 * border(reach), np.float32)
    return _Scratch(
        padded,
        padded.view(np.int32),
        _aligned(len(padded), np.float32),
        _aligned(int((heads[:, 2] * (heads[:, 11] - heads[:, 5])).max()), np.float32),
        _aligned(int(heads[:, 1].max()) * _STRIDE, np.int64),
        np.empty(2 * (BLOCK + int(heads[:, 0].max()) * width // 64 + 16), dtype=np.int64),
        _aligned((DIGITS + 1) * _STRIDE, np.int64),
        _aligned(BLOCK, np.int64),
        np.zeros((len(heads), words), dtype=np.int64),
        np.zeros(words + 2 * (border(reach) // 64), dtype=np.int64),
    )


def _aligned(count: int, kind: type[np.generic]) -> NDArray[Any]:
    """Return uninitialised memory whose vectors do not straddle cache lines."""
    size = count * np.dtype(kind).itemsize
    memory = np.empty(size + 64, dtype=np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(kind)


@kernel(fast=False)
def _count_planes(
    images: Any, width: Any, step: Any, strips: Any, starts: Any, directed: Any, found: Any,
    pixels: Any, codes: Any, scaled: Any, planes: Any, words: Any, beyond: Any, digits: Any,
    counted: Any, inner: Any, bad: Any,
    heads: Any, groups: Any, mixes: Any, slots: Any, lines: Any, ratios: Any, corners: Any,
    weights: Any, straights: Any, reach: Any,
) -> None:  # fmt: skip
    """Count the patterns of every plane; see `_Scratch` and `Tables` for the arrays.

    They are handed on one by one, and positions in them instead of parts: each part or tuple of
    arrays that a compiled function takes hold of is counted in and out, which costs as much as the
    work on a small image.
    """
    size = images.shape[1] * width
    count = (size + 63) // 64
    widest = (heads[:, 0].max() + ROWS - 1) * (width + 1)
    front = border(widest)
    for row in range(len(images)):
        known, flawed = take(images, row, width, front, codes, bad)
        if not known:
            continue
        for block in range(0, count, step):
            start, stop = (
                front + max(64 * block - widest, 0),
                front + min(64 * (block + step) + widest, size),
            )
            begin, end = (
                front + 64 * block - widest - 64,
                front + 64 * min(block + step, count) + widest + 192,
            )
            constant = scale_pixels(pixels, codes, scaled, start, stop, begin, end)
            for k in range(len(heads)):
                radius, number = heads[k, 0], heads[k, 1]
                first = max(block, radius * width // 64)
                last = min(block + step, ((images.shape[1] - radius) * width + 63) // 64)
                if first >= last:
                    continue
                if not any_counted(
                    counted, inner, bad, k, first, last, flawed, front // 64, heads, reach
                ):
                    continue
                if constant:
                    fill(words, 0)
                else:
                    start, many = np.int64(front + 64 * first), np.int64(last - first)
                    _straight(pixels, words, beyond, k, start, many, width, heads, straights)
                    if strips:
                        _compare_strips(
                            pixels, scaled, planes, words, counted, k, start, many, width,
                            heads, groups, mixes, slots, lines, ratios, corners, weights,
                        )  # fmt: skip
                    else:
                        _interpolate(scaled, planes, k, start, many, width, heads, groups, mixes)
                        _compare(
                            pixels, scaled, planes, words, counted, k, start, many, width,
                            heads, slots, lines, ratios, corners, weights,
                        )  # fmt: skip
                tally(words, np.int64(_STRIDE), number, np.int64(last - first), digits)
                if directed:
                    _add_directed(
                        words, digits, counted, number, last - first, found, row, starts[k]
                    )
                else:
                    _add_uniform(
                        digits, counted, number, np.int64(last - first), found, row, starts[k]
                    )


@kernel(fast=False)
def _straight(
    pixels: Any,
    words: Any,
    beyond: Any,
    k: Any,
    start: Any,
    many: Any,
    width: Any,
    heads: Any,
    straights: Any,
) -> None:
    """Find which points that are pixels are below the centres of a block.

    A pixel is a point to the left of, or above, the one that it was compared with as a centre.
    """
    radius, step, place = heads[k, 0], np.int64(len(beyond) // 2), heads[k, 7]
    down, back = np.int64(radius * width), np.int64(radius * width // 64 + 1)
    right, below = np.int64(straights[place] * _STRIDE), np.int64(straights[place + 1] * _STRIDE)
    left, above = np.int64(straights[place + 2] * _STRIDE), np.int64(straights[place + 3] * _STRIDE)
    # the words before the block's own; where their circles' points are, the block overwrites
    for first in range(-back, 0, many):
        number = np.int64(min(many, -first))
        straight(
            pixels,
            np.int64(start + 64 * first),
            number,
            radius,
            down,
            words,
            right,
            below,
            beyond,
            np.int64(back + first),
            step,
        )
    straight(pixels, start, many, radius, down, words, right, below, beyond, back, step)
    moved(beyond, back, many, radius, words, left)
    moved(beyond, np.int64(step + back), many, down, words, above)


@kernel(fast=False)
def _interpolate(
    scaled: Any,
    planes: Any,
    k: Any,
    start: Any,
    many: Any,
    width: Any,
    heads: Any,
    groups: Any,
    mixes: Any,
) -> None:
    """Interpolate the rows of a block for each column of the circle."""
    rise, length = heads[k, 0] * width, heads[k, 2]
    top, count = start - rise, (64 * many + 2 * rise + 63) // 64 * 64
    for row in range(heads[k, 4], heads[k, 10]):
        plane = groups[row, 1]
        to = (plane - heads[k, 5]) * length
        interpolate(
            scaled,
            planes,
            np.int64(top + groups[row, 0]),
            np.int64(count),
            to,
            length,
            mixes,
            plane,
            groups[row, 2],
        )


@kernel(fast=False)
def _compare(
    pixels: Any, scaled: Any, planes: Any, words: Any, counted: Any, k: Any, start: Any, many: Any,
    width: Any,
    heads: Any, slots: Any, lines: Any, ratios: Any, corners: Any, weights: Any,
) -> None:  # fmt: skip
    """Find which points between pixels are below the centres of a block, whose rows are
    interpolated.
    """
    begin, middle, end, line = heads[k, 6], heads[k, 3], heads[k, 12], heads[k, 9]
    for q in range(many):
        at, there, where = np.int64(start + 64 * q), np.int64(64 * q), np.int64(q)
        unsure = one_row(
            scaled,
            at,
            width,
            planes,
            there,
            lines,
            line,
            slots,
            ratios,
            begin,
            middle,
            end,
            words,
            np.int64(_STRIDE),
            where,
        )
        if unsure != 0 and counted[q] != 0:
            _repair(
                pixels,
                scaled,
                planes,
                words,
                k,
                at,
                there,
                np.int64(0),
                line,
                where,
                heads,
                slots,
                lines,
                ratios,
                corners,
                weights,
            )


@kernel(fast=False)
def _compare_strips(
    pixels: Any, scaled: Any, planes: Any, words: Any, counted: Any, k: Any, start: Any, many: Any,
    width: Any,
    heads: Any, groups: Any, mixes: Any, slots: Any, lines: Any, ratios: Any, corners: Any,
    weights: Any,
) -> None:  # fmt: skip
    """Find the same, strip by strip of 64 columns, down which a ring of interpolated rows stays in
    the processor's first cache.
    """
    begin, middle, end, radius, ring = (
        heads[k, 6],
        heads[k, 3],
        heads[k, 12],
        heads[k, 0],
        heads[k, 16],
    )
    one, beyond, length = heads[k, 4], heads[k, 10], heads[k, 2]
    across, stride, none = width // 64, np.int64(_STRIDE), np.int64(0)
    for strip in range(across):
        new, turn, to = (
            np.int64(start + 64 * strip - (ring - ROWS - radius) * width),
            np.int64(0),
            np.int64(0),
        )
        while to < 64 * (ring - ROWS):
            interpolate_three(scaled, new, width, planes, to, length, groups, one, beyond, mixes)
            new, to = new + ROWS * width, to + 64 * ROWS
        for q in range(strip, many, ROWS * across):
            interpolate_three(scaled, new, width, planes, to, length, groups, one, beyond, mixes)
            at, q1 = np.int64(new - radius * width), np.int64(q)
            new, to = (
                new + ROWS * width,
                to + 64 * ROWS if to + 64 * ROWS < 64 * ring else np.int64(0),
            )
            line = np.int64(heads[k, 9] + turn * (end - begin))
            turn = turn + 1 if ROWS * (turn + 1) < ring else np.int64(0)
            q2, q3 = np.int64(q + across), np.int64(q + 2 * across)
            unsure = three_rows(
                scaled,
                at,
                width,
                planes,
                none,
                lines,
                line,
                slots,
                ratios,
                begin,
                middle,
                end,
                words,
                stride,
                q1,
                q2,
                q3,
            )
            for r in range(ROWS if unsure != 0 else 0):
                below = np.int64(q + r * across)
                if (unsure >> r) & 1 and counted[below] != 0:
                    place = np.int64(at + r * width)
                    _repair(
                        pixels, scaled, planes, words, k, place, none, np.int64(r), line, below,
                        heads, slots, lines, ratios, corners, weights,
                    )  # fmt: skip


@kernel(fast=False)
def _repair(
    pixels: Any, scaled: Any, planes: Any, words: Any, k: Any, at: Any, there: Any, row: Any,
    line: Any, q: Any,
    heads: Any, slots: Any, lines: Any, ratios: Any, corners: Any, weights: Any,
) -> None:  # fmt: skip
    """Compare a word's circles again, exactly, where float32 cannot be sure."""
    centre, sizes = scaled[at : at + 64], np.empty(64, dtype=np.float32)
    first = heads[k, 6]
    for point in range(first, heads[k, 12]):
        upper, lower = (
            there + lines[line + point - first, row],
            there + lines[line + point - first, row + 1],
        )
        near, far = (upper, lower) if point < heads[k, 3] else (lower, upper)
        if not _any_unsure(
            centre, planes[near : near + 64], planes[far : far + 64], ratios[point], sizes
        ):
            continue
        for part in range(0, 64, 16):
            if sizes[part : part + 16].min() < _UNSURE:
                below = _below(pixels, at + part, corners, weights, point)
                place = slots[point] * _STRIDE + q
                words[place] = (words[place] & ~(np.int64(0xFFFF) << part)) | (below << part)


@kernel(fast=False)
def _any_unsure(centre: Any, near: Any, far: Any, ratio: Any, sizes: Any) -> bool:
    """Note how large 64 differences are; return whether any is too small to be sure of."""
    unsure = np.int32(0)
    for i in range(64):
        sizes[i] = abs(ratio * far[i] + (near[i] - centre[i]))
        unsure |= np.int32(sizes[i] < _UNSURE)
    return unsure != 0


@kernel(fast=False)
def _below(pixels: Any, at: Any, corners: Any, weights: Any, point: Any) -> Any:
    """Return, for 16 pixels, the bits of those that a point is below, by the definition."""
    below = np.int64(0)
    for i in range(16):
        total = 0.0
        for corner in range(4):
            total += weights[point, corner] * (
                np.float64(pixels[at + i + corners[point, corner]]) - np.float64(pixels[at + i])
            )
        below |= np.int64(total < 0) << i
    return below


@kernel(fast=False)
def _add_uniform(
    digits: Any, counted: Any, points: Any, count: Any, found: Any, row: Any, start: Any
) -> None:
    circles, stride = np.int64(0), np.int64(_STRIDE)
    for w in range(count):
        circles += bits_set(counted[w])
        counted[w] &= ~digits[DIGITS * _STRIDE + w]
    for below in range(0, points + 1, 2):
        if points < 32:
            both = two_equal(digits, stride, count, np.int64(below), counted)
        else:
            both = two_equal_large(digits, stride, count, np.int64(below), counted)
        found[row, start + points - below] += both & 0xFFFFFFFF
        if below < points:
            found[row, start + points - below - 1] += both >> 32
        circles -= (both & 0xFFFFFFFF) + (both >> 32)
    found[row, start + points + 1] += circles


@kernel(fast=False)
def _add_directed(
    words: Any, digits: Any, counted: Any, points: Any, count: Any, found: Any, row: Any, start: Any
) -> None:
    last = start + points * (points - 1) + 1
    for w in range(count):
        several = digits[DIGITS * _STRIDE + w]
        left = counted[w]
        found[row, last + 1] += bits_set(left & several)
        left &= ~several
        for begin in range(points):
            begins = (
                left
                & ~words[begin * _STRIDE + w]
                & words[(begin + points - 1) % points * _STRIDE + w]
            )
            left &= ~begins
            while begins != 0:
                place = first_bit(begins)
                begins &= begins - 1
                number = points
                for digit in range(DIGITS):
                    number -= ((digits[digit * _STRIDE + w] >> place) & 1) << digit
                found[row, start + 1 + (number - 1) * points + begin] += 1
        empty = left & words[w]
        found[row, start] += bits_set(empty)
        found[row, last] += bits_set(left & ~empty)
