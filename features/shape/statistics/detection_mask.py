"""The binary detection mask under shape asymmetry and the largest radius of a galaxy."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.filters import uniform
from galfeat.features.shape.images.regions import brightest, grow
from galfeat.features.shape.images.sky import clipped_mode

__all__ = ["detection_mask", "largest_radii"]

_SKY_RADII = (2.0, 4.0)  # of the annulus of sky, in elliptical Petrosian radii
_ENOUGH = 32 * 32  # pixels of it
_SIDE = 3  # pixels of the square that the image is averaged over


@kernel()
def detection_mask(image: Any, whole: Any, xc: Any, yc: Any, petrosian: Any, box: Any) -> Any:
    """Return the region one sigma above the sky that holds the brightest pixel, or no pixel at all.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
        Bad pixels and other sources are zero.
    whole : array of float32, shape (ny, nx)
        1 on all other pixels.
    xc, yc : float
        Center of the annulus of sky, pixels.
    petrosian : float
        Elliptical Petrosian radius, pixels.
    box : (int, int, int)
        The box of sky (row, column, side) used instead of an annulus of fewer pixels than that.

    Returns
    -------
    region : array of uint8, shape (ny, nx)
    problem : int
        0; 1 where the brightest pixel is too faint; 2 where there is no sky, and no region.
    """
    ny, nx = image.shape
    inner, outer = _SKY_RADII[0] * petrosian, _SKY_RADII[1] * petrosian
    sky = np.empty(ny * nx + 1, np.float32)
    filled, inside = np.uint64(0), np.empty(nx, np.uint8)
    for y in range(ny):
        dy = (y - yc) * (y - yc)
        line, fine = image[y], whole[y]
        for x in range(nx):
            dx = np.float64(np.int32(x)) - xc
            squared = dx * dx + dy
            ring = (inner * inner <= squared) & (squared < outer * outer)
            inside[x] = np.uint8(ring & (fine[x] > 0))
        for x in range(nx):  # what is not in the annulus is written over
            sky[filled] = line[x]
            filled += np.uint64(inside[x])
    count: Any = np.int64(filled)
    region = np.zeros((ny, nx), np.uint8)
    if count < _ENOUGH:
        row, column, side = box
        count = 0
        for y in range(row, row + side):
            for x in range(column, column + side):
                if whole[y, x]:
                    sky[count] = image[y, x]
                    count += 1
        if count == 0:
            return region, 2
    mode, sigma = clipped_mode(sky[:count])
    threshold = mode + sigma
    smooth = uniform(image, _SIDE)
    above = np.empty((ny, nx), np.uint8)
    for y in range(ny):
        for x in range(nx):
            above[y, x] = smooth[y, x] >= threshold
    y, x = brightest(smooth)
    problem = 0 if above[y, x] else 1
    above[y, x] = 1
    grow(above, y, x, region)
    return region, problem


@kernel()
def largest_radii(region: Any, xc: Any, yc: Any, ratio: Any, theta: Any) -> Any:
    """Return the radius of the circle, and major semi-axis of the ellipse, that hold a region."""
    ny, nx = region.shape
    cos, sin = math.cos(theta), math.sin(theta)
    circle, ellipse = 0.0, 0.0
    for y in range(ny):
        row, first, last = region[y], -1, -1
        for x in range(nx):
            if row[x]:
                first = x if first < 0 else first
                last = x
        if first < 0:
            continue
        for end in range(2):  # of a row, an end is furthest
            dx, dy = (first if end == 0 else last) - xc, y - yc
            along, across = dx * cos + dy * sin, (dy * cos - dx * sin) / ratio
            circle = max(circle, dx * dx + dy * dy)
            ellipse = max(ellipse, along * along + across * across)
    return math.sqrt(circle), math.sqrt(ellipse)
