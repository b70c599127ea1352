"""Fast path for the default preparation of cutouts without flaws, with bit-identical results.

Everything else (a bad pixel, a constant band, no noise, other settings) falls back to
`galfeat.data.preparation.steps`, which also has the error messages.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat.data.preparation.background import (
    MAX_LEVELS,
    quantization_step,
    sample_stride,
)
from galfeat.data.preparation.resampling import area_resample
from galfeat.data.preparation.settings import Preparation
from galfeat.data.preparation.sky_noise import measure_sky, noise_lag
from galfeat.data.preparation.window import Window

__all__ = ["prepare_batch_fast", "prepare_fast"]

_CHUNK_BYTES = 1 << 20  # bytes of a chunk: small enough for the processor's cache


def prepare_fast(
    pixels: NDArray[np.float32],
    window: Window,
    preparation: Preparation,
    skies: NDArray[np.float64] | None = None,
) -> NDArray[np.float32] | None:
    """Prepare all bands of a cutout at once; None where the slow path is needed.

    Parameters
    ----------
    pixels : array of float32, shape (bands, ny, nx)
    window : Window
        The default window of the cutout.
    preparation : Preparation
    skies : array of float64, shape (bands, 4), optional
        Receives the numbers of `galfeat.data.preparation.sky_noise.SkyNoise`.

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
        found = measure_sky(band, preparation.frame_width, noise_lag(window))
        found = found.rounded(step, window)
        if not found.sigma or not np.isfinite(found[:2]).all():
            return None
        band -= found.sky
        band /= found.sigma
        if skies is not None:
            skies[number] = found
    return np.arcsinh(fitted, out=fitted).astype(np.float32)


def prepare_batch_fast(
    images: Sequence[NDArray[np.float32]],
    preparation: Preparation,
    out: NDArray[np.float32],
    skies: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Prepare cutouts of one shape in few calls, during which other threads can run.

    Parameters
    ----------
    images : sequence of arrays of float32, shape (bands, ny, nx)
        Large enough for the preparation.
    preparation : Preparation
    out : array of float32, shape (n, bands, size, size)
        For the result.
    skies : array of float64, shape (n, bands, 4)
        For the numbers of `galfeat.data.preparation.sky_noise.SkyNoise`.

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
            done[part] = _prepare_chunk(images[part], preparation, out[part], skies[part])
    return done


def _prepare_chunk(
    images: Sequence[NDArray[np.float32]],
    preparation: Preparation,
    out: NDArray[np.float32],
    skies: NDArray[np.float64],
) -> NDArray[np.bool_]:
    # imported late: numba, which reading without preparation does not need
    from galfeat.data.preparation.medians import are_regular
    from galfeat.data.preparation.sky_noise_kernel import normalize

    window = Window.whole(images[0].shape[1:], preparation)
    # stacking keeps the memory order of views
    native = np.ascontiguousarray(np.stack([window.view(image) for image in images]))
    regular = are_regular(native, sample_stride(native[0, 0].size), MAX_LEVELS)
    if window.side == preparation.size:
        with np.errstate(invalid="ignore"):  # signaling NaNs are bad pixels too
            fitted = native.astype(np.float64)
    else:
        fitted = np.empty(out.shape)
        for row in np.flatnonzero(regular):
            fitted[row] = [area_resample(band, preparation.size) for band in native[row]]
    skies[...] = normalize(fitted, preparation.frame_width, noise_lag(window), regular)
    if regular.all():
        out[...] = np.arcsinh(fitted, out=fitted)
    elif regular.any():
        out[regular] = np.arcsinh(fitted[regular])
    return regular


def _is_default(preparation: Preparation) -> bool:
    return (
        preparation.sky == "border"
        and preparation.noise == "sky"
        and preparation.stretch == "asinh"
    )
