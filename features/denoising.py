"""Denoised images: what stands out of the noise, from which exposures are repeated.

An image is taken apart into the mean profile of the galaxy in its middle, along ellipses, and the
structure that is left. The profile is a mean of many pixels, so that it has little noise and keeps
slopes, cusps and skirts, which any smoothing would blur; only structure that exceeds its noise, on
each of a few scales, is added to it. Both are fitted in turns.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy  # its modules are loaded when they are used
from numpy.typing import NDArray

__all__ = ["denoised", "mean_profile"]

Floats = NDArray[np.float64]

_TURNS = 3  # of fitting the profile, then the structure
_FINE = 8  # bins of the profile, a pixel
_KNOT, _WIDER = 1.0, 1.5  # pixels to the first knot of the spline, and by how much more to each
_LEAST = 5  # pixels of a source
_THIN = 0.1  # least axis ratio
_SCALES = 4  # of the wavelet transform
_SURE = 2.0  # times the variance of noise that structure must exceed
_SPLINE = np.array([1, 4, 6, 4, 1]) / 16  # B3, of the wavelet transform


@dataclass(frozen=True)
class _Source:
    """The source in the middle of an image: where its profile is measured."""

    light: Floats
    """0 on bad pixels."""
    level: float
    """Of the sky."""
    inside: NDArray[np.bool_]
    used: NDArray[np.bool_]
    """Its pixels and those of the sky: other sources have no part in the profile."""


def denoised(
    light: NDArray[np.floating],
    sigma: NDArray[np.floating],
    sky: NDArray[np.bool_],
    correlation: Floats | None = None,
) -> Floats:
    """Return a plane without the noise that can be told from structure; bad pixels stay bad.

    Parameters
    ----------
    light, sigma : array, shape (ny, nx)
        Pixels and the standard deviation of their noise.
    sky : array of bool, shape (ny, nx)
        Pixels of the sky: see `galfeat.features.noise.sky_mask`.
    correlation : array, shape (k, k), k odd, optional
        Of the noise of pixels that far apart, 1 in the middle; white unless given.

    Notes
    -----
    Structure is the isotropic undecimated wavelet transform of four scales (Starck and Murtagh).
    At each the coefficients are kept as far as their mean square nearby exceeds twice the noise's
    (Lee's filter), and the coarsest image is kept as it is. What was not kept is looked through
    once more, which makes up for most of what structure has lost.

    References
    ----------
    Starck and Murtagh 2006, Astronomical Image and Data Analysis,
    doi:10.1007/978-3-540-33025-7; Lee 1980, IEEE Trans. PAMI 2, 165,
    doi:10.1109/TPAMI.1980.4766994
    """
    good = np.isfinite(light)
    source = _source(light, sky)
    variance = np.where(good & np.isfinite(sigma), sigma, 0.0).astype(float) ** 2
    scales = min(_SCALES, int(math.log2(min(light.shape))) - 1)
    by_chance = [  # in single precision: large images have many pixels
        scipy.ndimage.uniform_filter(np.float32(_SURE * noise**2 * variance), _square(scale))
        for scale, noise in enumerate(_noise_of_scales(correlation, scales))
    ]
    structure = np.zeros(light.shape)
    for _ in range(_TURNS):
        profile = _profile(source, structure, variance)
        left = np.where(good, light - profile, 0.0)
        structure = _significant(left, by_chance)
        structure += _significant(left - structure, by_chance)
    return np.where(good, profile + structure, np.nan)


def mean_profile(light: NDArray[np.floating], sky: NDArray[np.bool_]) -> Floats:
    """Return the mean light along ellipses around the source in the middle of a plane (ny, nx).

    ``sky`` is as in `denoised`; where there is no source, the profile is the level of the sky.
    """
    return _profile(_source(light, sky), np.zeros(light.shape), np.ones(light.shape))


def _source(light: NDArray[np.floating], sky: NDArray[np.bool_]) -> _Source:
    """Return the region of pixels that are not sky and come nearest to the middle."""
    good = np.asarray(np.isfinite(light), dtype=bool)
    level = float(np.median(light[sky & good])) if (sky & good).any() else 0.0
    labels, count = scipy.ndimage.label(good & ~sky, np.ones((3, 3)))
    inside = np.zeros(light.shape, dtype=bool)
    if count:
        ny, nx = light.shape
        y, x = np.ogrid[:ny, :nx]
        far = np.hypot(y - 0.5 * (ny - 1), x - 0.5 * (nx - 1))
        numbers = np.arange(1, count + 1)
        nearest = np.asarray(scipy.ndimage.minimum(far, labels, numbers))
        nearest[np.bincount(labels.ravel())[1:] < _LEAST] = np.inf
        if np.isfinite(nearest).any():
            inside = np.asarray(labels == numbers[np.argmin(nearest)], dtype=bool)
    filled = np.where(good, light, 0.0).astype(float)
    return _Source(filled, level, inside, np.asarray(good & (sky | inside), dtype=bool))


def _radii(source: _Source, structure: Floats) -> Floats | None:
    """Return the elliptical radius of each pixel, by the moments of the source less structure.

    Moments of the square of the light, which the noisy skirts hardly enter.
    """
    above = np.where(source.inside, source.light - source.level, 0.0)
    weight = above - np.where(source.inside, structure, 0.0)
    if not weight.sum() > 0:
        weight = above
    weight *= np.abs(weight)
    total = weight.sum()
    if not total > 0:
        return None
    y, x = np.indices(weight.shape, dtype=float)
    x -= (weight * x).sum() / total
    y -= (weight * y).sum() / total
    xx, yy, xy = ((weight * each).sum() / total for each in (x * x, y * y, x * y))
    theta = 0.5 * math.atan2(2 * xy, xx - yy)
    mean, apart = 0.5 * (xx + yy), math.hypot(0.5 * (xx - yy), xy)
    large, small = mean + apart, mean - apart
    ratio = math.sqrt(max(small / large, _THIN**2)) if large > 0 else 1.0
    along = x * math.cos(theta) + y * math.sin(theta)
    across = y * math.cos(theta) - x * math.sin(theta)
    radii: Floats = np.hypot(along * math.sqrt(ratio), across / math.sqrt(ratio))
    return radii


def _profile(source: _Source, structure: Floats, variance: Floats) -> Floats:
    """Return the profile of the light without structure: a cubic spline of the elliptical radius.

    Knots are a pixel apart in the middle, and ever further outwards. The spline is fitted to means
    in narrow bins of the radius.
    """
    radii = _radii(source, structure)
    if radii is None:
        return np.full(source.light.shape, source.level)
    use = source.used & (variance > 0)
    if not use.any():
        use = source.used
    bins = (radii[use] * _FINE).astype(int)
    weight = 1 / np.maximum(variance[use], np.finfo(float).tiny)
    weight /= weight.max()
    sums = np.bincount(bins, weight)
    filled = np.flatnonzero(sums)
    target = (source.light - structure)[use]
    light = np.bincount(bins, weight * target)[filled] / sums[filled]
    middle = np.bincount(bins, weight * radii[use])[filled] / sums[filled]
    knots, step = [0.0], _KNOT
    while knots[-1] <= middle[-1]:
        knots.append(knots[-1] + step)
        step *= _WIDER
    knots = [0.0] * 3 + knots + knots[-1:] * 3
    root = np.sqrt(sums[filled])
    design = scipy.interpolate.BSpline.design_matrix(middle, np.array(knots), 3).toarray()
    found = np.linalg.lstsq(design * root[:, None], light * root, rcond=1e-9)[0]
    spline = scipy.interpolate.BSpline(np.array(knots), found, 3)
    return np.asarray(spline(np.minimum(radii, middle[-1])), dtype=float)


def _square(scale: int) -> int:
    """Return the side of the square in which the power of a scale is averaged, pixels."""
    return int(4 * 2**scale + 1)


def _significant(image: Floats, by_chance: list[NDArray[np.float32]]) -> Floats:
    """Return what exceeds its power by chance on each scale, and the coarsest image."""
    kept = np.zeros(image.shape)
    for scale, chance in enumerate(by_chance):
        taps = np.zeros(4 * 2**scale + 1)
        taps[:: 2**scale] = _SPLINE
        smooth = scipy.ndimage.correlate1d(image, taps, 0, mode="mirror")
        smooth = scipy.ndimage.correlate1d(smooth, taps, 1, mode="mirror")
        part = image - smooth
        power = scipy.ndimage.uniform_filter(part**2, _square(scale), mode="mirror")
        least = np.maximum(np.maximum(power, chance), np.finfo(float).tiny)
        kept += part * np.maximum(power - chance, 0) / least
        image = smooth
    return np.asarray(kept + image, dtype=float)


def _noise_of_scales(correlation: Floats | None, scales: int) -> list[float]:
    """Return the standard deviation of unit noise at each scale of the transform."""
    side = 8 << scales
    power = np.ones((side, side))
    if correlation is not None:
        lags = correlation.shape[0] // 2
        kernel = np.zeros((side, side))
        kernel[: 2 * lags + 1, : 2 * lags + 1] = correlation
        kernel = np.roll(kernel, (-lags, -lags), (0, 1))
        power = np.maximum(np.asarray(scipy.fft.fft2(kernel)).real, 0)
    angle = 2 * np.pi * np.arange(side) / side
    passed, found = np.ones((side, side)), []
    for scale in range(scales):
        taps = sum(_SPLINE[2 + k] * np.cos(angle * k * 2**scale) for k in range(-2, 3))
        smooth = passed * np.multiply.outer(taps, taps)
        found.append(math.sqrt(float((power * (passed - smooth) ** 2).mean())))
        passed = smooth
    return found
