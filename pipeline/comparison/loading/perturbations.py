"""Perturbations of test galaxies: as another night, camera or distance would show them.

Rotation, shift, white and correlated noise, seeing, smoothing, dimming, and a missing band.
"""

import zlib
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from galfeat.data import Cutout
from galfeat.data.preparation.sky_noise import CORRELATION_REACH, measure_sky
from galfeat.features.noise import correlated_field, noise_of

__all__ = ["UNPERTURBED", "perturb", "perturbation_strengths"]

UNPERTURBED = {
    "rotation": 0.0,
    "shift": 0.0,
    "noise": 0.0,
    "correlated": 0.0,
    "seeing": 0.0,
    "smoothing": 0.0,
    "dimming": 1.0,
    "band": -1.0,
}
"""Strength of each kind of perturbation that changes nothing."""

_MAX_BAD = 0.3  # share of bad pixels in an interpolated one: above it, the pixel is bad
_FULL = {
    "rotation": (15.0, 45.0, 90.0),
    "shift": (0.5, 1.0, 2.0, 4.0, 8.0),
    "noise": (0.5, 1.0, 2.0),
    "correlated": (0.5, 1.0, 2.0),
    "seeing": (0.5, 1.0, 2.0),
    "smoothing": (0.5, 1.0, 2.0),
    "dimming": (1.2, 1.5, 2.0),
}
_QUICK = {
    "rotation": (45.0,),
    "shift": (4.0,),
    "noise": (1.0,),
    "correlated": (1.0,),
    "seeing": (1.0,),
    "smoothing": (1.0,),
    "dimming": (1.5,),
}
_SHARED = 0.7  # sigma, prepared pixels, of the Gaussian that correlates noise: neighbors by .6


def perturbation_strengths(n_bands: int, *, quick: bool = False) -> list[tuple[str, float]]:
    """Return kind and strength of each perturbation to test.

    Rotation is in degrees; shift, seeing and smoothing (sigma of a Gaussian) are in pixels of the
    prepared image; noise and correlated noise are in units of the noise of the image; dimming is
    the ratio of 1 + z, whose fourth power dims the surface brightness; band is the number of the
    missing band.

    Parameters
    ----------
    n_bands : int
        With one band, none is left out.
    quick : bool
        Whether there is one strength per kind only.
    """
    chosen = [
        (kind, value) for kind, values in (_QUICK if quick else _FULL).items() for value in values
    ]
    return chosen + [("band", float(band)) for band in range(n_bands if n_bands > 1 else 0)]


def perturb(cutout: Cutout, kind: str, strength: float, size: int) -> Cutout:
    """Return a perturbed cutout.

    Random numbers are seeded by the id of the cutout, kind and strength.

    Parameters
    ----------
    cutout : Cutout
        Before preparation.
    kind : str
        A key of `UNPERTURBED`.
    strength : float
        See `perturbation_strengths`.
    size : int
        Pixels a side of the prepared image, to whose grid all lengths refer.

    Notes
    -----
    Images are interpolated by cubic splines and mirrored beyond their edges. Seeing blurs the light
    and leaves the noise of the sky as it is: what a Gaussian takes from each frequency of the
    noise, of the level and correlation that the sky has, is added anew. Smoothing takes the
    finished exposure, noise included, as resampling does. Correlated noise is as much as white
    noise, but neighboring pixels share six tenths of it. Dimming scales the light above the sky
    down and adds as much noise as keeps the noise level; the angular size of the galaxy is not
    changed. A missing band is replaced by its sky and noise. Noise is that of
    `galfeat.data.preparation.sky_noise`.
    """
    if strength == UNPERTURBED[kind]:
        return cutout
    rng = np.random.default_rng(
        [zlib.crc32(cutout.id.encode()), zlib.crc32(kind.encode()), round(strength * 1000)]
    )
    scale = min(cutout.pixels.shape[1:]) / size
    bands = [
        _perturb_band(band.astype(np.float64), kind, strength, scale, rng)
        if kind != "band" or number == strength
        else band
        for number, band in enumerate(cutout.pixels)
    ]
    return replace(cutout, pixels=np.stack(bands).astype(np.float32), noise=None)


def _perturb_band(
    image: NDArray[np.float64], kind: str, strength: float, scale: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    bad = ~np.isfinite(image)
    sky, noise = _sky_and_noise(image)
    filled = np.where(bad, sky, image)
    if kind in ("rotation", "shift", "seeing", "smoothing"):
        moved = _resample(filled, kind, strength, scale, order=3)
        if kind == "seeing":
            moved += noise * _taken(_sky_field(image, rng), strength * scale)
        masked = (
            _resample(bad.astype(np.float64), kind, strength, scale, order=1) > _MAX_BAD
            if bad.any()
            else bad
        )
        return np.where(masked, np.nan, moved)
    if kind == "noise":
        filled = filled + strength * noise * rng.normal(size=image.shape)
    elif kind == "correlated":
        filled = filled + strength * noise * _smooth_field(image.shape, _SHARED * scale, rng)
    elif kind == "dimming":
        dimming = strength**-4.0
        new_noise = np.sqrt(1 - dimming**2) * noise * _sky_field(image, rng)
        filled = sky + dimming * (filled - sky) + new_noise
    else:
        filled = sky + noise * _sky_field(image, rng)
    return np.where(bad, np.nan, filled)


def _sky_field(image: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return noise of variance one with the correlation of an image's sky."""
    _, correlation = noise_of(image)
    return np.asarray(correlated_field((1, *image.shape), correlation, rng)[0])


def _smooth_field(
    shape: tuple[int, ...], sigma: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return white noise smoothed by a Gaussian, of variance one."""
    transfer = _transfer(shape, sigma)
    field = _filtered(rng.normal(size=shape), transfer)
    return np.asarray(field / np.sqrt((transfer**2).mean()))


def _taken(field: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Return of noise what a Gaussian takes: with what it leaves, all of the noise's power."""
    return _filtered(field, np.sqrt(np.maximum(1 - _transfer(field.shape, sigma) ** 2, 0)))


def _filtered(field: NDArray[np.float64], transfer: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(fft.ifft2(fft.fft2(field) * transfer).real)


def _transfer(shape: tuple[int, ...], sigma: float) -> NDArray[np.float64]:
    """Return the transfer function of `gaussian_filter`, by the frequencies of `fft2`."""
    down, across = (
        fft.fft(ndimage.gaussian_filter1d(np.eye(1, length)[0], sigma, mode="wrap")).real
        for length in shape
    )
    return np.asarray(down[:, None] * across)


def _resample(
    image: NDArray[np.float64], kind: str, strength: float, scale: float, order: Literal[1, 3]
) -> NDArray[np.float64]:
    moved: NDArray[np.float64]
    if kind in ("seeing", "smoothing"):
        moved = ndimage.gaussian_filter(image, strength * scale, mode="mirror")
    elif kind == "shift":
        step = strength * scale / np.sqrt(2.0)
        moved = ndimage.shift(image, (step, step), order=order, mode="mirror")
    elif strength % 90 == 0 and image.shape[0] == image.shape[1]:
        moved = np.rot90(image, round(strength / 90))
    else:
        moved = ndimage.rotate(image, strength, reshape=False, order=order, mode="mirror")
    return moved


def _sky_and_noise(image: NDArray[np.float64]) -> tuple[float, float]:
    """Return level and noise of the sky in a frame along the edges; 0 without good pixels."""
    if not np.isfinite(image).any():
        return 0.0, 0.0
    return measure_sky(image, max(1, min(image.shape) // 10), CORRELATION_REACH)[:2]
