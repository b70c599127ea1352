"""Light of a band with the noise that is still in it, and its completion to an image.

Noise that passes through a filter becomes weaker and correlated. Both are followed, and
`with_noise` fills up what is missing, so that the sky of the result is that of the other survey.

Only the noise of the sky is followed. That of a galaxy's own photons is filtered and dimmed with
the light, and is then smaller than in a true exposure; it matters where the galaxy is brighter than
the sky.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.linalg import toeplitz

from galfeat.data.degradation.noise import LAGS, Covariance, covariance_of, noise_field
from galfeat.data.preparation.sky_noise import CORRELATION_REACH, SkyNoise, measure_sky

__all__ = ["Exposure", "Filter", "exposure_of", "sky_of", "with_noise"]

Floats = NDArray[np.float64]
Filter = Callable[[Floats, int], Floats]
"""Linear filter of an array along one axis."""

_MAX_BAD = 0.3  # share of bad pixels in a filtered one: above it, the pixel is bad
_AXIS = 4 * LAGS  # pixels of an axis on which the covariance of filtered noise is worked out
_PHASES = 8  # sides with the same remainder have new pixels that lie alike on old ones


@dataclass(frozen=True)
class Exposure:
    """Light of a band above the sky, and the covariance of the sky's noise in it.

    Parameters
    ----------
    light : array of float64, shape (ny, nx)
        With noise; 0 on bad pixels.
    bad : array of bool, shape (ny, nx)
    noise : tuple of Covariance
        Their sum is the covariance of the noise.
    seen : array of float64, shape (ny, nx), or None
        Share of the noise's deviation that is there: less than 1 where a galaxy that was made
        smaller has no pixels to show; None is 1 everywhere.
    """

    light: Floats
    bad: NDArray[np.bool_]
    noise: tuple[Covariance, ...]
    seen: Floats | None = None

    def scaled(self, factor: float) -> "Exposure":
        """Return it with light and noise multiplied by a factor."""
        noise = tuple(each.scaled(factor) for each in self.noise)
        return replace(self, light=factor * self.light, noise=noise)

    def filtered(self, along: Filter) -> "Exposure":
        """Return it with light and noise filtered along both axes."""
        bad = self.bad
        if bad.any():
            bad = _both(along, bad.astype(float)) > _MAX_BAD
        seen = None if self.seen is None else _both(along, self.seen)
        noise = tuple(filtered_covariance(each, along, self.light.shape) for each in self.noise)
        return Exposure(_both(along, self.light), bad, noise, seen)


def sky_of(image: NDArray[np.floating]) -> SkyNoise:
    """Return level, noise and correlation of the sky in a frame along the edges of an image.

    All are 0 where no pixel is good.
    """
    if not np.isfinite(image).any():
        return SkyNoise(0.0, 0.0, 0.0, 0.0)
    width = max(1, min(image.shape) // 10)
    return measure_sky(np.asarray(image, dtype=float), width, CORRELATION_REACH)


def exposure_of(image: NDArray[np.floating], sky: SkyNoise) -> Exposure:
    """Return the light and the noise of an image.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Values that are not finite are bad.
    sky : SkyNoise
        Level, noise and correlation of its sky: see `sky_of`.
    """
    bad = ~np.isfinite(image)
    light = np.where(bad, 0.0, np.asarray(image, dtype=float) - sky.sky)
    return Exposure(light, bad, (covariance_of(sky),))


def with_noise(exposure: Exposure, sky: SkyNoise, rng: Generator) -> Floats:
    """Return an image of an exposure's light whose sky has a given level, noise and correlation.

    Parameters
    ----------
    exposure : Exposure
    sky : SkyNoise
        Sky of the result.
    rng : Generator

    Returns
    -------
    array of float64, shape (ny, nx)
        Bad pixels are NaN.

    Notes
    -----
    Noise is added frequency by frequency, as much as is missing. Where the exposure has more than
    that already, it keeps it: noise cannot be taken away.
    """
    ny, nx = exposure.light.shape
    wanted = [covariance_of(sky)]
    missing = noise_field((ny, nx), wanted, rng, present=exposure.noise)
    if exposure.seen is not None:
        seen = np.clip(exposure.seen, 0, 1)
        missing *= seen
        missing += np.sqrt(1 - seen**2) * noise_field((ny, nx), wanted, rng)
    return np.where(exposure.bad, np.nan, sky.sky + exposure.light + missing)


def filtered_covariance(
    covariance: Covariance, along: Filter, shape: tuple[int, ...]
) -> Covariance:
    """Return the covariance of noise of an image of that shape after a filter along both axes."""
    down, across = (
        _filtered(each, along, _AXIS + side % _PHASES)
        for each, side in zip(covariance[1:], shape, strict=True)
    )
    variance = covariance.variance * float(down[0] * across[0])
    if not variance > 0:
        return covariance._replace(variance=0.0)
    return Covariance(variance, down / down[0], across / across[0])


def _filtered(correlation: Floats, along: Filter, side: int) -> Floats:
    """Return the covariance of lags 0, 1, … of noise of variance one after a filter."""
    first = np.zeros(side)
    first[: LAGS + 1] = correlation
    after = _both(along, toeplitz(first))
    whole = np.flatnonzero(along(np.ones((side, 1)), 0)[:, 0] > 1 - 1e-9)
    # in the middle, where no edge is near; means over pixels, which may lie differently on old ones
    middle = whole[len(whole) // 4 : len(whole) - len(whole) // 4]
    found = np.zeros(LAGS + 1)
    for lag in range(LAGS + 1):
        rows = middle[middle + lag < side]
        found[lag] = after[rows, rows + lag].mean() if len(rows) else 0.0
    return found


def _both(along: Filter, values: Floats) -> Floats:
    return along(along(values, 0), 1)
