"""Histograms of uniform local binary patterns.

References
----------
Ojala, Pietikainen and Maenpaa 2002, IEEE Trans. PAMI 24, 971, doi:10.1109/TPAMI.2002.1017623
"""

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["circle", "pattern_fractions", "patterns"]


def circle(radius: int) -> list[dict[tuple[int, int], float]]:
    """Return the 8 * radius points of the circle, counter-clockwise from the right: for each the pixels (dy, dx) that interpolate it.

    The weights of a point are bilinear and sum to 1; pixels without weight are left out. Positions are rounded to five
    decimals, as in scikit-image.
    """
    count = 8 * radius
    points = []
    for k in range(count):
        angle = 2 * math.pi * k / count
        y, x = round(-radius * math.sin(angle), 5), round(radius * math.cos(angle), 5)
        y0, x0 = math.floor(y), math.floor(x)
        fy, fx = y - y0, x - x0
        corners = {(y0, x0): (1 - fy) * (1 - fx), (y0, x0 + 1): (1 - fy) * fx, (y0 + 1, x0): fy * (1 - fx), (y0 + 1, x0 + 1): fy * fx}
        points.append({offset: weight for offset, weight in corners.items() if weight > 0})
    return points


def patterns(planes: NDArray[np.float32], radius: int) -> NDArray[np.intp]:
    """Return each inner pixel's pattern, shape (m, ny - 2 radius, nx - 2 radius).

    A point of the circle is set if the interpolated pixel is not below the centre. With at most two changes along the circle
    the pattern is the number of points set, 0 to P = 8 * radius; otherwise it is P + 1. A circle that touches a bad pixel,
    as a point, an interpolation neighbour or the centre, gets P + 2.

    Notes
    -----
    The comparison is the sign of the weighted sum of the differences from the centre, in float64, so an equal surrounding is
    exactly equal: ties are set, and a constant sky changes nothing.
    """
    ny, nx = (side - 2 * radius for side in planes.shape[1:])
    good = np.where(np.isfinite(planes), planes, np.nan).astype(np.float64)

    def shifted(dy: int, dx: int) -> NDArray[np.float64]:
        return good[:, radius + dy : radius + dy + ny, radius + dx : radius + dx + nx]

    centre = shifted(0, 0)
    points = circle(radius)
    differences = np.zeros((len(points), *centre.shape))
    for difference, point in zip(differences, points, strict=True):
        for offset, weight in point.items():
            difference += weight * (shifted(*offset) - centre)
    bits = differences >= 0
    changes = (bits != np.roll(bits, 1, axis=0)).sum(axis=0)
    pattern = np.where(changes <= 2, bits.sum(axis=0), len(bits) + 1)
    return np.where(np.isnan(differences).any(axis=0), len(bits) + 2, pattern)


def pattern_fractions(planes: NDArray[np.float32], radius: int) -> NDArray[np.float64]:
    """Return which part of the circles without bad pixels has each pattern, shape (m, 8 * radius + 2)."""
    found = patterns(planes, radius).reshape(len(planes), -1)
    count = 8 * radius + 2
    flat = found + (count + 1) * np.arange(len(found))[:, None]
    counts = np.bincount(flat.ravel(), minlength=len(found) * (count + 1)).reshape(len(found), -1)[:, :count]
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))
