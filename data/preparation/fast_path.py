"""The default preparation of cutouts without flaws, all bands at once.

The same numbers as the steps one by one, sooner.

Whatever is not as usual (a bad pixel, a band of one value, no noise, another setting) is left to
`galfeat.data.preparation.steps`, which also has the words for it.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat.data.preparation.background import (
    MAX_LEVELS,
    SIGMA_PER_MAD,
    border_indices,
    quantization_step,
    sparse_step,
)
from galfeat.data.preparation.resampling import area_resample
from galfeat.data.preparation.settings import Preparation
from galfeat.data.preparation.window import Window

__all__ = ["prepare_batch_fast", "prepare_fast"]

_AT_ONCE = 1 << 20  # bytes of the pixels that are worked on: they stay near the processor


def prepare_fast(
    pixels: NDArray[np.float32], window: Window, preparation: Preparation
) -> NDArray[np.float32] | None:
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
    if not _is_usual(preparation) or not window.is_whole:
        return None
    native = window.of_bands(pixels)
    lowest, highest = native.min(axis=(1, 2)), native.max(axis=(1, 2))
    # min and max of a NaN are NaN
    if not (np.isfinite(lowest) & np.isfinite(highest) & (lowest < highest)).all():
        return None
    size = preparation.size
    fitted = (
        native.astype(np.float64)
        if window.side == size
        else np.stack([area_resample(band.astype(np.float64), size) for band in native])
    )
    for number, band in enumerate(fitted):
        level = _level(band, quantization_step(native[number].ravel()), window, preparation)
        if level is None:
            return None
        band -= level[0]
        band /= level[1]
    return np.arcsinh(fitted, out=fitted).astype(np.float32)


def _level(
    band: NDArray[np.float64], step: float, window: Window, preparation: Preparation
) -> tuple[float, float] | None:
    """Return sky and noise as `galfeat.data.preparation.background.sky_and_noise` does.

    None where there is more to it.
    """
    # imported late: numba, which reading without preparation does not need
    from galfeat.data.preparation.medians import border_medians

    places, first, second = _border(window, preparation)
    found = border_medians(band, places, first, second) if len(first) else None
    if found is None:
        return None
    sky, scatter = found
    noise = float(np.hypot(SIGMA_PER_MAD * scatter / np.sqrt(2), step / np.sqrt(12)))
    return (sky, noise) if noise and math.isfinite(noise) and math.isfinite(sky) else None


def prepare_batch_fast(
    images: Sequence[NDArray[np.float32]], preparation: Preparation, out: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Prepare cutouts of one shape, or leave them.

    In a few calls for all of them, during which other threads can work.

    Parameters
    ----------
    images : sequence of arrays of float32, shape (bands, ny, nx)
        Large enough for the preparation.
    preparation : Preparation
    out : array of float32, shape (n, bands, size, size)
        For the result.

    Returns
    -------
    array of bool, shape (n,)
        Which are done; of the others, `out` is not set.
    """
    done = np.zeros(len(images), dtype=bool)
    if (
        len(images)
        and _is_usual(preparation)
        and preparation.neighbours == "keep"
        and not preparation.moves
    ):
        at_once = max(1, _AT_ONCE // (8 * out[0].size))
        for start in range(0, len(images), at_once):
            part = slice(start, start + at_once)
            done[part] = _prepare_some(images[part], preparation, out[part])
    return done


def _prepare_some(
    images: Sequence[NDArray[np.float32]], preparation: Preparation, out: NDArray[np.float32]
) -> NDArray[np.bool_]:
    # imported late: numba, which reading without preparation does not need
    from galfeat.data.preparation.medians import (
        are_regular,
        normalise,
    )

    window = Window.whole(images[0].shape[1:], preparation)
    border = _border(window, preparation)
    # stacking keeps the order of their axes
    native = np.ascontiguousarray(np.stack([window.of_bands(image) for image in images]))
    fine = (
        are_regular(native, sparse_step(native[0, 0].size), MAX_LEVELS)
        if len(border[1])
        else np.zeros(len(images), dtype=bool)
    )
    if window.side == preparation.size:
        with np.errstate(invalid="ignore"):  # a signalling NaN is a bad pixel like any other
            fitted = native.astype(np.float64)
    else:
        fitted = np.empty(out.shape)
        for row in np.flatnonzero(fine):
            fitted[row] = [
                area_resample(band.astype(np.float64), preparation.size) for band in native[row]
            ]
    normalise(fitted, border, SIGMA_PER_MAD, fine)
    if fine.all():
        out[...] = np.arcsinh(fitted, out=fitted)
    elif fine.any():
        out[fine] = np.arcsinh(fitted[fine])
    return fine


def _border(
    window: Window, preparation: Preparation
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return where sky and noise are measured: pixels, and pairs of pixels."""
    lag = 1 + math.ceil(max(1.0, window.pixels / window.side))
    size = preparation.size
    return border_indices((size, size), max(1, round(preparation.border * size)), lag)


def _is_usual(preparation: Preparation) -> bool:
    return (
        preparation.sky == "border"
        and preparation.noise == "differences"
        and preparation.stretch == "asinh"
    )
