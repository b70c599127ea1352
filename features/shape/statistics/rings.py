"""Rings of a galaxy: brightness, scatter and azimuthal Fourier modes in each.

None of these is a quantity of the literature on non-parametric morphology. The modes are those of
the light around an ellipse, as in the harmonic analysis of bars and arms, but without phases.
"""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel

__all__ = ["COLOR_EDGES", "EDGES", "PER_RING", "PROFILE_EDGES", "WAVES", "ring_statistics"]

EDGES = (0.0, 0.3, 0.6, 1.0, 1.5, 2.2, 3.2)
"""Limits of the rings in root mean square radii."""
COLOR_EDGES = (0.0, 0.5, 1.0, 2.0, 3.0)
"""Limits of the rings in which colors are measured, in root mean square radii."""
PROFILE_EDGES = (0.0, 0.15, 0.3, 0.5, 0.75, 1.0, 1.5)
"""Limits of the annuli of a color profile, in elliptical Petrosian radii."""
WAVES = 4
"""Fourier modes of each ring."""
PER_RING = 2 + WAVES
"""Numbers of a ring: brightness, scatter, modes."""

_RINGS = len(EDGES) - 1
_LEAST = 4  # pixels of a ring
_FAINT = 0.3  # of the noise, added to a ring's mean so that a faint ring's ratio stays bounded
_THIN = 0.1  # axis ratio below which rings are not made thinner


@kernel()
def ring_statistics(image: Any, whole: Any, shape: Any, size: Any, unit: Any, out: Any) -> None:
    """Fill ``out`` with the brightness, scatter and mode amplitudes of each ring.

    Brightness is asinh of the mean light in units of the noise. Scatter is the standard deviation,
    and a mode's amplitude the size of the mean of ``light * exp(i k phi)``, both over the size of
    the mean plus 0.3 of the noise.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
    whole : array of float32, shape (ny, nx)
        1 on pixels that are good and belong to no other source.
    shape : (xc, yc, axis ratio, theta)
    size : float
        Root mean square radius, of a circle of the ellipse's area, pixels.
    unit : float
        Light of 1 in ``image``, in units of the noise.
    out : array of float64, shape (rings * PER_RING,)
        NaN in a ring of fewer than four pixels.
    """
    ny, nx = image.shape
    xc, yc, ratio, theta = shape
    ratio = max(ratio, _THIN)
    cos, sin = math.cos(theta), math.sin(theta)
    limits = np.array(EDGES) ** 2
    scale = ratio / (size * size)
    sums = np.zeros((_RINGS, 3 + 2 * WAVES))
    reach = EDGES[_RINGS] * size / math.sqrt(ratio)
    for y in range(max(0, math.ceil(yc - reach)), min(ny, math.floor(yc + reach) + 1)):
        dy = y - yc
        for x in range(max(0, math.ceil(xc - reach)), min(nx, math.floor(xc + reach) + 1)):
            if not whole[y, x]:
                continue
            dx = x - xc
            along, across = dx * cos + dy * sin, (dy * cos - dx * sin) / ratio
            squared = along * along + across * across
            if squared * scale >= limits[_RINGS]:
                continue
            ring = 0
            while squared * scale >= limits[ring + 1]:
                ring += 1
            value, row = np.float64(image[y, x]), sums[ring]
            row[0] += 1
            row[1] += value
            row[2] += value * value
            root = math.sqrt(squared)
            re, im = (along / root, across / root) if root > 0 else (1.0, 0.0)
            one, two = re, im
            for wave in range(WAVES):
                row[3 + 2 * wave] += value * one
                row[4 + 2 * wave] += value * two
                one, two = one * re - two * im, one * im + two * re
    for ring in range(_RINGS):
        row, found = sums[ring], out[ring * PER_RING : (ring + 1) * PER_RING]
        found[:] = np.nan
        count = row[0]
        if count < _LEAST:
            continue
        mean = row[1] / count
        relative = abs(mean) + _FAINT / unit
        found[0] = math.asinh(mean * unit)
        found[1] = math.sqrt(max(row[2] / count - mean * mean, 0.0)) / relative
        for wave in range(WAVES):
            found[2 + wave] = math.hypot(row[3 + 2 * wave], row[4 + 2 * wave]) / count / relative
