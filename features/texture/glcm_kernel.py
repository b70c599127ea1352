"""Compiled gray-level co-occurrence matrices, and Haralick's statistics of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel
from galfeat.features.kernels.levels import levels, quantize, ruler
from galfeat.features.texture.glcm_triples import (
    MOST_SUMS,
    largest_cube,
    pay,
    tally_corners,
    tally_falling,
)
from galfeat.features.texture.haralick_kernel import row_length, statistics, work
from galfeat.features.texture.haralick_reference import STATISTICS

__all__ = ["MOST", "glcm_features", "pair_counts"]

MOST = 248
"""The largest number of levels: a matrix then has fewer cells than 16 bits can number."""

_Shape = tuple[np.int64, np.int64, np.int64]  # rows, columns, and pixels from row to row
_Triples = tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint16]]
_Scratch = tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.uint16], _Triples]

_ANGLES = 4
# adjacent pairs count in different tables, so that no increment waits for the one before
_TABLES = 2
_GROUP = 32  # increments a turn of the loop
_WIDE = 64  # levels; with more, one table is as large as the cache
_BLOCK = 1024  # pairs counted at a time, while the addresses of their cells are in the cache


def glcm_features(
    planes: NDArray[np.float32], count: int, limits: tuple[float, float], distances: Sequence[int]
) -> NDArray[np.float64]:
    """Return Haralick's statistics of planes, averaged over angles: (m, distances, 13).

    Parameters
    ----------
    planes : array of float32, shape (m, ny, nx), C-contiguous
        Not finite where pixels are bad. Both sides are longer than the largest distance.
    count : int
        Number of levels, 1 to `MOST`.
    limits : (float, float)
        Lowest and highest edge of the levels; pixels beyond go to the end levels.
    distances : sequence of int
        Distances of the pairs, in pixels; a diagonal pair at distance d is d rows and d columns
        apart.

    Notes
    -----
    A pair with a bad pixel is left out. Where an angle has no pair at all, the statistics are NaN.
    """
    flat, shape, steps = _ready(planes, distances)
    codes = np.empty(flat.shape[1], dtype=np.uint8)
    result = np.zeros((len(planes), len(distances), len(STATISTICS)))
    scratch = _scratch(count, shape, len(steps))
    _features(
        flat,
        flat.view(np.int32),
        ruler(count, limits),
        shape,
        steps,
        codes,
        scratch,
        work(count),
        result,
    )
    return result


def pair_counts(
    planes: NDArray[np.float32], count: int, limits: tuple[float, float], distances: Sequence[int]
) -> NDArray[np.int32]:
    """Return symmetric co-occurrence matrices as counts.

    Their shape is (m, distances, 4 angles, count, count).

    Parameters
    ----------
    planes, count, limits, distances
        As of `glcm_features`.

    Notes
    -----
    The angles are those of `galfeat.features.texture.glcm_reference.ANGLES`: 0, 45, 90 and 135
    degrees.
    """
    flat, shape, steps = _ready(planes, distances)
    scratch = _scratch(count, shape, len(steps))
    matrices = np.empty((len(planes), len(distances), _ANGLES, count, count), dtype=np.int32)
    for codes, found in zip(levels(flat, count, limits), matrices, strict=True):
        _lay(codes, shape, np.int64(0), np.int64(count), scratch[0])
        _tables(shape, np.int64(count), steps, scratch)
        tables = scratch[1][: _ANGLES * len(steps) * (count + 1) * row_length(count)]
        found[:] = tables.reshape(len(steps), _ANGLES, count + 1, -1)[:, :, :count, :count]
    return matrices + matrices.swapaxes(-1, -2)


def _ready(
    planes: NDArray[np.float32], distances: Sequence[int]
) -> tuple[NDArray[np.float32], _Shape, NDArray[np.int64]]:
    m, ny, nx = planes.shape
    return (
        planes.reshape(m, -1),
        (np.int64(ny), np.int64(nx), np.int64(nx + max(distances))),
        np.array(distances, dtype=np.int64),
    )


def _scratch(count: int, shape: _Shape, distances: int) -> _Scratch:
    """Return the work arrays for one plane: the padded plane, its tables and the empty cube."""
    ny, nx, width = map(int, shape)
    tables = (_ANGLES * distances + 1) * (count + 1) * row_length(count)
    cube = largest_cube(count + 1, ny * width)
    sums = np.empty((2, cube and MOST_SUMS), dtype=np.uint16)
    return (
        np.empty((ny + width - nx + 1) * width, dtype=np.uint8),
        np.empty(tables, dtype=np.int32),
        np.empty(_BLOCK, dtype=np.uint16),
        (np.empty(_BLOCK, dtype=np.uint16), np.zeros(cube, dtype=np.uint16), sums[0], sums[1]),
    )


@kernel()
def _features(
    planes: Any,
    bits: Any,
    measure: Any,
    shape: Any,
    distances: Any,
    codes: Any,
    scratch: Any,
    work_arrays: Any,
    result: Any,
) -> None:
    count = np.int64(len(measure[0]) - 1)
    found = np.empty(result.shape[2])
    for row in range(len(planes)):
        quantize(planes[row], bits[row], measure, codes)
        low, high = _span(codes, count)
        # matrices of the levels between the lowest and the highest in the plane
        used = high - low + 1
        _lay(codes, shape, low, used, scratch[0])
        _tables(shape, used, distances, scratch)
        size = (used + 1) * row_length(used)
        for which in range(len(distances)):
            for angle in range(_ANGLES):
                first = (_ANGLES * which + angle) * size
                statistics(scratch[1][first : first + size], used, work_arrays, found)
                found[5] += 2 * low
                for k in range(len(found)):
                    result[row, which, k] += found[k] / _ANGLES


@kernel()
def _tables(shape: Any, count: Any, distances: Any, scratch: Any) -> None:
    """Count the pairs of the plane at all distances and angles, each into a table of its own.

    A pair is counted in the row of its smaller level. Table follows table, each (count + 1) *
    `row_length` long; one more behind them is used on the way.
    """
    padded, tables, cells, triples = scratch
    ny, _, width = shape
    size = (count + 1) * row_length(count)
    number = len(distances)
    tables[: (_ANGLES * number + 1) * size] = 0
    if not (len(triples[1]) and pay(count + 1, ny * width)):
        for k in range(_ANGLES * number):
            _pairs(
                padded,
                shape,
                count,
                distances[k // _ANGLES],
                k % _ANGLES,
                tables[k * size :],
                (_ANGLES * number - k) * size,
                cells,
            )
        return
    for which in range(number):
        first = _ANGLES * which * size
        tally_corners(
            padded,
            ny * width,
            distances[which] * width,
            distances[which],
            count,
            tables[first:],
            triples,
        )
    for which in range(0, number - 1, 2):
        one, other = (
            (_ANGLES * which + _ANGLES - 1) * size,
            (_ANGLES * which + 2 * _ANGLES - 1) * size,
        )
        near, far = distances[which] * (width + 1), distances[which + 1] * (width + 1)
        tally_falling(
            padded,
            ny * width,
            near,
            far,
            count,
            tables[one : one + size],
            tables[other : other + size],
            triples,
        )
    if number % 2:
        k = _ANGLES * number - 1
        _pairs(
            padded,
            shape,
            count,
            distances[number - 1],
            _ANGLES - 1,
            tables[k * size :],
            size,
            cells,
        )


@kernel()
def _span(codes: Any, trash: Any) -> Any:
    """Return the lowest and the highest level of good pixels, 0 and 0 if there is none."""
    low = np.uint8(trash)
    high = np.uint8(0)
    for k in range(len(codes)):
        code = codes[k]
        good = code if code < trash else np.uint8(0)
        low = code if code < low else low
        high = good if good > high else high
    return min(np.int64(low), np.int64(high)), np.int64(high)


@kernel()
def _lay(codes: Any, shape: Any, low: Any, trash: Any, padded: Any) -> None:
    """Copy the rows to their places between margins of bad pixels.

    Levels then count from the lowest, and bad pixels have the highest.
    """
    ny, nx, width = shape
    padded[:] = trash
    lowest = np.uint8(low)
    most = np.uint8(trash)
    for y in range(ny):
        here = codes[y * nx : (y + 1) * nx]
        there = padded[y * width : y * width + nx]
        for x in range(len(here)):
            level = np.uint8(here[x] - lowest)
            there[x] = level if level < most else most


@kernel()
def _pairs(
    padded: Any,
    shape: Any,
    count: Any,
    distance: Any,
    angle: Any,
    table: Any,
    spare: Any,
    cells: Any,
) -> None:
    """Count the pairs at one distance and angle into an empty table.

    The empty table `spare` further on is used on the way. A row's margin is as wide as the largest
    distance, so that pairs that would leave the image meet a bad pixel, and all pairs are one range
    of the padded image. In a pair with a bad pixel that pixel has the larger level, which is left
    out at the end.
    """
    ny, _, width = shape
    length = row_length(count)
    down = 0 if angle == 0 else distance
    across = 0 if angle == 2 else (-distance if angle == 1 else distance)
    offset = down * width + across
    size = (count + 1) * length
    step = spare if count <= _WIDE else 0
    number = (ny - down) * width
    for start in range(0, number, len(cells)):
        stop = min(start + len(cells), number)
        block = cells[: stop - start]
        _cells(padded[start:stop], padded[start + offset : stop + offset], np.uint16(length), block)
        _count(block, np.uint64(step), table)
    if step:
        _merge(table[:size], table[step : step + size])
    for i in range(count + 1):
        table[i * length + count] = 0


@kernel()
def _cells(here: Any, there: Any, length: Any, cells: Any) -> None:
    for k in range(len(cells)):
        one = here[k]
        other = there[k]
        low = one if one < other else other
        high = other if one < other else one
        cells[k] = np.uint16(np.uint16(np.uint16(low) * length) + np.uint16(high))


@kernel()
def _count(cells: Any, step: Any, table: Any) -> None:
    groups = np.uint64(len(cells) // _GROUP)
    # unsigned: a signed index would be tested for counting from the end
    for group in range(groups):
        first = np.uint64(group) * np.uint64(_GROUP)
        for k in range(_GROUP):
            table[np.uint64(cells[first + np.uint64(k)]) + np.uint64(k % _TABLES) * step] += (
                np.int32(1)
            )
    for k in range(len(cells) // _GROUP * _GROUP, len(cells)):
        table[cells[k]] += np.int32(1)


@kernel()
def _merge(sums: Any, others: Any) -> None:
    for k in range(len(sums)):
        sums[k] += others[k]
        others[k] = 0
