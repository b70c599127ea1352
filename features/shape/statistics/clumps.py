"""Fine structure: clumps, roughness on three scales, and asymmetry under a quarter turn."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.filters import REFLECT, gaussian, uniform
from galfeat.features.shape.statistics.smoothness import smoothing_side

__all__ = ["clump_fraction", "quarter_asymmetry", "roughness"]

_INNER, _OUTER = 0.25, 1.5  # in Petrosian radii: the annulus of the smoothness
_CLEAR = 3.0  # noise that a pixel of a clump stands above the smoothed image
_SIDE = 3  # pixels, the least side of the square that the image is averaged over


@kernel()
def clump_fraction(image: Any, xc: Any, yc: Any, petrosian: Any, noise: Any) -> Any:
    """Return the part of the light in clumps, NaN where there is no light.

    Clumps are the pixels that stand clearly above the image averaged over a quarter of a Petrosian
    radius; their light is what stands above. The middle is left out, as for the smoothness.
    Contrast images of this kind: Guo et al. 2015, ApJ 800, 39, doi:10.1088/0004-637X/800/1/39.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
    xc, yc, petrosian : float
        Center and circular Petrosian radius, pixels.
    noise : float
        Standard deviation of a pixel's noise.
    """
    ny, nx = image.shape
    smooth = uniform(image, max(smoothing_side(petrosian), _SIDE))
    low, high = (_INNER * petrosian) ** 2, (_OUTER * petrosian) ** 2
    total, clumps = 0.0, 0.0
    for y in range(ny):
        for x in range(nx):
            squared = (x - xc) ** 2 + (y - yc) ** 2
            if low <= squared < high:
                above = image[y, x] - smooth[y, x]
                total += image[y, x]
                clumps += above if above > _CLEAR * noise else 0.0
    return clumps / total if total > 0 else np.nan


@kernel()
def roughness(image: Any, segment: Any, sigma: Any) -> Any:
    """Return what the source's light differs from itself smoothed by a Gaussian, over the light."""
    ny, nx = image.shape
    smooth = gaussian(image, sigma, REFLECT)
    total, differs = 0.0, 0.0
    for y in range(ny):
        for x in range(nx):
            if segment[y, x]:
                total += abs(image[y, x])
                differs += abs(image[y, x] - smooth[y, x])
    return differs / total if total > 0 else np.nan


@kernel()
def quarter_asymmetry(image: Any, whole: Any, segment: Any, xc: Any, yc: Any, sky: Any) -> Any:
    """Return the asymmetry of the source's pixels under a quarter turn about a center.

    A quarter turn about a fixed point, too, moves every pixel by the same fraction of a pixel.

    Parameters
    ----------
    image, whole : array of float32, shape (ny, nx)
    segment : array of uint8, shape (ny, nx)
        1 on the source.
    xc, yc : float
    sky : float
        Asymmetry of the background, per pixel.
    """
    ny, nx = image.shape
    right, down = math.floor(xc - yc), math.floor(xc + yc)
    fx, fy = xc - yc - right, xc + yc - down
    total, differs, area = 0.0, 0.0, 0
    for y in range(ny):
        for x in range(nx):
            if not segment[y, x]:
                continue
            i, j = right + y, down - x
            if not (0 <= i < nx - 1 and 0 <= j < ny - 1):
                continue
            if not (whole[j, i] and whole[j, i + 1] and whole[j + 1, i] and whole[j + 1, i + 1]):
                continue
            turned = (1 - fy) * ((1 - fx) * image[j, i] + fx * image[j, i + 1])
            turned += fy * ((1 - fx) * image[j + 1, i] + fx * image[j + 1, i + 1])
            total += abs(image[y, x])
            differs += abs(image[y, x] - turned)
            area += 1
    return (differs - area * sky) / total if total > 0 else np.nan
