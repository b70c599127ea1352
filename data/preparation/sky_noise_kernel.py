"""Compiled measurement of the noise of the sky; see `galfeat.data.preparation.sky_noise`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.data.preparation.medians import compiled, median
from galfeat.data.preparation.sky_noise import NUMBERS

__all__ = ["measure", "normalize"]

_CLIP = 3.0  # standard deviations, of sources in the smoothed border and of differences
_CLIPPED = 0.9733369246625415  # variance of a normal distribution that is cut off there
_ITERATIONS = 4  # of clipping
_FAR = 4.0  # standard deviations of differences of independent pixels: none of pairs is cut off
_PER_DEVIATION = 1.4826  # standard deviation of a normal distribution over its median deviation
_MIN_GOOD = 0.2  # fraction of good pixels that the border needs; with fewer, the whole image serves
_LEAST = 24  # differences without which the noise is not measured
# The lag is doubled where pixels next to each other differ by less than this over the lag's square,
# in variances of the noise: a Gaussian that smooth still has a tenth of its correlation at the lag.
_SMOOTH = 2.5
_MOST_GROWTH = 2.5  # of the variance at twice the lag: light grows up to 16 times, noise less


def normalize(
    images: NDArray[np.float64], width: int, lag: int, regular: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Subtract each band's sky and divide by its noise, in place.

    Parameters
    ----------
    images : array of float64, shape (n, bands, ny, nx), C-contiguous
    width, lag : int
        As for `galfeat.data.preparation.sky_noise.measure_sky`.
    regular : array of bool, shape (n,)
        Which images to normalize; set to False where sky or noise is not finite, or there is no
        noise.

    Returns
    -------
    array of float64, shape (n, bands, 4)
        The numbers of `galfeat.data.preparation.sky_noise.SkyNoise`, of the regular images.
    """
    found = np.full((*images.shape[:2], NUMBERS), np.nan)
    _normalize(images, np.int64(width), np.int64(lag), regular, found)
    return found


@compiled
def _normalize(images: Any, width: Any, lag: Any, regular: Any, found: Any) -> Any:
    for n in range(images.shape[0]):
        for band in range(images.shape[1]):
            if regular[n]:
                measure(images[n, band], width, lag, found[n, band])
                sky, sigma = found[n, band, 0], found[n, band, 1]
                regular[n] = np.isfinite(sky) and np.isfinite(sigma) and sigma > 0
                pixels = images[n, band].ravel()
                for i in range(len(pixels)):
                    pixels[i] = (pixels[i] - sky) / sigma


