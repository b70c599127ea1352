"""Rotational asymmetry: differences of a galaxy and itself rotated by 180 degrees.

A half turn about a fixed point moves every pixel by the same fraction of a pixel, so the turned
image is the sum of four shifted copies of the reversed image, with the weights of bilinear
interpolation: it is never resampled. While the center is looked for, the aperture has a soft edge
one pixel wide; the asymmetry at the center takes the exact aperture.
"""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.apertures import row_sums

__all__ = ["asymmetry_center", "reversed_copy", "turned_difference"]

OUTSIDE = 100.0
"""What the asymmetry is about a center outside the image or without light: larger than any."""

_FINE = 0.01  # pixels to which the center is found
_SAME = 3e-4  # to which the asymmetry at the simplex's corners agrees
_MOST = 200  # evaluations


@kernel()
def reversed_copy(image: Any, frame: Any) -> Any:
    """Return a float32 image, turned by half, with a frame one pixel wide of that value."""
    ny, nx = image.shape
    out = np.full((ny + 2, nx + 2), np.float32(frame), np.float32)
    for y in range(ny):
        row, turned = image[ny - 1 - y], out[y + 1]
        for x in range(nx):
            turned[x + 1] = row[nx - 1 - x]
    return out


@kernel(inline=True)
def _offset(center: Any, n: Any) -> Any:
    """Return the shift of the framed reversed row in pixels, and the left neighbor's weight."""
    double = 2 * center
    whole = math.floor(double)
    return n - 1 - whole, double - whole


@kernel()
def _weigh(light: Any, good: Any, dx: Any, dy: Any, radius: Any, sums: Any) -> None:
    """Add the weighted light and area of a row without partner."""
    total, area = np.float32(0), np.float32(0)
    half, one, none = np.float32(0.5), np.float32(1), np.float32(0)
    squared = dy * dy
    for i in range(len(light)):
        x = dx + np.float32(i)
        weight = good[i] * min(one, max(none, radius + half - np.sqrt(x * x + squared)))
        total += weight * abs(light[i])
        area += weight
    sums[0] += total
    sums[1] += total
    sums[2] += area


@kernel()
def _compare(
    light: Any,
    good: Any,
    above: Any,
    below: Any,
    partner: Any,
    fx: Any,
    fy: Any,
    dx: Any,
    dy: Any,
    radius: Any,
    sums: Any,
) -> None:
    """Add a row's weighted light, its difference from the turned image, and its area."""
    total, differs, area = np.float32(0), np.float32(0), np.float32(0)
    half, one, none = np.float32(0.5), np.float32(1), np.float32(0)
    squared = dy * dy
    w00, w01 = fy * fx, fy * (one - fx)
    w10, w11 = (one - fy) * fx, (one - fy) * (one - fx)
    for i in range(len(light)):
        x = dx + np.float32(i)
        weight = min(one, max(none, radius + half - np.sqrt(x * x + squared)))
        weight *= good[i] * partner[i]
        turned = w00 * above[i] + w01 * above[i + 1] + w10 * below[i] + w11 * below[i + 1]
        total += weight * abs(light[i])
        differs += weight * abs(light[i] - turned)
        area += weight
    sums[0] += total
    sums[1] += differs
    sums[2] += area


@kernel()
def _differs(light: Any, above: Any, below: Any, fx: Any, fy: Any) -> Any:
    """Return the sum of a row's differences from the turned image."""
    total = np.float32(0)
    one = np.float32(1)
    w00, w01 = fy * fx, fy * (one - fx)
    w10, w11 = (one - fy) * fx, (one - fy) * (one - fx)
    for i in range(len(light)):
        turned = w00 * above[i] + w01 * above[i + 1] + w10 * below[i] + w11 * below[i + 1]
        total += abs(light[i] - turned)
    return total


