"""Gaussian and uniform filters of one plane, with the boundaries of `scipy.ndimage`."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel

__all__ = ["CONSTANT", "REFLECT", "gaussian", "reflected", "uniform"]

CONSTANT, REFLECT = 0, 1
_CUT = 4.0  # standard deviations at which the Gaussian ends, as in scipy.ndimage


@kernel()
def reflected(i: Any, n: Any) -> Any:
    """Return the reflection of pixel ``i`` beyond the edge of ``n`` pixels: d c b a | a b c d."""
    while i < 0 or i >= n:
        i = -1 - i if i < 0 else 2 * n - 1 - i
    return i


@kernel()
def _add_row(out: Any, row: Any, weight: Any) -> None:
    for i in range(len(out)):
        out[i] += weight * row[i]


@kernel()
def _add_rows(out: Any, one: Any, two: Any, weight: Any) -> None:
    for i in range(len(out)):
        out[i] += weight * (one[i] + two[i])


@kernel()
def gaussian(image: Any, sigma: Any, boundary: Any) -> Any:
    """Return a float32 image smoothed as by `scipy.ndimage.gaussian_filter`.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
    sigma : float
        Standard deviation, pixels; the kernel ends at four of them.
    boundary : {CONSTANT, REFLECT}
        Whether pixels beyond the edge are zero, or the image mirrored.
    """
    ny, nx = image.shape
    radius = int(_CUT * sigma + 0.5)
    weights = np.empty(radius + 1, np.float64)
    total = 0.0
    for i in range(radius + 1):
        weights[i] = math.exp(-0.5 * (i / sigma) ** 2) if sigma > 0 else (1.0 if i == 0 else 0.0)
        total += weights[i] * (1 if i == 0 else 2)
    tall = np.zeros((ny + 2 * radius, nx), np.float32)
    for y in range(ny + 2 * radius):
        inside = y - radius
        if boundary == REFLECT:
            tall[y] = image[reflected(inside, ny)]
        elif 0 <= inside < ny:
            tall[y] = image[inside]
    wide = np.zeros(nx + 2 * radius, np.float32)
    out = np.zeros((ny, nx), np.float32)
    for y in range(ny):
        middle = wide[radius : radius + nx]
        middle[:] = 0
        _add_row(middle, tall[y + radius], np.float32(weights[0] / total))
        for i in range(1, radius + 1):
            weight = np.float32(weights[i] / total)
            _add_rows(middle, tall[y + radius - i], tall[y + radius + i], weight)
        if boundary == REFLECT:
            for i in range(1, radius + 1):
                wide[radius - i] = wide[radius + reflected(-i, nx)]
                wide[radius + nx - 1 + i] = wide[radius + reflected(nx - 1 + i, nx)]
        row = out[y]
        _add_row(row, middle, np.float32(weights[0] / total))
        for i in range(1, radius + 1):
            weight = np.float32(weights[i] / total)
            _add_rows(row, wide[radius - i :], wide[radius + i :], weight)
    return out


@kernel()
def uniform(image: Any, size: Any) -> Any:
    """Return a float32 image averaged as by `scipy.ndimage.uniform_filter`, mirrored at its edges.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
    size : int
        Side of the square; it reaches ``size // 2`` pixels back. Below 2 nothing is averaged.
    """
    if size < 2:
        return image.copy()
    ny, nx = image.shape
    back = size // 2
    out = np.empty((ny, nx), np.float32)
    column = np.zeros(nx, np.float64)
    for k in range(-back, size - back):
        _add_row(column, image[reflected(k, ny)], 1.0)
    sums = np.empty(nx + size + 1, np.float64)
    scale = 1.0 / (size * size)
    for y in range(ny):
        if y > 0:
            _add_row(column, image[reflected(y - 1 - back, ny)], -1.0)
            _add_row(column, image[reflected(y - 1 - back + size, ny)], 1.0)
        running = 0.0
        sums[0] = 0.0
        for i in range(nx + size):
            running += column[reflected(i - back, nx)]
            sums[i + 1] = running
        row = out[y]
        for x in range(nx):
            row[x] = (sums[x + size] - sums[x]) * scale
    return out
