"""Sky of a band: its level and noise by the settings of a preparation, and its correlation."""

import math

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.preparation.background import (
    border_values,
    clipped_median,
    mad_sigma,
    photon_counts,
    photon_mean,
    quantization_step,
    sky_and_noise,
)
from galfeat.data.preparation.resampling import (
    area_resample,
    crop_padded,
    window_resample,
    window_variance,
)
from galfeat.data.preparation.settings import Preparation
from galfeat.data.preparation.sky_noise import SkyNoise, measure_sky, noise_lag, shared_lag
from galfeat.data.preparation.window import Window

__all__ = ["band_sky", "good_values", "resample"]


def band_sky(
    image: NDArray[np.float32],
    noise_map: NDArray[np.float32] | None,
    window: Window,
    preparation: Preparation,
    *,
    picture: bool,
    known: tuple[NDArray[np.float32], NDArray[np.float64]] | None = None,
) -> tuple[SkyNoise, bool]:
    """Return the sky of a band, and whether it is one of photon counts.

    `known` are its good values and its resampled pixels, where the caller has them.
    """
    values, fitted = known or (
        good_values(image, window),
        resample(image, window, preparation),
    )
    step = quantization_step(values)
    width = max(1, round(preparation.border * min(image.shape)))
    counts = not picture and photon_counts(image, step, width)
    around = window if window.is_whole or preparation.fit == "crop" else window.widened(image.shape)
    seen = (
        fitted
        if around is window
        else window_resample(image, around.corner, around.side, around.pixels)
    )
    found = (
        _photon_sky(image, step, around, preparation)
        if counts
        else _sky_of(seen, step, around, preparation)
    )
    if preparation.noise.startswith("map"):
        noise = _noise_from_map(noise_map, image, around, preparation) or found.sigma
        found = found._replace(sigma=noise)
    return found, counts


def good_values(image: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
    """Return the good values of a band within the window; refuse a band with none or only one."""
    native = window.view(image)
    good = np.isfinite(native)
    values = native.ravel() if good.all() else native[good]
    if values.size == 0:
        raise CutoutError("has no good pixel")
    if values.min() == values.max():
        raise CutoutError("is constant")
    return values


def resample(
    image: NDArray[np.float32], window: Window, preparation: Preparation
) -> NDArray[np.float64]:
    """Resample a band within the window to the new grid, as a new array."""
    if not window.is_whole:
        if preparation.fit == "crop":
            return crop_padded(image, (int(window.top), int(window.left)), preparation.size)
        return window_resample(image, window.corner, window.side, preparation.size)
    native = window.view(image)
    with np.errstate(invalid="ignore"):  # signaling NaNs are bad pixels too
        if window.side == preparation.size:
            return native.astype(np.float64)
        return area_resample(native, preparation.size)


def _sky_of(
    seen: NDArray[np.float64], step: float, around: Window, preparation: Preparation
) -> SkyNoise:
    width = max(1, round(preparation.border * min(seen.shape)))
    found = measure_sky(seen, width, noise_lag(around)).rounded(step, around)
    sky, noise = found.sky, found.sigma
    if preparation.noise == "differences" or not noise:
        noise = sky_and_noise(seen, width, step, shared_lag(around))[1]
    elif preparation.noise == "mad":
        noise = (
            math.hypot(mad_sigma(border_values(seen, width), sky), step / math.sqrt(12)) or noise
        )
    if preparation.sky == "clipped":
        sky = clipped_median(border_values(seen, width))
    return found._replace(sky=_told(preparation.sky, sky), sigma=noise)


def _photon_sky(
    image: NDArray[np.float32], step: float, around: Window, preparation: Preparation
) -> SkyNoise:
    """Return the sky, on the new grid, of a band of photon counts."""
    width = max(1, round(preparation.border * around.pixels))
    border = border_values(image.astype(np.float64), width)
    mean = photon_mean(border)
    variance = np.where(np.isfinite(image), step**2 * mean, np.nan)
    seen = window_variance(variance, around.corner, around.side, around.pixels)
    noise = math.sqrt(float(np.median(seen[np.isfinite(seen)])))
    sky = step * mean if np.count_nonzero(border) else 0.0
    return SkyNoise(_told(preparation.sky, sky), noise, math.nan, math.nan)


def _told(setting: str | float, measured: float) -> float:
    """Return the level of the sky: that which is given, or the measured one."""
    if setting in ("border", "clipped"):
        return measured
    return 0.0 if setting == "none" else float(setting)


def _noise_from_map(
    noise_map: NDArray[np.float32] | None,
    image: NDArray[np.float32],
    around: Window,
    preparation: Preparation,
) -> float | None:
    """Return the noise of the border on the new grid by the noise map.

    None where there is no map and none is required.
    """
    if noise_map is None or not np.isfinite(noise_map).any():
        if preparation.noise == "map_if_any":
            return None
        raise CutoutError(
            "has no noise map; set noise to 'sky', or to 'map_if_any' to measure those without one"
        )
    usable = np.isfinite(image) & np.isfinite(noise_map) & (noise_map > 0)
    variance = np.where(usable, noise_map.astype(np.float64), np.nan) ** 2
    seen = window_variance(variance, around.corner, around.side, around.pixels)
    if not np.isfinite(seen).any():
        raise CutoutError("has a noise map without enough positive values at good pixels")
    width = max(1, round(preparation.border * around.pixels))
    return math.sqrt(float(np.median(border_values(seen, width))))
