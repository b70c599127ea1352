"""Means of boxes of pixels, and interpolation of bad pixels; the reference of the kernel."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["area_means", "box_means", "filled", "overlaps"]


def box_means(planes: NDArray[np.float32], side: int) -> NDArray[np.float64]:
    """Return the mean of the good pixels of each side x side box, NaN where there is none.

    Boxes start at the first row and column; the last ones are cut short where the image is.
    """
    good = np.isfinite(planes)
    counts = _sums(good.astype(np.float64), side)
    return _sums(np.where(good, planes, 0).astype(np.float64), side) / np.where(
        counts > 0, counts, np.nan
    )


def _sums(values: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    rows = np.add.reduceat(values, np.arange(0, values.shape[1], side), axis=1)
    return np.asarray(np.add.reduceat(rows, np.arange(0, values.shape[2], side), axis=2))


def area_means(planes: NDArray[np.float32], size: int) -> NDArray[np.float64]:
    """Return the area-weighted mean of the good pixels of each of size x size equal parts.

    NaN where there is none.
    """
    good = np.isfinite(planes)
    rows, columns = (overlaps(length, size) for length in planes.shape[1:])
    areas = rows @ good.astype(np.float64) @ columns.T
    sums = rows @ np.where(good, planes, 0).astype(np.float64) @ columns.T
    return np.asarray(sums / np.where(areas > 0, areas, np.nan))


def overlaps(length: int, size: int) -> NDArray[np.float64]:
    """Return the overlap of `length` pixels with `size` equal parts, shape (size, length).

    In units of 1 / size pixel, in which both pixels and parts have whole edges, so that nothing is
    rounded.
    """
    part, pixel = np.arange(size)[:, None], np.arange(length)
    inside = np.minimum((part + 1) * length, (pixel + 1) * size) - np.maximum(
        part * length, pixel * size
    )
    return np.asarray(np.maximum(inside, 0), dtype=np.float64)


def filled(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return planes whose bad pixels take the mean of the good pixels around them.

    The mean is over the smallest box centered on the bad pixel, 3x3, 5x5 and so on, that holds a
    good pixel; pixels filled this way never help to fill others. A plane without any good pixel
    stays as it is.
    """
    bad = ~np.isfinite(planes)
    if not bad.any():
        return planes
    result = planes.copy()
    for plane, y, x in np.argwhere(bad & ~bad.all(axis=(1, 2), keepdims=True)):
        result[plane, y, x] = _mean_around(planes[plane], bad[plane], int(y), int(x))
    return result


def _mean_around(plane: NDArray[np.float32], bad: NDArray[np.bool_], y: int, x: int) -> float:
    reach = 1
    while True:
        box = np.s_[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
        if not bad[box].all():
            good = plane[box][~bad[box]]
            # added one after the other, not pairwise as `mean` does
            return float(good.cumsum(dtype=np.float64)[-1] / len(good))
        reach += 1
