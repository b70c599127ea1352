"""Noise of images: its size and correlation, measured on the sky, and repeated exposures.

Exposures are repeated from an image by Monte Carlo: the image is denoised, and new noise of the
same size and correlation is added. Noise added to the noisy image itself would count twice in every
statistic that is not linear, such as an asymmetry.
"""

from collections.abc import Callable, Iterator

import numpy as np
import scipy  # its modules are loaded when they are used
from numpy.typing import ArrayLike, NDArray

from galfeat import UsageError
from galfeat.features.denoising import denoised, mean_profile

__all__ = [
    "WORKING_BYTES",
    "MonteCarlo",
    "as_noise",
    "autocorrelation",
    "correlated_field",
    "noise_of",
    "sky_mask",
]

Floats = NDArray[np.float64]

LAGS = 3
"""Pixels to which correlation is looked for."""
WORKING_BYTES = 200
"""Upper bound of the memory for each pixel of a large image while it is measured and repeated."""

_CLEAR = 3.0  # standard deviations by which a correlation counts
_LEAST = 64  # pixels of sky without which neither noise nor correlation is measured
_SMOOTHING, _CLIP = 1.5, 3.0  # of the image in which the sky is told from sources
_MARGIN = 2 * LAGS  # pixels cut off, because fields made by Fourier transforms are periodic
_AT_ONCE = 1 << 20  # pixels of repeated exposures that are in memory at a time


