"""Aperture photometry: sums of light in circles and ellipses, exact along rows.

An image is a step function, constant within each pixel. Its integral over an ellipse is, row by
row, the integral over y of the light between the two ends of the chord; the light along a row comes
from cumulative sums without error, and the integral over y takes Gauss-Legendre points. Towards the
two poles, where the chord shrinks like a square root, the points are spaced in its root. Photutils'
``method="exact"`` gives the same sums to about one part in 10,000.
"""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel

__all__ = ["coverage", "ellipse_sums", "row_sums", "weighted"]

# abscissas and weights of Gauss-Legendre on (0, 1)
_X0, _X1, _X2, _X3 = 0.0694318442, 0.3300094782, 0.6699905218, 0.9305681558
_W0, _W1 = 0.1739274226, 0.3260725774
_Y0, _Y1 = 0.2113248654, 0.7886751346  # the same, two points
_NEAR = 2.0  # pixels from a pole within which points are spaced in the root


@kernel()
def row_sums(image: Any, sums: Any) -> None:
    """Fill ``sums``, shape (ny, nx + 1), with the cumulative sums of each row of ``image``."""
    ny, nx = image.shape
    for y in range(ny):
        row, out = image[y], sums[y]
        total = 0.0
        out[0] = 0.0
        for x in range(nx):
            total += row[x]
            out[x + 1] = total


