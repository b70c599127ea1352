"""Gaussian and uniform filters of one plane, with the boundaries of `scipy.ndimage`."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel

__all__ = ["CONSTANT", "REFLECT", "copy_row", "gaussian", "reflected", "uniform"]

CONSTANT, REFLECT = 0, 1
_ROWS = 8  # that are smoothed at a time
_CUT = 4.0  # standard deviations at which the Gaussian ends, as in scipy.ndimage


@kernel()
def reflected(i: Any, n: Any) -> Any:
    """Return the reflection of pixel ``i`` beyond the edge of ``n`` pixels: d c b a | a b c d."""
    while i < 0 or i >= n:
        i = -1 - i if i < 0 else 2 * n - 1 - i
    return i


@kernel()
def copy_row(row: Any, out: Any) -> None:
    """Copy a row, four times as fast as numba assigns to slices."""
    for i in range(len(out)):
        out[i] = row[i]


@kernel()
def _add_row(out: Any, row: Any, weight: Any) -> None:
    for i in range(len(out)):
        out[i] += weight * row[i]


@kernel()
def _blend(flat: Any, at: Any, step: Any, weights: Any, out: Any) -> None:
    """Fill ``out`` with the weighted sum of what lies at ``at`` and, in pairs, steps away.

    Two pairs are added at once; there is an odd number of weights.
    """
    n = len(out)
    middle, weight = flat[at : at + n], weights[0]
    for x in range(n):
        out[x] = weight * middle[x]
    for i in range(1, len(weights), 2):
        near, far = i * step, (i + 1) * step
        one, two = flat[at - near : at - near + n], flat[at + near : at + near + n]
        three, four = flat[at - far : at - far + n], flat[at + far : at + far + n]
        weight, other = weights[i], weights[i + 1]
        for x in range(n):
            out[x] += weight * (one[x] + two[x]) + other * (three[x] + four[x])


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
    weights = np.zeros((radius + 1) // 2 * 2 + 1, np.float32)
    total = 0.0
    for i in range(radius + 1):
        total += _bell(i, sigma) * (1 if i == 0 else 2)
    for i in range(radius + 1):
        weights[i] = _bell(i, sigma) / total
    radius = len(weights) - 1  # those beyond have no weight
    wide = nx + 2 * radius  # rows with a margin, so that many of them are one long array
    tall = np.zeros((ny + 2 * radius, wide), np.float32)
    for y in range(ny + 2 * radius):
        inside = y - radius
        if boundary == REFLECT:
            copy_row(image[reflected(inside, ny)], tall[y, radius : radius + nx])
        elif 0 <= inside < ny:
            copy_row(image[inside], tall[y, radius : radius + nx])
    flat, out = tall.reshape(-1), np.empty((ny, nx), np.float32)
    rows = np.empty((_ROWS, wide), np.float32)
    across = np.zeros(_ROWS * wide + 2 * radius, np.float32)
    for top in range(0, ny, _ROWS):
        count = min(_ROWS, ny - top)
        blended = across[radius : radius + count * wide]
        _blend(flat, (top + radius) * wide, wide, weights, blended)
        if boundary == REFLECT:
            for y in range(count):
                row = blended[y * wide : (y + 1) * wide]
                for i in range(1, radius + 1):
                    row[radius - i] = row[radius + reflected(-i, nx)]
                    row[radius + nx - 1 + i] = row[radius + reflected(nx - 1 + i, nx)]
        _blend(across, radius, 1, weights, rows.reshape(-1)[: count * wide])
        for y in range(count):
            copy_row(rows[y, radius : radius + nx], out[top + y])
    return out


@kernel(inline=True)
def _bell(i: Any, sigma: Any) -> Any:
    return math.exp(-0.5 * (i / sigma) ** 2) if sigma > 0 else (1.0 if i == 0 else 0.0)


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
    wide, total = np.empty(nx + size, np.float64), np.empty(nx, np.float64)
    scale = 1.0 / (size * size)
    for y in range(ny):
        if y > 0:
            _add_row(column, image[reflected(y - 1 - back, ny)], -1.0)
            _add_row(column, image[reflected(y - 1 - back + size, ny)], 1.0)
        copy_row(column, wide[back : back + nx])
        for i in range(back):
            wide[i] = column[reflected(i - back, nx)]
        for i in range(back + nx, nx + size):
            wide[i] = column[reflected(i - back, nx)]
        _sums_of(wide, size, total)
        row = out[y]
        for x in range(nx):
            row[x] = total[x] * scale
    return out


@kernel()
def _sums_of(values: Any, size: Any, out: Any) -> None:
    """Fill ``out`` with the sums of each ``size`` values, of which ``values`` will hold others.

    Sums of two, four, eight values are sums of two of the former; ``size`` is a sum of such powers.
    """
    n = len(values)
    out[:] = 0
    done, power = 0, 1
    while True:
        if size & power:
            _add_row(out, values[done:], 1.0)
            done += power
        if done == size:
            return
        one, two = values[: n - power], values[power:]
        for i in range(len(one)):
            one[i] += two[i]
        n -= power
        power *= 2
