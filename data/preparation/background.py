"""The sky and its noise, measured on the frame of an image.

Nothing here knows an absolute size: every result scales with the flux unit and shifts with the sky.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MAX_LEVELS",
    "SIGMA_PER_MAD",
    "border_indices",
    "border_mask",
    "border_values",
    "clipped_median",
    "mad_sigma",
    "quantization_step",
    "sky_and_noise",
    "sparse_step",
]

# standard deviation of a normal distribution over its median absolute deviation
SIGMA_PER_MAD = 1.4826
_FRAME_NEEDED = 0.2  # of the frame's pixels must be good, or else the whole image stands in for it
_MOST_LEVELS = 65535  # of a 16-bit number: finer steps than that are nobody's quantisation
MAX_LEVELS = float(_MOST_LEVELS)
"""Levels that a quantised image has at most."""
_ENOUGH = 512  # values that show, in nearly every image that is not quantised, that it is not
# how far from a whole level a value may lie, in steps: room for float32's rounding
_OFF_LEVEL = 0.1


@lru_cache(maxsize=64)
def border_mask(size: int | tuple[int, int], width: int) -> NDArray[np.bool_]:
    """Return True on the outermost `width` pixels of a square of side `size`, or of an image of
    shape `size`.
    """
    ny, nx = (size, size) if isinstance(size, int) else size
    inside = np.ones((ny, nx), dtype=bool)
    inside[width : ny - width, width : nx - width] = False
    inside.flags.writeable = False
    return inside


def mad_sigma(values: NDArray[np.floating], centre: float) -> float:
    """Return the noise of values around their centre: 1.4826 times the median absolute
    deviation.
    """
    return SIGMA_PER_MAD * _median(np.abs(values - centre))


def clipped_median(values: NDArray[np.floating], clip: float = 3.0) -> float:
    """Return the median of what is left when outliers are taken away until there are none.

    Parameters
    ----------
    values : array, shape (n,)
        At least one, all finite.
    clip : float
        Values further from the median than that many times 1.4826 median absolute deviations are
        outliers.
    """
    while True:
        centre = _median(values)
        kept = values[np.abs(values - centre) <= clip * mad_sigma(values, centre)]
        if kept.size in (0, values.size):
            return centre
        values = kept


def quantization_step(values: NDArray[np.floating]) -> float:
    """Return the step between the levels of a quantised image, or 0.0 when it is not quantised.

    Values count as quantised when all of them lie on a ladder of equally spaced levels, no more of
    them than 16 bits can number: the 8-bit pictures of colour surveys, and raw integer counts, in
    whatever unit and on whatever sky they come.

    Parameters
    ----------
    values : array, shape (n,)
        All finite.
    """
    # all values have a range no smaller, and steps no larger
    if _too_fine(np.sort(values[:: sparse_step(values.size)])):
        return 0.0
    levels = _levels(values)
    if levels.size < 2:
        return 0.0
    steps = levels[1:] - levels[:-1]
    smallest = steps.min()
    if levels[-1] - levels[0] > _MOST_LEVELS * 1.5 * smallest:
        return 0.0
    step = _median(steps[steps < 1.5 * smallest])
    numbers = (levels - levels[0]) / step
    return step if np.abs(numbers - np.round(numbers)).max() < _OFF_LEVEL else 0.0


def sparse_step(size: int) -> int:
    """Return one in how many values is looked at before all of them are."""
    return max(1, size // _ENOUGH)


def _too_fine(ordered: NDArray[np.floating]) -> bool:
    """Return whether values in rising order lie nearer to each other than 16 bits can tell
    apart.
    """
    levels = ordered.astype(np.float64)
    steps = levels[1:] - levels[:-1]
    rising = steps[steps > 0]
    return bool(rising.size and levels[-1] - levels[0] > _MOST_LEVELS * 1.5 * rising.min())


def _levels(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the values that occur, in rising order.

    Whole numbers are counted, which is quicker than to sort them.
    """
    lowest, highest = float(values.min()), float(values.max())
    if abs(lowest) <= _MOST_LEVELS and abs(highest) <= _MOST_LEVELS:
        whole = values.astype(np.int32)
        if np.array_equal(whole, values):
            return np.flatnonzero(np.bincount(whole - int(lowest))).astype(np.float64) + lowest
    return np.unique(values).astype(np.float64)


