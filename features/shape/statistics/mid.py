"""Multimode, intensity and deviation (MID), on the segmentation map made for them."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.filters import REFLECT, copy_row, gaussian
from galfeat.features.shape.images.regions import areas_of_regions, grow, region_of_peak
from galfeat.features.shape.images.sorting import argsort_ascending
from galfeat.features.shape.statistics.petrosian import ETA

__all__ = [
    "MARGIN",
    "intensity_and_deviation",
    "mid_segment",
    "multimode",
    "ordered_pixels",
    "those_in",
]

MARGIN = 5
"""Pixels around the source from which on nothing here looks at an image."""

_STEP, _FINEST, _AROUND = 0.02, 5e-4, 0.05  # of the quantiles that are tried for two regions
_SMOOTHING = 1.0  # standard deviation of the Gaussian under the intensity, pixels


@kernel()
def ordered_pixels(image: Any, region: Any) -> Any:
    """Return the values of a region, negative ones as zero, their places and ascending order.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
    region : array of uint8, shape (ny, nx)

    Returns
    -------
    values : array of float32, shape (n,)
    places : array of int32, shape (n,)
        ``y * nx + x``.
    order : array of int32, shape (n,)
        Numbers of the values, the faintest first.
    """
    ny, nx = image.shape
    values, places = np.empty(ny * nx + 1, np.float32), np.empty(ny * nx + 1, np.int32)
    count = np.uint64(0)
    for y in range(ny):
        line, inside = image[y], region[y]
        for x in range(nx):  # what is not inside is written over
            values[count], places[count] = max(line[x], np.float32(0)), y * nx + x
            count += np.uint64(inside[x])
    n = np.int64(count)
    return values[:n], places[:n], argsort_ascending(values[:n])


@kernel()
def those_in(pixels: Any, region: Any) -> Any:
    """Return ordered pixels whose order has none but those in a region."""
    values, places, order = pixels
    kept, inside = np.empty(len(order) + 1, np.int32), region.reshape(-1)
    count = np.uint64(0)
    for k in range(len(order)):
        kept[count] = order[k]
        count += np.uint64(inside[places[order[k]]])
    return values, places, kept[: np.int64(count)]


@kernel()
def _ratio_at(q: Any, values: Any, order: Any, areas: Any, light: Any) -> Any:
    k = int(q * (len(order) - 1))
    value = values[order[k]]
    return (value * areas[k] / light[k] if value > 0 and light[k] > 0 else 0.0) - ETA


@kernel()
def _solve(values: Any, order: Any, areas: Any, light: Any) -> Any:
    """Return the quantile where the ratio crosses, by Brent's method from 0 to 1."""
    before, now = 0.0, 1.0
    f_before = _ratio_at(before, values, order, areas, light)
    f_now = _ratio_at(now, values, order, areas, light)
    other, f_other = 0.0, 0.0
    step, last = 0.0, 0.0
    close = 1.0 / len(order)
    if f_before == 0:
        return before
    for _ in range(100):
        if f_before != 0 and f_now != 0 and (f_before < 0) != (f_now < 0):
            other, f_other = before, f_before
            step = now - before
            last = step
        if abs(f_other) < abs(f_now):
            before, now, other = now, other, now
            f_before, f_now, f_other = f_now, f_other, f_now
        delta = 0.5 * (close + 8.881784197001252e-16 * abs(now))
        half = 0.5 * (other - now)
        if f_now == 0 or abs(half) < delta:
            return now
        if abs(last) > delta and abs(f_now) < abs(f_before):
            if before == other:
                attempt = -f_now * (now - before) / (f_now - f_before)
            else:
                one = (f_before - f_now) / (before - now)
                two = (f_other - f_now) / (other - now)
                attempt = -f_now * (f_other * two - f_before * one)
                attempt /= one * two * (f_other - f_before)
            if 2 * abs(attempt) < min(abs(last), 3 * abs(half) - delta):
                last, step = step, attempt
            else:
                last, step = half, half
        else:
            last, step = half, half
        before, f_before = now, f_now
        if abs(step) > delta:
            now += step
        else:
            now += delta if half > 0 else -delta
        f_now = _ratio_at(now, values, order, areas, light)
    return now


