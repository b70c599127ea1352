"""Empty box that samples the sky, and the background measured in it."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.filters import uniform
from galfeat.features.shape.images.sorting import sort_ascending

__all__ = ["clipped_mode", "find_box", "matched_asymmetry", "sky_asymmetry", "sky_smoothness"]

_LARGEST, _SMALLEST = 32, 2  # sides of the box, pixels
_APART = 5  # pixels between the two sides of a difference: further than noise is correlated


@kernel()
def find_box(empty: Any) -> Any:
    """Return the first empty square in reading order, the largest of sides 32, 16, 8, 4 and 2.

    Parameters
    ----------
    empty : array of uint8, shape (ny, nx)
        1 on good pixels without any source.

    Returns
    -------
    row, column, side : int
        The side is 0 where there is none.
    """
    ny, nx = empty.shape
    sums = np.zeros((ny + 1, nx + 1), np.int32)
    for y in range(ny):
        running = 0
        for x in range(nx):
            running += empty[y, x]
            sums[y + 1, x + 1] = sums[y, x + 1] + running
    side = _LARGEST
    while side >= _SMALLEST:
        for y in range(ny - side):
            for x in range(nx - side):
                full = sums[y + side, x + side] - sums[y, x + side] - sums[y + side, x] + sums[y, x]
                if full == side * side:
                    return y, x, side
        side //= 2
    return 0, 0, 0


@kernel()
def sky_asymmetry(box: Any) -> Any:
    """Return the mean absolute difference of a box from itself turned by half."""
    ny, nx = box.shape
    total = 0.0
    for y in range(ny):
        for x in range(nx):
            total += abs(box[ny - 1 - y, nx - 1 - x] - box[y, x])
    return total / (ny * nx)


@kernel()
def matched_asymmetry(image: Any, empty: Any, xc: Any, yc: Any, radius: Any, least: Any) -> Any:
    """Return the mean absolute difference of empty pixels from others, interpolated alike.

    A half turn about a point between pixels averages up to four of them, which takes noise away.
    The sky's asymmetry is therefore measured with the same weights: each empty pixel against the
    four around a point some pixels further along the row and along the column.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
    empty : array of uint8, shape (ny, nx)
        1 on good pixels without any source.
    xc, yc : float
        Center of the half turn, pixels; its fraction gives the weights.
    radius : float
        Of the aperture of the source, pixels: only pixels outside count, whose light is sky alone.
    least : int
        Number of such pixels that must be there.

    Returns
    -------
    float
        NaN where there are fewer.
    """
    ny, nx = image.shape
    fx, fy = 2 * xc - math.floor(2 * xc), 2 * yc - math.floor(2 * yc)
    w00, w01 = np.float32(fy * fx), np.float32(fy * (1 - fx))
    w10, w11 = np.float32((1 - fy) * fx), np.float32((1 - fy) * (1 - fx))
    outside = np.empty((ny, nx), np.float32)
    for y in range(ny):
        row, chord = outside[y], radius * radius - (y - yc) ** 2
        wide = math.sqrt(chord) if chord > 0 else 0.0
        for x in range(nx):
            row[x] = empty[y, x]
        for x in range(max(0, math.floor(xc - wide)), min(nx, math.ceil(xc + wide) + 1)):
            if (x - xc) ** 2 < chord:
                row[x] = 0
    mixed, whole = np.empty((ny - 1, nx - 1), np.float32), np.empty((ny - 1, nx - 1), np.float32)
    for y in range(ny - 1):
        here, below, out, all_four = image[y], image[y + 1], mixed[y], whole[y]
        free, one, two = outside[y], empty[y], empty[y + 1]
        for x in range(nx - 1):
            out[x] = w00 * here[x] + w01 * here[x + 1] + w10 * below[x] + w11 * below[x + 1]
            all_four[x] = free[x] * np.float32(one[x + 1] & two[x] & two[x + 1])
    total, count = 0.0, 0.0
    for turn in range(2):
        dy, dx = (0, _APART) if turn == 0 else (_APART, 0)
        for y in range(ny - 1 - dy):
            row, free, out, all_four = image[y], outside[y], mixed[y + dy], whole[y + dy]
            part, some = np.float32(0), np.float32(0)
            for x in range(nx - 1 - dx):
                weight = free[x] * all_four[x + dx]
                part += weight * abs(row[x] - out[x + dx])
                some += weight
            total += np.float64(part)
            count += np.float64(some)
    return total / count if count >= least and count > 0 else np.nan


@kernel()
def sky_smoothness(box: Any, size: Any) -> Any:
    """Return the mean light of a box above itself averaged over squares of that side."""
    smooth = uniform(box, size)
    ny, nx = box.shape
    total = 0.0
    for y in range(ny):
        for x in range(nx):
            total += max(box[y, x] - smooth[y, x], np.float32(0))
    return total / (ny * nx)


@kernel()
def clipped_mode(values: Any) -> Any:
    """Return the mode and standard deviation of pixels, clipped at 3 sigma until nothing changes.

    The mode is 2.5 medians less 1.5 means, and the clip is about it.

    Parameters
    ----------
    values : array of float32, shape (n,)
        At least one.

    References
    ----------
    Bertin and Arnouts 1996, A&AS 117, 393, doi:10.1051/aas:1996164
    """
    ordered = sort_ascending(values)
    n = len(ordered)
    offset = np.float64(ordered[n // 2])
    ones, twos = np.zeros(n + 1, np.float64), np.zeros(n + 1, np.float64)
    for i in range(n):
        value = ordered[i] - offset
        ones[i + 1] = ones[i] + value
        twos[i + 1] = twos[i] + value * value
    low, high = 0, n
    mode, sigma = 0.0, 0.0
    while True:
        count = high - low
        mean = (ones[high] - ones[low]) / count
        sigma = math.sqrt(max((twos[high] - twos[low]) / count - mean * mean, 0.0))
        middle = low + (count - 1) // 2
        median = 0.5 * (np.float64(ordered[middle]) + ordered[low + count // 2]) - offset
        mode = 2.5 * median - 1.5 * mean
        start, stop = low, high
        while start < stop - 1 and ordered[start] - offset < mode - 3 * sigma:
            start += 1
        while stop > start + 1 and ordered[stop - 1] - offset > mode + 3 * sigma:
            stop -= 1
        if start == low and stop == high:
            return mode + offset, sigma
        low, high = start, stop
