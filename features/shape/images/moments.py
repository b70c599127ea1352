"""Centroid and second moments of a source: ellipticity, elongation, orientation."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.segmentation import SOURCE

__all__ = ["ellipse_of", "source_moments"]

_PIXEL = 1.0 / 12.0  # variance of a pixel's width, the least that a source extends


@kernel()
def source_moments(image: Any, segments: Any, out: Any) -> None:
    """Fill ``out`` with the source's light, its centroid (x, y) and moments (xx, xy, yy) there."""
    ny, nx = image.shape
    middle_x, middle_y = nx // 2, ny // 2  # about which squares lose no digits
    total, sum_x, sum_y, xx, xy, yy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for y in range(ny):
        dy = float(y - middle_y)
        light, by_x, by_xx = 0.0, 0.0, 0.0
        for x in range(nx):
            value = np.float64(image[y, x] if segments[y, x] == SOURCE else np.float32(0))
            dx = np.float64(np.int32(x - middle_x))
            light += value
            by_x += value * dx
            by_xx += value * dx * dx
        total += light
        sum_x += by_x
        sum_y += light * dy
        xx += by_xx
        xy += by_x * dy
        yy += light * dy * dy
    xc, yc = sum_x / total, sum_y / total
    out[0], out[1], out[2] = total, middle_x + xc, middle_y + yc
    out[3], out[4], out[5] = xx / total - xc * xc, xy / total - xc * yc, yy / total - yc * yc


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