def sky_and_noise(
    image: NDArray[np.float64], width: int, step: float = 0.0, lag: int = 2
) -> tuple[float, float]:
    """Measure sky level and noise of an image.

    Parameters
    ----------
    image : array, shape (ny, nx)
        At least one pixel is finite; the others are bad.
    width : int
        Width of the frame that counts as sky, pixels. Where less than a fifth of it is good, all
        good pixels count.
    step : float
        Quantisation step of the pixels; its rounding noise, step / sqrt(12), is added in
        quadrature.
    lag : int
        Distance of the pixels whose differences are taken, pixels; beyond the reach of whatever
        interpolation made the grid.

    Returns
    -------
    sky : float
        Median of the frame.
    noise : float
        Standard deviation by the median absolute difference of pixels `lag` apart in the frame,
        over the square root of two. Where that is zero (frames filled with one value), by the
        median absolute deviation of the frame, then of the whole image, then the standard deviation
        after clipping; 0.0 when even that is zero.

    Notes
    -----
    Differences are blind to slopes: the outskirts of a galaxy that reaches into the frame are no
    noise. The deviation from one level would count them, most in the band where the galaxy is
    brightest, and dividing by it would wash out the colours.
    """
    pixels, differences = _frame_of(image, width, lag)
    sky = _median(pixels)
    scatter = _median(np.abs(differences)) if differences.size else 0.0
    noise = float(np.hypot(SIGMA_PER_MAD * scatter / np.sqrt(2), step / np.sqrt(12)))
    if noise:
        return sky, noise
    good = image[np.isfinite(image)]
    return sky, mad_sigma(pixels, sky) or mad_sigma(good, sky) or _clipped(good)


def border_values(image: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the values that count as sky.

    Those of the frame, or of the whole image where less than a fifth of the frame is good.
    """
    return _frame_of(image, width, max(image.shape))[0]


def _frame_of(
    image: NDArray[np.float64], width: int, lag: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the good values of the frame, and the differences of all pairs of them that lie `lag`
    apart in a row or a column.
    """
    places, first, second = border_indices(image.shape, width, lag)
    flat = image.ravel()
    pixels = flat[places]
    good = np.isfinite(pixels)
    if np.count_nonzero(good) < _FRAME_NEEDED * places.size:
        everywhere = np.isfinite(image)
        return image[everywhere], _differences(image, everywhere, lag)
    if good.all():
        return pixels, flat[second] - flat[first]
    with np.errstate(invalid="ignore"):  # infinite pixels are bad
        differences = flat[second] - flat[first]
    return pixels[good], differences[np.isfinite(differences)]


@lru_cache(maxsize=64)
def border_indices(
    shape: tuple[int, int], width: int, lag: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return where the pixels of the frame lie in the flat image, and the two sides of all pairs of
    them `lag` apart.
    """
    inside, numbers = border_mask(shape, width), np.arange(shape[0] * shape[1]).reshape(shape)
    across, down = inside[:, lag:] & inside[:, :-lag], inside[lag:] & inside[:-lag]
    first = np.concatenate([numbers[:, :-lag][across], numbers[:-lag][down]])
    second = np.concatenate([numbers[:, lag:][across], numbers[lag:][down]])
    return numbers[inside], first, second


def _differences(
    image: NDArray[np.float64], usable: NDArray[np.bool_], lag: int
) -> NDArray[np.float64]:
    """Return the differences of all pairs of usable pixels that lie `lag` apart in a row or a
    column.
    """
    with np.errstate(invalid="ignore"):  # infinite pixels are bad, and left out below
        columns, rows = image[:, lag:] - image[:, :-lag], image[lag:] - image[:-lag]
    return np.concatenate(
        [columns[usable[:, lag:] & usable[:, :-lag]], rows[usable[lag:] & usable[:-lag]]]
    )


def _median(values: NDArray[np.floating]) -> float:
    """Return the median of finite values; NumPy's own looks for what cannot be there."""
    half = values.size // 2
    # NumPy is several times quicker at two places than at one
    ordered = np.partition(values, (max(half - 1, 0), half))
    middle = ordered[half] if values.size % 2 else (ordered[half - 1] + ordered[half]) / 2
    # which of two zeros is in the middle is chance: it is the positive one
    return float(middle) + 0.0


def _clipped(values: NDArray[np.float64]) -> float:
    """Return the standard deviation without what lies beyond three of them."""
    return float(values[np.abs(values - values.mean()) <= 3 * values.std()].std())
