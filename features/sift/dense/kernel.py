"""Compiled dense SIFT: upright descriptors of one size on a grid, with a flat window.

The loops run over whole images with rows of one length, a multiple of 16 values. A gradient is
split between the two of the eight directions beside it, one along an axis and one along a diagonal.
Opposite directions share a plane, as positive and negative values, until the cells are summed.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel
from galfeat.features.sift.dense.kernel_cells import (
    drop,
    gather,
    lengths_of,
    sum_cells,
    sum_directions,
    top_up,
    turn,
)
from galfeat.features.sift.dense.kernel_gradients import (
    BAD,
    axes,
    blur,
    diagonal_parts,
    diagonals,
    differences,
    divide,
    forget,
    known_gradients,
    largest,
    largest_good,
    lay_out,
    lay_out_good,
    near_one,
)
from galfeat.features.sift.dense.kernel_vectors import LANES

__all__ = ["describe_grid", "grid_centers"]

_ROUNDING = 1e-5  # tolerance of a fraction, so that exactly half of the gradients is half

Described = tuple[NDArray[np.uint8], NDArray[np.bool_]]
"""Descriptors, and flags of those that could be made."""


def grid_centers(length: int, step: int) -> NDArray[np.int64]:
    """Return the centers of a grid along one axis.

    As many as steps fit, with equal margins before and behind.

    Examples
    --------
    >>> grid_centers(32, 8)
    array([ 4, 12, 20, 28])
    """
    count = max(1, length // step)
    return (length - (count - 1) * step) // 2 + step * np.arange(count, dtype=np.int64)


def describe_grid(
    planes: NDArray[np.float32],
    step: int,
    size: float,
    blur: float,
    least: float,
    *,
    into: Described | None = None,
) -> Described:
    """Describe the gradients around each point of a grid.

    Parameters
    ----------
    planes : array of float32, shape (m, ny, nx), C-contiguous
        Pixels that are not finite are bad. Their sky should be near zero: a large constant costs
        precision.
    step : int
        Distance of the grid's points, see `grid_centers`.
    size : float
        Width of each of the 4x4 cells around a point, at least 1 pixel.
    blur : float
        Standard deviation of the Gaussian that smooths the image first, pixels; 0 for none.
    least : float
        Least fraction of good gradients in the part of a point's window that lies in the image.
    into : (array, array), optional
        C-contiguous arrays to be filled, which are returned; otherwise new ones.

    Returns
    -------
    descriptors : array of uint8, shape (m, columns, rows, 128)
        The grid's columns first; of a descriptor first the cells' rows.
    made : array of bool, shape (m, columns, rows)
        Whether there is a descriptor: enough good gradients, and not all zero.
    """
    m, ny, nx = planes.shape
    taps = _gaussian(blur)
    reach = len(taps) - 1
    width = -(-(nx + 2 * reach) // LANES) * LANES
    starts_y, weights_y, cells_y = _cells(ny, step, size)
    starts_x, weights_x, cells_x = _cells(nx, step, size)
    descriptors, made = into or _allocate(m, len(cells_x), len(cells_y))
    _describe(
        planes.view(np.int32),
        planes,
        taps,
        _mirrored(ny, reach),
        _mirrored(nx, reach),
        np.int64(width),
        starts_y,
        weights_y,
        cells_y,
        starts_x,
        weights_x,
        cells_x,
        np.float32(least - _ROUNDING),
        descriptors,
        made,
    )
    return descriptors, made


def _allocate(m: int, columns: int, rows: int) -> Described:
    return np.empty((m, columns, rows, 128), dtype=np.uint8), np.empty(
        (m, columns, rows), dtype=np.bool_
    )


@lru_cache(maxsize=16)
def _gaussian(blur: float) -> NDArray[np.float32]:
    """Return the weights of a Gaussian from its middle outwards, to 4 standard deviations.

    They are OpenCV's.
    """
    reach = np.arange(int(np.rint(4 * blur)) + 1)
    taps = np.exp(-0.5 * (reach / blur) ** 2) if blur > 0 else np.ones(1)
    return np.asarray(taps / (2 * taps.sum() - taps[0]), dtype=np.float32)


@lru_cache(maxsize=16)
def _mirrored(length: int, reach: int) -> NDArray[np.int64]:
    """Return the source pixel of each pixel of a line padded by reflection at both ends.

    The outermost pixels are not repeated.
    """
    return np.pad(np.arange(length, dtype=np.int64), reach, mode="reflect")


@lru_cache(maxsize=16)
def _cells(
    length: int, step: int, size: float
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Return first pixel and weights of each distinct cell along an axis, and each point's cells.

    The weight falls linearly from a cell's center to the centers of its neighbors. The outermost
    pixels have no gradient. Where the image ends, zeros follow.
    """
    middles = grid_centers(length, step)[:, None] + (np.arange(4) - 1.5) * size
    different, index = np.unique(middles, return_inverse=True)
    pixels = np.arange(length)
    weights = np.maximum(0, 1 - np.abs(pixels - different[:, None]) / size)
    weights[:, [0, -1]] = 0
    starts = (weights > 0).argmax(axis=1)
    longest = int((weights > 0).sum(axis=1).max())
    table = np.zeros((len(different), longest), dtype=np.float32)
    for row, start, given in zip(table, starts, weights, strict=True):
        part = given[start : start + len(row)]
        row[: len(part)] = part
    return starts.astype(np.int64), table, index.reshape(middles.shape).astype(np.int64)


