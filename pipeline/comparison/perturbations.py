"""What may happen to a galaxy between training and use.

Turned, moved, noisier, blurred, farther away, a band lost.
"""

import zlib
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from galfeat.data import Cutout

__all__ = ["UNTOUCHED", "alter", "strengths"]

UNTOUCHED = {"rotation": 0.0, "shift": 0.0, "noise": 0.0, "blur": 0.0, "dimming": 1.0, "band": -1.0}
"""The strength of each alteration that changes nothing."""

_LOST = 0.3  # of a pixel made of bad ones: then it is bad
_FULL = {
    "rotation": (15.0, 45.0, 90.0),
    "shift": (0.5, 1.0, 2.0, 4.0, 8.0),
    "noise": (0.5, 1.0, 2.0),
    "blur": (0.5, 1.0, 2.0),
    "dimming": (1.2, 1.5, 2.0),
}
_QUICK = {"rotation": (45.0,), "shift": (4.0,), "noise": (1.0,), "blur": (1.0,), "dimming": (1.5,)}


def strengths(n_bands: int, *, quick: bool = False) -> list[tuple[str, float]]:
    """Return the alterations to try, each with its strength.

    Rotation in degrees; shift and blur (sigma) in pixels of the prepared image; noise in units of
    the noise that is there; dimming by the ratio of 1 + z, to the fourth power; band by the number
    of the band that is lost, where there is more than one.
    """
    chosen = [
        (kind, value) for kind, values in (_QUICK if quick else _FULL).items() for value in values
    ]
    return chosen + [("band", float(band)) for band in range(n_bands if n_bands > 1 else 0)]


def alter(cutout: Cutout, kind: str, strength: float, size: int) -> Cutout:
    """Return the cutout as it would look under another condition.

    Deterministic, since chance is seeded by its name.

    Parameters
    ----------
    cutout : Cutout
        Before preparation.
    kind : str
        A key of `UNTOUCHED`.
    strength : float
        See `strengths`.
    size : int
        Pixels a side of the prepared image: shift and blur are meant on its grid.

    Notes
    -----
    Values between pixels come from cubic splines; beyond the edge the image is mirrored. Dimming
    makes the light above the sky fainter and adds the noise that goes with it, so that the noise
    stays; the galaxy keeps its size. A lost band is its sky and noise without a galaxy. Sky and
    noise are median and median absolute deviation of the frame.
    """
    if strength == UNTOUCHED[kind]:
        return cutout
    rng = np.random.default_rng(
        [zlib.crc32(cutout.id.encode()), zlib.crc32(kind.encode()), round(strength * 1000)]
    )
    scale = min(cutout.pixels.shape[1:]) / size
    bands = [
        _altered(band.astype(np.float64), kind, strength, scale, rng)
        if kind != "band" or number == strength
        else band
        for number, band in enumerate(cutout.pixels)
    ]
    return replace(cutout, pixels=np.stack(bands).astype(np.float32), noise=None)


def _altered(
    image: NDArray[np.float64], kind: str, strength: float, scale: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    bad = ~np.isfinite(image)
    sky, noise = _sky(image)
    filled = np.where(bad, sky, image)
    if kind in ("rotation", "shift", "blur"):
        moved = _moved(filled, kind, strength, scale, order=3)
        lost = (
            _moved(bad.astype(np.float64), kind, strength, scale, order=1) > _LOST
            if bad.any()
            else bad
        )
        return np.where(lost, np.nan, moved)
    chance = noise * rng.normal(size=image.shape)
    if kind == "noise":
        filled = filled + strength * chance
    elif kind == "dimming":
        faint = strength**-4.0
        filled = sky + faint * (filled - sky) + np.sqrt(1 - faint**2) * chance
    else:
        filled = sky + chance
    return np.where(bad, np.nan, filled)


def _moved(
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


def _sky(image: NDArray[np.float64]) -> tuple[float, float]:
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
