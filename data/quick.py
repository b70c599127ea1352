"""The default preparation of cutouts without flaws, all bands at once: the same numbers as the steps one by one, sooner.

Whatever is not as usual (a bad pixel, a band of one value, no noise, another setting) is left to `galfeat.data.prepare`, which also has the
words for it.
"""

import math

import numpy as np
from numpy.typing import NDArray

from galfeat.data.preparation import Preparation
from galfeat.data.resample import area_resample
from galfeat.data.sky import SIGMA_PER_MAD, frame_places, quantum
from galfeat.data.windows import Window

__all__ = ["prepare_quickly"]


def prepare_quickly(pixels: NDArray[np.float32], window: Window, preparation: Preparation) -> NDArray[np.float32] | None:
    """Prepare the bands of a cutout, or leave it.

    Parameters
    ----------
    pixels : array of float32, shape (bands, ny, nx)
    window : Window
        What is shown where nothing moves it.
    preparation : Preparation

    Returns
    -------
    array of float32, shape (bands, size, size), or None
        None if a step has something to decide or to say.
    """
    usual = preparation.sky == "border" and preparation.noise == "differences" and preparation.stretch == "asinh"
    if not usual or not window.is_whole:
        return None
    native = window.of_bands(pixels)
    lowest, highest = native.min(axis=(1, 2)), native.max(axis=(1, 2))
    if not (np.isfinite(lowest) & np.isfinite(highest) & (lowest < highest)).all():  # min and max of a NaN are NaN
        return None
    size = preparation.size
    fitted = (
        native.astype(np.float64) if window.side == size else np.stack([area_resample(band.astype(np.float64), size) for band in native])
    )
    for number, band in enumerate(fitted):
        level = _level(band, quantum(native[number].ravel()), window, preparation)
        if level is None:
            return None
        band -= level[0]
        band /= level[1]
    return np.arcsinh(fitted, out=fitted).astype(np.float32)


def _level(band: NDArray[np.float64], step: float, window: Window, preparation: Preparation) -> tuple[float, float] | None:
    """Return sky and noise as `galfeat.data.sky.sky_and_noise` does; None where there is more to it."""
    from galfeat.data.medians import frame_medians  # imported late: numba, which reading without preparation does not need

    lag = 1 + math.ceil(max(1.0, window.pixels / window.side))
    places, first, second = frame_places(band.shape, max(1, round(preparation.border * len(band))), lag)
    found = frame_medians(band, places, first, second) if len(first) else None
    if found is None:
        return None
    sky, scatter = found
    noise = float(np.hypot(SIGMA_PER_MAD * scatter / np.sqrt(2), step / np.sqrt(12)))
    return (sky, noise) if noise and math.isfinite(noise) and math.isfinite(sky) else None
