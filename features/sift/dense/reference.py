"""Dense SIFT: upright descriptors of one size on a grid; the reference of the kernel.

References
----------
Lowe 2004, Int. J. Computer Vision 60, 91, doi:10.1023/B:VISI.0000029664.99615.94;
Vedaldi and Fulkerson 2010, ACM Multimedia, doi:10.1145/1873951.1874249 (their ``dsift``)
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["describe_grid"]

_TOP_UP = 4.0  # largest factor that scales a cell with bad gradients up
_ROUNDING = 2.0**-20  # relative to a pixel; smaller differences are rounding of the blur

Plane = NDArray[np.float64]


def describe_grid(
    planes: NDArray[np.float32], step: int, size: float, blur: float, least: float
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Describe the gradients around each point of a grid.

    The grid has as many columns and rows as steps fit into the image, with equal margins before and
    behind. Around each point lie 4x4 cells of the width `size`. Each gradient's size is shared
    between the two of the eight directions beside it, and between the cells whose centers are less
    than `size` away along both axes, linearly. The outermost pixels have no gradient; what lies
    beyond the image counts nothing.

    Bad pixels get no weight in the blur, and a gradient that would need one is not there. A cell's
    sum is divided by the good part of its weight in the image (but by no less than a fourth).

    Parameters
    ----------
    planes : array of float32, shape (m, ny, nx)
    step : int
    size : float
    blur : float
        Standard deviation of the Gaussian that smooths the image first, pixels.
    least : float
        Least fraction of good gradients, by weight, in the part of a point's window that lies in
        the image.

    Returns
    -------
    descriptors : array of uint8, shape (m, columns, rows, 128)
        By the cells' rows, their columns, and the directions: right, up-right, up and so on.
    made : array of bool, shape (m, columns, rows)
        False where too few gradients are good, or all are zero; the descriptor is then zero.
    """
    pairs = [_one(plane, step, size, blur, least) for plane in planes]
    return np.stack([descriptors for descriptors, _ in pairs]), np.stack(
        [made for _, made in pairs]
    )


def _one(
    plane: NDArray[np.float32], step: int, size: float, blur: float, least: float
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    good = np.isfinite(plane)
    values = np.where(good, plane, 0).astype(np.float64)
    values /= np.abs(values).max() or 1.0
    weight = _smooth(good.astype(np.float64), blur)
    smooth = _smooth(values, blur) / np.where(weight > 1e-6, weight, np.inf)
    known = np.zeros(plane.shape, dtype=bool)
    known[1:-1, 1:-1] = good[1:-1, :-2] & good[1:-1, 2:] & good[:-2, 1:-1] & good[2:, 1:-1]
    directed = np.where(known, _by_direction(smooth), 0)
    rows, columns = _shares(plane.shape[0], step, size), _shares(plane.shape[1], step, size)
    cells = np.einsum("iay,dyx,jbx->jiabd", rows, directed, columns, optimize=True)
    inside = np.einsum("iay,jbx->jiab", rows, columns)
    there = np.einsum("iay,yx,jbx->jiab", rows, known.astype(np.float64), columns, optimize=True)
    cells /= np.maximum(there / np.where(inside > 0, inside, 1), 1 / _TOP_UP)[..., None]
    flat = cells.reshape(*cells.shape[:2], 128)
    made = (flat > 0).any(axis=-1) & (
        there.sum(axis=(2, 3)) >= (least - 1e-5) * inside.sum(axis=(2, 3))
    )
    return np.where(made[..., None], _as_bytes(flat), 0).astype(np.uint8), made


def _smooth(plane: Plane, blur: float) -> Plane:
    if blur == 0:
        return plane
    reach = int(np.rint(4 * blur))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / blur) ** 2)
    padded = np.pad(plane, reach, mode="reflect")
    down = np.apply_along_axis(np.convolve, 0, padded, taps / taps.sum(), mode="valid")
    return np.asarray(np.apply_along_axis(np.convolve, 1, down, taps / taps.sum(), mode="valid"))


def _by_direction(smooth: Plane) -> Plane:
    """Return the magnitudes of the gradients by direction, shape (8, ny, nx)."""
    right, up = np.zeros_like(smooth), np.zeros_like(smooth)
    right[1:-1, 1:-1] = smooth[1:-1, 2:] - smooth[1:-1, :-2]
    up[1:-1, 1:-1] = smooth[:-2, 1:-1] - smooth[2:, 1:-1]
    for difference in (right, up):
        difference[np.abs(difference) <= _ROUNDING * np.abs(smooth)] = 0
    turns = np.arctan2(up, right) / (2 * np.pi) * 8
    apart = np.abs((turns - np.arange(8)[:, None, None] + 4) % 8 - 4)
    return np.asarray(np.hypot(up, right) * np.maximum(0, 1 - apart))


def _shares(length: int, step: int, size: float) -> Plane:
    """Return the weight of each pixel along an axis in each of the four cells of each point.

    The shape is (points, 4, length).
    """
    points = max(1, length // step)
    first = (length - (points - 1) * step) // 2
    centers = first + step * np.arange(points)[:, None] + size * (np.arange(4) - 1.5)
    shares = np.maximum(0, 1 - np.abs(np.arange(length) - centers[..., None]) / size)
    shares[..., [0, -1]] = 0
    return np.asarray(shares)


def _as_bytes(rows: Plane) -> Plane:
    unit = rows / _or_one(np.linalg.norm(rows, axis=-1, keepdims=True))
    cut = np.minimum(unit, 0.2)
    return np.minimum(
        np.rint(512 * cut / _or_one(np.linalg.norm(cut, axis=-1, keepdims=True))), 255
    )


def _or_one(values: Plane) -> Plane:
    return np.where(values > 0, values, 1.0)
