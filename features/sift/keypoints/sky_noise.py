"""Noise of the sky in differences of Gaussians, with the correlation of its pixels."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel

__all__ = ["LAGS", "response_noise", "sky_covariances"]

LAGS = 3
"""Pixels to which correlation is looked for, as in `galfeat.features.noise`."""

_APART = 7  # pixels: further than noise is correlated
_CLEAR = 3.0  # standard deviations by which a covariance counts
_CLIP = 3.0  # standard deviations beyond which a difference is light
_LEAST = 64  # differences without which nothing is measured
_TO_SIGMA = 1.482602218505602 / 2  # times the median absolute difference of four pixels
# pixels squared: the assumed blur of an image, which the first scale has already, less the blur of
# its doubling by linear interpolation
_TAKEN_OFF = 0.5**2 - 0.125


def sky_covariances(
    planes: NDArray[np.float32], sky: NDArray[np.bool_], noise: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the covariance of the noise of pixels of the sky, by their distance.

    Parameters
    ----------
    planes : array of float32, shape (n, ny, nx), C-contiguous
        Finite on the sky.
    sky : array of bool, shape (n, ny, nx)
        The pixels to take.
    noise : array, shape (n,)
        Standard deviation of white noise, which is taken where the sky is too small: where fewer
        than 64 squares of 8 pixels have their corners on it.

    Returns
    -------
    array of float64, shape (n, LAGS + 1, 2 * LAGS + 1)
        Of pixels ``dy`` rows and ``dx`` columns apart at ``[dy, LAGS + dx]``, each pair once; 0
        where it does not differ clearly from that.

    Notes
    -----
    Where two pairs of pixels lie far from each other, the variance of the difference of their
    differences is four times that of a pixel less four times the covariance of a pair. Constant
    light and its gradients, as in the halo of the galaxy, cancel; what is beyond three standard
    deviations is left out.
    """
    found = np.zeros((len(planes), LAGS + 1, 2 * LAGS + 1))
    _covariances(planes, sky, noise, found)
    return found


def response_noise(
    covariances: NDArray[np.float64], scales: tuple[float, ...], ratio: float
) -> NDArray[np.float64]:
    """Return the standard deviations of differences of Gaussians of the sky.

    Parameters
    ----------
    covariances : array of float64, shape (n, LAGS + 1, 2 * LAGS + 1)
        See `sky_covariances`.
    scales : tuple of float
        Blur of the narrower Gaussian, pixels; that of the image, half a pixel, is part of it.
    ratio : float
        Blur of the wider Gaussian over that.

    Returns
    -------
    array of float64, shape (n, scales)

    Notes
    -----
    The variance is the sum of the covariances times the autocorrelation of the difference of
    Gaussians, which consists of three Gaussians.
    """
    weights = _weights(scales, ratio)
    return np.sqrt(np.maximum(covariances.reshape(len(covariances), -1) @ weights.T, 0.0))


@lru_cache(maxsize=32)
def _weights(scales: tuple[float, ...], ratio: float) -> NDArray[np.float64]:
    """Return the autocorrelation of the differences of Gaussians at each distance."""
    dy, dx = np.mgrid[: LAGS + 1, -LAGS : LAGS + 1]
    apart = (dy**2 + dx**2).ravel()
    narrow = np.array(scales)[:, None] ** 2
    one, two = narrow - _TAKEN_OFF, narrow * ratio**2 - _TAKEN_OFF

    def gaussian(variance: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.exp(-apart / (2 * variance)) / (2 * math.pi * variance))

    weights = gaussian(2 * one) - 2 * gaussian(one + two) + gaussian(2 * two)
    weights[:, apart > 0] *= 2  # each pair stands there once
    weights.flags.writeable = False
    return weights


@kernel()
def _covariances(planes: Any, sky: Any, noise: Any, found: Any) -> None:
    n, ny, nx = planes.shape
    kept = np.empty((ny, nx), np.float32)
    for row in range(n):
        for y in range(ny):
            for x in range(nx):
                kept[y, x] = 1 if sky[row, y, x] else 0
        plane = planes[row]
        limit = _CLIP * _median_noise(plane, kept)
        variance, count = _without_pairs(plane, kept, _APART, 0, 0, _APART, limit)
        if count < _LEAST:
            found[row, 0, LAGS] = noise[row] ** 2
            continue
        found[row, 0, LAGS] = variance
        for dy in range(LAGS + 1):
            for dx in range(-LAGS, LAGS + 1):
                if dy == 0 and dx <= 0:
                    continue
                # the other pair lies across
                wy, wx = (0, _APART) if dy >= abs(dx) else (_APART, 0)
                rest, count = _without_pairs(plane, kept, dy, dx, wy, wx, limit)
                covariance = variance - rest
                if count >= _LEAST and abs(covariance) > _CLEAR * variance * math.sqrt(4 / count):
                    found[row, dy, LAGS + dx] = covariance


@kernel()
def _median_noise(plane: Any, kept: Any) -> float:
    """Return the noise by the median of differences of four pixels, 0 where there are none."""
    ny, nx = plane.shape
    sizes = np.empty(ny * nx, np.float32)
    count = 0
    for y in range(ny - _APART):
        for x in range(nx - _APART):
            above = kept[y, x] * kept[y, x + _APART]
            below = kept[y + _APART, x] * kept[y + _APART, x + _APART]
            if above * below:
                sizes[count] = abs(
                    plane[y, x]
                    - plane[y, x + _APART]
                    - plane[y + _APART, x]
                    + plane[y + _APART, x + _APART]
                )
                count += 1
    return _TO_SIGMA * np.float64(np.median(sizes[:count])) if count else 0.0


@kernel()
def _without_pairs(
    plane: Any, kept: Any, dy: int, dx: int, wy: int, wx: int, limit: float
) -> tuple[float, float]:
    """Return the variance of a pixel less the covariance of pixels (dy, dx) apart, and the count.

    From differences of pairs of pixels (wy, wx) apart, where all four are kept.
    """
    ny, nx = plane.shape
    first, last = max(0, -dx), nx - wx - max(0, dx)
    most = np.float32(4 * limit * limit)
    total, count = 0.0, 0.0
    for y in range(ny - dy - wy):
        a, b = plane[y, first:last], plane[y + dy, first + dx : last + dx]
        c = plane[y + wy, first + wx : last + wx]
        d = plane[y + dy + wy, first + dx + wx : last + dx + wx]
        ka, kb = kept[y, first:last], kept[y + dy, first + dx : last + dx]
        kc = kept[y + wy, first + wx : last + wx]
        kd = kept[y + dy + wy, first + dx + wx : last + dx + wx]
        part, some = np.float32(0), np.float32(0)
        for x in range(len(a)):
            square = (a[x] - b[x] - c[x] + d[x]) ** 2
            weight = ka[x] * kb[x] * kc[x] * kd[x] if square <= most else np.float32(0)
            part += weight * (square if weight else np.float32(0))
            some += weight
        total += np.float64(part)
        count += np.float64(some)
    return (total / (4 * count) if count else 0.0), count
