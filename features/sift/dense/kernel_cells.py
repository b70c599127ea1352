"""Sums of gradients over cells, and descriptors made of them."""

from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.sift.dense.kernel_vectors import (
    LANES,
    sum_rows,
    sum_signed_rows,
    take_cells,
    turn_blocks,
)

__all__ = ["drop", "gather", "lengths_of", "sum_cells", "sum_directions", "top_up", "turn"]

_TINY = np.float32(1e-20)
# a cell with holes counts up to so many times what its good gradients sum to
_TOP_UP = np.float32(4.0)


@kernel()
def lengths_of(weights: Any) -> Any:
    """Return how many weights of each row count: those behind are zero."""
    lengths = np.zeros(len(weights), dtype=np.int64)
    for cell in range(len(weights)):
        for weight in weights[cell]:
            lengths[cell] += weight > 0
    return lengths


@kernel()
def sum_directions(
    plane: Any, width: Any, starts: Any, lengths: Any, weights: Any, direction: Any, rows: Any
) -> None:
    """Sum the rows of each row of cells, positive values for a direction and negative ones for the
    opposite.
    """
    flat, taps = rows.reshape(-1), weights.reshape(-1)
    for cell in range(len(starts)):
        at, first, to = (
            starts[cell] * width,
            cell * weights.shape[1],
            (8 * cell + direction) * width,
        )
        sum_signed_rows(plane, at, width, lengths[cell], taps, first, flat, to, width, 4 * width)


@kernel()
def turn(rows: Any, turned: Any, width: Any) -> None:
    """Turn sums so that what belongs to a column of pixels stands side by side."""
    count = turned.shape[1]
    for first in range(0, count, LANES):
        turn_blocks(rows, first * width, width, turned.reshape(-1), first, count, width)


@kernel()
def sum_cells(values: Any, width: Any, starts: Any, lengths: Any, weights: Any, sums: Any) -> None:
    """Sum the rows of each cell."""
    flat, taps = sums.reshape(-1), weights.reshape(-1)
    for cell in range(len(starts)):
        sum_rows(
            values,
            starts[cell] * width,
            width,
            lengths[cell],
            taps,
            cell * weights.shape[1],
            flat,
            cell * width,
            width,
        )


@kernel()
def top_up(cells: Any, share: Any, count: Any) -> None:
    """Count the good gradients of each cell for the bad ones too."""
    for column in range(len(cells)):
        for row in range(count):
            factor = np.float32(1) / max(share[column, row], np.float32(1) / _TOP_UP)
            for d in range(8):
                cells[column, 8 * row + d] *= factor


@kernel()
def drop(
    inside: Any, share: Any, cells_y: Any, cells_x: Any, least: Any, descriptors: Any, made: Any
) -> None:
    """Drop descriptors with too few good gradients."""
    for column in range(len(cells_x)):
        for row in range(len(cells_y)):
            good, whole = np.float32(0), np.float32(0)
            for x in cells_x[column]:
                for y in cells_y[row]:
                    whole += inside[x, y]
                    good += inside[x, y] * share[x, y]
            if good < least * whole:
                made[column, row] = False
                descriptors[column, row] = 0


@kernel()
def gather(cells: Any, cells_y: Any, cells_x: Any, out: Any, made: Any) -> None:
    """Make the descriptor of each point from the sums of its cells."""
    raw = np.empty(128, dtype=np.float32)
    flat, columns, rows = cells.reshape(-1), cells_x.reshape(-1), cells_y.reshape(-1)
    for column in range(len(cells_x)):
        for row in range(len(cells_y)):
            take_cells(
                flat,
                np.int64(cells.shape[1]),
                columns,
                np.int64(4 * column),
                rows,
                np.int64(4 * row),
                raw,
            )
            made[column, row] = _finish(raw, out[column, row])


@kernel()
def _finish(raw: Any, out: Any) -> bool:
    """Normalise, cut at 0.2, normalise again, and fill the bytes; return False if all is zero."""
    square = np.float32(0)
    for i in range(128):
        square += raw[i] * raw[i]
    if square < _TINY or square > np.float32(1) / _TINY:
        square = _rescaled(raw)
    if not square > 0:
        for i in range(128):
            out[i] = 0
        return False
    limit = np.float32(0.2) * np.sqrt(square)
    square = np.float32(0)
    for i in range(128):
        raw[i] = min(raw[i], limit)
        square += raw[i] * raw[i]
    factor = np.float32(512) / np.sqrt(square)
    for i in range(128):
        out[i] = np.uint8(np.int32(min(np.rint(raw[i] * factor), np.float32(255))))
    return True


@kernel()
def _rescaled(raw: Any) -> Any:
    """Divide by the sum, where squares would leave the range of float32, and return the sum of
    squares.
    """
    total = np.float32(0)
    for i in range(128):
        total += raw[i]
    square = np.float32(0)
    for i in range(128):
        raw[i] = raw[i] / total if total > 0 else np.float32(0)
        square += raw[i] * raw[i]
    return square
