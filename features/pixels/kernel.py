"""Compiled means of boxes of pixels, and interpolation of bad pixels."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel
from galfeat.features.kernels.finite import flawed_rows
from galfeat.features.pixels.reference import overlaps

__all__ = ["area_means", "box_means", "filled"]

_EXPONENT = 0x7F800000  # exponent bits of float32; all are set in infinities and NaN


class _Spans(NamedTuple):
    """The pixels of a row or column that each box covers, and their weights.

    Box b covers pixels from ``first[b]`` on, with the weights in row b of `weights`.
    """

    first: NDArray[np.int64]
    weights: NDArray[np.float64]


def box_means(planes: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return the mean of the good pixels of each box of side x side pixels.

    Parameters
    ----------
    planes : array of float32, shape (m, ny, nx), C-contiguous
        Not finite where pixels are bad.
    side : int
        Of the boxes, in pixels. They start at the first row and column; the last ones are cut short
        where the image is.
    """
    return _means(planes, *(_boxes(length, side) for length in planes.shape[1:]))


def area_means(planes: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return each image resampled to a grid of size x size equal parts.

    A part takes the mean of its good pixels, weighted by the area inside it.

    Parameters
    ----------
    planes : array of float32, shape (m, ny, nx), C-contiguous
        Not finite where pixels are bad.
    size : int
        Number of rows and of columns of the grid.

    Returns
    -------
    array of float32, shape (m, size, size)
        NaN where a part has no good pixel.
    """
    return _means(planes, *(_parts(length, size) for length in planes.shape[1:]))


def filled(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return planes whose bad pixels take the mean of the good pixels around them.

    The mean is over the smallest box centered on the bad pixel, 3x3, 5x5 and so on, that holds a
    good pixel; pixels filled this way never help to fill others. A plane without any good pixel
    stays as it is. Planes without bad pixels are not copied.
    """
    rows = flawed_rows(planes)
    if len(rows) == 0:
        return planes
    result = planes.copy()
    _fill(planes, planes.view(np.int32), rows, result)
    return result


def _boxes(length: int, side: int) -> _Spans:
    first = np.arange(0, length, side)
    weights = np.ones((len(first), min(side, length)))
    weights[-1, length - first[-1] :] = 0
    return _Spans(first, weights)


def _parts(length: int, size: int) -> _Spans:
    shared = overlaps(length, size)
    first = (shared > 0).argmax(axis=1)
    widest = int((shared > 0).sum(axis=1).max())
    first = np.minimum(first, length - widest)
    return _Spans(first, np.take_along_axis(shared, first[:, None] + np.arange(widest), axis=1))


def _means(planes: NDArray[np.float32], rows: _Spans, columns: _Spans) -> NDArray[np.float32]:
    result = np.empty((len(planes), len(rows.first), len(columns.first)), dtype=np.float32)
    sums, areas = np.empty((2, planes.shape[2]))
    _average(planes, planes.view(np.int32), tuple(rows), tuple(columns), sums, areas, result)
    return result


@kernel(fast=False)
def _average(
    planes: Any, bits: Any, rows: Any, columns: Any, sums: Any, areas: Any, result: Any
) -> None:
    first_rows, row_weights = rows
    first_columns, column_weights = columns
    for m in range(len(planes)):
        for i in range(len(first_rows)):
            sums[:] = 0
            areas[:] = 0
            for k in range(row_weights.shape[1]):
                y = first_rows[i] + k
                if row_weights[i, k] > 0:
                    _add_row(planes[m, y], bits[m, y], row_weights[i, k], sums, areas)
            _across(sums, areas, first_columns, column_weights, result[m, i])


@kernel(fast=False)
def _add_row(values: Any, bits: Any, weight: Any, sums: Any, areas: Any) -> None:
    for x in range(len(values)):
        good = (bits[x] & np.int32(_EXPONENT)) != np.int32(_EXPONENT)
        sums[x] += weight * np.float64(values[x]) if good else 0.0
        areas[x] += weight if good else 0.0


@kernel(fast=False)
def _across(sums: Any, areas: Any, first: Any, weights: Any, means: Any) -> None:
    for j in range(len(first)):
        total = 0.0
        area = 0.0
        for k in range(weights.shape[1]):
            if weights[j, k] > 0:
                total += weights[j, k] * sums[first[j] + k]
                area += weights[j, k] * areas[first[j] + k]
        means[j] = np.float32(total / area)


@kernel(fast=False)
def _fill(planes: Any, bits: Any, rows: Any, result: Any) -> None:
    exponent = np.int32(_EXPONENT)
    for m in rows:
        good = 0
        for y in range(planes.shape[1]):
            for x in range(planes.shape[2]):
                good += (bits[m, y, x] & exponent) != exponent
        if good == 0:
            continue
        for y in range(planes.shape[1]):
            for x in range(planes.shape[2]):
                if (bits[m, y, x] & exponent) == exponent:
                    result[m, y, x] = _around(planes[m], bits[m], y, x)


@kernel(fast=False)
def _around(plane: Any, bits: Any, y: Any, x: Any) -> Any:
    """Return the mean of the good pixels of the smallest box that has any.

    They are on its rim, so only rims are looked at.
    """
    exponent = np.int32(_EXPONENT)
    ny, nx = plane.shape
    reach = 0
    number = 0
    total = 0.0
    while number == 0:
        reach += 1
        for v in range(max(0, y - reach), min(ny, y + reach + 1)):
            step = 1 if abs(v - y) == reach else 2 * reach
            for u in range(x - reach, x + reach + 1, step):
                if 0 <= u < nx and (bits[v, u] & exponent) != exponent:
                    total += plane[v, u]
                    number += 1
    return np.float32(total / number)