@kernel()
def _soft_sums(
    image: Any,
    good: Any,
    sizes: Any,
    turned: Any,
    partners: Any,
    xc: Any,
    yc: Any,
    radius: Any,
    sums: Any,
) -> None:
    """Fill ``sums`` with light, difference and area within a soft circle.

    Where all pixels are good, the middle of a row, of weight one, takes its light from ``sizes``.
    """
    ny, nx = image.shape
    ox, fx = _offset(xc, nx)
    oy, fy = _offset(yc, ny)
    left_weight, top_weight = np.float32(fx), np.float32(fy)
    # the nearest partner is the right one of two where the left weighs less than half
    mx, my = ox + (0 if fx >= 0.5 else 1), oy + (0 if fy >= 0.5 else 1)
    sums[:] = 0
    unmasked = len(sizes) == ny
    reach, limit = radius + 0.5, np.float32(radius)
    core = max(radius - 0.5, 0.0)
    first, last = max(0, math.ceil(yc - reach)), min(ny, math.floor(yc + reach) + 1)
    for y in range(first, last):
        dy = y - yc
        wide = math.sqrt(max(reach * reach - dy * dy, 0.0))
        left, right = max(0, math.ceil(xc - wide)), min(nx, math.floor(xc + wide) + 1)
        if right <= left:
            continue
        row, fine, across = image[y], good[y], np.float32(dy)
        start, stop = max(left, -ox), min(right, nx + 1 - ox)  # where both neighbors are framed
        if not 0 <= y + oy < ny + 1 or stop <= start:
            _weigh(row[left:right], fine[left:right], np.float32(left - xc), across, limit, sums)
            continue
        above, below, partner = turned[y + oy], turned[y + oy + 1], partners[y + my]
        if left < start:
            _weigh(row[left:start], fine[left:start], np.float32(left - xc), across, limit, sums)
        near, far = stop, stop  # columns of weight one
        if unmasked and core * core > dy * dy:
            wide = math.sqrt(core * core - dy * dy)
            near = min(max(math.ceil(xc - wide), start), stop)
            far = min(max(math.floor(xc + wide) + 1, near), stop)
            sums[0] += sizes[y, far] - sizes[y, near]
            sums[2] += far - near
            sums[1] += _differs(
                row[near:far],
                above[near + ox : far + ox + 1],
                below[near + ox : far + ox + 1],
                left_weight,
                top_weight,
            )
        for part in range(2):
            begin, end = (start, near) if part == 0 else (far, stop)
            if end > begin:
                _compare(
                    row[begin:end],
                    fine[begin:end],
                    above[begin + ox : end + ox + 1],
                    below[begin + ox : end + ox + 1],
                    partner[begin + mx : end + mx],
                    left_weight,
                    top_weight,
                    np.float32(begin - xc),
                    across,
                    limit,
                    sums,
                )
        if stop < right:
            _weigh(row[stop:right], fine[stop:right], np.float32(stop - xc), across, limit, sums)


@kernel()
def _apart(light: Any, above: Any, below: Any, fx: Any, fy: Any, out: Any) -> None:
    """Fill ``out`` with a row's differences from the turned image."""
    one = np.float32(1)
    w00, w01 = fy * fx, fy * (one - fx)
    w10, w11 = (one - fy) * fx, (one - fy) * (one - fx)
    for i in range(len(light)):
        turned = w00 * above[i] + w01 * above[i + 1] + w10 * below[i] + w11 * below[i + 1]
        out[i] = abs(light[i] - turned)


@kernel()
def turned_difference(image: Any, turned: Any, good: Any, masked: Any, xc: Any, yc: Any) -> Any:
    """Return row sums of the light, of its difference from itself turned, and of good pixels.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
        Bad pixels are zero.
    turned : array of float32, shape (ny + 2, nx + 2)
        See `reversed_copy`.
    good : array of float32, shape (ny, nx)
        1 on good pixels.
    masked : bool
    xc, yc : float
        Center of the turn, pixels.

    Returns
    -------
    light, difference, room : array, shape (ny, nx + 1)
        Pixels that are bad, or whose partner is, count nowhere.
    """
    ny, nx = image.shape
    ox, fx = _offset(xc, nx)
    oy, fy = _offset(yc, ny)
    light = np.empty((ny, nx + 1), np.float64)
    difference = np.empty((ny, nx + 1), np.float64)
    room = np.empty((ny, nx + 1) if masked else (1, 1), np.float64)
    sizes, apart = np.empty(nx, np.float32), np.empty(nx, np.float32)
    start, stop = min(max(0, -ox), nx), max(min(nx, nx + 1 - ox), 0)
    for y in range(ny):
        row, here = image[y], y + oy
        for x in range(nx):
            sizes[x] = abs(row[x])
            apart[x] = sizes[x]  # where nothing turns onto it
        if 0 <= here <= ny and stop > start:
            _apart(
                row[start:stop],
                turned[here, start + ox : stop + ox + 1],
                turned[here + 1, start + ox : stop + ox + 1],
                np.float32(fx),
                np.float32(fy),
                apart[start:stop],
            )
        if masked:
            py = math.floor(2 * yc - y + 0.5)
            three = 0.0
            room[y, 0] = 0.0
            for x in range(nx):
                counts = good[y, x]
                px = math.floor(2 * xc - x + 0.5)
                if 0 <= px < nx and 0 <= py < ny:
                    counts *= good[py, px]
                sizes[x] *= counts
                apart[x] *= counts
                three += counts
                room[y, x + 1] = three
        one, two = 0.0, 0.0
        light[y, 0] = 0.0
        difference[y, 0] = 0.0
        for x in range(nx):
            one += sizes[x]
            two += apart[x]
            light[y, x + 1] = one
            difference[y, x + 1] = two
    return light, difference, room


