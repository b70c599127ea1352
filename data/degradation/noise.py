"""Noise of a given level and correlation."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft

from galfeat.data.preparation.sky_noise import SkyNoise

__all__ = ["Covariance", "add_noise", "covariance_of", "noise_field"]

Floats = NDArray[np.float64]

LAGS = 24
"""Pixels to which noise is followed."""
_NEGLIGIBLE = 1e-4  # correlation
_LEAST, _MOST = -0.5, 0.98  # of neighbors: noise of differences of pixels; noise that ends in LAGS


class Covariance(NamedTuple):
    """Covariance of the noise of two pixels: a variance times a function of either lag."""

    variance: float
    down: Floats
    """Correlation of pixels 0, 1, … rows apart, shape (LAGS + 1,)."""
    across: Floats
    """The same of columns."""

    def scaled(self, factor: float) -> "Covariance":
        """Return the covariance of noise multiplied by a factor."""
        return self._replace(variance=self.variance * factor**2)


def covariance_of(noise: SkyNoise) -> Covariance:
    """Return the covariance that continues the measured correlation of neighbors to all lags.

    Correlation falls as that of white noise under a Gaussian does, as rho^(lag^2). Where it could
    not be measured, noise is white; so it is where it was found to be below that of differences of
    neighbors, -1/2, which comes from light of a source in the border and not from noise.
    """
    return Covariance(noise.sigma**2, _correlation(noise.rho_y), _correlation(noise.rho_x))


def noise_field(
    shape: tuple[int, int],
    covariances: Sequence[Covariance],
    rng: Generator,
    present: Sequence[Covariance] = (),
) -> Floats:
    """Return normal noise whose covariance is a sum.

    Parameters
    ----------
    shape : (int, int)
    covariances : sequence of Covariance
    rng : Generator
    present : sequence of Covariance
        Of noise that is there already: what is returned fills it up to the sum, frequency by
        frequency; where there is too much already, nothing is added.

    Returns
    -------
    array of float64, shape (ny, nx)
    """
    # fields made by Fourier transforms are periodic: as many pixels are cut off as noise reaches
    margin = max(_reach(each) for each in (*covariances, *present))
    tall, wide = (fft.next_fast_len(side + margin, real=True) for side in shape)
    power = np.zeros((tall, wide // 2 + 1))
    for sign, some in ((1, covariances), (-1, present)):
        for each in some:
            down = fft.fft(_wrapped(each.down, tall)).real
            across = fft.fft(_wrapped(each.across, wide)).real[: wide // 2 + 1]
            power += sign * each.variance * np.outer(down, across)
    amplitude = np.sqrt(np.maximum(power, 0))
    white = fft.rfft2(rng.standard_normal((tall, wide)))
    field: Floats = fft.irfft2(white * amplitude, s=(tall, wide))[: shape[0], : shape[1]]
    return field


def add_noise(image: NDArray[np.floating], noise: SkyNoise, rng: Generator) -> Floats:
    """Return an image (ny, nx) with noise of that deviation and correlation added."""
    ny, nx = image.shape
    return np.asarray(image + noise_field((ny, nx), [covariance_of(noise)], rng))


def _correlation(rho: float) -> Floats:
    lags = np.arange(LAGS + 1)
    rho = min(float(rho), _MOST) if rho >= _LEAST else 0.0
    # its Fourier series, a theta function, is positive for any rho between -1 and 1
    return np.asarray(np.sign(rho) ** lags * np.abs(rho) ** (lags**2))


def _reach(covariance: Covariance) -> int:
    far = [np.flatnonzero(np.abs(each) > _NEGLIGIBLE) for each in covariance[1:]]
    return int(max(each.max(initial=0) for each in far))


def _wrapped(correlation: Floats, side: int) -> Floats:
    lags = np.minimum(np.arange(side), side - np.arange(side))
    return np.where(lags <= LAGS, correlation[np.minimum(lags, LAGS)], 0.0)
