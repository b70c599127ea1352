"""Perturbations of test galaxies: rotation, shift, noise, blur, dimming, and a missing band."""

import zlib
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from galfeat.data import Cutout

__all__ = ["UNPERTURBED", "perturb", "perturbation_strengths"]

UNPERTURBED = {
    "rotation": 0.0,
    "shift": 0.0,
    "noise": 0.0,
    "blur": 0.0,
    "dimming": 1.0,
    "band": -1.0,
}
"""Strength of each kind of perturbation that changes nothing."""

_MAX_BAD = 0.3  # share of bad pixels in an interpolated one: above it, the pixel is bad
_FULL = {
    "rotation": (15.0, 45.0, 90.0),
    "shift": (0.5, 1.0, 2.0, 4.0, 8.0),
    "noise": (0.5, 1.0, 2.0),
    "blur": (0.5, 1.0, 2.0),
    "dimming": (1.2, 1.5, 2.0),
}
_QUICK = {"rotation": (45.0,), "shift": (4.0,), "noise": (1.0,), "blur": (1.0,), "dimming": (1.5,)}


def perturbation_strengths(n_bands: int, *, quick: bool = False) -> list[tuple[str, float]]:
    """Return kind and strength of each perturbation to test.

    Rotation is in degrees; shift and blur (sigma) are in pixels of the prepared image; noise is in
    units of the noise of the image; dimming is the ratio of 1 + z, whose fourth power dims the
    surface brightness; band is the number of the missing band.

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
        Pixels a side of the prepared image, to whose grid shift and blur refer.

    Notes
    -----
    Images are interpolated by cubic splines and mirrored beyond their edges. Dimming scales the
    light above the sky down and adds as much noise as keeps the noise level; the angular size of
    the galaxy is not changed. A missing band is replaced by its sky and noise. Sky and noise are
    median and median absolute deviation of a frame along the edges of the image.
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
    if kind in ("rotation", "shift", "blur"):
        moved = _resample(filled, kind, strength, scale, order=3)
        masked = (
            _resample(bad.astype(np.float64), kind, strength, scale, order=1) > _MAX_BAD
            if bad.any()
            else bad
        )
        return np.where(masked, np.nan, moved)
    new_noise = noise * rng.normal(size=image.shape)
    if kind == "noise":
        filled = filled + strength * new_noise
    elif kind == "dimming":
        dimming = strength**-4.0
        filled = sky + dimming * (filled - sky) + np.sqrt(1 - dimming**2) * new_noise
    else:
        filled = sky + new_noise
    return np.where(bad, np.nan, filled)


def _resample(
    image: NDArray[np.float64], kind: str, strength: float, scale: float, order: Literal[1, 3]
) -> NDArray[np.float64]:
    moved: NDArray[np.float64]
    if kind == "blur":
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
    width = max(1, min(image.shape) // 10)
    frame = np.ones(image.shape, dtype=bool)
    frame[width:-width, width:-width] = False
    values = image[frame & np.isfinite(image)]
    if not len(values):
        values = image[np.isfinite(image)]
    if not len(values):
        return 0.0, 0.0
    sky = float(np.median(values))
    return sky, 1.4826 * float(np.median(np.abs(values - sky)))