@kernel()
def _chords(ny: Any, nx: Any, xc: Any, yc: Any, a: Any, b: Any, theta: Any, nodes: Any) -> Any:
    """Fill ``nodes`` with rows, weights, left and right ends of an ellipse's chords.

    Parameters
    ----------
    ny, nx : int
        Of the image, in which the chords end.
    xc, yc, a, b, theta : float
        See `ellipse_sums`.
    nodes : array of float64, shape (4 * m,)
        ``m = 2 * ny + 32`` is enough for each of the four.

    Returns
    -------
    count : int
        Chords.
    """
    most = np.uint64(len(nodes) // 4)
    cos, sin = math.cos(theta), math.sin(theta)
    aa, bb = 1 / (a * a), 1 / (b * b)
    xx = cos * cos * aa + sin * sin * bb
    xy = cos * sin * (aa - bb)
    root = aa * bb
    tall = math.sqrt(xx / root)
    slope, scale = -xy / xx, 1 / xx
    x0, y0 = xc + 0.5, yc + 0.5
    low, high = y0 - tall, y0 + tall
    start, stop = max(0, math.floor(low)), min(ny, math.ceil(high))
    inner = min(max(math.ceil(low + _NEAR), start), stop)  # rows far from either pole
    outer = max(min(math.floor(high - _NEAR), stop), inner)
    middle = min(max(math.floor(y0), inner), outer)  # of them, the row that the center cuts
    count = _whole_rows(nodes, most, np.uint64(0), inner, middle, y0)
    count = _whole_rows(nodes, most, count, min(middle + 1, outer), outer, y0)
    for y in range(start, stop):
        if inner <= y < outer and y != middle:
            continue
        for half in range(2):  # below the center, then above it
            lo, hi = (
                (max(low, float(y)), min(y0, y + 1.0))
                if half == 0
                else (
                    max(y0, float(y)),
                    min(high, y + 1.0),
                )
            )
            if hi <= lo:
                continue
            side = -1.0 if half == 0 else 1.0
            near, far = (lo - low, hi - low) if half == 0 else (high - hi, high - lo)
            near = max(near, 0.0)
            by_root = near < _NEAR
            if by_root:
                near, far = math.sqrt(near), math.sqrt(far)
            span = far - near
            for k in range(4 if by_root else 2):
                nodes[count] = y
                if by_root:
                    at = _X0 if k == 0 else (_X1 if k == 1 else (_X2 if k == 2 else _X3))
                    gap = near + span * at
                    weight = (_W0 if k == 0 or k == 3 else _W1) * span * 2 * gap
                    gap *= gap
                else:
                    gap, weight = near + span * (_Y0 if k == 0 else _Y1), 0.5 * span
                nodes[most + count] = weight
                nodes[2 * most + count] = side * (tall - gap)
                count += np.uint64(1)
    for j in range(count):
        dy = nodes[2 * most + j]
        wide = scale * math.sqrt(max(xx - root * dy * dy, 0.0))
        center = x0 + slope * dy
        nodes[2 * most + j] = min(max(center - wide, 0.0), float(nx))
        nodes[3 * most + j] = min(max(center + wide, 0.0), float(nx))
    return count


@kernel()
def _whole_rows(nodes: Any, most: Any, count: Any, start: Any, stop: Any, y0: Any) -> Any:
    """Add two chords for each row; return how many there are then."""
    for k in range(2):
        first = np.float64(start - y0) + (_Y0 if k == 0 else _Y1)
        for i in range(np.uint64(max(stop - start, 0))):
            nodes[count + i] = np.float64(start) + np.float64(np.int32(i))
            nodes[most + count + i] = 0.5
            nodes[2 * most + count + i] = first + np.float64(np.int32(i))
        count += np.uint64(max(stop - start, 0))
    return count


@kernel(inline=True)
def _up_to(flat: Any, row: Any, nx: Any, x: Any) -> Any:
    """Return the light of a row up to ``x``, from its cumulative sums."""
    i = min(np.int64(x), nx - 1)
    at = np.uint64(row * (nx + 1) + i)
    return flat[at] + (x - i) * (flat[at + np.uint64(1)] - flat[at])


@kernel()
def ellipse_sums(
    light: Any, good: Any, masked: Any, xc: Any, yc: Any, a: Any, b: Any, theta: Any
) -> Any:
    """Return the light and the area in pixels within an ellipse, of good pixels inside the image.

    Parameters
    ----------
    light, good : array, shape (ny, nx + 1)
        Row sums of the image, bad pixels being zero, and of the mask of good pixels.
    masked : bool
        Whether any pixel is bad; if not, ``good`` is not looked at.
    xc, yc : float
        Center; the middle of the first pixel is (0, 0).
    a, b : float
        Semi-axes, pixels.
    theta : float
        Angle from the x axis towards the y axis of the semi-axis ``a``, radians.
    """
    if a <= 0 or b <= 0:
        return 0.0, 0.0
    ny, nx = light.shape[0], light.shape[1] - 1
    nodes = np.empty(4 * (2 * ny + 32), np.float64)
    most = np.uint64(2 * ny + 32)
    count = _chords(ny, nx, xc, yc, a, b, theta, nodes)
    flat = light.reshape(-1)
    total, area = 0.0, 0.0
    for j in range(count):
        row, left, right = np.int64(nodes[j]), nodes[2 * most + j], nodes[3 * most + j]
        total += nodes[most + j] * (_up_to(flat, row, nx, right) - _up_to(flat, row, nx, left))
    if masked:
        fine = good.reshape(-1)
        for j in range(count):
            row, left, right = np.int64(nodes[j]), nodes[2 * most + j], nodes[3 * most + j]
            area += nodes[most + j] * (_up_to(fine, row, nx, right) - _up_to(fine, row, nx, left))
    else:
        for j in range(count):
            area += nodes[most + j] * (nodes[3 * most + j] - nodes[2 * most + j])
    return total, area


@kernel()
def coverage(weights: Any, factor: Any, xc: Any, yc: Any, a: Any, b: Any, theta: Any) -> Any:
    """Add to ``weights`` the part of each pixel that lies in an ellipse, times a factor.

    Sums weighed by it are those of `ellipse_sums`: of use where an aperture serves several images,
    or an image has one aperture only.

    Parameters
    ----------
    weights : array of float32, shape (ny, nx)
    factor : float
    xc, yc, a, b, theta : float
        See `ellipse_sums`.

    Returns
    -------
    first, last : int
        Rows from and to (exclusive) which pixels lie in the ellipse.
    """
    ny, nx = weights.shape
    first_row: Any = ny
    last_row: Any = 0
    if a <= 0 or b <= 0:
        return first_row, last_row
    nodes = np.empty(4 * (2 * ny + 32), np.float64)
    most = np.uint64(2 * ny + 32)
    count = _chords(ny, nx, xc, yc, a, b, theta, nodes)
    one, none = np.float32(1), np.float32(0)
    for j in range(count):
        left, right, y = nodes[2 * most + j], nodes[3 * most + j], np.int64(nodes[j])
        first_row, last_row = min(first_row, y), max(last_row, y + 1)
        first = int(left)
        row = weights[y, first : math.ceil(right)]
        start, stop = np.float32(left - first), np.float32(right - first)
        part = np.float32(factor * nodes[most + j])
        for i in range(len(row)):
            x = np.float32(i)
            inside = min(one, max(none, stop - x)) - min(one, max(none, start - x))
            row[i] += part * inside
    return first_row, last_row


@kernel()
def weighted(weights: Any, image: Any, rows: Any) -> Any:
    """Return the sum of some rows of a float32 image, each pixel times its weight."""
    total = 0.0
    nx = image.shape[1]
    for y in range(rows[0], rows[1]):
        one, two, part = weights[y], image[y], np.float32(0)
        for x in range(nx):
            part += one[x] * two[x]
        total += np.float64(part)
    return total
