"""Perturbations of test galaxies: as another night, camera, survey or distance would show them."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from galfeat.data import Cutout
from galfeat.data.degradation.background import add_gradient
from galfeat.data.degradation.blurring import blur
from galfeat.data.degradation.color import redden, shift_filters
from galfeat.data.degradation.dimming import dim, shallower
from galfeat.data.degradation.exposure import Exposure, exposure_of, sky_of, with_noise
from galfeat.data.degradation.neighbor import add_neighbor
from galfeat.data.degradation.noise import add_noise
from galfeat.data.degradation.pictures import as_jpeg
from galfeat.data.degradation.rescaling import shrink
from galfeat.data.preparation.sky_noise import SkyNoise

__all__ = ["UNPERTURBED", "perturb", "perturbation_strengths"]

Floats = NDArray[np.float64]

UNPERTURBED = {
    "rotation": 0.0,
    "shift": 0.0,
    "noise": 0.0,
    "correlated": 0.0,
    "depth": 0.0,
    "seeing": 0.0,
    "smoothing": 0.0,
    "scale": 1.0,
    "dimming": 1.0,
    "color": 0.0,
    "filters": 0.0,
    "jpeg": 100.0,
    "gradient": 0.0,
    "neighbor": 0.0,
    "band": -1.0,
}
"""Strength of each kind of perturbation that changes nothing."""

_FULL = {
    "rotation": (15.0, 45.0, 90.0),
    "shift": (0.5, 1.0, 2.0, 4.0, 8.0),
    "noise": (0.5, 1.0, 2.0),
    "correlated": (0.5, 1.0, 2.0),
    "depth": (1.0, 2.0),
    "seeing": (0.5, 1.0, 2.0),
    "smoothing": (0.5, 1.0, 2.0),
    "scale": (1.5, 2.0, 3.0),
    "dimming": (1.2, 1.5, 2.0),
    "color": (0.25, 0.5),
    "filters": (0.25, 0.5),
    "jpeg": (90.0, 70.0),
    "gradient": (1.0, 3.0),
    "neighbor": (0.3, 1.0),
}
_QUICK = {
    "rotation": (45.0,),
    "shift": (4.0,),
    "noise": (1.0,),
    "correlated": (1.0,),
    "depth": (1.0,),
    "seeing": (1.0,),
    "smoothing": (1.0,),
    "scale": (2.0,),
    "dimming": (1.5,),
    "color": (0.25,),
    "filters": (0.25,),
    "jpeg": (70.0,),
    "gradient": (3.0,),
    "neighbor": (0.3,),
}
_OF_SEVERAL_BANDS = ("color", "filters")

_MAX_BAD = 0.3  # share of bad pixels in an interpolated one: above it, the pixel is bad
_SHARED = 0.6  # correlation of neighboring prepared pixels in the noise that is added
_NEIGHBOR_AT, _NEIGHBOR_RADIUS = 0.3, 0.04  # distance and half-light radius, in sides of the image
_GALAXY = 0.25  # sides of the image: radius within which the galaxy's flux is summed


def perturbation_strengths(n_bands: int, *, quick: bool = False) -> list[tuple[str, float]]:
    """Return kind and strength of each perturbation to test.

    Rotation is in degrees; shift, seeing and smoothing (sigma of a Gaussian) are in pixels of the
    prepared image; noise, correlated noise and the gradient across the image are in units of the
    noise of the image; depth and color are in magnitudes; scale is the factor by which galaxies are
    smaller; dimming is the ratio of 1 + z, whose fourth power dims the surface brightness; filters
    is the share of each band's light that is replaced by that of the next band; jpeg is the
    quality of the compression; neighbor is its flux in units of the galaxy's; band is the number of
    the missing band.

    Parameters
    ----------
    n_bands : int
        With one band, none is left out, and it has no color.
    quick : bool
        Whether there is one strength per kind only.
    """
    chosen = [
        (kind, value)
        for kind, values in (_QUICK if quick else _FULL).items()
        for value in values
        if n_bands > 1 or kind not in _OF_SEVERAL_BANDS
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
    Seeing, scale, dimming, color and filters change the light and leave the noise of the sky as it
    is, by `galfeat.data.degradation`: what the change takes from the noise, of the level and
    correlation that the sky has, is added anew. Smoothing takes the finished exposure, noise
    included, as resampling does. Rotated and shifted images are interpolated by cubic splines and
    mirrored beyond their edges, noise included.

    Galaxies at another scale keep their surface brightness, as at a larger distance; around them is
    nothing but sky. Dimming keeps the size. Color makes the first band fainter, those between it
    and the last one less so. Noise that is added is white; correlated noise is as much, but
    neighboring prepared pixels share six tenths of it; less depth is more noise of the correlation
    that the sky has. JPEG compresses each band by itself as a picture of 8 bits. The neighbor is a
    round exponential disk of the galaxy's color, three tenths of the side away, in a direction that
    is drawn. A missing band is replaced by its sky and noise.
    """
    if strength == UNPERTURBED[kind]:
        return cutout
    rng = np.random.default_rng(
        [zlib.crc32(cutout.id.encode()), zlib.crc32(kind.encode()), round(strength * 1000)]
    )
    scale = min(cutout.pixels.shape[1:]) / size
    images = cutout.pixels.astype(np.float64)
    skies = [sky_of(image) for image in images]
    if kind in _LIGHT:
        exposures = _LIGHT[kind](list(map(exposure_of, images, skies)), strength, scale)
        changed = [with_noise(each, sky, rng) for each, sky in zip(exposures, skies, strict=True)]
    elif kind == "neighbor":
        changed = list(_with_neighbor(images, skies, strength, rng))
    elif kind == "gradient":
        angle = rng.uniform(0, 360)
        changed = [
            add_gradient(image, strength * sky.sigma, angle)
            for image, sky in zip(images, skies, strict=True)
        ]
    elif kind == "band":
        lost = int(strength)
        changed = [*images]
        changed[lost] = _like_sky(images[lost], skies[lost], rng)
    else:
        change = _IMAGE[kind]
        changed = [change(*each, strength, scale, rng) for each in zip(images, skies, strict=True)]
    return replace(cutout, pixels=np.stack(changed).astype(np.float32), noise=None)