@kernel()
def mid_segment(pixels: Any, region: Any) -> Any:
    """Set ``region`` to the segmentation map of MID, and return its area and a problem.

    The pixels of the main clump above the brightness that is `ETA` times their mean; then those
    with more than half of the 3 x 3 pixels around them in it, as far as connected.

    Parameters
    ----------
    pixels
        The `ordered_pixels` of the source.
    region : array of uint8, shape (ny, nx)
        Where its part is written.

    Returns
    -------
    count : int
        0 where no brightness meets the definition.
    problem : int
        1 if the brightest pixel had to be added.
    """
    ny, nx = region.shape
    values, places, order = pixels
    n = len(order)
    region[:] = 0
    top = order[n - 1]
    for i in range(n):  # the first of the brightest
        if values[i] == values[order[n - 1]]:
            top = i
            break
    areas, light = region_of_peak(values, order, places, region.shape, top)
    if values[top] <= 0 or _ratio_at(0.0, values, order, areas, light) > 0:
        return 0, 0
    q = _solve(values, order, areas, light)
    threshold = values[order[int(q * (n - 1))]]
    above, clump = np.zeros((ny, nx), np.uint8), np.empty((ny, nx), np.uint8)
    flat = above.reshape(-1)
    for i in range(n):
        flat[places[i]] = values[i] >= threshold
    row, column = places[top] // nx, places[top] % nx
    grow(above, row, column, clump)
    sums = np.empty(nx + 2, np.uint8)
    for y in range(ny):
        before, here, after = clump[max(0, y - 1)], clump[y], clump[min(ny - 1, y + 1)]
        for x in range(nx):
            sums[x + 1] = before[x] + here[x] + after[x]
        sums[0], sums[nx + 1] = sums[1], sums[nx]  # mirrored at the edges
        out = above[y]
        for x in range(nx):
            out[x] = sums[x] + sums[x + 1] + sums[x + 2] >= 5
    problem = 0 if above[row, column] else 1
    above[row, column] = 1
    return grow(above, row, column, region), problem


@kernel()
def multimode(pixels: Any, shape: Any, count: Any) -> Any:
    """Return the multimode statistic: area of the second region over that of the first, A2 / A1.

    At the threshold where (A2 / A1) A2 is largest: of 50 quantiles of the source's pixels (more
    where none of them has two regions), and then of all thresholds within a twentieth of the best.
    The largest of all thresholds would often be that of the two brightest pixels. 0 where there is
    but one region at any.

    Parameters
    ----------
    pixels
        The `ordered_pixels` of the region of `mid_segment`.
    shape : (int, int)
        Of the image (ny, nx).
    count : int
        Pixels of the source, of which those not in the region count as the faintest.
    """
    values, places, order = pixels
    largest, second = areas_of_regions(values, order, places, shape)
    faint = count - len(order)
    scores = np.zeros(count, np.float64)
    for k in range(len(order)):
        if values[order[k]] > 0 and second[k] > 0:
            scores[faint + k] = np.float64(second[k]) * second[k] / largest[k]
    step, best, at = _STEP, 0.0, 0.0
    while step >= _FINEST:
        for i in range(math.ceil(1 / step - 1e-9)):
            score = scores[int(i * step * (count - 1))]
            if score > best:
                best, at = score, i * step
        if best > 0:
            break
        step /= 2
    if not best > 0:
        return 0.0
    low = int(max(0.0, at - _AROUND) * (count - 1))
    high = int(min(1.0, at + _AROUND) * (count - 1))
    found = low
    for k in range(low, high + 1):
        if scores[k] > scores[found]:
            found = k
    return np.float64(second[found - faint]) / largest[found - faint]


