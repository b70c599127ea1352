"""The stamp around a source: its light, good pixels, segment and sky."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.quantities import BIT
from galfeat.features.shape.segmentation import NEIGHBOR, SOURCE, find_outliers

__all__ = ["cut_stamp", "source_flags"]

_AT_EDGE, _NO_SOURCE = BIT["at_edge"], BIT["no_source"]


@kernel()
def source_flags(segments: Any) -> Any:
    """Return the flag of no source, or of a source that is cut by the edge, or 0."""
    height, width = segments.shape
    flags, count = 0, 0
    for y in range(height):
        for x in range(width):
            if segments[y, x] == SOURCE:
                count += 1
                if y == 0 or x == 0 or y == height - 1 or x == width - 1:
                    flags = _AT_EDGE
    return flags if count else _NO_SOURCE


@kernel()
def cut_stamp(light: Any, good: Any, segments: Any, bounds: Any, outlier: Any) -> Any:
    """Return the stamp around the source.

    Parameters
    ----------
    light, good : array of float32, shape (height, width)
    segments : array of uint8, shape (height, width)
    bounds : (int, int, int, int)
        See `stamp_bounds`.
    outlier : float
        See `find_outliers`.

    Returns
    -------
    image : array of float32, shape (ny, nx)
        Light over a power of two, at most 1; zero on bad pixels and other sources.
    whole : array of float32, shape (ny, nx)
        1 on all other pixels.
    segment, empty : array of uint8, shape (ny, nx)
        1 on the source; 1 on good pixels without any.
    unit : float
        That power of two.
    """
    top, bottom, left, right = bounds
    ny, nx = bottom - top, right - left
    largest = 0.0
    for y in range(top, bottom):
        for x in range(left, right):
            largest = max(largest, abs(light[y, x]))
    _, exponent = math.frexp(largest)
    scale = math.ldexp(1.0, -exponent)
    image, whole = np.empty((ny, nx), np.float32), np.empty((ny, nx), np.float32)
    segment, empty = np.empty((ny, nx), np.uint8), np.empty((ny, nx), np.uint8)
    outliers = np.zeros((ny, nx), np.uint8)
    for y in range(ny):
        for x in range(nx):
            image[y, x] = light[top + y, left + x] * scale
    if outlier > 0:
        find_outliers(image, outlier, outliers)
    for y in range(ny):
        for x in range(nx):
            belongs = segments[top + y, left + x]
            fine = good[top + y, left + x] > 0
            empty[y, x] = fine and belongs != SOURCE and belongs != NEIGHBOR
            fine = fine and belongs != NEIGHBOR and not outliers[y, x]
            whole[y, x] = 1 if fine else 0
            image[y, x] = image[y, x] if fine else 0
            segment[y, x] = SOURCE if fine and belongs == SOURCE else 0
    return image, whole, segment, empty, math.ldexp(1.0, exponent)
