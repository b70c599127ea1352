"""Centroid and second moments of a source: ellipticity, elongation, orientation."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.segmentation import SOURCE

__all__ = ["ellipse_of", "source_moments"]

_PIXEL = 1.0 / 12.0  # variance of a pixel's width, the least that a source extends


@kernel()
def source_moments(image: Any, segments: Any, out: Any) -> None:
    """Fill ``out`` with the source's light, its centroid (x, y) and moments (xx, xy, yy) there."""
    ny, nx = image.shape
    total, sum_x, sum_y = 0.0, 0.0, 0.0
    for y in range(ny):
        for x in range(nx):
            if segments[y, x] == SOURCE:
                total += image[y, x]
                sum_x += image[y, x] * x
                sum_y += image[y, x] * y
    xc, yc = sum_x / total, sum_y / total
    xx, xy, yy = 0.0, 0.0, 0.0
    for y in range(ny):
        for x in range(nx):
            if segments[y, x] == SOURCE:
                value, dx, dy = np.float64(image[y, x]), x - xc, y - yc
                xx += value * dx * dx
                xy += value * dx * dy
                yy += value * dy * dy
    out[0], out[1], out[2] = total, xc, yc
    out[3], out[4], out[5] = xx / total, xy / total, yy / total


@kernel()
def ellipse_of(moments: Any, xc: Any, yc: Any) -> Any:
    """Return b / a and the angle of the second moments about a center, and whether they are odd.

    A source thinner than a pixel is given a pixel's width, as in SExtractor's manual.

    Parameters
    ----------
    moments : array, shape (6,)
        See `source_moments`.
    xc, yc : float
        Center, pixels.
    """
    dx, dy = moments[1] - xc, moments[2] - yc
    xx, xy, yy = moments[3] + dx * dx, moments[4] + dx * dy, moments[5] + dy * dy
    odd = xx <= 0 or yy <= 0
    while abs(xx * yy - xy * xy) < _PIXEL * _PIXEL:
        xx += _PIXEL if xx >= 0 else -_PIXEL
        yy += _PIXEL if yy >= 0 else -_PIXEL
    middle, half = 0.5 * (xx + yy), math.sqrt(0.25 * (xx - yy) ** 2 + xy * xy)
    one, two = abs(middle + half), abs(middle - half)
    ratio = math.sqrt(min(one, two) / max(one, two))
    return ratio, 0.5 * math.atan2(2 * xy, xx - yy), odd
