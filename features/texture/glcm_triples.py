"""Counts of triples of levels, from which the counts of two or three kinds of pairs follow.

One increment instead of three: counting spends its time on increments, one a cycle. A pixel, its
neighbor d to the right and its neighbor d below count as one of the triples of levels (a, b, c),
numbered by 16 bits, in a cube of counts. Its sum over c has the pairs along rows, that over b those
along columns, and that over a those along the rising diagonals, since the first pixel of any such
pair has the second d to its left and d below. A pixel and two of its neighbors along the falling
diagonal are two more kinds. Bad pixels are one more level, which no sum leaves out.
"""

from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.texture.haralick_kernel import row_length

__all__ = ["MOST_SUMS", "largest_cube", "pay", "tally_corners", "tally_falling"]

_MOST = 1 << 16  # cells of a cube, numbered by 16 bits
MOST_SUMS = 40 * 40
"""Sums over one axis of the largest cube."""

_AT_ONCE = 60 * 1024  # triples, less than 16 bits count
_BLOCK = 1024  # triples numbered at a time
_GROUP = 32  # increments a turn of the loop
_WORD = 4  # counts of 16 bits that are added at once
# a word times this has the sum of its four counts in its highest 16 bits
_LANES = np.uint64(0x0001000100010001)
_TOP = np.uint64(48)


@kernel()
def cube_cells(side: Any) -> Any:
    """Return the number of cells of a cube of `side` levels, whose rows are whole words."""
    return side * side * _pitch(side)


@kernel()
def _pitch(side: Any) -> Any:
    return (side + _WORD - 1) // _WORD * _WORD


@kernel()
def pay(side: Any, pixels: Any) -> Any:
    """Return whether counting triples is faster than counting pairs, for so many pixels.

    The cube must be summed and emptied, which costs more than it saves in small images.
    """
    return cube_cells(side) <= min(_MOST, 2 * pixels)


def largest_cube(side: int, pixels: int) -> int:
    """Return the cells of the largest cube of at most `side` levels that pays, 0 if none does."""
    return max(
        (int(cube_cells(each)) for each in range(2, side + 1) if pay(each, pixels)), default=0
    )


@kernel()
def tally_corners(
    padded: Any, number: Any, down: Any, right: Any, count: Any, tables: Any, buffers: Any
) -> None:
    """Add the pairs along rows, rising diagonals and columns to three tables.

    A pair is counted in the row of its smaller level.

    Parameters
    ----------
    padded : array of uint8, flat
        Levels, and `count` where pixels are bad; `down` + `right` + `number` of them or more.
    number : int
        How many pixels have neighbors.
    down, right : int
        Where the neighbors are.
    count : int
        Number of levels.
    tables : array of int32, flat
        Each is (count + 1) * `row_length` long: 0, 45, 90 degrees, as many as there are.
    buffers : arrays
        Cells of triples and the cube, which is empty and is left so, both uint16; two planes of the
        cube, uint16.
    """
    cells, cube, plane, other = buffers
    side, length = count + 1, row_length(count)
    size = side * length
    for start in range(0, number, _AT_ONCE):
        stop = min(start + _AT_ONCE, number)
        _tally(padded, start, stop, right, down, side, cells, cube)
        _over_last(cube.view(np.uint64), side, plane)
        _add_either_way(plane, side, count, tables[:size], length)
        _over_middle(cube.view(np.uint64), side, other.view(np.uint64))
        _add_either_way(other, _pitch(side), count, tables[2 * size : 3 * size], length)
        _over_first(cube, side, other)
        _add_either_way(other, _pitch(side), count, tables[size : 2 * size], length)


@kernel()
def tally_falling(
    padded: Any, number: Any, near: Any, far: Any, count: Any, one: Any, two: Any, buffers: Any
) -> None:
    """Add the pairs at two offsets to two tables.

    Parameters
    ----------
    padded, number, count, buffers
        As of `tally_corners`.
    near, far : int
        The offsets.
    one, two : arrays of int32, flat
        A table for each.
    """
    cells, cube, plane, other = buffers
    side, length = count + 1, row_length(count)
    for start in range(0, number, _AT_ONCE):
        stop = min(start + _AT_ONCE, number)
        _tally(padded, start, stop, near, far, side, cells, cube)
        _over_last(cube.view(np.uint64), side, plane)
        _add_either_way(plane, side, count, one, length)
        _over_middle(cube.view(np.uint64), side, other.view(np.uint64))
        _add_either_way(other, _pitch(side), count, two, length)
        cube[: cube_cells(side)] = 0


@kernel()
def _tally(
    padded: Any, start: Any, stop: Any, second: Any, third: Any, side: Any, cells: Any, cube: Any
) -> None:
    row, plane = np.uint16(_pitch(side)), np.uint16(side * _pitch(side))
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        block = cells[: last - first]
        _number(
            padded[first:last],
            padded[first + second : last + second],
            padded[first + third : last + third],
            plane,
            row,
            block,
        )
        _count(block, cube)


@kernel()
def _number(first: Any, second: Any, third: Any, plane: Any, row: Any, cells: Any) -> None:
    for k in range(len(cells)):
        cells[k] = np.uint16(
            np.uint16(np.uint16(first[k]) * plane)
            + np.uint16(np.uint16(second[k]) * row)
            + np.uint16(third[k])
        )


@kernel()
def _count(cells: Any, cube: Any) -> None:
    groups = np.uint64(len(cells) // _GROUP)
    # unsigned: a signed index would be tested for counting from the end
    for group in range(groups):
        first = np.uint64(group) * np.uint64(_GROUP)
        for k in range(_GROUP):
            cube[np.uint64(cells[first + np.uint64(k)])] += np.uint16(1)
    for k in range(len(cells) // _GROUP * _GROUP, len(cells)):
        cube[cells[k]] += np.uint16(1)


@kernel()
def _over_last(words: Any, side: Any, sums: Any) -> None:
    """Sum each row of the cube: sums[a * side + b]."""
    length = _pitch(side) // _WORD
    at = np.uint64(0)
    for row in range(side * side):
        total = np.uint64(0)
        for _ in range(length):
            total += words[at]
            at += np.uint64(1)
        sums[row] = np.uint16((total * _LANES) >> _TOP)


@kernel()
def _over_middle(words: Any, side: Any, sums: Any) -> None:
    """Sum the rows of each plane: sums[a * pitch + c]; four counts a word."""
    length = _pitch(side) // _WORD
    for a in range(side):
        for k in range(length):
            total = np.uint64(0)
            at = np.uint64(a * side * length + k)
            for _ in range(side):
                total += words[at]
                at += np.uint64(length)
            sums[a * length + k] = total


@kernel()
def _over_first(cube: Any, side: Any, sums: Any) -> None:
    """Sum the planes, sums[b * pitch + c], and empty them."""
    size = side * _pitch(side)
    sums[:size] = 0
    for a in range(side):
        _move(cube[a * size : (a + 1) * size], sums[:size])


@kernel()
def _move(values: Any, sums: Any) -> None:
    for i in range(len(values)):
        sums[i] += values[i]
        values[i] = 0


@kernel()
def _add_either_way(sums: Any, pitch: Any, count: Any, table: Any, length: Any) -> None:
    for i in range(count):
        across, down = np.uint64(i * pitch + i), np.uint64(i * pitch + i)
        place = np.uint64(i * length + i)
        table[place] += np.int32(sums[across])
        for _ in range(i + 1, count):
            across += np.uint64(1)
            down += np.uint64(pitch)
            place += np.uint64(1)
            table[place] += np.int32(np.int32(sums[across]) + np.int32(sums[down]))
