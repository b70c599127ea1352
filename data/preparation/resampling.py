"""Flux-conserving resampling of images to another grid.

All functions work on one 2-D image, keep its unit a surface brightness (the mean is preserved, not
the sum), and take pixels that are not finite as bad. Edges are counted in pixels from the outer
edge of the first one, so a pixel reaches from i to i + 1.
"""

from functools import lru_cache

import numpy as np
import scipy  # its modules are loaded when they are used
from numpy.typing import NDArray

__all__ = [
    "area_resample",
    "center_crop",
    "crop_padded",
    "overlap_weights",
    "window_resample",
    "window_variance",
    "window_weights",
]


def center_crop(image: NDArray[np.floating], size: int) -> NDArray[np.floating]:
    """Return the central part of an image, at most `size` pixels along each of its last two axes.

    Parameters
    ----------
    image : array, shape (..., ny, nx)
    size : int
        Pixels wanted along an axis; a shorter axis stays as it is.

    Returns
    -------
    array, shape (..., min(ny, size), min(nx, size))
        A view. Where an odd number of pixels is cut off, the last row (column) is one of them: the
        center is then half a pixel off, which only interpolation could avoid.
    """
    ny, nx = image.shape[-2:]
    top, left = max(ny - size, 0) // 2, max(nx - size, 0) // 2
    return image[..., top : top + size, left : left + size]


@lru_cache(maxsize=64)
def overlap_weights(native: int, size: int) -> "scipy.sparse.csr_array":
    """Return the fraction of each new pixel that each old pixel covers, along one axis.

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
    return window_weights(native, size, 0, native)


@lru_cache(maxsize=64)  # shared by the bands of a galaxy
def window_weights(native: int, size: int, start: float, length: float) -> "scipy.sparse.csr_array":
    """Return `overlap_weights` for new pixels from `start` to `start + length` of the old axis.

    They may reach beyond its ends.
    """
    edges = start + np.arange(size + 1) * length / size
    old = np.arange(native)
    shared = np.minimum(edges[1:, None], old + 1) - np.maximum(edges[:-1, None], old)
    return scipy.sparse.csr_array(np.clip(shared, 0, None) * (size / length))


def area_resample(
    image: NDArray[np.floating], size: int, needed: float = 0.5
) -> NDArray[np.float64]:
    """Average an image over the pixels of another grid, weighted by exact shared areas.

    A new pixel is the mean of the old ones that it covers, weighted by shared area; bad pixels are
    left out of both sums. It serves for downsampling and upsampling (where a new pixel mostly
    repeats an old one).

    Parameters
    ----------
    image : array, shape (ny, nx)
        Values that are not finite are bad.
    size : int
        Side of the new image, pixels.
    needed : float
        The fraction of a new pixel that must be good for it to be good, in (0, 1].

    Returns
    -------
    array of float64, shape (size, size)
        NaN where too little is good.
    """
    rows, columns = overlap_weights(image.shape[0], size), overlap_weights(image.shape[1], size)
    good = np.isfinite(image)
    if good.all():
        return _apply_weights(image.astype(np.float64), rows, columns)
    return _weighted_mean(image, good, (rows, columns), needed)


def window_resample(
    image: NDArray[np.floating], corner: tuple[float, float], side: float, size: int
) -> NDArray[np.float64]:
    """Average a square window of an image over the pixels of another grid, by exact areas.

    Like `area_resample`, for a window at any position: subpixel shift and change of scale are one
    step, so the light is interpolated only once.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Values that are not finite are bad.
    corner : (float, float)
        Where the window begins, rows and columns, in pixels from the outer edge of the first pixel;
        it may lie outside.
    side : float
        Side of the window, pixels of the image.
    size : int
        Side of the new image, pixels.

    Returns
    -------
    array of float64, shape (size, size)
        NaN where more than half of a new pixel is bad or beyond the image.
    """
    weights = tuple(
        window_weights(native, size, start, side)
        for native, start in zip(image.shape, corner, strict=True)
    )
    return _weighted_mean(image, np.isfinite(image), weights, 0.5)


def window_variance(
    variance: NDArray[np.floating], corner: tuple[float, float], side: float, size: int
) -> NDArray[np.float64]:
    """Return the variance of each new pixel of `window_resample` for independent noise.

    A mean with the weights w has the variance sum(w^2 s^2) / sum(w)^2.

    Parameters
    ----------
    variance : array, shape (ny, nx)
        Of each pixel; not finite where a pixel is bad.
    corner, side, size
        As in `window_resample`.
    """
    weights = [
        window_weights(native, size, start, side)
        for native, start in zip(variance.shape, corner, strict=True)
    ]
    good = np.isfinite(variance)
    total = _apply_weights(
        np.where(good, variance, 0).astype(np.float64), *(each.power(2) for each in weights)
    )
    area = _apply_weights(good.astype(np.float64), *weights)
    spread: NDArray[np.float64] = np.divide(
        total, area**2, out=np.full((size, size), np.nan), where=area >= 0.5 * (1 - 1e-9)
    )
    return spread


def crop_padded(
    image: NDArray[np.floating], corner: tuple[int, int], size: int
) -> NDArray[np.float64]:
    """Return a square window of an image, NaN where it reaches beyond it.

    Parameters
    ----------
    image : array, shape (ny, nx)
    corner : (int, int)
        First row and column; they may lie outside.
    size : int
        Side of the window, pixels.
    """
    window = np.full((size, size), np.nan)
    (top, left), (ny, nx) = corner, image.shape
    rows, columns = (
        slice(max(top, 0), max(min(top + size, ny), 0)),
        slice(max(left, 0), max(min(left + size, nx), 0)),
    )
    inside = image[rows, columns]
    y, x = rows.start - top, columns.start - left
    window[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return window


def _weighted_mean(
    image: NDArray[np.floating],
    good: NDArray[np.bool_],
    weights: "tuple[scipy.sparse.csr_array, ...]",
    needed: float,
) -> NDArray[np.float64]:
    """Return the mean of the good pixels under each new one, NaN where too little of it is good."""
    rows, columns = weights
    size = rows.shape[0]
    light = _apply_weights(np.where(good, image, 0).astype(np.float64), rows, columns)
    area = _apply_weights(good.astype(np.float64), rows, columns)
    # tolerance, because sums of fractions may round to just below one half
    enough = area >= needed * (1 - 1e-9)
    mean: NDArray[np.float64] = np.divide(
        light, area, out=np.full((size, size), np.nan), where=enough
    )
    return mean


def _apply_weights(
    image: NDArray[np.float64], rows: "scipy.sparse.csr_array", columns: "scipy.sparse.csr_array"
) -> NDArray[np.float64]:
    flipped: NDArray[np.float64] = columns @ np.ascontiguousarray((rows @ image).T)
    return np.array(flipped.T, order="C")
