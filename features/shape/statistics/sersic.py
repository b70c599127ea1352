"""A Sersic profile fitted to the elliptical profile of a galaxy, without a point spread.

Center, axis ratio and position angle stay those of the moments. The mean surface brightness in
rings half a pixel wide (and, within 2.5 pixels, every pixel by itself, the model averaged over it)
is fitted by least squares, each ring weighing by its pixels, as if every pixel had the same noise.
The amplitude is linear and solved for; index and radius take Levenberg's and Marquardt's steps. A
point source in the middle, a Gaussian, is linear too: the projection onto it is taken out of data
and model alike (Golub and Pereyra's variable projection).
"""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel

__all__ = ["fit_sersic", "sersic_b"]

_STEP = 0.5  # width of a ring, pixels
_INNER = 2.5  # pixels from the center within which each pixel is a sample of its own
_SPLIT, _CORE, _CORE_SPLIT = 3, 0.8, 8  # samples along a side of such a pixel; of the innermost
_PIXELS, _CORE_PIXELS = 24, 4  # of them at most
_LEAST, _MOST = 0.1, 10.0  # Sersic indices
_MOST_BENT = 0.3  # of the light in the middle of a sample that its mean may be above
_TRIES = 40
_CLOSE = 1e-4  # relative change of the parameters that ends the search


@kernel()
def sersic_b(n: Any) -> Any:
    """Return b of a Sersic profile, so that half of the light lies within the effective radius.

    Ciotti and Bertin 1999, doi:10.48550/arXiv.astro-ph/9911078, equation 18; below 0.36, MacArthur,
    Courteau and Holtzman 2003, ApJ 582, 689, doi:10.48550/arXiv.astro-ph/0208404.
    """
    if n > 0.36:
        return (
            2 * n
            - 1 / 3
            + 4 / (405 * n)
            + 46 / (25515 * n * n)
            + 131 / (1148175 * n**3)
            - 2194697 / (30690717750 * n**4)
        )
    return 0.01945 - 0.8902 * n + 10.95 * n * n - 19.67 * n**3 + 13.43 * n**4


@kernel()
def _profile(image: Any, whole: Any, shape: Any, end: Any, spread: Any) -> Any:
    """Return samples' log radii and curves, the first of each ring or pixel, means and weights.

    Last are the means of a Gaussian of unit light and that ``spread``, and the number of means.
    """
    ny, nx = image.shape
    xc, yc, ratio, theta = shape
    cos, sin = math.cos(theta), math.sin(theta)
    rings = int(end / _STEP) + 1
    total, room, far = np.zeros(rings), np.zeros(rings), np.zeros(rings)
    most = rings + _PIXELS
    room_for = rings + _PIXELS * _SPLIT * _SPLIT + _CORE_PIXELS * _CORE_SPLIT * _CORE_SPLIT
    logs, curves, first = np.empty(room_for), np.empty(room_for), np.zeros(most + 1, np.int64)
    bent = (1 + 1 / (ratio * ratio)) / 48  # half of it along, half across
    means, weights, points = np.empty(most), np.empty(most), np.zeros(most)
    spreads = np.zeros(rings)
    sharp = 0.5 / (spread * spread) if spread > 0 else 0.0
    norm = sharp / math.pi
    count, samples = 0, 0
    for y in range(ny):
        for x in range(nx):
            if not whole[y, x]:
                continue
            dx, dy = x - xc, y - yc
            along, across = dx * cos + dy * sin, (dy * cos - dx * sin) / ratio
            r = math.sqrt(along * along + across * across)
            if r >= end:
                continue
            if dx * dx + dy * dy >= _INNER * _INNER or count >= _PIXELS:
                ring = int(r / _STEP)
                total[ring] += image[y, x]
                room[ring] += 1
                far[ring] += r
                if spread > 0:
                    spreads[ring] += norm * math.exp(-sharp * (dx * dx + dy * dy))
                continue
            point = 0.0
            split = _CORE_SPLIT if dx * dx + dy * dy < _CORE * _CORE else _SPLIT
            for i in range(split):
                for j in range(split):
                    sx, sy = dx + (j + 0.5) / split - 0.5, dy + (i + 0.5) / split - 0.5
                    along, across = sx * cos + sy * sin, (sy * cos - sx * sin) / ratio
                    squared = max(along * along + across * across, 1e-3)
                    logs[samples] = 0.5 * math.log(squared)
                    curves[samples] = bent / (split * split * squared)
                    samples += 1
                    if spread > 0:
                        point += math.exp(-sharp * (sx * sx + sy * sy))
            points[count] = norm * point / (split * split)
            means[count], weights[count] = image[y, x], 1.0
            count += 1
            first[count] = samples
    for ring in range(rings):
        if room[ring] > 0:
            r = far[ring] / room[ring]
            logs[samples] = math.log(r)
            curves[samples] = (bent + _STEP * _STEP / 24) / (r * r)
            samples += 1
            means[count], weights[count] = total[ring] / room[ring], room[ring]
            points[count] = spreads[ring] / room[ring]
            count += 1
            first[count] = samples
    return logs, curves, first, means, weights, points, count


