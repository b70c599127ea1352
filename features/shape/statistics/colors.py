"""Colors of adjacent bands: of the galaxy, in rings, and how they change with the radius."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.segmentation import NEIGHBOR, SOURCE
from galfeat.features.shape.quantities import INDEX
from galfeat.features.shape.statistics.rings import COLOR_EDGES, PROFILE_EDGES

__all__ = ["pair_colors"]

_ANNULI, _RINGS = len(PROFILE_EDGES) - 1, len(COLOR_EDGES) - 1
_MAGNITUDES = -2.5 / math.log(10.0)
_X, _Y, _ELLIPTICITY = INDEX["x_center"], INDEX["y_center"], INDEX["ellipticity"]
_THETA, _PETROSIAN, _SIZE = INDEX["orientation"], INDEX["r_petro_ellip"], INDEX["r_rms"]


@kernel()
def _color(one: Any, two: Any, count: Any) -> Any:
    """Return the color of two sums of pixels of unit noise, NaN where one is within its noise."""
    if count > 0 and one * one > count and two * two > count and one > 0 and two > 0:
        return _MAGNITUDES * math.log(one / two)
    return np.nan


@kernel()
def pair_colors(
    one: Any, two: Any, good_one: Any, good_two: Any, segments: Any, detection: Any, out: Any
) -> Any:
    """Fill ``out`` with the colors of two bands, and return whether one could not be measured.

    The color within the Petrosian ellipse, the colors in annuli less that color, differences of
    asinh of the mean light in rings, and the scatter of those of the source's pixels. All of it is
    in units of each band's noise, whose ratio only the first and the rings contain.

    Parameters
    ----------
    one, two : array of float32, shape (ny, nx)
        Light of the bands.
    good_one, good_two : array of float32, shape (ny, nx)
        1 on good pixels.
    segments : array of uint8, shape (ny, nx)
    detection : array of float64, shape (quantities,)
        Of the detection image: center, ellipse and radii.
    out : array of float64, shape (1 + annuli + rings + 1,)
    """
    out[:] = np.nan
    xc, yc, size = detection[_X], detection[_Y], detection[_SIZE]
    if not (size > 0 and xc == xc):
        return True
    ny, nx = one.shape
    petrosian, ratio = detection[_PETROSIAN], 1 - detection[_ELLIPTICITY]
    cos, sin = math.cos(detection[_THETA]), math.sin(detection[_THETA])
    annuli, rings = np.zeros((_ANNULI, 3)), np.zeros((_RINGS, 3))
    within = np.zeros(3)
    count, total, squares = 0, 0.0, 0.0
    for y in range(ny):
        for x in range(nx):
            if not (good_one[y, x] and good_two[y, x]) or segments[y, x] == NEIGHBOR:
                continue
            a, b = np.float64(one[y, x]), np.float64(two[y, x])
            if segments[y, x] == SOURCE:
                difference = math.asinh(a) - math.asinh(b)
                count += 1
                total += difference
                squares += difference * difference
            dx, dy = x - xc, y - yc
            r = math.sqrt(dx * dx + dy * dy) / size
            if r < COLOR_EDGES[_RINGS]:
                ring = 0
                while r >= COLOR_EDGES[ring + 1]:
                    ring += 1
                rings[ring, 0] += a
                rings[ring, 1] += b
                rings[ring, 2] += 1
            along, across = dx * cos + dy * sin, (dy * cos - dx * sin) / ratio
            r = math.sqrt(along * along + across * across) / petrosian
            if r < PROFILE_EDGES[_ANNULI]:
                ring = 0
                while r >= PROFILE_EDGES[ring + 1]:
                    ring += 1
                annuli[ring, 0] += a
                annuli[ring, 1] += b
                annuli[ring, 2] += 1
                if r < 1:
                    within[0] += a
                    within[1] += b
                    within[2] += 1
    color = _color(within[0], within[1], within[2])
    out[0] = color
    missing = color != color
    for k in range(_ANNULI):
        out[1 + k] = _color(annuli[k, 0], annuli[k, 1], annuli[k, 2]) - color
        missing = missing or out[1 + k] != out[1 + k]
    for k in range(_RINGS):
        if rings[k, 2] > 0:
            mean_one, mean_two = rings[k, 0] / rings[k, 2], rings[k, 1] / rings[k, 2]
            out[1 + _ANNULI + k] = math.asinh(mean_one) - math.asinh(mean_two)
        else:
            missing = True
    if count > 0:
        mean = total / count
        out[1 + _ANNULI + _RINGS] = math.sqrt(max(squares / count - mean * mean, 0.0))
    return missing
