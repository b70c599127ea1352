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
from galfeat.features.shape.images.filters import copy_row

__all__ = ["asymmetry_center", "half_turns", "margin_of", "reversed_copy", "turned_difference"]

OUTSIDE = 100.0
"""What the asymmetry is about a center outside the image or without light: larger than any."""

_FINE = 0.01  # pixels to which the center is found
_SAME = 3e-4  # to which the asymmetry at the simplex's corners agrees
_MOST = 200  # evaluations
_LANES = 16  # columns that are measured together: rows are lengthened to a multiple, of no weight


@kernel()
def margin_of(radius: Any, nx: Any) -> Any:
    """Return the columns beside a reversed image that the search within a radius looks at."""
    return min(math.ceil(radius) + 2, nx) + 2 + _LANES


@kernel()
def reversed_copy(image: Any, frame: Any, margin: Any) -> Any:
    """Return a float32 image, turned by half, framed by a row and ``margin`` columns of a value."""
    ny, nx = image.shape
    out = np.full((ny + 2, nx + 2 * margin), np.float32(frame), np.float32)
    for y in range(ny):
        row, turned = image[ny - 1 - y], out[y + 1, margin : margin + nx]
        for x in range(nx):
            turned[x] = row[nx - 1 - x]
    return out


@kernel(inline=True)
def _offset(center: Any, n: Any) -> Any:
    """Return the shift of the reversed row in pixels, and the left neighbor's weight.

    The right neighbor lies at that shift in a row without margin.
    """
    double = 2 * center
    whole = math.floor(double)
    return n - 1 - whole, double - whole


@kernel()
def half_turns(image: Any, good: Any, masked: Any, radius: Any) -> Any:
    """Return what `asymmetry_center` compares: images in rows that are lengthened alike.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
        Bad pixels are zero.
    good : array of float32, shape (ny, nx)
        1 on good pixels.
    masked : bool
        Whether any pixel is bad.
    radius : float
        Of the aperture, pixels.

    Returns
    -------
    light, fine : array of float32, shape (ny, nx + lanes)
        The image and its good pixels, zeros behind them; of ``fine`` one row where all are good.
    turned, partners : array of float32, shape (ny + 2, nx + 2 * margin)
        The reversed copies; of ``partners`` one row of ones where all are good.
    ramp : array of float32, shape (nx + lanes,)
        Numbers of the columns.
    """
    ny, nx = image.shape
    margin, wide = margin_of(radius, nx), nx + _LANES
    light = np.zeros((ny, wide), np.float32)
    fine = np.zeros((ny if masked else 1, wide), np.float32)
    for y in range(ny):
        copy_row(image[y], light[y, :nx])
    for y in range(len(fine)):
        copy_row(good[y], fine[y, :nx])
    turned = reversed_copy(image, 0.0, margin)
    if masked:
        partners = reversed_copy(good, 1.0, margin)
    else:
        partners = np.ones((1, nx + 2 * margin), np.float32)
    ramp = np.empty(wide, np.float32)
    for x in range(wide):
        ramp[x] = x
    return light, fine, turned, partners, ramp


