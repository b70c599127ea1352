"""Gray-level co-occurrence matrices; the reference of the kernels.

References
----------
Haralick, Shanmugam and Dinstein 1973, IEEE Trans. SMC 3, 610, doi:10.1109/TSMC.1973.4309314
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["ANGLES", "cooccurrence", "partners"]

Level = TypeVar("Level", bound=np.generic)

ANGLES = ((0, 1), (-1, 1), (-1, 0), (-1, -1))
"""The steps (rows, columns) at 0, 45, 90 and 135 degrees.

The partner at distance d is d steps away, so diagonals are d * sqrt(2) long.
"""


def partners(
    planes: NDArray[Level], step: tuple[int, int]
) -> tuple[NDArray[Level], NDArray[Level]]:
    """Return the pixels that have a partner `step` away, and the partners.

    Both are views of shape (m, ny - |dy|, nx - |dx|).
    """
    dy, dx = step
    ny, nx = planes.shape[1:]
    here = planes[:, max(0, -dy) : ny - max(0, dy), max(0, -dx) : nx - max(0, dx)]
    there = planes[:, max(0, dy) : ny - max(0, -dy), max(0, dx) : nx - max(0, -dx)]
    return here, there


def cooccurrence(
    codes: NDArray[np.intp], count: int, distances: Sequence[int]
) -> NDArray[np.float64]:
    """Return symmetric, normalized co-occurrence matrices.

    Their shape is (m, distances, 4 angles, count, count).

    Parameters
    ----------
    codes : array of int, shape (m, ny, nx)
        Levels 0 to count - 1; pairs with a member of the level `count` (a bad pixel) are left out.
    count : int
        Number of levels.
    distances : sequence of int
        Distances in steps: rows, columns, or both on the diagonals.
    """
    steps = [(distance * dy, distance * dx) for distance in distances for dy, dx in ANGLES]
    counts = np.stack([_counts(*partners(codes, step), count) for step in steps], axis=1)
    symmetric = counts + counts.swapaxes(-1, -2)
    normalized = symmetric / symmetric.sum(axis=(-1, -2), keepdims=True)
    return np.asarray(normalized.reshape(len(codes), len(distances), len(ANGLES), count, count))


def _counts(here: NDArray[np.intp], there: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    side = count + 1
    plane = np.arange(len(here))[:, None, None]
    index = (plane * side + here) * side + there
    table = np.bincount(index.ravel(), minlength=len(here) * side * side)
    return table.reshape(len(here), side, side)[:, :count, :count]
