"""The source in the middle of an image, its neighbors, and the part of the image around it."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.filters import CONSTANT, gaussian
from galfeat.features.shape.sorting import sort_ascending

__all__ = ["NEIGHBOR", "SKY", "SOURCE", "find_outliers", "find_source", "stamp_bounds"]

SKY, SOURCE, NEIGHBOR = 0, 1, 2
"""What a pixel of a segmentation map belongs to."""

_SMOOTHING = 1.5  # pixels: about the point spread of a well-sampled image
_FRAME = 0.1  # of the image: where the noise of the smoothed image is measured
_UNSEEN = -1  # a pixel above the threshold that is in no region yet
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
    weight = _weights(good)
    for y in range(ny):
        for x in range(nx):
            smooth[y, x] = smooth[y, x] / weight[y, x] if weight[y, x] > 1e-6 else np.float32(0)
    sky, noise = _frame_level(smooth, good)
    noise = max(noise, 1 / (2 * math.sqrt(math.pi) * _SMOOTHING))
    wide = nx + 2
    labels = np.zeros((ny + 2) * wide, np.int32)  # in a frame of sky
    for y in range(ny):
        for x in range(nx):
            if smooth[y, x] > sky + threshold * noise:
                labels[(y + 1) * wide + x + 1] = _UNSEEN
    sizes = np.zeros(ny * nx // 2 + 2, np.int32)
    waiting = np.empty(ny * nx, np.int32)
    cy, cx = 0.5 * (ny - 1) + 1, 0.5 * (nx - 1) + 1
    nearest, chosen, label = (_REACH * min(ny, nx)) ** 2, 0, 0
    for start in range(wide, (ny + 1) * wide):
        if labels[start] != _UNSEEN:
            continue
        label += 1
        labels[start], waiting[0] = label, start
        left, distance = 1, np.inf
        while left:
            left -= 1
            at = waiting[left]
            sizes[label] += 1
            distance = min(distance, (at // wide - cy) ** 2 + (at % wide - cx) ** 2)
            for row in range(-1, 2):
                first = at + row * wide - 1
                for place in range(first, first + 3):
                    if labels[place] == _UNSEEN:
                        labels[place] = label
                        waiting[left] = place
                        left += 1
        if sizes[label] < _LEAST:
            continue
        equal = distance == nearest and (chosen == 0 or sizes[label] > sizes[chosen])
        if distance < nearest or equal:
            nearest, chosen = distance, label
    for y in range(ny):
        for x in range(nx):
            found = labels[(y + 1) * wide + x + 1]
            if found == 0 or sizes[found] < _LEAST:
                segments[y, x] = SKY
            else:
                segments[y, x] = SOURCE if found == chosen else NEIGHBOR
    return sizes[chosen]


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
    values = np.empty(ny * nx, np.float32)
    count = 0
    for y in range(ny):
        for x in range(nx):
            if good[y, x] and (y < width or y >= ny - width or x < width or x >= nx - width):
                values[count] = smooth[y, x]
                count += 1
    if count < 2:
        return 0.0, 0.0
    ordered = sort_ascending(values[:count])
    level = np.float64(ordered[count // 2])
    return level, level - ordered[int(0.1587 * (count - 1))]


@kernel()
def stamp_bounds(segments: Any) -> Any:
    """Return the rows and columns (top, bottom, left, right) of the stamp around the source.

    2.5 times the longer side of its bounding box, at least 48 pixels, as far as the image goes.
    """
    ny, nx = segments.shape
    top, bottom, left, right = ny, 0, nx, 0
    for y in range(ny):
        for x in range(nx):
            if segments[y, x] == SOURCE:
                top, bottom = min(top, y), max(bottom, y + 1)
                left, right = min(left, x), max(right, x + 1)
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
