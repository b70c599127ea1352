"""Sky background and noise, measured on the border of an image.

No absolute tolerances: every result scales with the flux unit and shifts with the sky.
"""

import math
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
    "photon_counts",
    "photon_mean",
    "quantization_step",
    "sample_stride",
    "sky_and_noise",
]

# standard deviation of a normal distribution over its median absolute deviation
SIGMA_PER_MAD = 1.4826
# fraction of good pixels that the border needs; with fewer, the whole image is used
_MIN_GOOD_BORDER = 0.2
_MAX_LEVELS_16_BIT = 65535  # finer steps than those of 16-bit numbers do not count as quantized
MAX_LEVELS = float(_MAX_LEVELS_16_BIT)
"""Largest number of levels of a quantized image, for compiled code."""
_SAMPLE_SIZE = 512  # values that suffice to recognize nearly every unquantized image
_MOST_COUNTS = 3  # median of the counts where there are any, in images of few photons
_LEAST_ISOLATED = 3  # pixels with counts among pixels without any
# steps: allowed distance of a value from a level, because of rounding to float32
_LEVEL_TOLERANCE = 0.1


@lru_cache(maxsize=64)
def border_mask(size: int | tuple[int, int], width: int) -> NDArray[np.bool_]:
    """Return True on the outermost `width` pixels of an image of that shape or side."""
    ny, nx = (size, size) if isinstance(size, int) else size
    inside = np.ones((ny, nx), dtype=bool)
    inside[width : ny - width, width : nx - width] = False
    inside.flags.writeable = False
    return inside


def mad_sigma(values: NDArray[np.floating], center: float) -> float:
    """Return the noise of values around a center: 1.4826 times the median absolute deviation."""
    return SIGMA_PER_MAD * _median(np.abs(values - center))


def clipped_median(values: NDArray[np.floating], clip: float = 3.0) -> float:
    """Return the median after iterative clipping of outliers.

    Parameters
    ----------
    values : array, shape (n,)
        At least one, all finite.
    clip : float
        Values further from the median than that many times 1.4826 median absolute deviations are
        outliers.
    """
    while True:
        center = _median(values)
        kept = values[np.abs(values - center) <= clip * mad_sigma(values, center)]
        if kept.size in (0, values.size):
            return center
        values = kept


def quantization_step(values: NDArray[np.floating]) -> float:
    """Return the step between the levels of a quantized image, or 0.0 when it is not quantized.

    Values count as quantized when all of them lie on equally spaced levels, no more than 16 bits
    can number: the 8-bit pictures of color surveys, and raw integer counts, in whatever unit and on
    whatever sky they come.

    Parameters
    ----------
    values : array, shape (n,)
        All finite.
    """
    # the full set has no smaller range and no larger steps than the sample
    if _is_continuous(np.sort(values[:: sample_stride(values.size)])):
        return 0.0
    levels = _levels(values)
    if levels.size < 2:
        return 0.0
    steps = levels[1:] - levels[:-1]
    smallest = steps.min()
    if levels[-1] - levels[0] > _MAX_LEVELS_16_BIT * 1.5 * smallest:
        return 0.0
    step = _median(steps[steps < 1.5 * smallest])
    numbers = (levels - levels[0]) / step
    return step if np.abs(numbers - np.round(numbers)).max() < _LEVEL_TOLERANCE else 0.0


def photon_counts(image: NDArray[np.floating], step: float, width: int) -> bool:
    """Return whether an image is one of photon counts, or multiples of them, mostly of zeros.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Pixels that are not finite are bad.
    step : float
        As `quantization_step` returns it.
    width : int
        Width of the border that counts as sky, pixels.

    Notes
    -----
    Most values are zero, none is negative, and those above are mostly one, two or three steps. They
    are independent of each other in the border, and there are isolated ones, in the border as
    elsewhere: the black sky of a picture is one region.
    """
    values = image[np.isfinite(image)]
    if not step or 2 * np.count_nonzero(values) >= values.size or values.min() < 0:
        return False
    numbers = values[values > 0].astype(np.float64) / step
    whole = np.abs(numbers - np.round(numbers)).max() < _LEVEL_TOLERANCE
    if not whole or np.median(numbers) > _MOST_COUNTS + _LEVEL_TOLERANCE:
        return False
    counting = image > 0
    places, first, second = border_indices(image.shape, width, 1)
    flat = counting.ravel()
    expected = flat[places].mean() ** 2 * len(first)  # pairs of neighbors with counts, by chance
    pairs = np.count_nonzero(flat[first] & flat[second])
    isolated = _count_isolated(counting)
    in_border = isolated * places.size / image.size  # counts there, if they are as many everywhere
    return bool(
        isolated >= _LEAST_ISOLATED
        and pairs <= 3 * expected + 3 * math.sqrt(expected) + 3
        and np.count_nonzero(flat[places]) >= in_border / 4 - 3
    )


def _count_isolated(counting: NDArray[np.bool_]) -> int:
    """Return how many True pixels have no other among their eight neighbors."""
    ny, nx = counting.shape
    around = np.zeros((ny + 2, nx + 2), dtype=np.int8)
    for y in range(3):
        for x in range(3):
            around[y : y + ny, x : x + nx] += counting
    return int(np.count_nonzero(counting & (around[1:-1, 1:-1] == 1)))