@kernel()
def _model(
    logs: Any, curves: Any, first: Any, count: Any, log_n: Any, log_r: Any, out: Any
) -> None:
    """Fill ``out`` with the mean profile of the samples of each ring or pixel.

    A sample represents a square, or a ring: where the profile falls like a power of the radius, its
    mean there is that at the middle times one plus that power squared times ``curves``.
    """
    n = math.exp(log_n)
    b = sersic_b(n)
    for k in range(count):
        value = 0.0
        for i in range(first[k], first[k + 1]):
            x = b * math.exp((logs[i] - log_r) / n)
            power = x / n
            value += math.exp(b - x) * (1 + min(power * power * curves[i], _MOST_BENT))
        out[k] = value / (first[k + 1] - first[k])


@kernel()
def _part(values: Any, points: Any, weights: Any, count: Any) -> Any:
    """Return the factor of ``points`` in the weighted projection of values onto them."""
    one, two = 0.0, 0.0
    for k in range(count):
        one += weights[k] * points[k] * values[k]
        two += weights[k] * points[k] * points[k]
    return one / two if two > 0 else 0.0


@kernel()
def _take_out(values: Any, points: Any, weights: Any, count: Any) -> None:
    """Subtract that projection."""
    factor = _part(values, points, weights, count)
    for k in range(count):
        values[k] -= factor * points[k]


@kernel()
def _solved(model: Any, means: Any, weights: Any, count: Any) -> Any:
    """Return the best amplitude and the sum of squares that it leaves."""
    one, two, all_ = 0.0, 0.0, 0.0
    for k in range(count):
        one += weights[k] * model[k] * means[k]
        two += weights[k] * model[k] * model[k]
        all_ += weights[k] * means[k] * means[k]
    amplitude = one / two if two > 0 else 0.0
    return amplitude, max(all_ - amplitude * one, 0.0)


@kernel()
def fit_sersic(
    image: Any, whole: Any, shape: Any, end: Any, n: Any, radius: Any, spread: Any
) -> Any:
    """Fit a Sersic profile, and return index, effective radius, residual and whether all went well.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
    whole : array of float32, shape (ny, nx)
        1 on pixels that are good and belong to no other source.
    shape : (xc, yc, axis ratio, theta)
    end : float
        Semi-major axis up to which it is fitted, pixels.
    n, radius : float
        Where to start.
    spread : float
        Standard deviation of the Gaussian point source, pixels; 0 for none.

    Returns
    -------
    index : float
    effective : float
        Semi-major axis that holds half of the light, pixels.
    residual : float
        The absolute difference from the profile over the profile's absolute light.
    fitted : bool
    point : float
        Light of the point source.
    """
    profile = _profile(image, whole, shape, end, spread)
    logs, curves, first, means, weights, points, count = profile
    if count < 6:
        return np.nan, np.nan, np.nan, False, np.nan
    data = means.copy()
    _take_out(means, points, weights, count)
    here, up, right = np.empty(count), np.empty(count), np.empty(count)
    log_n, log_r = math.log(n), math.log(radius)
    low, high = math.log(_LEAST), math.log(_MOST)
    _model(logs, curves, first, count, log_n, log_r, here)
    _take_out(here, points, weights, count)
    amplitude, least = _solved(here, means, weights, count)
    damping, step, done = 1e-3, 1e-3, False
    for _ in range(_TRIES):
        _model(logs, curves, first, count, log_n + step, log_r, up)
        _take_out(up, points, weights, count)
        _model(logs, curves, first, count, log_n, log_r + step, right)
        _take_out(right, points, weights, count)
        nn, nr, rr, gn, gr = 0.0, 0.0, 0.0, 0.0, 0.0
        above, _ = _solved(up, means, weights, count)
        beside, _ = _solved(right, means, weights, count)
        for k in range(count):
            left = means[k] - amplitude * here[k]
            by_n = (above * up[k] - amplitude * here[k]) / step
            by_r = (beside * right[k] - amplitude * here[k]) / step
            nn += weights[k] * by_n * by_n
            nr += weights[k] * by_n * by_r
            rr += weights[k] * by_r * by_r
            gn += weights[k] * by_n * left
            gr += weights[k] * by_r * left
        better = False
        for _ in range(8):
            a, c = nn * (1 + damping), rr * (1 + damping)
            det = a * c - nr * nr
            if not det > 0:
                break
            to_n, to_r = (c * gn - nr * gr) / det, (a * gr - nr * gn) / det
            to_n, to_r = min(max(to_n, -0.7), 0.7), min(max(to_r, -0.7), 0.7)
            next_n, next_r = min(max(log_n + to_n, low), high), log_r + to_r
            _model(logs, curves, first, count, next_n, next_r, up)
            _take_out(up, points, weights, count)
            trial, sum_left = _solved(up, means, weights, count)
            if sum_left <= least:
                moved = max(abs(next_n - log_n), abs(next_r - log_r))
                better = True
                done = moved < _CLOSE or least - sum_left <= 1e-9 * least
                log_n, log_r, amplitude, least = next_n, next_r, trial, sum_left
                here[:] = up
                damping *= 0.2
                break
            damping *= 5
        if done or not better:
            done = True
            break
    _model(logs, curves, first, count, log_n, log_r, here)
    differs, light = 0.0, 0.0
    for k in range(count):
        data[k] -= amplitude * here[k]
        differs += weights[k] * abs(data[k])
        light += weights[k] * abs(data[k] + amplitude * here[k])
    fitted = done and amplitude > 0 and low < log_n < high and math.exp(log_r) < 4 * end
    residual = differs / light if light > 0 else np.nan
    return math.exp(log_n), math.exp(log_r), residual, fitted, _part(data, points, weights, count)
