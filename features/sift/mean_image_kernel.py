"""Compiled mean of a galaxy's bands weighted by their noise, its noise, and its holes filled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel

__all__ = ["fill_holes", "mean_images", "noise_of"]

_BAD = np.int32(0x7F800000)  # absolute values with these bits or more are infinite or NaN
# distance of the pixels compared: adjacent ones share noise where an image was resampled
_LAG = 2
_TO_SIGMA = 1.482602218505602 / 2  # times the median absolute difference of four pixels
_SAMPLE = 15  # pixels whose median is subtracted


def mean_images(images: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean of each image's bands, weighted by one over their noise variance.

    Parameters
    ----------
    images : array of float32, shape (n, bands, ny, nx), C-contiguous
        Pixels that are not finite are bad. A band without noise has no weight, unless no band has
        any: then all have the same.

    Returns
    -------
    means : array of float32, shape (n, ny, nx)
        Less `levels`; NaN where no band that counts is good.
    levels : array of float32, shape (n,)
        What was taken off: a pixel's value of middling brightness, so that a bright sky costs no
        precision.
    """
    means = np.empty((len(images), *images.shape[2:]), dtype=np.float32)
    levels = np.empty(len(images), dtype=np.float32)
    _means(images, means.reshape(len(means), -1), levels)
    return means, levels