@kernel()
def _describe(
    bits: Any,
    planes: Any,
    taps: Any,
    from_y: Any,
    from_x: Any,
    width: Any,
    starts_y: Any,
    weights_y: Any,
    cells_y: Any,
    starts_x: Any,
    weights_x: Any,
    cells_x: Any,
    least: Any,
    descriptors: Any,
    made: Any,
) -> None:
    m, ny = planes.shape[:2]
    lengths_y, lengths_x = lengths_of(weights_y), lengths_of(weights_x)
    flat = ny * width
    padded = np.zeros((len(from_y), width), dtype=np.float32)
    first = np.zeros(flat + width, dtype=np.float32)
    smooth = np.zeros(flat, dtype=np.float32)
    along = np.zeros(flat, dtype=np.float32)
    across = np.zeros(flat, dtype=np.float32)
    halves = np.zeros((4, flat), dtype=np.float32)
    weight = np.ones(flat, dtype=np.float32)
    known = np.zeros(flat, dtype=np.float32)
    many = -(-len(starts_y) // LANES) * LANES
    known_rows = np.zeros((many, width), dtype=np.float32)
    known_turned = np.zeros((width, many), dtype=np.float32)
    all_rows = -(-8 * len(starts_y) // LANES) * LANES
    rows = np.zeros((all_rows, width), dtype=np.float32)
    turned = np.zeros((width, all_rows), dtype=np.float32)
    cells = np.zeros((len(starts_x), all_rows), dtype=np.float32)
    inside = np.zeros((len(starts_x), many), dtype=np.float32)
    share = np.zeros((len(starts_x), many), dtype=np.float32)
    for column in range(len(starts_x)):
        for row in range(len(starts_y)):
            inside[column, row] = weights_x[column].sum() * weights_y[row].sum()
    for image in range(m):
        top = largest(bits[image].reshape(-1))
        flawed = top >= BAD
        if flawed:
            top = largest_good(bits[image].reshape(-1))
            lay_out_good(bits[image], from_y, from_x, padded)
            blur(padded.reshape(-1), taps, first, weight, width)
            known_gradients(padded.reshape(-1), len(taps) - 1, width, known)
        lay_out(bits[image], planes[image], from_y, from_x, near_one(top), padded)
        blur(padded.reshape(-1), taps, first, smooth, width)
        if flawed:
            divide(smooth, weight)
        differences(smooth, along, across, width)
        if flawed:
            forget(along, across, known)
        diagonal_parts(along, across, first[:flat])
        axes(along, across, first[:flat], halves[0, :flat], halves[2, :flat])
        diagonals(along, across, first[:flat], halves[1, :flat], halves[3, :flat])
        for direction in range(4):
            sum_directions(
                halves[direction], width, starts_y, lengths_y, weights_y, direction, rows
            )
        turn(rows.reshape(-1), turned, width)
        sum_cells(turned.reshape(-1), np.int64(all_rows), starts_x, lengths_x, weights_x, cells)
        if flawed:
            sum_cells(known, width, starts_y, lengths_y, weights_y, known_rows)
            turn(known_rows.reshape(-1), known_turned, width)
            sum_cells(
                known_turned.reshape(-1), np.int64(many), starts_x, lengths_x, weights_x, share
            )
            divide(share.reshape(-1), inside.reshape(-1))
            top_up(cells, share, len(starts_y))
        gather(cells, cells_y, cells_x, descriptors[image], made[image])
        if flawed:
            drop(inside, share, cells_y, cells_x, least, descriptors[image], made[image])
