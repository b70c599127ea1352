"""Fractions of pixels by level, and by pairs of levels in two bands."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel
from galfeat.features.kernels.levels import quantise, ruler

__all__ = ["fractions", "joint_fractions"]

_TABLES = 8  # equal neighbours count in different tables, so that no increment waits for the one before
_STEP = 256  # entries from table to table: one for each byte


def fractions(planes: NDArray[np.float32], count: int, limits: tuple[float, float]) -> NDArray[np.float64]:
    """Return which part of the good pixels of each plane lies in each level, shape (m, count).

    Parameters
    ----------
    planes : array of float32, shape (m, ny, nx), C-contiguous
        Not finite where pixels are bad.
    count : int
        Number of levels, up to `levels.MOST`.
    limits : (float, float)
        Lowest and highest edge; pixels beyond go to the end levels.

    Notes
    -----
    A plane with no good pixel has no fractions: NaN.
    """
    flat = planes.reshape(len(planes), -1)
    result = np.empty((len(flat), count))
    codes = np.empty(flat.shape[1], dtype=np.uint8)
    _singles(flat, flat.view(np.int32), ruler(count, limits), codes, np.zeros(_TABLES * _STEP, dtype=np.uint32), result)
    return result


def joint_fractions(codes: NDArray[np.uint8], pair: tuple[int, int], count: int) -> NDArray[np.float64]:
    """Return which part of the pixels good in both of two bands has each pair of levels, shape (n, count * count).

    Parameters
    ----------
    codes : array of uint8, shape (n, bands, ny, nx), C-contiguous
        Levels 0 to count - 1, and `count` for bad pixels.
    pair : (int, int)
        The bands; the level in the first changes slowest.
    count : int
        Number of levels, up to `levels.MOST`.

    Notes
    -----
    An image with no pixel good in both bands has no fractions: NaN.
    """
    flat = codes.reshape(*codes.shape[:2], -1)
    table = np.zeros(_TABLES * (count + 1) ** 2, dtype=np.uint32)
    result = np.empty((len(flat), count * count))
    _joints(flat, np.int64(pair[0]), np.int64(pair[1]), np.int64(count), table, np.empty(flat.shape[2], dtype=np.uint16), result)
    return result


@kernel(fast=False)
def _singles(planes: Any, bits: Any, measure: Any, codes: Any, tables: Any, result: Any) -> None:
    for row in range(len(planes)):
        quantise(planes[row], bits[row], measure, codes)
        _count(codes, tables)
        _divide(tables, result[row])


@kernel(fast=False)
def _count(codes: Any, tables: Any) -> None:
    step = np.uint64(_STEP)  # unsigned: a signed index would be tested for counting from the end
    blocks = np.uint64(len(codes) // _TABLES)
    for block in range(blocks):
        first = np.uint64(block) * np.uint64(_TABLES)
        for lane in range(_TABLES):
            tables[np.uint64(codes[first + np.uint64(lane)]) + np.uint64(lane) * step] += np.uint32(1)
    for k in range(len(codes) // _TABLES * _TABLES, len(codes)):
        tables[codes[k]] += np.uint32(1)


@kernel(fast=False)
def _divide(tables: Any, fractions: Any) -> None:
    """Sum the tables, empty them, and divide by the number of good pixels."""
    count = len(fractions)
    good = 0.0
    for k in range(count):
        total = np.uint32(0)
        for lane in range(_TABLES):
            total += tables[k + lane * _STEP]
        fractions[k] = total
        good += fractions[k]
    for k in range(count):
        fractions[k] /= good
    for lane in range(_TABLES):
        tables[lane * _STEP : lane * _STEP + count + 1] = 0


@kernel(fast=False)
def _joints(codes: Any, first: Any, second: Any, count: Any, table: Any, cells: Any, result: Any) -> None:
    side = count + 1
    size = np.uint64(side * side)
    for row in range(len(codes)):
        _join(codes[row, first], codes[row, second], np.uint16(side), cells)
        _scatter(cells, size, table)
        for cell in range(size):
            for lane in range(1, _TABLES):
                table[cell] += table[cell + lane * size]
        fractions = result[row]
        good = 0.0
        for i in range(count):
            for j in range(count):
                fractions[i * count + j] = table[i * side + j]
                good += table[i * side + j]
        for k in range(len(fractions)):
            fractions[k] /= good
        table[:] = 0


@kernel(fast=False)
def _join(first: Any, second: Any, side: Any, cells: Any) -> None:
    for k in range(len(cells)):
        cells[k] = np.uint16(np.uint16(first[k]) * side + np.uint16(second[k]))


@kernel(fast=False)
def _scatter(cells: Any, size: Any, table: Any) -> None:
    blocks = np.uint64(len(cells) // _TABLES)
    for block in range(blocks):
        first = np.uint64(block) * np.uint64(_TABLES)
        for lane in range(_TABLES):
            table[np.uint64(cells[first + np.uint64(lane)]) + np.uint64(lane) * size] += np.uint32(1)
    for k in range(len(cells) // _TABLES * _TABLES, len(cells)):
        table[cells[k]] += np.uint32(1)
