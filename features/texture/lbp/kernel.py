"""Histograms of uniform local binary patterns, compiled: 64 pixels a word of 64 bits.

The comparison of 64 center pixels with one point of their circles is one word. Bit-sliced addition
counts the points below the center: the words of a circle's points are added like binary numbers
whose digits are in different words, a few instructions for 64 to 512 pixels. A histogram is a
population count; masks of bad pixels and of the border are words too and need no branch.

Points between pixels are interpolated in float32, first along rows, once for each column of the
circle, then between two rows. Where rows are whole words this goes in strips of 64 columns, three
rows at a time; the interpolated rows that the circles still need stay in ring buffers that fit the
first-level cache.

The result is exact. Before the comparison the middle of the block's range is subtracted and the
rest scaled to at most A = 1.7 * 2^20. Pixels, weights and operations then err by at most
18 * 2^-24 A = 1.92 together, so a difference of at least 2 has the right sign. The highest bit of
the difference's exponent tells whether it is that large; where it is not, 16 pixels are compared
again in float64, by the definition in `galfeat.features.texture.lbp.reference`. Points that are
pixels are compared as they are.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel
from galfeat.features.texture.lbp.kernel_compare import (
    compare_block,
    compare_pixels,
    compare_strips,
    interpolate_block,
)
from galfeat.features.texture.lbp.kernel_planes import (
    any_counted,
    border,
    fill,
    mark_inner,
    scale_pixels,
    take,
)
from galfeat.features.texture.lbp.tables import (
    POINTS,
    RADIUS,
    ROWS,
    block_of,
    in_strips,
    tables,
)
from galfeat.features.texture.lbp.vectors_count import (
    DIGITS,
    bits_set,
    count_equal,
    count_equal_large,
    count_points,
    first_bit,
)
from galfeat.features.texture.lbp.workspace import STRIDE, allocate

__all__ = ["directed_lbp", "lbp"]


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
        with several runs, as in `galfeat.features.texture.lbp.reference.patterns`. Circles that
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
        In the order of `galfeat.features.texture.lbp.reference.directed_patterns`.
    """
    return _counts(planes, radii, True)


def _counts(planes: NDArray[np.float32], radii: Sequence[int], directed: bool) -> NDArray[np.int64]:
    count, ny, nx = planes.shape
    width = _row_length(nx)
    block = block_of(ny, width)
    table = tables(tuple(int(radius) for radius in radii), width, block)
    points = table.heads[:, POINTS]
    sizes = points * (points - 1) + 3 if directed else points + 2
    found = np.zeros((count, int(sizes.sum())), dtype=np.int64)
    workspace = allocate(table, ny, width)
    mark_inner(workspace.inner, table.heads, ny, nx, width)
    bits, strips, starts = planes.view(np.int32), in_strips(width), np.cumsum(sizes) - sizes
    _count_planes(
        bits, np.int64(width), np.int64(block), strips, starts, directed, found, workspace, table
    )
    return found


def _row_length(nx: int) -> int:
    """Return the distance of rows in memory, pixels.

    A multiple of 64 where that wastes little, since such rows are compared in strips.
    """
    whole = -(-nx // 64) * 64
    return whole if whole <= 1.15 * nx else nx


@kernel(fast=False)
def _count_planes(
    images: Any,
    width: Any,
    step: Any,
    strips: Any,
    starts: Any,
    directed: Any,
    found: Any,
    workspace: Any,
    table: Any,
) -> None:
    """Count the patterns of every plane.

    The named tuples are unpacked once, here, and their arrays handed on one by one, as are
    positions in arrays in place of slices: numba counts a reference for each array that it takes
    from a tuple and for each slice. With the tuples handed on, planes of 32 x 32 pixels take twice
    the time.
    """
    pixels, codes, scaled, planes, words, beyond, digits, counted, inner, bad = workspace
    heads, groups, mixes, slots, lines, ratios, corners, weights, straights, reach = table
    size = images.shape[1] * width
    count = (size + 63) // 64
    widest = (heads[:, RADIUS].max() + ROWS - 1) * (width + 1)
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
                radius, number = heads[k, RADIUS], heads[k, POINTS]
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
                    compare_pixels(pixels, words, beyond, k, start, many, width, heads, straights)
                    if strips:
                        compare_strips(
                            pixels, scaled, planes, words, counted, k, start, many, width,
                            heads, groups, mixes, slots, lines, ratios, corners, weights,
                        )  # fmt: skip
                    else:
                        interpolate_block(
                            scaled, planes, k, start, many, width, heads, groups, mixes
                        )
                        compare_block(
                            pixels, scaled, planes, words, counted, k, start, many, width,
                            heads, slots, lines, ratios, corners, weights,
                        )  # fmt: skip
                count_points(words, np.int64(STRIDE), number, np.int64(last - first), digits)
                if directed:
                    _add_directed(
                        words, digits, counted, number, last - first, found, row, starts[k]
                    )
                else:
                    _add_uniform(
                        digits, counted, number, np.int64(last - first), found, row, starts[k]
                    )


@kernel(fast=False)
def _add_uniform(
    digits: Any, counted: Any, points: Any, count: Any, found: Any, row: Any, start: Any
) -> None:
    """Add a block's patterns to the histogram of uniform patterns."""
    circles, stride = np.int64(0), np.int64(STRIDE)
    for w in range(count):
        circles += bits_set(counted[w])
        counted[w] &= ~digits[DIGITS * STRIDE + w]
    for below in range(0, points + 1, 2):
        if points < 32:
            both = count_equal(digits, stride, count, np.int64(below), counted)
        else:
            both = count_equal_large(digits, stride, count, np.int64(below), counted)
        found[row, start + points - below] += both & 0xFFFFFFFF
        if below < points:
            found[row, start + points - below - 1] += both >> 32
        circles -= (both & 0xFFFFFFFF) + (both >> 32)
    found[row, start + points + 1] += circles


@kernel(fast=False)
def _add_directed(
    words: Any, digits: Any, counted: Any, points: Any, count: Any, found: Any, row: Any, start: Any
) -> None:
    """Add a block's patterns to the histogram that tells apart where the run of points begins."""
    last = start + points * (points - 1) + 1
    for w in range(count):
        several = digits[DIGITS * STRIDE + w]
        left = counted[w]
        found[row, last + 1] += bits_set(left & several)
        left &= ~several
        for begin in range(points):
            begins = (
                left
                & ~words[begin * STRIDE + w]
                & words[(begin + points - 1) % points * STRIDE + w]
            )
            left &= ~begins
            while begins != 0:
                place = first_bit(begins)
                begins &= begins - 1
                number = points
                for digit in range(DIGITS):
                    number -= ((digits[digit * STRIDE + w] >> place) & 1) << digit
                found[row, start + 1 + (number - 1) * points + begin] += 1
        empty = left & words[w]
        found[row, start] += bits_set(empty)
        found[row, last] += bits_set(left & ~empty)