def photon_mean(values: NDArray[np.floating]) -> float:
    """Return the mean count of a Poisson distribution by its share of zeros, -ln(share).

    A neighbor on the border, which would raise the mean of the values, hardly changes the share.
    Where there is no count at all, that of one count among all values; half of them count as zero
    if fewer are.

    Parameters
    ----------
    values : array, shape (n,)
        At least one, all finite.
    """
    zeros = values.size - max(1, int(np.count_nonzero(values)))
    return -math.log(max(zeros, values.size / 2) / values.size)


def sample_stride(size: int) -> int:
    """Return the stride of the sample that is tested before all values are."""
    return max(1, size // _SAMPLE_SIZE)


def _is_continuous(ordered: NDArray[np.floating]) -> bool:
    """Return whether sorted values are closer to each other than 16-bit levels could be."""
    levels = ordered.astype(np.float64)
    steps = levels[1:] - levels[:-1]
    rising = steps[steps > 0]
    return bool(rising.size and levels[-1] - levels[0] > _MAX_LEVELS_16_BIT * 1.5 * rising.min())


def _levels(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the distinct values in rising order.

    Integers are counted, which is faster than sorting.
    """
    lowest, highest = float(values.min()), float(values.max())
    if abs(lowest) <= _MAX_LEVELS_16_BIT and abs(highest) <= _MAX_LEVELS_16_BIT:
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
        Width of the border that counts as sky, pixels. Where less than a fifth of it is good, all
        good pixels count.
    step : float
        Quantization step of the pixels; its rounding noise, step / sqrt(12), is added in
        quadrature.
    lag : int
        Distance of the pixels whose differences are taken, pixels; larger than the correlation
        length of whatever interpolation made the grid.

    Returns
    -------
    sky : float
        Median of the border.
    noise : float
        Standard deviation from the median absolute difference of pixels `lag` apart in the border,
        over the square root of two. Where that is zero (borders filled with one value), from the
        median absolute deviation of the border, then of the whole image, then the standard
        deviation after clipping; 0.0 when even that is zero.

    Notes
    -----
    Differences are insensitive to slopes: the outskirts of a galaxy that reaches into the border
    are not noise. The deviation from one level would include them, most in the band where the
    galaxy is brightest, and dividing by it would distort the colors.
    """
    pixels, differences = _border_and_differences(image, width, lag)
    sky = _median(pixels)
    scatter = _median(np.abs(differences)) if differences.size else 0.0
    noise = float(np.hypot(SIGMA_PER_MAD * scatter / np.sqrt(2), step / np.sqrt(12)))
    if noise:
        return sky, noise
    good = image[np.isfinite(image)]
    return sky, mad_sigma(pixels, sky) or mad_sigma(good, sky) or _clipped_std(good)


def border_values(image: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the sky pixels: the border, or the whole image if less than a fifth of it is good."""
    return _border_and_differences(image, width, max(image.shape))[0]


def _border_and_differences(
    image: NDArray[np.float64], width: int, lag: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the good values of the border, and the differences of their pairs `lag` apart."""
    places, first, second = border_indices(image.shape, width, lag)
    flat = image.ravel()
    pixels = flat[places]
    good = np.isfinite(pixels)
    if np.count_nonzero(good) < _MIN_GOOD_BORDER * places.size:
        everywhere = np.isfinite(image)
        return image[everywhere], _pair_differences(image, everywhere, lag)
    if good.all():
        return pixels, flat[second] - flat[first]
    with np.errstate(invalid="ignore"):  # infinite pixels are bad
        differences = flat[second] - flat[first]
    return pixels[good], differences[np.isfinite(differences)]


@lru_cache(maxsize=64)
def border_indices(
    shape: tuple[int, int], width: int, lag: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return flat indices of the border, and of both members of all its pairs `lag` apart."""
    inside, numbers = border_mask(shape, width), np.arange(shape[0] * shape[1]).reshape(shape)
    across, down = inside[:, lag:] & inside[:, :-lag], inside[lag:] & inside[:-lag]
    first = np.concatenate([numbers[:, :-lag][across], numbers[:-lag][down]])
    second = np.concatenate([numbers[:, lag:][across], numbers[lag:][down]])
    return numbers[inside], first, second


def _pair_differences(
    image: NDArray[np.float64], usable: NDArray[np.bool_], lag: int
) -> NDArray[np.float64]:
    """Return the differences of all pairs of usable pixels `lag` apart in a row or column."""
    with np.errstate(invalid="ignore"):  # infinite pixels are bad, and excluded below
        columns, rows = image[:, lag:] - image[:, :-lag], image[lag:] - image[:-lag]
    return np.concatenate(
        [columns[usable[:, lag:] & usable[:, :-lag]], rows[usable[lag:] & usable[:-lag]]]
    )


def _median(values: NDArray[np.floating]) -> float:
    """Return the median of finite values, without the checks for NaN of `numpy.median`."""
    half = values.size // 2
    # NumPy is several times faster for two indices than for one
    ordered = np.partition(values, (max(half - 1, 0), half))
    middle = ordered[half] if values.size % 2 else (ordered[half - 1] + ordered[half]) / 2
    # makes a zero median +0.0, whichever of the two zeros partition left in the middle
    return float(middle) + 0.0


def _clipped_std(values: NDArray[np.float64]) -> float:
    """Return the standard deviation without outliers beyond three of them."""
    return float(values[np.abs(values - values.mean()) <= 3 * values.std()].std())
