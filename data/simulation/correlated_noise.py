"""Noise that pixels share with their neighbours.

An image that was resampled or drizzled has less noise in each pixel than its depth would have it,
and pixels side by side err together; summed over many pixels the noise is the same as ever.

References
----------
Fruchter & Hook 2002, PASP 114, 144; Casertano et al. 2000, AJ 120, 2747 (by how much the noise of a
pixel falls short).
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

NOISES: Final = ("white", "correlated")

# pixels that are thrown away: one edge of a field made by Fourier transforms goes on at the other
_MARGIN: Final = 8


def correlated_noise(
    light: NDArray[np.float64], level: NoiseLevel, drop: float, rng: Generator
) -> NDArray[np.float64]:
    """Return the noise of photons, sky and read-out in an image of many dithered exposures.

    Parameters
    ----------
    light : array, shape (size, size)
        What a perfect detector would see, microjansky.
    level : NoiseLevel
        As without correlation: it is what many pixels together still have.
    drop : float
        Width of a detector pixel's footprint on the image, pixels; 1.5 or so is the most common.
    rng : Generator

    Returns
    -------
    array, shape (size, size)
        Microjansky. Counts are taken as normal: there are hundreds in a pixel.
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
    """Return the covariance of two pixels `lag` apart along one axis, in units of the variance that
    independent pixels would have.

    A detector pixel's noise lands evenly on a square as wide as `drop`, anywhere between the
    image's pixels; two pixels share what both collect. This is the overlap of two triangles, one
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
    """Return by how much each frequency of white noise is to be multiplied along an axis."""
    lags = np.minimum(np.arange(side), side - np.arange(side))
    power = fft.fft([covariance(lag, drop) for lag in lags]).real
    amplitude: NDArray[np.float64] = np.sqrt(np.maximum(power, 0))
    return amplitude
