"""Compiled sums of gradients over cells, and the descriptors made of them."""

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
# largest factor that scales a cell with bad gradients up
_TOP_UP = np.float32(4.0)


@kernel()
def lengths_of(weights: Any) -> Any:
    """Return the number of leading weights of each row that are not zero."""
    lengths = np.zeros(len(weights), dtype=np.int64)
    for cell in range(len(weights)):
        for weight in weights[cell]:
            lengths[cell] += weight > 0
    return lengths


@kernel()
def sum_directions(
    plane: Any, width: Any, starts: Any, lengths: Any, weights: Any, direction: Any, rows: Any
) -> None:
    """Sum the rows of each row of cells, for a direction and the opposite one.

    Positive values belong to the direction, negative ones to the opposite.
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
    """Transpose sums so that those of one column of pixels are adjacent."""
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
    """Scale each cell up for its bad gradients."""
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
    """Normalize, clip at 0.2, normalize again and convert to bytes; return False if all is zero."""
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
    """Divide by the sum, where squares would leave the range of float32.

    Return the sum of squares.
    """
    total = np.float32(0)
    for i in range(128):
        total += raw[i]
    square = np.float32(0)
    for i in range(128):
        raw[i] = raw[i] / total if total > 0 else np.float32(0)
        square += raw[i] * raw[i]
    return square
