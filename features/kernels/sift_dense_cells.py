"""Sums of gradients over cells, and descriptors made of them."""

from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel

__all__ = ["drop", "gather", "put", "sum_cells", "sum_directions", "top_up", "turn"]

_TINY = np.float32(1e-20)
_TOP_UP = np.float32(4.0)  # a cell with holes counts up to so many times what its good gradients sum to


@kernel()
def put(plane: Any, place: Any, halves: Any) -> None:
    """Put a plane between the others, row by row, so that sums run over long rows."""
    for y in range(len(plane)):
        for x in range(plane.shape[1]):
            halves[y, place, x] = plane[y, x]


@kernel()
def sum_directions(halves: Any, starts: Any, weights: Any, rows: Any) -> None:
    """Sum the rows of each row of cells, and take opposite directions apart."""
    count = halves.shape[1] * halves.shape[2]
    values = halves.reshape((len(halves), count))
    sums = rows.reshape((2 * len(rows), count))
    for cell in range(len(rows)):
        for i in range(count):
            sums[2 * cell, i] = 0
            sums[2 * cell + 1, i] = 0
        for tap in range(0, weights.shape[1], 3):
            if weights[cell, tap] == 0:
                break  # the cell's part in the image is done
            _add_signed(values, starts[cell] + tap, weights[cell, tap], weights[cell, tap + 1], weights[cell, tap + 2], sums, 2 * cell)
        _part(sums, 2 * cell)


@kernel()
def _add_signed(values: Any, y: Any, a: Any, b: Any, c: Any, sums: Any, row: Any) -> None:
    """Add three rows to a row of sums, and their sizes to the next."""
    for i in range(values.shape[1]):
        p, q, r = values[y, i], values[y + 1, i], values[y + 2, i]
        sums[row, i] += a * p + b * q + c * r
        sums[row + 1, i] += a * abs(p) + b * abs(q) + c * abs(r)


@kernel()
def _part(sums: Any, row: Any) -> None:
    """From the sums of values and of their sizes make those of the positive and of the negative values."""
    for i in range(sums.shape[1]):
        signed, size = sums[row, i], sums[row + 1, i]
        sums[row, i] = max(size + signed, np.float32(0))
        sums[row + 1, i] = max(size - signed, np.float32(0))


@kernel()
def turn(rows: Any, turned: Any) -> None:
    """Turn sums so that what belongs to a column of pixels stands side by side."""
    whole = len(rows) // 8 * 8
    for first in range(0, whole, 8):
        for x in range(min(len(turned), rows.shape[1])):
            for i in range(8):
                turned[x, first + i] = rows[first + i, x]
    for i in range(whole, len(rows)):
        for x in range(min(len(turned), rows.shape[1])):
            turned[x, i] = rows[i, x]


@kernel()
def sum_cells(values: Any, starts: Any, weights: Any, sums: Any) -> None:
    """Sum the rows of each cell."""
    for cell in range(len(sums)):
        for i in range(sums.shape[1]):
            sums[cell, i] = 0
        for tap in range(0, weights.shape[1], 6):
            if weights[cell, tap] == 0:
                break
            _add_rows(values, starts[cell] + tap, weights, tap, sums, cell)


@kernel()
def _add_rows(values: Any, y: Any, weights: Any, tap: Any, sums: Any, cell: Any) -> None:
    a, b, c = weights[cell, tap], weights[cell, tap + 1], weights[cell, tap + 2]
    d, e, f = weights[cell, tap + 3], weights[cell, tap + 4], weights[cell, tap + 5]
    for i in range(sums.shape[1]):
        near = a * values[y, i] + b * values[y + 1, i] + c * values[y + 2, i]
        sums[cell, i] += near + d * values[y + 3, i] + e * values[y + 4, i] + f * values[y + 5, i]


@kernel()
def top_up(cells: Any, share: Any) -> None:
    """Count the good gradients of each cell for the bad ones too."""
    for column in range(len(cells)):
        for row in range(share.shape[1]):
            factor = np.float32(1) / max(share[column, row], np.float32(1) / _TOP_UP)
            for d in range(8):
                cells[column, 8 * row + d] *= factor


@kernel()
def drop(inside: Any, share: Any, cells_y: Any, cells_x: Any, least: Any, descriptors: Any, made: Any) -> None:
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
    for column in range(len(cells_x)):
        for row in range(len(cells_y)):
            for cy in range(4):
                y = 8 * cells_y[row, cy]
                for cx in range(4):
                    x = cells_x[column, cx]
                    for d in range(8):
                        raw[(cy * 4 + cx) * 8 + d] = cells[x, y + d]
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
    """Divide by the sum, where squares would leave the range of float32, and return the sum of squares."""
    total = np.float32(0)
    for i in range(128):
        total += raw[i]
    square = np.float32(0)
    for i in range(128):
        raw[i] = raw[i] / total if total > 0 else np.float32(0)
        square += raw[i] * raw[i]
    return square