@compiled
def measure(image: Any, width: Any, lag: Any, found: Any) -> Any:
    """Write the numbers of `SkyNoise` into `found`, as `measure_sky` describes them."""
    ny, nx = image.shape
    inside = max(ny - 2 * width, 0) * max(nx - 2 * width, 0)
    values = np.empty(2 * ny * nx)
    count = _border_values(image, width, values)
    if count < _MIN_GOOD * (ny * nx - inside):
        width = np.int64((max(ny, nx) + 1) // 2)
        count = _border_values(image, width, values)
    found[0] = median(values[:count])
    sky = np.empty((ny, nx))  # of the border
    _keep_sky(image, width, found[0], sky, values)
    found[1], found[2], found[3] = 0.0, np.nan, np.nan
    count = _second_differences(sky, width, lag, values)
    if count < _LEAST:
        return
    variance = _clipped(values[:count]) / 6
    if not variance > 0:
        return
    most = _FAR * np.sqrt(2 * variance)
    pairs = _pair_differences(sky, width, False, values)
    in_rows = _mean_square(values[:pairs], most) / 2
    pairs = _pair_differences(sky, width, True, values)
    in_columns = _mean_square(values[:pairs], most) / 2
    if (in_rows + in_columns) / 2 * lag**2 < _SMOOTH * variance:
        count = _second_differences(sky, width, 2 * lag, values)
        if count >= _LEAST:
            further = _clipped(values[:count]) / 6
            if variance < further < _MOST_GROWTH * variance:
                variance = further
    found[1] = np.sqrt(variance)
    # a correlation below -1 is none: light of the galaxy, or a pattern
    found[2] = 1 - in_rows / variance if in_rows <= 2 * variance else np.nan
    found[3] = 1 - in_columns / variance if in_columns <= 2 * variance else np.nan


@compiled
def _border_values(image: Any, width: Any, values: Any) -> Any:
    """Write the finite pixels of the border into `values`, row by row; return how many."""
    ny, nx = image.shape
    count = np.int64(0)
    for y in range(ny):
        whole = y < width or y >= ny - width
        for x in range(nx if whole else min(width, nx)):
            values[count] = image[y, x] + 0.0  # makes both zeros the positive one
            count += np.int64(np.isfinite(image[y, x]))
        if not whole:
            for x in range(max(nx - width, width), nx):
                values[count] = image[y, x] + 0.0
                count += np.int64(np.isfinite(image[y, x]))
    return count


@compiled
def _keep_sky(image: Any, width: Any, level: Any, sky: Any, values: Any) -> Any:
    """Copy the pixels of the border that are good and on no source."""
    ny, nx = image.shape
    smooth = np.empty((ny, nx))  # of the border
    column = np.empty(nx)
    count = np.int64(0)
    for y in range(ny):
        above, below = max(y - 1, 0), min(y + 1, ny - 1)
        left = nx if y < width or y >= ny - width else min(width, nx)
        right = max(nx - width, left)
        for x in range(min(left + 1, nx)):
            column[x] = image[above, x] + image[y, x] + image[below, x]
        for x in range(max(right - 1, 0), nx):
            column[x] = image[above, x] + image[y, x] + image[below, x]
        for start, end in ((np.int64(0), left), (right, np.int64(nx))):
            for x in range(start, end):
                nine = column[max(x - 1, 0)] + column[x] + column[min(x + 1, nx - 1)]
                smooth[y, x] = nine
                values[count] = nine
                count += np.int64(np.isfinite(nine))
    center, most = 9 * level, np.inf
    if count:
        most = _CLIP * _PER_DEVIATION * median(np.abs(values[:count] - center))
    for y in range(ny):
        left = nx if y < width or y >= ny - width else min(width, nx)
        right = max(nx - width, left)
        for start, end in ((np.int64(0), left), (right, np.int64(nx))):
            for x in range(start, end):
                # beside bad pixels there is no mean, and the comparison is false
                source = most < abs(smooth[y, x] - center) < np.inf
                good = np.isfinite(image[y, x]) and not source
                sky[y, x] = image[y, x] if good else np.nan


@compiled
def _second_differences(sky: Any, width: Any, lag: Any, values: Any) -> Any:
    """Write f(x - lag) - 2 f(x) + f(x + lag) along the border into `values`; return how many."""
    ny, nx = sky.shape
    count = np.int64(0)
    for y in range(ny):
        if y < width or y >= ny - width:
            for x in range(lag, nx - lag):
                values[count] = sky[y, x - lag] - 2 * sky[y, x] + sky[y, x + lag]
                count += np.int64(np.isfinite(values[count]))
    for y in range(lag, ny - lag):
        left = min(width, nx)
        for start, end in ((np.int64(0), left), (max(nx - width, left), np.int64(nx))):
            for x in range(start, end):
                values[count] = sky[y - lag, x] - 2 * sky[y, x] + sky[y + lag, x]
                count += np.int64(np.isfinite(values[count]))
    return count


@compiled
def _pair_differences(sky: Any, width: Any, down: Any, values: Any) -> Any:
    """Write the differences of neighbors along the border into `values`; return how many."""
    ny, nx = sky.shape
    count = np.int64(0)
    if down:
        left = min(width, nx)
        for y in range(ny - 1):
            for start, end in ((np.int64(0), left), (max(nx - width, left), np.int64(nx))):
                for x in range(start, end):
                    values[count] = sky[y + 1, x] - sky[y, x]
                    count += np.int64(np.isfinite(values[count]))
        return count
    for y in range(ny):
        if y < width or y >= ny - width:
            for x in range(nx - 1):
                values[count] = sky[y, x + 1] - sky[y, x]
                count += np.int64(np.isfinite(values[count]))
    return count


@compiled
def _clipped(values: Any) -> Any:
    """Return the variance about zero after clipping, starting from the median."""
    scale = _PER_DEVIATION * median(np.abs(values))
    for _ in range(_ITERATIONS):
        before, scale = scale, np.sqrt(_mean_square(values, _CLIP * scale) / _CLIPPED)
        if scale == before:
            break
    return scale * scale


@compiled
def _mean_square(values: Any, most: Any) -> Any:
    """Return the mean square of the values that are no larger than `most`."""
    # two sums at a time, which do not wait for each other
    half = len(values) // 2
    one, other, count = 0.0, 0.0, np.int64(0)
    for i in range(half):
        kept, too = abs(values[i]) <= most, abs(values[half + i]) <= most
        one += values[i] * values[i] if kept else 0.0
        other += values[half + i] * values[half + i] if too else 0.0
        count += np.int64(kept) + np.int64(too)
    if len(values) % 2 and abs(values[-1]) <= most:
        one, count = one + values[-1] * values[-1], count + 1
    return (one + other) / count if count else np.nan
