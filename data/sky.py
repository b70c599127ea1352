"""The sky and its noise, measured on the frame of an image.

Nothing here knows an absolute size: every result scales with the flux unit and shifts with the sky.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["frame", "mad_sigma", "quantum", "sky_and_noise"]

_SIGMA_PER_MAD = 1.4826  # standard deviation of a normal distribution over its median absolute deviation
_FRAME_NEEDED = 0.2  # of the frame's pixels must be good, or else the whole image stands in for it
_MOST_LEVELS = 65535  # of a 16-bit number: finer steps than that are nobody's quantisation
_OFF_LEVEL = 0.1  # how far from a whole level a value may lie, in steps: room for float32's rounding


@lru_cache(maxsize=64)
def frame(size: int | tuple[int, int], width: int) -> NDArray[np.bool_]:
    """Return True on the outermost `width` pixels of a square of side `size`, or of an image of shape `size`."""
    ny, nx = (size, size) if isinstance(size, int) else size
    inside = np.ones((ny, nx), dtype=bool)
    inside[width : ny - width, width : nx - width] = False
    inside.flags.writeable = False
    return inside


def mad_sigma(values: NDArray[np.floating], centre: float) -> float:
    """Return the noise of values around their centre: 1.4826 times the median absolute deviation."""
    return _SIGMA_PER_MAD * float(np.median(np.abs(values - centre)))


def quantum(values: NDArray[np.floating]) -> float:
    """Return the step between the levels of a quantised image, or 0.0 when it is not quantised.

    Values count as quantised when all of them lie on a ladder of equally spaced levels, no more of them than 16 bits can number: the
    8-bit pictures of colour surveys, and raw integer counts, in whatever unit and on whatever sky they come.

    Parameters
    ----------
    values : array, shape (n,)
        All finite.
    """
    levels = np.unique(values).astype(np.float64)
    if levels.size < 2:
        return 0.0
    steps = np.diff(levels)
    if levels[-1] - levels[0] > _MOST_LEVELS * 1.5 * steps.min():
        return 0.0
    step = float(np.median(steps[steps < 1.5 * steps.min()]))
    numbers = (levels - levels[0]) / step
    return step if np.abs(numbers - np.round(numbers)).max() < _OFF_LEVEL else 0.0


def sky_and_noise(image: NDArray[np.float64], width: int, step: float = 0.0, lag: int = 2) -> tuple[float, float]:
    """Measure sky level and noise of an image.

    Parameters
    ----------
    image : array, shape (ny, nx)
        At least one pixel is finite; the others are bad.
    width : int
        Width of the frame that counts as sky, pixels. Where less than a fifth of it is good, all good pixels count.
    step : float
        Quantisation step of the pixels; its rounding noise, step / sqrt(12), is added in quadrature.
    lag : int
        Distance of the pixels whose differences are taken, pixels; beyond the reach of whatever interpolation made the grid.

    Returns
    -------
    sky : float
        Median of the frame.
    noise : float
        Standard deviation by the median absolute difference of pixels `lag` apart in the frame, over the square root of two. Where
        that is zero (frames filled with one value), by the median absolute deviation of the frame, then of the whole image, then the
        standard deviation after clipping; 0.0 when even that is zero.

    Notes
    -----
    Differences are blind to slopes: the outskirts of a galaxy that reaches into the frame are no noise. The deviation from one level
    would count them, most in the band where the galaxy is brightest, and dividing by it would wash out the colours.
    """
    good = np.isfinite(image)
    usable = good & frame(image.shape, width)
    if np.count_nonzero(usable) < _FRAME_NEEDED * np.count_nonzero(frame(image.shape, width)):
        usable = good
    pixels = image[usable]
    sky = float(np.median(pixels))
    scatter = float(np.median(np.abs(differences))) if (differences := _differences(image, usable, lag)).size else 0.0
    noise = float(np.hypot(_SIGMA_PER_MAD * scatter / np.sqrt(2), step / np.sqrt(12)))
    return sky, noise or mad_sigma(pixels, sky) or mad_sigma(image[good], sky) or _clipped(image[good])


def _differences(image: NDArray[np.float64], usable: NDArray[np.bool_], lag: int) -> NDArray[np.float64]:
    """Return the differences of all pairs of usable pixels that lie `lag` apart in a row or a column."""
    with np.errstate(invalid="ignore"):  # infinite pixels are bad, and left out below
        columns, rows = image[:, lag:] - image[:, :-lag], image[lag:] - image[:-lag]
    return np.concatenate([columns[usable[:, lag:] & usable[:, :-lag]], rows[usable[lag:] & usable[:-lag]]])


def _clipped(values: NDArray[np.float64]) -> float:
    """Return the standard deviation without what lies beyond three of them."""
    return float(values[np.abs(values - values.mean()) <= 3 * values.std()].std())
