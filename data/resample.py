"""Bring an image to another grid without inventing or losing light.

Both functions work on one 2-D image, keep its unit a surface brightness (the mean is preserved, not the sum), and know bad pixels
as pixels that are not finite.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

__all__ = ["area_resample", "centred", "overlaps"]


def centred(image: NDArray[np.floating], size: int) -> NDArray[np.floating]:
    """Return the central part of an image, at most `size` pixels along each of its last two axes.

    Parameters
    ----------
    image : array, shape (..., ny, nx)
    size : int
        Pixels wanted along an axis; a shorter axis stays as it is.

    Returns
    -------
    array, shape (..., min(ny, size), min(nx, size))
        A view. Where an odd number of pixels is cut off, the last row (column) is one of them: the centre then lies half a pixel
        further on, the price of not interpolating.
    """
    ny, nx = image.shape[-2:]
    top, left = max(ny - size, 0) // 2, max(nx - size, 0) // 2
    return image[..., top : top + size, left : left + size]


@lru_cache(maxsize=64)
def overlaps(native: int, size: int) -> csr_array:
    """Return how much of each new pixel each old pixel covers, along one axis.

    Parameters
    ----------
    native : int
        Old pixels along the axis.
    size : int
        New pixels along the same length.

    Returns
    -------
    csr_array of float64, shape (size, native)
        Fractions of the new pixel; every row sums to one.
    """
    edges = np.arange(size + 1) * native / size
    old = np.arange(native)
    shared = np.minimum(edges[1:, None], old + 1) - np.maximum(edges[:-1, None], old)
    return csr_array(np.clip(shared, 0, None) * (size / native))


def area_resample(image: NDArray[np.floating], size: int, needed: float = 0.5) -> NDArray[np.float64]:
    """Average an image over the pixels of another grid, by the exact area that old and new pixels share.

    A new pixel is the mean of what it covers, each old pixel weighing by the area shared; bad pixels are left out of both sums. It is
    used downwards and upwards (then a new pixel mostly repeats the old one that it lies in).

    Parameters
    ----------
    image : array, shape (ny, nx)
        Values that are not finite are bad.
    size : int
        Side of the new image, pixels.
    needed : float
        The part of a new pixel that must be good for it to be good, in (0, 1].

    Returns
    -------
    array of float64, shape (size, size)
        NaN where too little is good.
    """
    rows, columns = overlaps(image.shape[0], size), overlaps(image.shape[1], size)
    good = np.isfinite(image)
    if good.all():
        return _both_axes(image.astype(np.float64), rows, columns)
    light = _both_axes(np.where(good, image, 0).astype(np.float64), rows, columns)
    area = _both_axes(good.astype(np.float64), rows, columns)
    enough = area >= needed * (1 - 1e-9)  # areas are sums of fractions: exactly half may come out a rounding below it
    mean: NDArray[np.float64] = np.divide(light, area, out=np.full((size, size), np.nan), where=enough)
    return mean


def _both_axes(image: NDArray[np.float64], rows: csr_array, columns: csr_array) -> NDArray[np.float64]:
    flipped: NDArray[np.float64] = columns @ np.ascontiguousarray((rows @ image).T)
    return np.array(flipped.T, order="C")
