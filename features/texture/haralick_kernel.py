"""Compiled statistics of Haralick of a co-occurrence matrix, from its counts.

References
----------
Haralick, Shanmugam and Dinstein 1973, IEEE Trans. SMC 3, 610, doi:10.1109/TSMC.1973.4309314,
    appendix I; f14 is left out.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel

__all__ = ["Work", "row_length", "statistics", "work"]

Work = tuple[
    NDArray[np.float64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]
]
"""k log2 k of small k, and work arrays for the counts by sum, difference, column and row."""

_LANES = 8  # neighboring counts summed at once
_1, _2, _3, _4, _5, _6, _7, _8 = (np.uint64(k) for k in range(1, _LANES + 1))
_SMALL = 1 << 16  # numbers whose k log2 k is looked up
_ROUNDING = 1e-13  # bits; mutual information below it is the rounding of entropies


@kernel()
def row_length(count: Any) -> Any:
    """Return the length of a matrix's rows in memory.

    A vector that starts at the last level ends in the zeros behind the row.
    """
    return (count + 2 * _LANES - 1) // _LANES * _LANES


def work(count: int) -> Work:
    """Return the lookup tables and work arrays of `statistics`, for matrices of `count` levels."""
    sums, differences, columns, rows = (
        np.empty(_chunks(length), dtype=np.int32) for length in (2 * count, count, count, count)
    )
    return _products(), sums, differences, columns, rows


def _chunks(length: int) -> int:
    return -(-length // _LANES) * _LANES


@cache
def _products() -> NDArray[np.float64]:
    k = np.arange(_SMALL, dtype=np.float64)
    return np.asarray(k * np.log2(np.maximum(k, 1)))


@kernel()
def statistics(pairs: Any, count: Any, work_arrays: Any, result: Any) -> None:
    """Fill f1 to f13, as `galfeat.features.texture.haralick_reference` defines them.

    Parameters
    ----------
    pairs : array of int32, flat
        How often the levels i <= j were neighbors, either way round, at i * row_length + j; zero
        elsewhere in the rows of levels.
    count : int
        Number of levels.
    work_arrays : Work
    result : array of float64, shape (13,)

    Notes
    -----
    Each pair is counted in the symmetric matrix twice, at (i, j) and (j, i): of n pairs, p(i, i) is
    pairs / n and otherwise p(i, j) is pairs / 2n. The sum i + j has the variance 4 v - f2 and the
    covariance is v - f2 / 2, with the variance v of a level.
    """
    length = row_length(count)
    products, sums, differences, columns, rows = work_arrays
    _by_row(pairs, count, length, rows)
    _by_column(pairs, count, length, columns)
    _by_difference(pairs, count, length, differences)
    _by_sum(pairs, count, length, sums)
    number, mean, variance = _of_levels(rows, columns, count)
    if number == 0:
        result[:] = np.nan
        return
    if variance == 0:
        result[:] = 0
        result[0] = result[2] = result[4] = 1
        result[5] = 2 * mean
        return
    squares, equal = _of_cells(pairs, count, length)
    contrast, homogeneity, difference_variance = _of_differences(differences, count, number)
    bits = np.log2(number)
    entropy_x = max(bits + 1 - _products_of(products, rows[:count]) / (2 * number), 0.0)
    entropy = max(
        bits + (number - equal - _cell_products(products, pairs, count, length, number)) / number,
        0.0,
    )
    shared = max(2 * entropy_x - entropy, 0.0)
    if shared < _ROUNDING:
        shared = 0.0
    result[0] = squares / (2 * number * number)
    result[1] = contrast
    result[2] = 1 - contrast / (2 * variance)
    result[3] = variance
    result[4] = homogeneity
    result[5] = 2 * mean
    result[6] = max(4 * variance - contrast, 0.0)
    result[7] = max(bits - _products_of(products, sums[: 2 * count - 1]) / number, 0.0)
    result[8] = entropy
    result[9] = difference_variance
    result[10] = max(bits - _products_of(products, differences[:count]) / number, 0.0)
    result[11] = 0.0 - shared / entropy_x
    result[12] = np.sqrt(-np.expm1(-2 * shared))


@kernel()
def _by_row(pairs: Any, count: Any, length: Any, rows: Any) -> None:
    for i in range(count):
        a = b = c = d = e = f = g = h = np.int32(0)
        at = np.uint64(i * length + i // _LANES * _LANES)
        for _ in range(i // _LANES, (count + _LANES - 1) // _LANES):
            a += pairs[at]
            b += pairs[at + _1]
            c += pairs[at + _2]
            d += pairs[at + _3]
            e += pairs[at + _4]
            f += pairs[at + _5]
            g += pairs[at + _6]
            h += pairs[at + _7]
            at += _8
        rows[i] = a + b + c + d + e + f + g + h


@kernel()
def _by_column(pairs: Any, count: Any, length: Any, columns: Any) -> None:
    for start in range(0, count, _LANES):
        _add(pairs, start, length, min(count, start + _LANES), columns[start:])


@kernel()
def _by_difference(pairs: Any, count: Any, length: Any, differences: Any) -> None:
    """Sum the diagonals: j - i = d is at d + i * (length + 1)."""
    for start in range(0, count, _LANES):
        _add(pairs, start, length + 1, count - start, differences[start:])


@kernel()
def _by_sum(pairs: Any, count: Any, length: Any, sums: Any) -> None:
    """Sum the anti-diagonals.

    The pair i + j = s is at s + i * (length - 1), where s - i < count and i <= s / 2.
    """
    for start in range(0, 2 * count - 1, _LANES):
        low = max(0, start - count + 1)
        high = min(count, (start + _LANES - 1) // 2 + 1)
        _add(pairs, start + low * (length - 1), length - 1, high - low, sums[start:])


@kernel()
def _add(pairs: Any, start: Any, step: Any, number: Any, sums: Any) -> None:
    """Sum chunks of adjacent values that begin `step` apart.

    Each place in the chunk has its own sum, so that LLVM makes one vector of them.
    """
    a = b = c = d = e = f = g = h = np.int32(0)
    at = np.uint64(start)
    for _ in range(number):
        a += pairs[at]
        b += pairs[at + _1]
        c += pairs[at + _2]
        d += pairs[at + _3]
        e += pairs[at + _4]
        f += pairs[at + _5]
        g += pairs[at + _6]
        h += pairs[at + _7]
        at += np.uint64(step)
    sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], sums[6], sums[7] = a, b, c, d, e, f, g, h


@kernel()
def _of_levels(rows: Any, columns: Any, count: Any) -> Any:
    """Add the columns to the rows.

    Return the number of pairs, and the mean and variance of the level of one member.
    """
    number = np.int64(0)
    moment = np.int64(0)
    for i in range(count):
        number += rows[i]
        rows[i] += columns[i]
        moment += i * np.int64(rows[i])
    members = 2.0 * number
    # moments about a level near the mean, to avoid cancellation
    center = moment // (2 * number)
    first = np.int64(0)
    second = np.int64(0)
    for i in range(count):
        part = (i - center) * np.int64(rows[i])
        first += part
        second += (i - center) * part
    departure = first / members
    return np.float64(number), center + departure, second / members - departure * departure


@kernel()
def _of_differences(differences: Any, count: Any, number: Any) -> Any:
    """Return the contrast, the homogeneity, and the variance of the difference of levels."""
    first = 0.0
    second = 0.0
    homogeneity = 0.0
    for k in range(count):
        part = np.float64(differences[k])
        step = np.float64(k)
        first += step * part
        second += step * step * part
        homogeneity += part / (1 + step * step)
    mean = first / number
    contrast = second / number
    return contrast, homogeneity / number, max(contrast - mean * mean, 0.0)


@kernel()
def _of_cells(pairs: Any, count: Any, length: Any) -> Any:
    """Return twice the sum of squares of the symmetric matrix, and the pairs of equal levels."""
    squares = 0.0
    for cell in range(count * length):
        squares += np.float64(pairs[cell]) * np.float64(pairs[cell])
    equal = 0.0
    for i in range(count):
        same = np.float64(pairs[np.uint64(i * (length + 1))])
        squares += same * same
        equal += same
    return squares, equal


@kernel(fast=False)
def _cell_products(products: Any, pairs: Any, count: Any, length: Any, number: Any) -> float:
    """Return the sum of k log2 k of the cells."""
    total = 0.0
    if number >= _SMALL:
        for i in range(count):
            total += _products_of(products, pairs[i * length + i : i * length + count])
        return total
    # four sums; this order of additions keeps LLVM from slow gathers
    a = b = c = d = 0.0
    for i in range(count):
        at = np.uint64(i * length + i // _LANES * _LANES)
        for _ in range(i // _LANES, (count + _LANES - 1) // _LANES):
            a = a + products[np.uint64(pairs[at])] + products[np.uint64(pairs[at + _4])]
            b = b + products[np.uint64(pairs[at + _1])] + products[np.uint64(pairs[at + _5])]
            c = c + products[np.uint64(pairs[at + _2])] + products[np.uint64(pairs[at + _6])]
            d = d + products[np.uint64(pairs[at + _3])] + products[np.uint64(pairs[at + _7])]
            at += _8
    return a + b + c + d


@kernel()
def _products_of(products: Any, numbers: Any) -> float:
    """Return the sum of k log2 k."""
    total = 0.0
    for i in range(len(numbers)):
        k = np.uint64(numbers[i])
        total += products[k] if k < _SMALL else k * np.log2(np.float64(k))
    return total