def sky_mask(light: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return True on the pixels of a plane (ny, nx) that are good and show nothing but sky."""
    good = np.asarray(np.isfinite(light), dtype=bool)
    smooth = scipy.ndimage.gaussian_filter(np.where(good, light, 0.0).astype(float), _SMOOTHING)
    weight = scipy.ndimage.gaussian_filter(good.astype(float), _SMOOTHING)
    smooth = np.where(good, smooth / np.maximum(weight, 1e-6), np.nan)
    kept: NDArray[np.bool_] = good
    for _ in range(10):
        values = smooth[kept]
        if values.size < _LEAST:
            return kept
        center = np.median(values)
        spread = 1.4826 * np.median(np.abs(values - center))
        near = np.abs(np.where(good, smooth, 0) - center) <= _CLIP * spread
        still = np.asarray(good & near, dtype=bool)
        if (still == kept).all():
            break
        kept = still
    # the skirts of a source lie below the clip, but beside its pixels
    beside = np.asarray(scipy.ndimage.binary_dilation(good & ~kept, iterations=2), dtype=bool)
    return np.asarray(kept & ~beside, dtype=bool)


def autocorrelation(light: NDArray[np.floating], sky: NDArray[np.bool_]) -> tuple[float, Floats]:
    """Return the standard deviation of the sky and the correlation of its pixels.

    Parameters
    ----------
    light : array, shape (ny, nx)
    sky : array of bool, shape (ny, nx)
        The pixels to take.

    Returns
    -------
    sigma : float
        NaN where there are fewer than 64 pixels of sky.
    correlation : array of float64, shape (2 * LAGS + 1, 2 * LAGS + 1)
        Of pixels that far apart, 1 in the middle; 0 where it does not differ clearly from that.
    """
    width = 2 * LAGS + 1
    correlation = np.zeros((width, width))
    correlation[LAGS, LAGS] = 1
    count = int(sky.sum())
    if count < _LEAST:
        return np.nan, correlation
    values = np.where(sky, light, 0.0).astype(float)
    values = np.where(sky, values - values.sum() / count, 0.0)
    sigma = float(np.sqrt((values**2).sum() / (count - 1)))
    if not sigma > 0:
        return sigma, correlation
    ny, nx = sky.shape
    for dy in range(LAGS + 1):
        for dx in range(-LAGS, LAGS + 1):
            if dy == 0 and dx <= 0:
                continue
            here = slice(0, ny - dy), slice(max(0, -dx), nx - max(0, dx))
            there = slice(dy, ny), slice(max(0, dx), nx - max(0, -dx))
            pairs = int((sky[here] & sky[there]).sum())
            if pairs < _LEAST:
                continue
            rho = float((values[here] * values[there]).sum()) / pairs / sigma**2
            if abs(rho) > _CLEAR / np.sqrt(pairs):
                correlation[LAGS + dy, LAGS + dx] = correlation[LAGS - dy, LAGS - dx] = rho
    return sigma, correlation


def noise_of(light: NDArray[np.floating]) -> tuple[float, Floats]:
    """Return `autocorrelation` of the sky of a plane (ny, nx), found by `sky_mask`.

    The mean profile of the galaxy is taken out: its skirts reach far into the sky, and their slope
    is no noise.
    """
    return _noise_beside(light, sky_mask(light))


def _noise_beside(light: NDArray[np.floating], sky: NDArray[np.bool_]) -> tuple[float, Floats]:
    return autocorrelation(light - mean_profile(light, sky), sky)


def correlated_field(
    shape: tuple[int, int, int], correlation: Floats, rng: np.random.Generator
) -> Floats:
    """Return normal noise of variance one and that correlation, shape (n, ny, nx)."""
    if np.count_nonzero(correlation) == 1:
        return rng.standard_normal(shape)
    n, ny, nx = shape
    tall, wide = ny + _MARGIN, nx + _MARGIN
    kernel = np.zeros((tall, wide))
    kernel[: 2 * LAGS + 1, : 2 * LAGS + 1] = correlation
    power = scipy.fft.rfft2(np.roll(kernel, (-LAGS, -LAGS), (0, 1))).real
    amplitude = np.sqrt(np.maximum(power, 0))
    full = np.sqrt(np.maximum(scipy.fft.fft2(np.roll(kernel, (-LAGS, -LAGS), (0, 1))).real, 0))
    amplitude /= np.sqrt((full**2).mean())
    white = scipy.fft.rfft2(rng.standard_normal((n, tall, wide)))
    field: Floats = scipy.fft.irfft2(white * amplitude, s=(tall, wide))[:, :ny, :nx]
    return field


def as_noise(noise: ArrayLike | None, shape: tuple[int, ...]) -> Floats | None:
    """Return noise maps as float64 of a shape, or None.

    Raises
    ------
    UsageError
        If they have another shape, or values that are negative on good pixels.
    """
    if noise is None:
        return None
    given = np.asarray(noise, dtype=float)
    if given.shape != shape:
        raise UsageError(
            f"noise must be standard deviations of shape {shape}; it has {given.shape}"
        )
    if (given < 0).any():
        raise UsageError("noise must be standard deviations, at least 0; some are negative")
    return given


class MonteCarlo:
    """Errors of any measurement, by repeating each exposure.

    Parameters
    ----------
    stretch : {"asinh", "linear"}
        Of the pixels that are measured: asinh(light), or light; noise is added to the light.
    draws : int
        Repeated exposures. The error of an error is its size over ``sqrt(2 * draws)``.
    random_state : int
        Seed. A galaxy's draws depend on it and on the galaxy's pixels, not on the batch.
    """

    def __init__(self, stretch: str, draws: int, random_state: int) -> None:
        self.stretch = stretch
        self.draws = draws
        self.random_state = random_state

    def errors(
        self,
        images: NDArray[np.float32],
        noise: Floats | None,
        measure: Callable[[int, NDArray[np.float32]], Floats],
    ) -> Floats:
        """Return the standard deviations of what is measured, NaN where there is none.

        Parameters
        ----------
        images : array of float32, shape (n, bands, ny, nx)
        noise : array, shape (n, bands, ny, nx), or None
            Standard deviations of the light; unless given, measured on the sky of each band.
        measure : callable
            Takes the number of the galaxy and images (draws, bands, ny, nx), and returns numbers
            (draws, k), NaN where there is none.

        Returns
        -------
        array of float64, shape (n, k)
        """
        found = []
        for row, image in enumerate(images):
            given = None if noise is None else noise[row]
            numbers = np.concatenate(
                [measure(row, each) for each in self._in_parts(image, given)], axis=0
            )
            good = np.isfinite(numbers)
            count = good.sum(axis=0)
            mean = np.where(good, numbers, 0).sum(axis=0) / np.maximum(count, 1)
            squares = (np.where(good, numbers - mean, 0) ** 2).sum(axis=0)
            with np.errstate(invalid="ignore", divide="ignore"):
                error = np.sqrt(squares / (count - 1))
            # where half of the exposures give no number, their scatter says little
            found.append(np.where(2 * count > self.draws, error, np.nan))
        return np.array(found)

    def exposures(self, image: NDArray[np.float32], noise: Floats | None) -> NDArray[np.float32]:
        """Return repeated exposures of an image (bands, ny, nx), shape (draws, bands, ny, nx)."""
        return np.concatenate(list(self._in_parts(image, noise)), axis=0)

    def _in_parts(
        self, image: NDArray[np.float32], noise: Floats | None
    ) -> Iterator[NDArray[np.float32]]:
        """Yield repeated exposures, all at once or, of a large image, a few at a time."""
        from zlib import crc32

        rng = np.random.default_rng([self.random_state, crc32(np.ascontiguousarray(image).data)])
        light = image.astype(float)
        if self.stretch == "asinh":
            light = np.sinh(np.clip(light, -60, 60))
        sky = sky_mask(light.mean(axis=0)) if len(light) > 1 else sky_mask(light[0])
        planes = []
        for band, plane in enumerate(light):
            own = np.asarray(sky & np.isfinite(plane), dtype=bool)
            measured, correlation = _noise_beside(plane, own)
            if noise is not None:
                sigma = noise[band]
            else:  # prepared pixels are in units of the noise, where it cannot be measured again
                sigma = np.full(plane.shape, measured if measured > 0 else 1.0)
            planes.append((denoised(plane, sigma, own, correlation), sigma, correlation))
        at_once = max(1, _AT_ONCE // image.size)
        for start in range(0, self.draws, at_once):
            count = min(at_once, self.draws - start)
            out = np.empty((count, *image.shape), dtype=np.float32)
            for band, (smooth, sigma, correlation) in enumerate(planes):
                field = correlated_field((count, *smooth.shape), correlation, rng)
                repeated = smooth + sigma * field
                out[:, band] = np.arcsinh(repeated) if self.stretch == "asinh" else repeated
            yield out