_LIGHT: Final[Mapping[str, Callable[[Sequence[Exposure], float, float], Sequence[Exposure]]]] = {
    "seeing": lambda bands, sigma, scale: [blur(each, sigma * scale) for each in bands],
    "scale": lambda bands, factor, _: [shrink(each, factor) for each in bands],
    "dimming": lambda bands, ratio, _: [dim(each, ratio) for each in bands],
    "color": lambda bands, magnitudes, _: redden(bands, magnitudes),
    "filters": lambda bands, share, _: shift_filters(bands, share),
}
"""Changes of the light of all bands; lengths are in prepared pixels, of so many pixels each."""


def _moved(image: Floats, sky: SkyNoise, kind: str, strength: float, scale: float) -> Floats:
    """Return an image that is rotated, shifted or smoothed, noise included."""
    bad = ~np.isfinite(image)
    moved = _resample(np.where(bad, sky.sky, image), kind, strength, scale, order=3)
    if not bad.any():
        return moved
    masked = _resample(bad.astype(np.float64), kind, strength, scale, order=1) > _MAX_BAD
    return np.where(masked, np.nan, moved)


def _resample(
    image: Floats, kind: str, strength: float, scale: float, order: Literal[1, 3]
) -> Floats:
    moved: Floats
    if kind == "smoothing":
        moved = ndimage.gaussian_filter(image, strength * scale, mode="mirror")
    elif kind == "shift":
        step = strength * scale / np.sqrt(2.0)
        moved = ndimage.shift(image, (step, step), order=order, mode="mirror")
    elif strength % 90 == 0 and image.shape[0] == image.shape[1]:
        moved = np.rot90(image, round(strength / 90))
    else:
        moved = ndimage.rotate(image, strength, reshape=False, order=order, mode="mirror")
    return moved


def _noisy(image: Floats, sky: SkyNoise, strength: float, rho: float, rng: Generator) -> Floats:
    return add_noise(image, SkyNoise(0.0, strength * sky.sigma, rho, rho), rng)


def _less_deep(image: Floats, sky: SkyNoise, magnitudes: float, rng: Generator) -> Floats:
    return with_noise(exposure_of(image, sky), shallower(sky, magnitudes), rng)


def _like_sky(image: Floats, sky: SkyNoise, rng: Generator) -> Floats:
    empty = np.where(np.isfinite(image), sky.sky, np.nan)
    return add_noise(empty, sky, rng)


_Change = Callable[[Floats, SkyNoise, float, float, Generator], Floats]
_IMAGE: Final[Mapping[str, _Change]] = {
    "rotation": lambda image, sky, angle, scale, _: _moved(image, sky, "rotation", angle, scale),
    "shift": lambda image, sky, step, scale, _: _moved(image, sky, "shift", step, scale),
    "smoothing": lambda image, sky, by, scale, _: _moved(image, sky, "smoothing", by, scale),
    "noise": lambda image, sky, strength, _, rng: _noisy(image, sky, strength, 0.0, rng),
    # a Gaussian correlation falls with the square of the distance
    "correlated": lambda image, sky, strength, scale, rng: _noisy(
        image, sky, strength, _SHARED ** (1 / scale**2), rng
    ),
    "depth": lambda image, sky, magnitudes, _, rng: _less_deep(image, sky, magnitudes, rng),
    "jpeg": lambda image, sky, quality, _, __: as_jpeg(image, sky, int(quality)),
}
"""Changes of the image of each band."""


def _with_neighbor(
    images: Floats, skies: Sequence[SkyNoise], strength: float, rng: Generator
) -> Floats:
    """Return images with a neighbor in a direction that is drawn."""
    ny, nx = images.shape[1:]
    side = min(ny, nx)
    middle = np.array([ny - 1, nx - 1]) / 2
    y, x = np.indices((ny, nx))
    inside = np.hypot(y - middle[0], x - middle[1]) < _GALAXY * side
    fluxes = [
        strength * max(float(np.nansum(image[inside] - sky.sky)), 0.0)
        for image, sky in zip(images, skies, strict=True)
    ]
    angle = rng.uniform(0, 2 * np.pi)
    row, column = middle + _NEIGHBOR_AT * side * np.array([np.sin(angle), np.cos(angle)])
    return add_neighbor(images, fluxes, (row, column), _NEIGHBOR_RADIUS * side)
