"""Gini and M20 on the Petrosian segmentation map."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.apertures import coverage, weighted
from galfeat.features.shape.images.filters import CONSTANT, gaussian
from galfeat.features.shape.images.regions import brightest, grow
from galfeat.features.shape.statistics.petrosian import ANNULUS

__all__ = ["gini", "m20", "petrosian_segment", "pixels_in"]

_SMOOTHING = 0.2  # standard deviation of the Gaussian, in Petrosian radii
_BRIGHT = 0.8  # of the light lies in fainter pixels than the brightest 20 %


@kernel()
def petrosian_segment(image: Any, shape: Any, petrosian: Any, region: Any) -> Any:
    """Set ``region`` where the smoothed image is brighter than at the Petrosian radius.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
        Bad pixels and other sources are zero.
    shape : (xc, yc, axis ratio, theta)
        Of the ring in which the surface brightness at the Petrosian radius is measured.
    petrosian : float
        Elliptical Petrosian radius, pixels.
    region : array of uint8, shape (ny, nx)

    Returns
    -------
    count : int
        Pixels of the region.
    problem : int
        0; 1 if other regions were left out; 2 if it is empty or the whole image.
    """
    ny, nx = image.shape
    xc, yc, ratio, theta = shape
    smooth = gaussian(image, _SMOOTHING * petrosian, CONSTANT)
    inner, outer = petrosian - 0.5 * ANNULUS, petrosian + 0.5 * ANNULUS
    ring = np.zeros((ny, nx), np.float32)
    used = coverage(ring, 1.0, xc, yc, outer, outer * ratio, theta)
    coverage(ring, -1.0, xc, yc, inner, inner * ratio, theta)
    light = weighted(ring, smooth, used)
    threshold = light / (math.pi * ratio * (outer * outer - inner * inner))
    above = np.empty((ny, nx), np.uint8)
    total = 0
    for y in range(ny):
        for x in range(nx):
            above[y, x] = smooth[y, x] >= threshold
            total += above[y, x]
    region[:] = 0
    if total == 0:
        return 0, 2
    y, x = brightest(smooth)
    count = grow(above, y, x, region)
    return count, (2 if total == ny * nx else (1 if count < total else 0))


@kernel()
def gini(ordered: Any) -> Any:
    """Return the Gini coefficient of absolute values, NaN of fewer than two or of zeros.

    ``sum((2 i - n - 1) |x_i|) / ((n - 1) sum(|x_i|))`` over ascending ``|x_i|``: equation 6 of
    Lotz, Primack and Madau 2004, doi:10.1086/421849, where the mean is that of absolute values.

    Parameters
    ----------
    ordered : array of float32, shape (n,)
        Ascending; negative values count by their size.
    """
    n = len(ordered)
    low, high = -1, 0
    while high < n and ordered[high] < 0:
        high += 1
    low = high - 1  # negative values grow to the left, positive ones to the right
    weighted, total = 0.0, 0.0
    for i in range(1, n + 1):
        if high >= n or (low >= 0 and -ordered[low] <= ordered[high]):
            value = -np.float64(ordered[low])
            low -= 1
        else:
            value = np.float64(ordered[high])
            high += 1
        weighted += (2 * i - n - 1) * value
        total += value
    return weighted / ((n - 1) * total) if n > 1 and total > 0 else np.nan


@kernel()
def m20(values: Any, columns: Any, rows: Any, ordered: Any) -> Any:
    """Return M20, the logarithm of the moment of the brightest 20 % of the light over that of all.

    Equation 8 of Lotz, Primack and Madau 2004, doi:10.1086/421849, about the centroid, which makes
    the moment of all light least. NaN where a moment or the light is not positive.

    Parameters
    ----------
    values, columns, rows : array of float32, shape (n,)
        See `pixels_in`.
    ordered : array of float32, shape (n,)
        The values, ascending.
    """
    total, sum_x, sum_y = 0.0, 0.0, 0.0
    for i in range(len(values)):
        value = np.float64(values[i])
        total += value
        sum_x += value * columns[i]
        sum_y += value * rows[i]
    if not total > 0:
        return np.nan
    xc, yc = sum_x / total, sum_y / total
    threshold, running = ordered[len(ordered) - 1], 0.0
    for i in range(len(ordered)):
        running += ordered[i]
        if running >= _BRIGHT * total:
            threshold = ordered[i]
            break
    moment, bright = 0.0, 0.0
    for i in range(len(values)):
        dx, dy = columns[i] - xc, rows[i] - yc
        part = values[i] * (dx * dx + dy * dy)
        moment += part
        bright += part if values[i] >= threshold else 0.0
    return math.log10(bright / moment) if bright > 0 and moment > 0 else np.nan


@kernel()
def pixels_in(image: Any, region: Any, count: Any) -> Any:
    """Return the ``count`` values within a region, and their columns and rows, as float32."""
    ny, nx = image.shape
    values, columns = np.empty(count + 1, np.float32), np.empty(count + 1, np.float32)
    rows = np.empty(count + 1, np.float32)
    k = np.uint64(0)
    for y in range(ny):
        line, inside = image[y], region[y]
        any_inside = np.uint8(0)
        for x in range(nx):
            any_inside |= inside[x]
        if not any_inside:
            continue
        for x in range(nx):  # whatever is not inside is written over
            values[k], columns[k], rows[k] = line[x], x, y
            k += np.uint64(inside[x])
    return values[:count], columns[:count], rows[:count]