@kernel()
def _soft_sums(turns: Any, nx: Any, xc: Any, yc: Any, radius: Any) -> Any:
    """Return light, difference and area within a soft circle."""
    light, fine, turned, partners, ramp = turns
    ny, wide, long = len(light), light.shape[1], turned.shape[1]
    margin = (long - nx) // 2
    ox, fx = _offset(xc, nx)
    oy, fy = _offset(yc, ny)
    one, none, half = np.float32(1), np.float32(0), np.float32(0.5)
    by_x, by_y = np.float32(fx), np.float32(fy)
    w00, w01 = by_y * by_x, by_y * (one - by_x)
    w10, w11 = (one - by_y) * by_x, (one - by_y) * (one - by_x)
    # the nearest partner is the right one of two where the left weighs less than half
    mx, my = ox + (0 if fx >= 0.5 else 1), oy + (0 if fy >= 0.5 else 1)
    reach, edge, middle = radius + 0.5, np.float32(radius) + half, np.float32(xc)
    left, right = max(0, math.ceil(xc - reach)), min(nx, math.floor(xc + reach) + 1)
    length = np.uint64((max(right - left, 0) + _LANES - 1) // _LANES * _LANES)
    lights, fines, turneds = light.reshape(-1), fine.reshape(-1), turned.reshape(-1)
    partnereds, start = partners.reshape(-1), np.uint64(left)
    total, differs, area = 0.0, 0.0, 0.0
    for y in range(max(0, math.ceil(yc - reach)), min(ny, math.floor(yc + reach) + 1)):
        squared = np.float32((y - yc) * (y - yc))
        at = np.uint64(y * wide + left)
        good = np.uint64((y * wide if len(fine) > 1 else 0) + left)
        above = np.uint64(min(max(y + oy, 0), ny + 1) * long + left + ox + margin - 1)
        below = np.uint64(min(max(y + oy + 1, 0), ny + 1) * long + left + ox + margin - 1)
        row = min(max(y + my, 0), ny + 1) if len(partners) > 1 else 0
        partner = np.uint64(row * long + left + mx + margin - 1)
        some, apart, room = np.float32(0), np.float32(0), np.float32(0)
        for i in range(length):
            x = ramp[start + i] - middle
            weight = min(one, max(none, edge - np.sqrt(x * x + squared)))
            weight *= fines[good + i] * partnereds[partner + i]
            mixed = w00 * turneds[above + i] + w01 * turneds[above + i + np.uint64(1)]
            mixed += w10 * turneds[below + i] + w11 * turneds[below + i + np.uint64(1)]
            value = lights[at + i]
            some += weight * abs(value)
            apart += weight * abs(value - mixed)
            room += weight
        total += np.float64(some)
        differs += np.float64(apart)
        area += np.float64(room)
    return total, differs, area


@kernel()
def _mix(above: Any, below: Any, fx: Any, fy: Any, out: Any) -> None:
    """Subtract a row of the turned image from ``out``."""
    one = np.float32(1)
    w00, w01 = fy * fx, fy * (one - fx)
    w10, w11 = (one - fy) * fx, (one - fy) * (one - fx)
    for i in range(len(out)):
        out[i] -= w00 * above[i] + w01 * above[i + 1] + w10 * below[i] + w11 * below[i + 1]


@kernel()
def turned_difference(
    image: Any, turned: Any, good: Any, partners: Any, xc: Any, yc: Any, out: Any
) -> None:
    """Fill ``out`` with the size of the light, of its difference from itself turned, and the area.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
        Bad pixels are zero.
    turned : array of float32, shape (ny + 2, nx + 2 * margin)
        See `reversed_copy`.
    good : array of float32, shape (ny, nx)
        1 on good pixels.
    partners : array of float32, shape (ny + 2, nx + 2 * margin)
        Its reversed copy; one row where all are good.
    xc, yc : float
        Center of the turn, pixels.
    out : array of float32, shape (3, ny, nx)
        Zero on pixels that are bad, or whose partner is.
    """
    ny, nx = image.shape
    margin = (turned.shape[1] - nx) // 2
    ox, fx = _offset(xc, nx)
    oy, fy = _offset(yc, ny)
    mx, my = ox + (0 if fx >= 0.5 else 1), oy + (0 if fy >= 0.5 else 1)
    size, apart, room = out[0], out[1], out[2]
    start, stop = min(max(0, -ox), nx), max(min(nx, nx + 1 - ox), 0)
    for y in range(ny):
        here, row, line, counts = y + oy, apart[y], image[y], room[y]
        copy_row(line, row)  # where nothing turns onto it
        if 0 <= here <= ny and stop > start:
            left, right = start + ox + margin - 1, stop + ox + margin
            _mix(
                turned[here, left:right],
                turned[here + 1, left:right],
                np.float32(fx),
                np.float32(fy),
                row[start:stop],
            )
        copy_row(good[y], counts)
        if len(partners) > 1 and 0 <= y + my <= ny + 1 and stop > start:
            some, left = counts[start:stop], start + mx + margin - 1
            partner = partners[y + my, left : left + stop - start]
            for x in range(len(some)):
                some[x] *= partner[x]
        light = size[y]
        for x in range(nx):
            light[x] = abs(line[x]) * counts[x]
            row[x] = abs(row[x]) * counts[x]


@kernel()
def _about(turns: Any, nx: Any, xc: Any, yc: Any, radius: Any, sky: Any) -> Any:
    if not (0 <= xc < nx and 0 <= yc < len(turns[0])):
        return OUTSIDE
    total, differs, area = _soft_sums(turns, nx, xc, yc, radius)
    return (differs - area * sky) / total if total > 0 else OUTSIDE


@kernel()
def asymmetry_center(turns: Any, nx: Any, x0: Any, y0: Any, radius: Any, sky: Any) -> Any:
    """Return the center about which the asymmetry within a circle is least, by Nelder and Mead.

    Parameters
    ----------
    turns
        The `half_turns` of the image, for a radius that is not smaller.
    nx : int
        Columns of the image.
    x0, y0 : float
        Where to start; the other corners of the first simplex lie 5 % further from pixel 0.
    radius : float
        Of the aperture, which moves with the center, pixels.
    sky : float
        Asymmetry of the background, per pixel.
    """
    px, py, value = np.empty(3), np.empty(3), np.empty(3)
    for k in range(3):
        px[k], py[k] = x0, y0
    px[1] = x0 * 1.05 if x0 != 0 else 0.00025
    py[2] = y0 * 1.05 if y0 != 0 else 0.00025
    for k in range(3):
        value[k] = _about(turns, nx, px[k], py[k], radius, sky)
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
        reflected = _about(turns, nx, rx, ry, radius, sky)
        shrink = False
        if reflected < value[0]:
            ex, ey = 3 * mx - 2 * px[2], 3 * my - 2 * py[2]
            expanded = _about(turns, nx, ex, ey, radius, sky)
            if expanded < reflected:
                px[2], py[2], value[2] = ex, ey, expanded
            else:
                px[2], py[2], value[2] = rx, ry, reflected
        elif reflected < value[1]:
            px[2], py[2], value[2] = rx, ry, reflected
        else:
            part = 0.5 if reflected < value[2] else -0.5
            cx, cy = mx + part * (mx - px[2]), my + part * (my - py[2])
            contracted = _about(turns, nx, cx, cy, radius, sky)
            limit = reflected if part > 0 else value[2]
            if (part > 0 and contracted <= limit) or (part < 0 and contracted < limit):
                px[2], py[2], value[2] = cx, cy, contracted
            else:
                shrink = True
        if shrink:
            for k in range(1, 3):
                px[k], py[k] = 0.5 * (px[0] + px[k]), 0.5 * (py[0] + py[k])
                value[k] = _about(turns, nx, px[k], py[k], radius, sky)
    best = 0
    for k in range(1, 3):
        if value[k] < value[best]:
            best = k
    return px[best], py[best], value[best]
