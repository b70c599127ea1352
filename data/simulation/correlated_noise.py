"""Correlated noise, as in images that were resampled or drizzled.

Such an image has less noise in each pixel than its depth implies, and neighboring pixels are
correlated; summed over many pixels the noise is unchanged.

References
----------
Fruchter & Hook 2002, PASP 114, 144; Casertano et al. 2000, AJ 120, 2747 (the reduction of the noise
of a pixel).
"""

from functools import lru_cache
from math import comb
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft

from galfeat.data.simulation.instrument import NoiseLevel

__all__ = ["NOISES", "correlated_noise", "covariance"]

NOISES: Final = ("correlated", "white")

# pixels cut off, because fields made by Fourier transforms are periodic
_MARGIN: Final = 8


def correlated_noise(
    light: NDArray[np.float64], level: NoiseLevel, drop: float, rng: Generator
) -> NDArray[np.float64]:
    """Return the noise of photons, sky and read-out in an image of many dithered exposures.

    Parameters
    ----------
    light : array, shape (size, size)
        Noiseless image, microjansky.
    level : NoiseLevel
        Noise without correlation, which sums over many pixels retain.
    drop : float
        Width of a detector pixel's footprint on the image, pixels; about 1.5 is most common.
    rng : Generator

    Returns
    -------
    array, shape (size, size)
        Microjansky. Counts are approximated as normal: there are hundreds in a pixel.
    """
    ny, nx = light.shape
    shape = ny + _MARGIN, nx + _MARGIN
    filtered = fft.rfft2(rng.standard_normal(shape))
    filtered *= _amplitude(shape[0], drop)[:, None]
    filtered *= _amplitude(shape[1], drop)[None, : shape[1] // 2 + 1]
    field = fft.irfft2(filtered, s=shape)[:ny, :nx]
    sigma = np.sqrt(np.maximum(light, 0) * level.gain + level.sky + level.read**2) / level.gain
    noise: NDArray[np.float64] = sigma * field
    return noise


def covariance(lag: float, drop: float) -> float:
    """Return the covariance of two pixels `lag` apart along an axis, for independent variance one.

    A detector pixel's noise is spread evenly on a square as wide as `drop`, at any offset to the
    image's pixels; two pixels share what falls on both. This is the overlap of two triangles, one
    from the pixels' width and one from the drop's. Along both axes it is the product.
    """
    together = sum(
        (-1) ** (i + j)
        * comb(2, i)
        * comb(2, j)
        * max(abs(lag) + 1 + drop - i - j * drop, 0.0) ** 3
        for i in range(3)
        for j in range(3)
    )
    return float(together / (6 * drop**2))


@lru_cache(maxsize=32)
def _amplitude(side: int, drop: float) -> NDArray[np.float64]:
    """Return the Fourier amplitude by which white noise is multiplied along an axis."""
    lags = np.minimum(np.arange(side), side - np.arange(side))
    power = fft.fft([covariance(lag, drop) for lag in lags]).real
    amplitude: NDArray[np.float64] = np.sqrt(np.maximum(power, 0))
    return amplitude
