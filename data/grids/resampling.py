"""Exact resampling of an image to any other grid: shared areas of pixels, computed by clipping.

A pixel of the new grid is a quadrilateral in the old one. Its value is the mean of the old pixels
under it, weighted by the area that they share with it (as `reproject.reproject_exact` does on the
sphere); times its area in old pixels where pixels hold flux rather than surface brightness, so that
the flux of a source is conserved. Pixels that are not finite stay out of the sums; a new pixel is
bad if less than half of it is good.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galfeat._compiling import compiled

__all__ = ["Resampled", "resample_exactly", "resample_labels"]

_NEEDED = 0.5 * (1 - 1e-9)  # tolerance, because sums of fractions may round to just below one half


class Resampled(NamedTuple):
    """An image on its new grid, shape (ny, nx), and the standard deviation of its noise."""

    pixels: NDArray[np.float32]
    noise: NDArray[np.float32] | None


def resample_exactly(
    image: NDArray[np.float32],
    corners: NDArray[np.float64],
    *,
    conserve_flux: bool,
    noise: NDArray[np.float32] | None = None,
) -> Resampled:
    """Resample an image, and its noise map as that of independent pixels.

    Parameters
    ----------
    image : array of float32, shape (my, mx)
        Values that are not finite are bad.
    corners : array, shape (ny + 1, nx + 1, 2)
        Column and row of the corners of the new pixels in the image; integers are centers of
        pixels.
    conserve_flux : bool
        Whether pixels hold flux; otherwise they hold surface brightness.
    noise : array of float32, shape (my, mx), optional
        Standard deviation; NaN where it is not known.

    Notes
    -----
    The noise of neighboring new pixels is correlated, which no map of standard deviations holds.
    """
    variance = np.zeros((0, 0), np.float64) if noise is None else noise.astype(np.float64) ** 2
    pixels, spread = _overlap(
        np.ascontiguousarray(image), variance, np.ascontiguousarray(corners) + 0.5, conserve_flux
    )
    return Resampled(pixels, None if noise is None else spread)


def resample_labels(labels: NDArray[np.int32], centers: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the label under the center of each new pixel; 0 beyond the image.

    Parameters
    ----------
    labels : array of int32, shape (my, mx)
    centers : array, shape (ny, nx, 2)
        Column and row of the centers of the new pixels.
    """
    inside = np.asarray(np.isfinite(centers).all(axis=-1))
    x, y = np.round(np.where(inside[..., None], centers, -1)).astype(np.int64).transpose(2, 0, 1)
    inside &= (x >= 0) & (y >= 0) & (x < labels.shape[1]) & (y < labels.shape[0])
    found = np.zeros(inside.shape, np.int32)
    found[inside] = labels[y[inside], x[inside]]
    return found


@compiled
def _overlap(image: Any, variance: Any, corners: Any, conserve_flux: bool) -> Any:
    """Sum shared areas; here an old pixel reaches from i to i + 1."""
    ny, nx = corners.shape[0] - 1, corners.shape[1] - 1
    my, mx = image.shape
    pixels = np.full((ny, nx), np.nan, np.float32)
    spread = np.full((ny, nx), np.nan, np.float32)
    for row in range(ny):
        for column in range(nx):
            x0, y0 = corners[row, column]
            x1, y1 = corners[row, column + 1]
            x2, y2 = corners[row + 1, column + 1]
            x3, y3 = corners[row + 1, column]
            whole = 0.5 * abs((x2 - x0) * (y3 - y1) - (x3 - x1) * (y2 - y0))
            if not (np.isfinite(whole) and whole > 0):
                continue
            left = int(max(0.0, min(float(mx), min(min(x0, x1), min(x2, x3)))))
            right = int(np.ceil(max(0.0, min(float(mx), max(max(x0, x1), max(x2, x3))))))
            top = int(max(0.0, min(float(my), min(min(y0, y1), min(y2, y3)))))
            bottom = int(np.ceil(max(0.0, min(float(my), max(max(y0, y1), max(y2, y3))))))
            light, good, scatter = 0.0, 0.0, 0.0
            for y in range(top, bottom):
                for x in range(left, right):
                    value = np.float64(image[y, x])
                    if not np.isfinite(value):
                        continue
                    area = abs(
                        _below(x0 - x, y0 - y, x1 - x, y1 - y)
                        + _below(x1 - x, y1 - y, x2 - x, y2 - y)
                        + _below(x2 - x, y2 - y, x3 - x, y3 - y)
                        + _below(x3 - x, y3 - y, x0 - x, y0 - y)
                    )
                    if area > 0:
                        light += area * value
                        good += area
                        if variance.size:
                            scatter += area * area * variance[y, x]
            if good >= _NEEDED * whole:
                factor = whole / good if conserve_flux else 1 / good
                pixels[row, column] = light * factor
                spread[row, column] = np.sqrt(scatter) * factor
    return pixels, spread


@compiled
def _below(x0: float, y0: float, x1: float, y1: float) -> float:
    """Return the area of the unit square below a line, positive if the line goes to the right."""
    if x0 == x1:
        return 0.0
    sign = 1.0
    if x0 > x1:
        x0, y0, x1, y1, sign = x1, y1, x0, y0, -1.0
    if x1 <= 0 or x0 >= 1:
        return 0.0
    slope = (y1 - y0) / (x1 - x0)
    if x0 < 0:
        x0, y0 = 0.0, y0 - slope * x0
    if x1 > 1:
        x1, y1 = 1.0, y1 + slope * (1 - x1)
    # the mean of the height, cut off at 0 and 1, along the line
    if abs(y1 - y0) < 1e-6:
        mean = min(1.0, max(0.0, 0.5 * (y0 + y1)))
    else:
        mean = (_integral(y1) - _integral(y0)) / (y1 - y0)
    return sign * mean * (x1 - x0)


@compiled
def _integral(y: float) -> float:
    """Return the integral from 0 to y of the height, cut off at 0 and 1."""
    return 0.0 if y < 0 else 0.5 * y * y if y < 1 else y - 0.5
