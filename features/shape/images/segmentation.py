"""The source in the middle of an image, its neighbors, and the part of the image around it."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.filters import CONSTANT, gaussian
from galfeat.features.shape.images.regions import take_region
from galfeat.features.shape.images.sorting import order_statistics

__all__ = [
    "NEIGHBOR",
    "SKY",
    "SOURCE",
    "find_outliers",
    "find_source",
    "source_bounds",
    "stamp_bounds",
]

SKY, SOURCE, NEIGHBOR = 0, 1, 2
"""What a pixel of a segmentation map belongs to."""

_SMOOTHING = 1.5  # pixels: about the point spread of a well-sampled image
_FRAME = 0.1  # of the image: where the noise of the smoothed image is measured
_LEAST = 5  # pixels of a region: fewer are a hot pixel or a peak of the noise
_REACH = 0.25  # of the shorter side: what lies further from the center is another source
_EXTENT = 2.5  # side of the stamp, in sides of the source's bounding box
_SMALLEST = 48  # pixels of its side


@kernel()
def find_source(image: Any, good: Any, threshold: Any, segments: Any) -> Any:
    """Fill a segmentation map, and return the pixels of the source: 0 where there is none.

    Regions of the smoothed image above its noise; the one nearest the center is the
    source, if it comes near enough, and the others are its neighbors. Nothing is deblended.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
        In units of the noise; bad pixels are zero.
    good : array of float32, shape (ny, nx)
        1 on good pixels.
    threshold : float
        Standard deviations of the smoothed sky.
    segments : array of uint8, shape (ny, nx)
        `SKY`, `SOURCE` or `NEIGHBOR`.
    """
    ny, nx = image.shape
    smooth = gaussian(image, _SMOOTHING, CONSTANT)
    _divide(smooth, good)
    sky, noise = _frame_level(smooth, good)
    noise = max(noise, 1 / (2 * math.sqrt(math.pi) * _SMOOTHING))
    above = np.empty((ny, nx), np.uint8)
    level = sky + threshold * noise
    for y in range(ny):
        for x in range(nx):
            above[y, x] = smooth[y, x] > level
    runs = np.empty((ny * (nx + 1) // 2 + 1, 3), np.int32)
    cy, cx = 0.5 * (ny - 1), 0.5 * (nx - 1)
    nearest = (_REACH * min(ny, nx)) ** 2
    count, largest, begin, end = 0, 0, 0, 0  # runs, and pixels and runs of the source
    for y in range(ny):
        row, any_above = above[y], np.uint8(0)
        for x in range(nx):
            any_above |= row[x]
        if not any_above:
            continue
        for x in range(nx):
            if not row[x]:
                continue
            first = count
            count, pixels = take_region(above, y, x, runs, count)
            if pixels < _LEAST:
                count = first
                continue
            distance = np.inf
            for i in range(first, count):
                beside = max(runs[i, 1] - cx, cx - (runs[i, 2] - 1), 0.0)
                if beside == 0 and nx % 2 == 0:
                    beside = 0.5  # the middle lies between two pixels
                distance = min(distance, (runs[i, 0] - cy) ** 2 + beside * beside)
            equal = distance == nearest and pixels > largest
            if distance < nearest or equal:
                nearest, largest, begin, end = distance, pixels, first, count
    segments[:] = SKY
    for i in range(count):
        kind = SOURCE if begin <= i < end else NEIGHBOR
        segments[runs[i, 0], runs[i, 1] : runs[i, 2]] = kind
    return largest


@kernel()
def _divide(smooth: Any, good: Any) -> None:
    """Divide a smoothed image by the smoothed mask of good pixels."""
    ny, nx = smooth.shape
    weight = _weights(good)
    for y in range(ny):
        out, row = smooth[y], weight[y]
        for x in range(nx):
            enough = row[x] > np.float32(1e-6)
            out[x] = out[x] / row[x] if enough else np.float32(0)


@kernel()
def _weights(good: Any) -> Any:
    """Return the smoothed mask; without bad pixels, from the weights along each side."""
    ny, nx = good.shape
    total = 0.0
    for y in range(ny):
        for x in range(nx):
            total += good[y, x]
    if total < ny * nx:
        return gaussian(good, _SMOOTHING, CONSTANT)
    reach = int(4 * _SMOOTHING + 0.5)
    taps = np.empty(2 * reach + 1, np.float64)
    for i in range(2 * reach + 1):
        taps[i] = math.exp(-0.5 * ((i - reach) / _SMOOTHING) ** 2)
    taps /= taps.sum()
    rows, columns = np.empty(ny, np.float32), np.empty(nx, np.float32)
    for y in range(ny):
        rows[y] = taps[max(0, reach - y) : min(2 * reach, reach + ny - 1 - y) + 1].sum()
    for x in range(nx):
        columns[x] = taps[max(0, reach - x) : min(2 * reach, reach + nx - 1 - x) + 1].sum()
    weight = np.empty((ny, nx), np.float32)
    for y in range(ny):
        for x in range(nx):
            weight[y, x] = rows[y] * columns[x]
    return weight


@kernel()
def _frame_level(smooth: Any, good: Any) -> Any:
    """Return the median along the edges, and the distance to the 15.87th percentile below it."""
    ny, nx = smooth.shape
    width = max(1, round(_FRAME * min(ny, nx)))
    values = np.empty(ny * nx + 1, np.float32)
    count = np.uint64(0)
    for y in range(ny):
        row, fine = smooth[y], good[y]
        across = y < width or y >= ny - width
        for part in range(2):
            left = 0 if part == 0 else max(nx - width, width)
            right = nx if across else (width if part == 0 else nx)
            if across and part == 1:
                continue
            for x in range(left, right):  # a bad pixel is written over
                values[count] = row[x]
                count += np.uint64(fine[x] > 0)
    if count < 2:
        return 0.0, 0.0
    n = np.int64(count)
    level, below = order_statistics(values[:n], n // 2, int(0.1587 * (n - 1)))
    return np.float64(level), np.float64(level) - below


@kernel()
def source_bounds(segments: Any) -> Any:
    """Return the rows and columns (top, bottom, left, right) of the source."""
    ny, nx = segments.shape
    top, bottom, left, right = ny, 0, nx, 0
    columns = np.zeros(nx, np.uint8)
    for y in range(ny):
        row, found = segments[y], np.uint8(0)
        for x in range(nx):
            columns[x] |= np.uint8(row[x] == SOURCE)
            found |= np.uint8(row[x] == SOURCE)
        if found:
            top, bottom = min(top, y), y + 1
    for x in range(nx):
        if columns[x]:
            left, right = min(left, x), x + 1
    return top, bottom, left, right


@kernel()
def stamp_bounds(segments: Any) -> Any:
    """Return the rows and columns (top, bottom, left, right) of the stamp around the source.

    2.5 times the longer side of its bounding box, at least 48 pixels, as far as the image goes.
    """
    ny, nx = segments.shape
    top, bottom, left, right = source_bounds(segments)
    high, wide = bottom - top, right - left
    cy, cx = top + high // 2, left + wide // 2
    reach = max(int(max(high, wide) * _EXTENT / 2.0), _SMALLEST // 2)
    return max(0, cy - reach), min(ny, cy + reach), max(0, cx - reach), min(nx, cx + reach)


@kernel()
def find_outliers(image: Any, sigmas: Any, outliers: Any) -> Any:
    """Set ``outliers`` where a pixel differs from its eight neighbors by many of their deviations.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
        Pixels beyond the edge repeat it.
    sigmas : float
        Standard deviations of the neighbors by which a pixel must differ from their mean.
    outliers : array of uint8, shape (ny, nx)

    Returns
    -------
    count : int
    """
    ny, nx = image.shape
    ones, twos = np.empty(nx + 2, np.float64), np.empty(nx + 2, np.float64)
    limit, count = sigmas * sigmas, 0
    for y in range(ny):
        above, here, below = image[max(0, y - 1)], image[y], image[min(ny - 1, y + 1)]
        for x in range(nx):
            a, b, c = np.float64(above[x]), np.float64(here[x]), np.float64(below[x])
            ones[x + 1] = a + b + c
            twos[x + 1] = a * a + b * b + c * c
        ones[0], twos[0], ones[nx + 1], twos[nx + 1] = ones[1], twos[1], ones[nx], twos[nx]
        row = outliers[y]
        for x in range(nx):
            value = np.float64(here[x])
            mean = (ones[x] + ones[x + 1] + ones[x + 2] - value) / 8
            square = (twos[x] + twos[x + 1] + twos[x + 2] - value * value) / 8
            variance = square - mean * mean
            row[x] = variance >= 0 and (value - mean) ** 2 > limit * variance
            count += row[x]
    return count