@kernel()
def _about(
    image: Any,
    good: Any,
    sizes: Any,
    turned: Any,
    partners: Any,
    xc: Any,
    yc: Any,
    radius: Any,
    sky: Any,
    sums: Any,
) -> Any:
    ny, nx = image.shape
    if not (0 <= xc < nx and 0 <= yc < ny):
        return OUTSIDE
    _soft_sums(image, good, sizes, turned, partners, xc, yc, radius, sums)
    return (sums[1] - sums[2] * sky) / sums[0] if sums[0] > 0 else OUTSIDE


@kernel()
def asymmetry_center(
    image: Any,
    good: Any,
    masked: Any,
    turned: Any,
    partners: Any,
    x0: Any,
    y0: Any,
    radius: Any,
    sky: Any,
) -> Any:
    """Return the center about which the asymmetry within a circle is least, by Nelder and Mead.

    Parameters
    ----------
    image, good, masked, turned
        See `turned_difference`.
    partners : array of float32, shape (ny + 2, nx + 2)
        The `reversed_copy` of ``good``, in a frame of ones.
    x0, y0 : float
        Where to start; the other corners of the first simplex lie 5 % further from pixel 0.
    radius : float
        Of the aperture, which moves with the center, pixels.
    sky : float
        Asymmetry of the background, per pixel.
    """
    ny, nx = image.shape
    sizes = np.empty((1, 1) if masked else (ny, nx + 1), np.float64)
    if not masked:
        row_sums(np.abs(image), sizes)
    sums = np.zeros(3, np.float64)
    px, py, value = np.empty(3), np.empty(3), np.empty(3)
    for k in range(3):
        px[k], py[k] = x0, y0
    px[1] = x0 * 1.05 if x0 != 0 else 0.00025
    py[2] = y0 * 1.05 if y0 != 0 else 0.00025
    for k in range(3):
        value[k] = _about(image, good, sizes, turned, partners, px[k], py[k], radius, sky, sums)
    for _ in range(_MOST):
        for i in range(1, 3):  # best first
            for j in range(i, 0, -1):
                if value[j] < value[j - 1]:
                    value[j], value[j - 1] = value[j - 1], value[j]
                    px[j], px[j - 1] = px[j - 1], px[j]
                    py[j], py[j - 1] = py[j - 1], py[j]
        spread = max(abs(px[1] - px[0]), abs(px[2] - px[0]))
        spread = max(spread, abs(py[1] - py[0]), abs(py[2] - py[0]))
        if spread <= _FINE and max(value[1] - value[0], value[2] - value[0]) <= _SAME:
            break
        mx, my = 0.5 * (px[0] + px[1]), 0.5 * (py[0] + py[1])
        rx, ry = 2 * mx - px[2], 2 * my - py[2]
        reflected = _about(image, good, sizes, turned, partners, rx, ry, radius, sky, sums)
        shrink = False
        if reflected < value[0]:
            ex, ey = 3 * mx - 2 * px[2], 3 * my - 2 * py[2]
            expanded = _about(image, good, sizes, turned, partners, ex, ey, radius, sky, sums)
            if expanded < reflected:
                px[2], py[2], value[2] = ex, ey, expanded
            else:
                px[2], py[2], value[2] = rx, ry, reflected
        elif reflected < value[1]:
            px[2], py[2], value[2] = rx, ry, reflected
        else:
            part = 0.5 if reflected < value[2] else -0.5
            cx, cy = mx + part * (mx - px[2]), my + part * (my - py[2])
            contracted = _about(image, good, sizes, turned, partners, cx, cy, radius, sky, sums)
            limit = reflected if part > 0 else value[2]
            if (part > 0 and contracted <= limit) or (part < 0 and contracted < limit):
                px[2], py[2], value[2] = cx, cy, contracted
            else:
                shrink = True
        if shrink:
            for k in range(1, 3):
                px[k], py[k] = 0.5 * (px[0] + px[k]), 0.5 * (py[0] + py[k])
                value[k] = _about(
                    image, good, sizes, turned, partners, px[k], py[k], radius, sky, sums
                )
    best = 0
    for k in range(1, 3):
        if value[k] < value[best]:
            best = k
    return px[best], py[best], value[best]
