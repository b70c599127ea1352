"""Histograms of oriented gradients; the reference of the kernels.

References
----------
Dalal and Triggs 2005, CVPR, doi:10.1109/CVPR.2005.177
"""

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FLOOR",
    "NORMS",
    "averaged_histograms",
    "cell_histograms",
    "gradients",
    "normalized_blocks",
    "oriented_histograms",
    "strongest",
]

NORMS = ("L1", "L1-sqrt", "L2", "L2-Hys")
"""Block norms, named as in scikit-image."""

FLOOR = 1e-7
"""A block whose mean gradient is below this part of that of the image's strongest cell is empty,
and its vector zero.
"""


def oriented_histograms(
    images: NDArray[np.float32],
    orientations: int,
    cell: tuple[int, int],
    block: tuple[int, int],
    norm: str,
    *,
    centered: bool = False,
) -> NDArray[np.float64]:
    """Return the HOG vectors of images (n, ny, nx) or (n, bands, ny, nx).

    Of several bands, the strongest gradient at each pixel counts.

    Parameters
    ----------
    centered : bool
        Whether the cells are the largest square of cells in the middle of the image (its first half
        pixel, where pixels that are left over are odd in number), or as many as there is room for
        from the first pixel on.
    """
    gy, gx = gradients(images)
    if images.ndim == 4:
        gy, gx = strongest(gy, gx)
    if centered:
        rows = columns = min(gy.shape[1] // cell[0], gy.shape[2] // cell[1])
        top, left = (gy.shape[1] - rows * cell[0]) // 2, (gy.shape[2] - columns * cell[1]) // 2
        kept = np.s_[:, top : top + rows * cell[0], left : left + columns * cell[1]]
        gy, gx = gy[kept], gx[kept]
    cells = cell_histograms(gy, gx, orientations, cell)
    return normalized_blocks(cells, block, norm).reshape(len(images), -1)


def averaged_histograms(
    images: NDArray[np.float32],
    orientations: int,
    cell: tuple[int, int],
    block: tuple[int, int],
    norm: str,
    *,
    mirrored: bool = False,
) -> NDArray[np.float64]:
    """Return the mean of the HOG vectors of the images in their four orientations.

    Optionally of their mirror images too.
    """
    views = [
        np.rot90(seen, turn, axes=(-2, -1))
        for seen in ([images, images[..., ::-1]] if mirrored else [images])
        for turn in range(4)
    ]
    vectors = [
        oriented_histograms(view, orientations, cell, block, norm, centered=True) for view in views
    ]
    return np.asarray(np.mean(vectors, axis=0))


def gradients(planes: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centered differences along rows and columns.

    They are zero across the border, and NaN where a pixel they need is bad.
    """
    pixels = np.where(np.isfinite(planes), planes, np.nan).astype(np.float64)
    gy, gx = np.zeros_like(pixels), np.zeros_like(pixels)
    gy[..., 1:-1, :] = pixels[..., 2:, :] - pixels[..., :-2, :]
    gx[..., :, 1:-1] = pixels[..., :, 2:] - pixels[..., :, :-2]
    return gy, gx


def strongest(
    gy: NDArray[np.float64], gx: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return at each pixel the gradient of the band where it is largest.

    The bands of (n, bands, ny, nx) are reduced to (n, ny, nx).
    """
    size = np.hypot(gy, gx)
    best = np.where(np.isnan(size), -1.0, size).argmax(axis=1, keepdims=True)
    return np.take_along_axis(gy, best, axis=1)[:, 0], np.take_along_axis(gx, best, axis=1)[:, 0]


def cell_histograms(
    gy: NDArray[np.float64], gx: NDArray[np.float64], orientations: int, cell: tuple[int, int]
) -> NDArray[np.float64]:
    """Return mean gradients by orientation, shape (m, rows, columns, orientations).

    The mean is over the pixels of the cell whose gradient is known; a cell with none is zero.
    Pixels beyond the last whole cell are left out. Orientations are unsigned, in equal bins from 0
    degrees (gradient along the columns' axis) to 180.
    """
    m, (cy, cx) = len(gy), cell
    rows, columns = gy.shape[1] // cy, gy.shape[2] // cx
    gy, gx = gy[:, : rows * cy, : columns * cx], gx[:, : rows * cy, : columns * cx]
    size = np.hypot(gy, gx)
    known = ~np.isnan(size)
    size = np.where(known, size, 0.0)
    angle = np.rad2deg(np.arctan2(gy, gx)) % 180
    edges = 180.0 / orientations * np.arange(1, orientations)
    bins = np.searchsorted(edges, np.where(known & (angle < 180), angle, 0.0), side="right")
    number = np.arange(rows * columns).reshape(rows, columns).repeat(cy, axis=0).repeat(cx, axis=1)
    index = (np.arange(m)[:, None, None] * rows * columns + number) * orientations + bins
    sums = np.bincount(index.ravel(), size.ravel(), m * rows * columns * orientations)
    used = known.reshape(m, rows, cy, columns, cx).sum(axis=(2, 4))
    return np.asarray(sums.reshape(m, rows, columns, orientations) / np.maximum(used, 1)[..., None])


def normalized_blocks(
    cells: NDArray[np.float64], block: tuple[int, int], norm: str
) -> NDArray[np.float64]:
    """Return the normalized, overlapping blocks of cells.

    Their shape is (m, block rows, block columns, by, bx, orientations).

    Parameters
    ----------
    cells : array, shape (m, rows, columns, orientations)
    block : tuple of int
        Cells of a block: rows by, columns bx.
    norm : {"L1", "L1-sqrt", "L2", "L2-Hys"}
    """
    windows = np.lib.stride_tricks.sliding_window_view(cells, block, axis=(1, 2))
    blocks = np.moveaxis(windows, 3, -1)
    flat = np.ascontiguousarray(blocks).reshape(-1, block[0] * block[1] * cells.shape[-1])
    strongest_cell = cells.sum(axis=3).max(axis=(1, 2))
    scale = np.repeat(strongest_cell, len(flat) // len(cells))
    mean = flat.sum(axis=1) / (block[0] * block[1])
    filled = mean > FLOOR * scale
    unit = np.where(filled[:, None], flat, 0.0) / np.where(filled, scale, 1.0)[:, None]
    return _normalize(unit, norm).reshape(blocks.shape)


def _normalize(rows: NDArray[np.float64], norm: str) -> NDArray[np.float64]:
    if norm in ("L1", "L1-sqrt"):
        shares = rows / _or_one(rows.sum(axis=1, keepdims=True))
        return np.sqrt(shares) if norm == "L1-sqrt" else shares
    unit = _unit(rows)
    return unit if norm == "L2" else _unit(np.minimum(unit, 0.2))


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows / _or_one(np.sqrt((rows * rows).sum(axis=1, keepdims=True)))


def _or_one(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values > 0, values, 1.0)
