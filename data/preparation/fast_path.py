"""Fast path for the default preparation of cutouts without flaws, with bit-identical results.

Everything else (a bad pixel, a constant band, no noise, other settings) falls back to
`galfeat.data.preparation.steps`, which also has the error messages.
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
    sample_stride,
)
from galfeat.data.preparation.resampling import area_resample
from galfeat.data.preparation.settings import Preparation
from galfeat.data.preparation.window import Window

__all__ = ["prepare_batch_fast", "prepare_fast"]

_CHUNK_BYTES = 1 << 20  # bytes of a chunk: small enough for the processor's cache


def prepare_fast(
    pixels: NDArray[np.float32], window: Window, preparation: Preparation
) -> NDArray[np.float32] | None:
    """Prepare all bands of a cutout at once; None where the slow path is needed.

    Parameters
    ----------
    pixels : array of float32, shape (bands, ny, nx)
    window : Window
        The default window of the cutout.
    preparation : Preparation

    Returns
    -------
    array of float32, shape (bands, size, size), or None
    """
    if not _is_default(preparation) or not window.is_whole:
        return None
    native = window.view(pixels)
    lowest, highest = native.min(axis=(1, 2)), native.max(axis=(1, 2))
    # NaN pixels make both NaN
    if not (np.isfinite(lowest) & np.isfinite(highest) & (lowest < highest)).all():
        return None
    size = preparation.size
    fitted = (
        native.astype(np.float64)
        if window.side == size
        else np.stack([area_resample(band, size) for band in native])
    )
    for number, band in enumerate(fitted):
        step = quantization_step(native[number].ravel())
        if step and not lowest[number]:
            return None  # these may be photon counts
        level = _sky_and_noise(band, step, window, preparation)
        if level is None:
            return None
        band -= level[0]
        band /= level[1]
    return np.arcsinh(fitted, out=fitted).astype(np.float32)


def _sky_and_noise(
    band: NDArray[np.float64], step: float, window: Window, preparation: Preparation
) -> tuple[float, float] | None:
    """Return sky and noise as the slow path does; None in special cases."""
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
    """Prepare cutouts of one shape in few calls, during which other threads can run.

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
        Which cutouts are prepared; the others need the slow path, and their rows of `out` are not
        set.
    """
    done = np.zeros(len(images), dtype=bool)
    if (
        len(images)
        and _is_default(preparation)
        and preparation.neighbors == "keep"
        and not preparation.moves
    ):
        at_once = max(1, _CHUNK_BYTES // (8 * out[0].size))
        for start in range(0, len(images), at_once):
            part = slice(start, start + at_once)
            done[part] = _prepare_chunk(images[part], preparation, out[part])
    return done


def _prepare_chunk(
    images: Sequence[NDArray[np.float32]], preparation: Preparation, out: NDArray[np.float32]
) -> NDArray[np.bool_]:
    # imported late: numba, which reading without preparation does not need
    from galfeat.data.preparation.medians import (
        are_regular,
        normalize,
    )

    window = Window.whole(images[0].shape[1:], preparation)
    border = _border(window, preparation)
    # stacking keeps the memory order of views
    native = np.ascontiguousarray(np.stack([window.view(image) for image in images]))
    regular = (
        are_regular(native, sample_stride(native[0, 0].size), MAX_LEVELS)
        if len(border[1])
        else np.zeros(len(images), dtype=bool)
    )
    if window.side == preparation.size:
        with np.errstate(invalid="ignore"):  # signaling NaNs are bad pixels too
            fitted = native.astype(np.float64)
    else:
        fitted = np.empty(out.shape)
        for row in np.flatnonzero(regular):
            fitted[row] = [area_resample(band, preparation.size) for band in native[row]]
    normalize(fitted, border, SIGMA_PER_MAD, regular)
    if regular.all():
        out[...] = np.arcsinh(fitted, out=fitted)
    elif regular.any():
        out[regular] = np.arcsinh(fitted[regular])
    return regular


def _border(
    window: Window, preparation: Preparation
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return flat indices of the border, and of the pairs whose differences are the noise."""
    lag = 1 + math.ceil(max(1.0, window.pixels / window.side))
    size = preparation.size
    return border_indices((size, size), max(1, round(preparation.border * size)), lag)


def _is_default(preparation: Preparation) -> bool:
    return (
        preparation.sky == "border"
        and preparation.noise == "differences"
        and preparation.stretch == "asinh"
    )
