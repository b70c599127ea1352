"""Histograms of uniform local binary patterns; the reference of the kernels.

References
----------
Ojala, Pietikainen and Maenpaa 2002, IEEE Trans. PAMI 24, 971, doi:10.1109/TPAMI.2002.1017623;
Ahonen, Matas, He and Pietikainen 2009, SCIA, doi:10.1007/978-3-642-02230-2_7
"""

import math

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FINE",
    "circle",
    "counts",
    "directed_patterns",
    "pattern_fractions",
    "patterns",
    "positions",
]

FINE = 100_000
"""Steps of a pixel to which the points of a circle are rounded: five decimals, as in scikit-image.
"""


def positions(radius: int) -> list[tuple[int, int]]:
    """Return the 8 * radius points (y, x) of the circle in units of 1 / `FINE` pixels.

    Counter-clockwise from the right; y points down.
    """
    angles = [2 * math.pi * k / (8 * radius) for k in range(8 * radius)]
    return [
        (round(-radius * math.sin(angle) * FINE), round(radius * math.cos(angle) * FINE))
        for angle in angles
    ]


def circle(radius: int) -> list[dict[tuple[int, int], int]]:
    """Return the pixels (dy, dx) that interpolate each of the 8 * radius points, and their weights.

    The weights are bilinear, whole numbers that sum to `FINE` squared, so that they are exactly the
    same for points that a mirror or a turn by 90 degrees exchanges. Pixels without weight are left
    out.
    """
    points = []
    for y, x in positions(radius):
        (y0, fy), (x0, fx) = divmod(y, FINE), divmod(x, FINE)
        uy, ux = FINE - fy, FINE - fx
        corners = {
            (y0, x0): uy * ux,
            (y0, x0 + 1): uy * fx,
            (y0 + 1, x0): fy * ux,
            (y0 + 1, x0 + 1): fy * fx,
        }
        points.append({offset: weight for offset, weight in corners.items() if weight > 0})
    return points


def patterns(planes: NDArray[np.float32], radius: int) -> NDArray[np.intp]:
    """Return each inner pixel's pattern, shape (m, ny - 2 radius, nx - 2 radius).

    A point of the circle is set if the interpolated pixel is not below the center. With at most two
    changes along the circle the pattern is the number of points set, 0 to P = 8 * radius; otherwise
    it is P + 1. A circle that touches a bad pixel, as a point, an interpolation neighbor or the
    center, gets P + 2.

    Notes
    -----
    The comparison is the sign of the weighted sum of the differences from the center, in float64,
    so an equal surrounding is exactly equal: ties are set, and a constant sky changes nothing.
    """
    bits, whole = _bits(planes, radius)
    changes = (bits != np.roll(bits, 1, axis=0)).sum(axis=0)
    pattern = np.where(changes <= 2, bits.sum(axis=0), len(bits) + 1)
    return np.where(whole, pattern, len(bits) + 2)


def directed_patterns(planes: NDArray[np.float32], radius: int) -> NDArray[np.intp]:
    """Return the pattern and direction of each inner pixel.

    The shape is (m, ny - 2 radius, nx - 2 radius). With n of the P = 8 * radius points set, 0 < n <
    P, all in one run that begins, counter-clockwise, at point s, the number is ``1 + (n - 1) P +
    s``; with none set it is 0, with all ``P (P - 1) + 1``, with several runs ``P (P - 1) + 2``; a
    circle that touches a bad pixel gets ``P (P - 1) + 3``.
    """
    bits, whole = _bits(planes, radius)
    count = len(bits)
    begins = bits & ~np.roll(bits, 1, axis=0)
    number = bits.sum(axis=0)
    pattern = 1 + (number - 1) * count + begins.argmax(axis=0)
    pattern = np.where(number == 0, 0, np.where(number == count, count * (count - 1) + 1, pattern))
    pattern = np.where(begins.sum(axis=0) > 1, count * (count - 1) + 2, pattern)
    return np.where(whole, pattern, count * (count - 1) + 3)


def counts(found: NDArray[np.intp], number: int) -> NDArray[np.int64]:
    """Return how often each pattern below `number` occurs in each plane, shape (m, number).

    Others are not counted.
    """
    rows = found.reshape(len(found), -1)
    flat = np.minimum(rows, number) + (number + 1) * np.arange(len(rows))[:, None]
    return (
        np.bincount(flat.ravel(), minlength=len(rows) * (number + 1))
        .reshape(len(rows), -1)[:, :number]
        .astype(np.int64)
    )


def pattern_fractions(planes: NDArray[np.float32], radius: int) -> NDArray[np.float64]:
    """Return the fraction of circles without bad pixels that have each pattern.

    The shape is (m, 8 * radius + 2).
    """
    found = counts(patterns(planes, radius), 8 * radius + 2)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _bits(planes: NDArray[np.float32], radius: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which points are set, and which circles touch no bad pixel.

    The first array has the shape (points, m, rows, columns).
    """
    ny, nx = (side - 2 * radius for side in planes.shape[1:])
    good = np.where(np.isfinite(planes), planes, np.nan).astype(np.float64)

    def shifted(dy: int, dx: int) -> NDArray[np.float64]:
        return good[:, radius + dy : radius + dy + ny, radius + dx : radius + dx + nx]

    center = shifted(0, 0)
    points = circle(radius)
    differences = np.zeros((len(points), *center.shape))
    for difference, point in zip(differences, points, strict=True):
        for offset, weight in point.items():
            difference += weight * (shifted(*offset) - center)
    return differences >= 0, np.asarray(np.isfinite(differences).all(axis=0))
