"""The stamp around a source: its light, good pixels, segment and sky."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.segmentation import NEIGHBOR, SOURCE, find_outliers
from galfeat.features.shape.quantities import BIT

__all__ = ["cut_stamp", "source_flags"]

_AT_EDGE, _NO_SOURCE = BIT["at_edge"], BIT["no_source"]


@kernel()
def source_flags(segments: Any) -> Any:
    """Return the flag of no source, or of a source that is cut by the edge, or 0."""
    height, width = segments.shape
    edge, inside = False, False
    for y in range(height):
        row, found = segments[y], np.uint8(0)
        for x in range(width):
            found |= np.uint8(row[x] == SOURCE)
        if found:
            inside = True
            cut = y == 0 or y == height - 1 or row[0] == SOURCE or row[width - 1] == SOURCE
            edge = edge or cut
    return (_AT_EDGE if edge else 0) if inside else _NO_SOURCE


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
    largest = np.int32(0)  # sizes of floating-point numbers are in the order of their bits
    bits = light.view(np.int32)
    for y in range(top, bottom):
        row = bits[y, left:right]
        for x in range(len(row)):
            size = np.int32(row[x] & np.int32(0x7FFFFFFF))
            largest = size if size > largest else largest
    _, exponent = math.frexp(np.array((np.int32(largest),)).view(np.float32)[0])
    scale = np.float32(math.ldexp(1.0, -exponent))
    image, whole = np.empty((ny, nx), np.float32), np.empty((ny, nx), np.float32)
    segment, empty = np.empty((ny, nx), np.uint8), np.empty((ny, nx), np.uint8)
    outliers = np.zeros((ny, nx), np.uint8)
    for y in range(ny):
        row, out = light[top + y, left:right], image[y]
        for x in range(nx):
            out[x] = row[x] * scale
    if outlier > 0:
        find_outliers(image, outlier, outliers)
    one, none = np.float32(1), np.float32(0)
    for y in range(ny):
        belongs, fine = segments[top + y, left:right], good[top + y, left:right]
        row, all_right, inside, free = image[y], whole[y], segment[y], empty[y]
        odd = outliers[y]
        for x in range(nx):
            free[x] = (fine[x] > 0) & (belongs[x] != SOURCE) & (belongs[x] != NEIGHBOR)
            use = (fine[x] > 0) & (belongs[x] != NEIGHBOR) & (odd[x] == 0)
            all_right[x] = one if use else none
            row[x] = row[x] if use else none
            inside[x] = use & (belongs[x] == SOURCE)
    return image, whole, segment, empty, math.ldexp(1.0, exponent)
