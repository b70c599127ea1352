"""Compiled histograms of brightness levels, of one band and of two bands jointly."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel
from galfeat.features.kernels.levels import quantize, ruler
from galfeat.features.kernels.words import bits_set, matches

__all__ = ["fractions", "joint_fractions"]

_PIXELS = 4096  # measured at a time, so that their codes and masks stay in the cache
_WORDS = _PIXELS // 64
_FEW = 64  # levels that are counted by radix partition, in at most six steps
# adjacent pixels count in different tables, so that no increment waits for the one before
_TABLES = 8
_STEP = 256  # entries from table to table: one for each byte


def fractions(
    planes: NDArray[np.float32], count: int, limits: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the histograms of planes, (m, count), and their fractions of good pixels, (m,).

    A histogram holds the fraction of the plane's good pixels in each level.

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
    result, good = np.empty((len(flat), count)), np.empty(len(flat))
    codes = np.empty(min(_PIXELS, -(-flat.shape[1] // 64) * 64), dtype=np.uint8)
    sets = np.empty((_FEW // 2 + 1) * _WORDS, dtype=np.uint64)
    counts = np.empty(_TABLES * _STEP, dtype=np.uint32)
    _singles(flat, flat.view(np.int32), ruler(count, limits), codes, sets, counts, result, good)
    return result, good / flat.shape[1]


def joint_fractions(
    codes: NDArray[np.uint8], pair: tuple[int, int], count: int
) -> NDArray[np.float64]:
    """Return the joint histogram of two bands, shape (n, count * count).

    It holds the fraction of the pixels good in both bands in each pair of levels.

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
    _joints(
        flat,
        np.int64(pair[0]),
        np.int64(pair[1]),
        np.int64(count),
        table,
        np.empty(flat.shape[2], dtype=np.uint16),
        result,
    )
    return result


@kernel(fast=False)
def _singles(
    planes: Any, bits: Any, measure: Any, codes: Any, sets: Any, counts: Any, result: Any, good: Any
) -> None:
    pixels = planes.shape[1]
    count = result.shape[1]
    for row in range(len(planes)):
        counts[:] = 0
        for start in range(0, pixels, len(codes)):
            stop = min(start + len(codes), pixels)
            quantize(planes[row, start:stop], bits[row, start:stop], measure, codes[: stop - start])
            if count <= _FEW:
                codes[stop - start :] = count
                _halve(codes[: (stop - start + 63) // 64 * 64], count, sets, counts)
            else:
                _count(codes[: stop - start], counts)
        good[row] = _divide(counts, result[row])


@kernel(fast=False)
def _halve(codes: Any, count: Any, sets: Any, counts: Any) -> None:
    """Add the number of codes of each level, by radix partition of bit masks.

    Masks of pixels, 64 to a word, are split by one binary digit of the level after the other. After
    d digits, mask k, at k * `_WORDS`, holds the good pixels whose last d digits are those of k.
    """
    length = len(codes) // 64
    for k in range(length):
        sets[k] = ~matches(codes, np.uint64(64 * k), np.uint8(255), np.uint8(count))
    digit = 1
    while 2 * digit < count:
        for k in range(length):
            sets[_FEW // 2 * _WORDS + k] = matches(
                codes, np.uint64(64 * k), np.uint8(digit), np.uint8(digit)
            )
        for part in range(digit):
            _split(sets, part * _WORDS, (part + digit) * _WORDS, length)
        digit *= 2
    for k in range(length):
        sets[_FEW // 2 * _WORDS + k] = matches(
            codes, np.uint64(64 * k), np.uint8(digit), np.uint8(digit)
        )
    chosen = sets[_FEW // 2 * _WORDS : _FEW // 2 * _WORDS + length]
    for part in range(min(digit, count)):
        every, some = _sizes(sets[part * _WORDS : part * _WORDS + length], chosen)
        counts[part] += np.uint32(every - some)
        if part + digit < count:
            counts[part + digit] += np.uint32(some)


@kernel(fast=False)
def _split(sets: Any, here: Any, there: Any, length: Any) -> None:
    """Move the chosen pixels from one mask to another."""
    chosen = sets[_FEW // 2 * _WORDS : _FEW // 2 * _WORDS + length]
    kept = sets[here : here + length]
    moved = sets[there : there + length]
    for k in range(length):
        word = kept[k]
        moved[k] = word & chosen[k]
        kept[k] = word & ~chosen[k]


@kernel(fast=False)
def _sizes(words: Any, chosen: Any) -> Any:
    every = np.uint64(0)
    some = np.uint64(0)
    for k in range(len(words)):
        every += bits_set(words[k])
        some += bits_set(words[k] & chosen[k])
    return every, some


@kernel(fast=False)
def _count(codes: Any, tables: Any) -> None:
    step = np.uint64(_STEP)  # unsigned: a signed index would be tested for counting from the end
    blocks = np.uint64(len(codes) // _TABLES)
    for block in range(blocks):
        first = np.uint64(block) * np.uint64(_TABLES)
        for lane in range(_TABLES):
            tables[np.uint64(codes[first + np.uint64(lane)]) + np.uint64(lane) * step] += np.uint32(
                1
            )
    for k in range(len(codes) // _TABLES * _TABLES, len(codes)):
        tables[codes[k]] += np.uint32(1)


@kernel(fast=False)
def _divide(tables: Any, fractions: Any) -> Any:
    """Sum the tables and divide by the number of good pixels, which is returned."""
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
    return good


@kernel(fast=False)
def _joints(
    codes: Any, first: Any, second: Any, count: Any, table: Any, cells: Any, result: Any
) -> None:
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
            table[np.uint64(cells[first + np.uint64(lane)]) + np.uint64(lane) * size] += np.uint32(
                1
            )
    for k in range(len(cells) // _TABLES * _TABLES, len(cells)):
        table[cells[k]] += np.uint32(1)
