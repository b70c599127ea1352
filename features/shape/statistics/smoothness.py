"""Smoothness (clumpiness): the light in small structures."""

from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.apertures import coverage, ellipse_sums, weighted
from galfeat.features.shape.images.filters import uniform

__all__ = ["smoothing_side", "smoothness"]

_INNER, _OUTER, _SIDE = 0.25, 1.5, 0.25  # in Petrosian radii


@kernel()
def smoothing_side(petrosian: Any) -> Any:
    """Return the side of the square that the image is averaged over, whole pixels."""
    return int(_SIDE * petrosian)


@kernel()
def smoothness(image: Any, sums: Any, xc: Any, yc: Any, petrosian: Any, sky: Any) -> Any:
    """Return the smoothness within an annulus, NaN where its light is not positive.

    The light above the image averaged over squares, less the same of the sky, over the light:
    equation 11 of Lotz, Primack and Madau 2004, doi:10.1086/421849.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
    sums : array, shape (ny, nx + 1)
        Its row sums.
    xc, yc : float
        Center of the annulus from 0.25 to 1.5 Petrosian radii, pixels.
    petrosian : float
        Circular Petrosian radius, pixels.
    sky : float
        Smoothness of the background, per pixel.
    """
    ny, nx = image.shape
    smooth = uniform(image, smoothing_side(petrosian))
    for y in range(ny):
        for x in range(nx):
            smooth[y, x] = max(image[y, x] - smooth[y, x], np.float32(0))
    inner, outer = _INNER * petrosian, _OUTER * petrosian
    high, _ = ellipse_sums(sums, sums, False, xc, yc, outer, outer, 0.0)
    low, _ = ellipse_sums(sums, sums, False, xc, yc, inner, inner, 0.0)
    if not high - low > 0:
        return np.nan
    ring = np.zeros((ny, nx), np.float32)
    used = coverage(ring, 1.0, xc, yc, outer, outer, 0.0)
    coverage(ring, -1.0, xc, yc, inner, inner, 0.0)
    area = np.pi * (outer * outer - inner * inner)
    return (weighted(ring, smooth, used) - area * sky) / (high - low)