@kernel()
def intensity_and_deviation(image: Any, region: Any, area: Any) -> Any:
    """Return the intensity and deviation statistics; NaN where there is no peak or no light.

    The image is smoothed a little, and every pixel climbs to the brightest of its neighbors until
    it comes to a peak. Intensity is the light of the second brightest hill over that of the
    brightest; deviation the distance of the brightest hill's peak from the centroid, in radii of a
    circle of the region's area.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
    region : array of uint8, shape (ny, nx)
        See `mid_segment`.
    area : int
        Pixels of the region.
    """
    ny, nx = image.shape
    inside = np.zeros((ny, nx), np.float32)
    total, sum_x, sum_y = 0.0, 0.0, 0.0
    for y in range(ny):
        light, by_x = 0.0, 0.0
        for x in range(nx):
            value = max(image[y, x], np.float32(0)) if region[y, x] else np.float32(0)
            inside[y, x] = value
            light += np.float64(value)
            by_x += np.float64(value) * np.float64(np.int32(x))
        total += light
        sum_x += by_x
        sum_y += light * y
    if not total > 0:
        return np.nan, np.nan
    smooth = gaussian(inside, _SMOOTHING, REFLECT)
    uphill = _uphill(smooth)
    flux = np.zeros(ny * nx, np.float64)
    heights = smooth.reshape(-1)
    for i in range(ny * nx):
        if uphill[i] >= 0:
            j = np.uint64(i)
            while uphill[j] != j:
                j = np.uint64(uphill[j])
            uphill[i] = j
            flux[j] += heights[i]
    first, second, where = 0.0, 0.0, -1
    for y in range(1, ny - 1):
        for x in range(1, nx - 1):
            i = y * nx + x
            if uphill[i] != i:
                continue
            if flux[i] > first:
                first, second, where = flux[i], first, i
            elif flux[i] > second:
                second = flux[i]
    if where < 0:
        return np.nan, np.nan
    dx, dy = where % nx - sum_x / total, where // nx - sum_y / total
    return second / first, math.sqrt(math.pi / area) * math.sqrt(dx * dx + dy * dy)


@kernel()
def _uphill(smooth: Any) -> Any:
    """Return for each pixel with light the place of its brightest neighbor, or its own; else -1."""
    ny, nx = smooth.shape
    wide = nx + 2
    framed = np.zeros((ny + 2) * wide, np.float32)
    for y in range(ny):
        copy_row(smooth[y], framed[(y + 1) * wide + 1 : (y + 1) * wide + 1 + nx])
    uphill = np.empty(ny * nx, np.int32)
    for y in range(ny):
        here, out = framed[(y + 1) * wide + 1 :], uphill[y * nx : (y + 1) * nx]
        above, below = framed[y * wide :], framed[(y + 2) * wide :]
        beside = framed[(y + 1) * wide :]
        for x in range(nx):
            best, step = here[x], np.int32(0)
            step = np.int32(-nx - 1) if above[x] > best else step
            best = max(best, above[x])
            step = np.int32(-nx) if above[x + 1] > best else step
            best = max(best, above[x + 1])
            step = np.int32(1 - nx) if above[x + 2] > best else step
            best = max(best, above[x + 2])
            step = np.int32(-1) if beside[x] > best else step
            best = max(best, beside[x])
            step = np.int32(1) if beside[x + 2] > best else step
            best = max(best, beside[x + 2])
            step = np.int32(nx - 1) if below[x] > best else step
            best = max(best, below[x])
            step = np.int32(nx) if below[x + 1] > best else step
            best = max(best, below[x + 1])
            step = np.int32(nx + 1) if below[x + 2] > best else step
            out[x] = np.int32(y * nx + x) + step if here[x] > 0 else np.int32(-1)
    return uphill