def noise_of(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the noise of images, from differences of pixels two apart.

    0 of constant images and those without good pixels. It is 0.7413 times the median absolute value
    of a - b - c + d, where these are the corners of a square of 3 pixels: gradients of light
    cancel. Where more than half of these are zero, as in coarsely quantized images, it is half
    their root mean square.

    Parameters
    ----------
    planes : array of float32, shape (m, ny, nx), C-contiguous
    """
    noise = np.empty(len(planes), dtype=np.float32)
    _noises(planes, noise)
    return noise


def fill_holes(planes: NDArray[np.float32]) -> None:
    """Set bad pixels to the mean of the good ones around them, in place.

    The mean is over the smallest box around the pixel that has a good one.

    Parameters
    ----------
    planes : array of float32, shape (m, ny, nx), C-contiguous
        Planes without good pixels stay as they are.
    """
    _fill(planes)


@kernel()
def _means(images: Any, means: Any, levels: Any) -> None:
    bands = images.shape[1]
    total = np.empty(means.shape[1], dtype=np.float32)
    noise = np.empty(bands, dtype=np.float32)
    for row in range(len(images)):
        level = _middling(images[row].reshape(-1))
        levels[row] = level
        if bands == 1:
            _less(images[row, 0].reshape(-1), level, means[row])
            continue
        _noises(images[row], noise)
        weights = _weights(noise)
        means[row] = 0
        total[:] = 0
        for band in range(bands):
            _add(images[row, band].reshape(-1), level, weights[band], means[row], total)
        _divide(means[row], total)


@kernel()
def _middling(values: Any) -> Any:
    """Return the median of a sample of the good values, 0 if there is none."""
    sample = np.empty(_SAMPLE, dtype=np.float32)
    step = max(1, len(values) // _SAMPLE - 1) | 1
    count = 0
    for i in range(step // 2, len(values), step):
        if count < _SAMPLE and np.isfinite(values[i]):
            place = count  # insertion sort
            while place > 0 and sample[place - 1] > values[i]:
                sample[place] = sample[place - 1]
                place -= 1
            sample[place] = values[i]
            count += 1
    return sample[count // 2] if count else np.float32(0)


@kernel()
def _less(values: Any, level: Any, out: Any) -> None:
    for i in range(len(out)):
        value = values[i] - level
        out[i] = value if abs(value) < np.inf else np.float32(np.nan)


@kernel()
def _weights(noise: Any) -> Any:
    least = np.float32(np.inf)
    for value in noise:
        if value > 0:
            least = min(least, value)
    weights = np.ones(len(noise), dtype=np.float32)
    if least < np.inf:
        for band in range(len(noise)):
            part = least / noise[band] if noise[band] > 0 else np.float32(0)
            weights[band] = part * part
    return weights


@kernel()
def _add(values: Any, level: Any, weight: Any, sums: Any, total: Any) -> None:
    for i in range(len(sums)):
        value = values[i] - level
        good = abs(value) < np.inf
        sums[i] += weight * (value if good else np.float32(0))
        total[i] += weight if good else np.float32(0)


@kernel()
def _divide(sums: Any, total: Any) -> None:
    for i in range(len(sums)):
        sums[i] = sums[i] / total[i] if total[i] > 0 else np.float32(np.nan)


@kernel()
def _noises(planes: Any, noise: Any) -> None:
    m, ny, nx = planes.shape
    # flat rows: differences across the border are set to infinity
    count = (ny - _LAG) * nx - _LAG
    sizes = np.empty(max(0, count), dtype=np.float32)
    upper = np.empty(max(0, count), dtype=np.int16)
    near = np.empty(max(0, count), dtype=np.int32)
    for i in range(m):
        plane = planes[i].reshape(-1)
        _differences(plane, plane[_LAG:], plane[_LAG * nx :], plane[_LAG * nx + _LAG :], sizes)
        for y in range(1, ny - _LAG):
            for x in range(y * nx - _LAG, y * nx):
                sizes[x] = np.inf
        noise[i] = _typical(sizes.view(np.int32), sizes, upper, near)


@kernel()
def _differences(a: Any, b: Any, c: Any, d: Any, out: Any) -> None:
    for i in range(len(out)):
        out[i] = abs((a[i] - b[i]) - (c[i] - d[i]))


@kernel()
def _typical(bits: Any, sizes: Any, upper: Any, near: Any) -> Any:
    """Return the noise from the absolute differences, by their lower median.

    Radix selection: the upper 16 bits first, then the others.
    """
    _shorten(bits, upper)
    good = _below_short(upper, np.int16(_BAD >> 16))
    if good == 0:
        return np.float32(0)
    rank = (good - 1) // 2
    short = np.int16(0)  # the largest number that no more than `rank` are below: found bit by bit
    for place in range(14, -1, -1):
        trial = np.int16(short | np.int16(1 << place))
        if trial <= np.int16(_BAD >> 16) and _below_short(upper, trial) <= rank:
            short = trial
    rank -= _below_short(upper, short)
    count = 0
    for i in range(len(upper)):
        if upper[i] == short:
            near[count] = bits[i]
            count += 1
    found = np.int32(np.int32(short) << 16)
    for place in range(15, -1, -1):
        trial_all = np.int32(found | np.int32(1 << place))
        if _below(near[:count], trial_all) <= rank:
            found = trial_all
    if found > 0:
        return np.float32(_TO_SIGMA) * np.array([found], dtype=np.int32).view(np.float32)[0]
    square = 0.0
    for i in range(len(sizes)):
        if bits[i] < _BAD:
            square += np.float64(sizes[i]) * np.float64(sizes[i])
    return np.float32(0.5 * np.sqrt(square / good))


@kernel()
def _shorten(bits: Any, upper: Any) -> None:
    for i in range(len(upper)):
        upper[i] = np.int16(bits[i] >> 16)


@kernel()
def _below_short(values: Any, limit: Any) -> Any:
    total = np.int64(0)
    for start in range(0, len(values), 16384):  # as many as a count of 16 bits holds
        total += _count_short(values[start : start + 16384], limit)
    return total


@kernel()
def _count_short(values: Any, limit: Any) -> Any:
    count = np.int16(0)
    for i in range(len(values)):
        count = np.int16(count + np.int16(values[i] < limit))
    return np.int64(count)


@kernel()
def _below(bits: Any, limit: Any) -> Any:
    count = np.int32(0)
    for i in range(len(bits)):
        count += np.int32(bits[i] < limit)
    return count


@kernel()
def _fill(planes: Any) -> None:
    m, ny, nx = planes.shape
    for i in range(m):
        bad = ~np.isfinite(planes[i])
        if not bad.any() or bad.all():
            continue
        for y in range(ny):
            for x in range(nx):
                if bad[y, x]:
                    planes[i, y, x] = _mean_around(planes[i], bad, y, x)


@kernel()
def _mean_around(plane: Any, bad: Any, y: Any, x: Any) -> Any:
    ny, nx = plane.shape
    reach = 1
    while True:
        total, count = 0.0, 0
        for row in range(max(0, y - reach), min(ny, y + reach + 1)):
            for column in range(max(0, x - reach), min(nx, x + reach + 1)):
                if not bad[row, column]:
                    total += plane[row, column]
                    count += 1
        if count:
            return np.float32(total / count)
        reach += 1
