"""Compiled histograms of gradient directions in each cell.

One row of cells at a time, so that everything stays in the cache, in passes over flat arrays:
gradients; the band with the largest; magnitude and bin; the vote of each pixel for one entry of the
table.
"""

from typing import Any, NamedTuple

import numpy as np

from galfeat.features.kernels.compiling import kernel

__all__ = ["EDGES_AT_ONCE", "CellGrid", "fill_cells"]

EDGES_AT_ONCE = 8

# bits of a float32 without its sign; bits of infinity
_SIZE, _INFINITE = np.int32(0x7FFFFFFF), np.int32(0x7F800000)


class CellGrid(NamedTuple):
    """The geometry of an image and its cells, and the number of orientation bins.

    The first cell begins at ``top``, ``left``; each has ``cy`` x ``cx`` pixels.
    """

    ny: int
    nx: int
    top: int
    left: int
    cy: int
    cx: int
    rows: int
    columns: int
    bins: int


@kernel()
def fill_cells(
    image: Any,
    holes: bool,
    factor: Any,
    grid: Any,
    swap: bool,
    sign: Any,
    cotangents: Any,
    places: Any,
    work: Any,
    table: Any,
    cells: Any,
) -> None:
    """Fill the sums of gradient magnitudes by cell and bin, times a factor.

    A cell with unknown gradients is scaled up as if those were like its others.

    Parameters
    ----------
    image : array of float32, shape (bands, ny * nx)
        NaN where bad. Of several bands, each pixel takes the gradient of the one where it is
        largest.
    holes : bool
        Whether there may be NaN.
    factor : float32
    grid : CellGrid
    swap, sign : bool, float32
        Directions are those of (gy, sign * gx), or of (gx, sign * gy): of the image as it is,
        turned, or mirrored.
    cotangents : array of float32
        Of the inner edges of the bins, falling; -inf up to a multiple of `EDGES_AT_ONCE`.
    places : array of uint32, shape (cy * nx,)
        Where in the table the bins of each pixel's cell begin; pixels outside the cells have a
        place behind them.
    work : array of float32, shape (7, cy * nx or more)
        Work array.
    table : array of float64, shape ((columns + 1) * bins,)
        Work array.
    cells : array of float32, shape (rows * columns * bins,)
    """
    count = len(places)
    gy, gx, new_y, new_x = work[0, :count], work[1, :count], work[2, :count], work[3, :count]
    spare_y, spare_x, unknown = work[4, :count], work[5, :count], work[6, :count]
    sizes, codes = (
        new_y,
        new_x.view(np.uint32),
    )  # reused: the gradients of the last band are not needed any more
    width = grid.columns * grid.bins
    for row in range(grid.rows):
        start = (grid.top + row * grid.cy) * grid.nx
        _gradients(image[0], grid, start, factor, gy, gx)
        if holes:
            unknown[:] = 1
            _forget_unknown(gy, gx, unknown)
        for band in range(1, len(image)):
            _gradients(image[band], grid, start, factor, new_y, new_x)
            if holes:
                _forget_unknown(new_y, new_x, unknown)
            _take_stronger(new_y, new_x, gy, gx, spare_y, spare_x)
            gy, gx, spare_y, spare_x = spare_y, spare_x, gy, gx
        if swap:
            _judge(gy, gx, sign, cotangents, places, codes, sizes)
        else:
            _judge(gx, gy, sign, cotangents, places, codes, sizes)
        table[:] = 0
        _vote(sizes, codes, grid.cx, table)
        if holes:
            _weigh(unknown, grid, gy[: grid.nx], table)  # gy is reused
        _copy(table, cells[row * width : (row + 1) * width])


@kernel()
def _gradients(band: Any, grid: Any, start: int, factor: Any, gy: Any, gx: Any) -> None:
    """Fill the centered differences of one row of cells, zero across the image's border.

    The row begins at pixel ``start``.
    """
    count, nx = len(gx), grid.nx
    if count > 2:
        _difference(
            band[start + 2 : start + count],
            band[start : start + count - 2],
            factor,
            gx[1 : count - 1],
        )
    for x in range(0, count, nx):
        gx[x] = 0
        gx[x + nx - 1] = 0
    first = nx if start == 0 else 0
    last = count - nx if start + count == len(band) else count
    gy[: min(first, count)] = 0
    gy[max(last, 0) :] = 0
    if last > first:
        _difference(
            band[start + first + nx : start + last + nx],
            band[start + first - nx : start + last - nx],
            factor,
            gy[first:last],
        )


@kernel(fast=False)
def _difference(after: Any, before: Any, factor: Any, out: Any) -> None:
    for i in range(len(out)):
        out[i] = (after[i] - before[i]) * factor


@kernel()
def _forget_unknown(gy: Any, gx: Any, unknown: Any) -> None:
    """Set gradients with a bad pixel to zero, and ``unknown`` where no band was good so far.

    In integer arithmetic: LLVM would turn a choice into conditional stores, slow on many
    processors.
    """
    for i in range(len(gy)):
        y, x = np.float32(gy[i]).view(np.int32), np.float32(gx[i]).view(np.int32)
        # all bits set, or none
        good = -np.int32(((y & _SIZE) <= _INFINITE) & ((x & _SIZE) <= _INFINITE))
        gy[i] = np.int32(y & good).view(np.float32)
        gx[i] = np.int32(x & good).view(np.float32)
        unknown[i] *= np.float32(good + 1)


@kernel(fast=False)  # no reordering, so that equal gradients of any direction round equally
def _take_stronger(new_y: Any, new_x: Any, old_y: Any, old_x: Any, gy: Any, gx: Any) -> None:
    for i in range(len(gy)):
        y, x, other_y, other_x = old_y[i], old_x[i], new_y[i], new_x[i]
        stronger = other_y * other_y + other_x * other_x > y * y + x * x
        gy[i] = other_y if stronger else y
        gx[i] = other_x if stronger else x


@kernel()
def _judge(x: Any, y: Any, sign: Any, cotangents: Any, places: Any, codes: Any, sizes: Any) -> None:
    _first_edges(x, y, sign, cotangents, places, codes, sizes)
    for edge in range(EDGES_AT_ONCE, len(cotangents), EDGES_AT_ONCE):
        _more_edges(x, y, sign, cotangents[edge:], codes)


@kernel(inline=True)
def _steps(c: Any, e0: Any, e1: Any, e2: Any, e3: Any, e4: Any, e5: Any, e6: Any, e7: Any) -> Any:
    """Return how many of eight descending edges a cotangent has reached.

    A select for each edge is faster than a sum.
    """
    steps = np.uint32(1) if c <= e0 else np.uint32(0)
    steps = np.uint32(2) if c <= e1 else steps
    steps = np.uint32(3) if c <= e2 else steps
    steps = np.uint32(4) if c <= e3 else steps
    steps = np.uint32(5) if c <= e4 else steps
    steps = np.uint32(6) if c <= e5 else steps
    steps = np.uint32(7) if c <= e6 else steps
    return np.uint32(8) if c <= e7 else steps


@kernel(
    fast=False
)  # exact division: the quotient of equal numbers must be 1, as diagonals lie on edges
def _first_edges(
    x: Any, y: Any, sign: Any, edges: Any, places: Any, codes: Any, sizes: Any
) -> None:
    e0, e1, e2, e3, e4, e5, e6, e7 = (
        edges[0],
        edges[1],
        edges[2],
        edges[3],
        edges[4],
        edges[5],
        edges[6],
        edges[7],
    )
    for i in range(len(codes)):
        sizes[i] = np.sqrt(x[i] * x[i] + y[i] * y[i])
        c = sign * (x[i] / y[i])
        c = np.float32(np.inf) if y[i] == 0 else c
        codes[i] = places[i] + _steps(c, e0, e1, e2, e3, e4, e5, e6, e7)


@kernel(fast=False)
def _more_edges(x: Any, y: Any, sign: Any, edges: Any, codes: Any) -> None:
    e0, e1, e2, e3, e4, e5, e6, e7 = (
        edges[0],
        edges[1],
        edges[2],
        edges[3],
        edges[4],
        edges[5],
        edges[6],
        edges[7],
    )
    for i in range(len(codes)):
        c = sign * (x[i] / y[i])
        c = np.float32(np.inf) if y[i] == 0 else c
        codes[i] += _steps(c, e0, e1, e2, e3, e4, e5, e6, e7)


@kernel()
def _vote(sizes: Any, codes: Any, step: int, table: Any) -> None:
    """Add magnitudes up by code, with a stride of a cell's width.

    Adjacent pixels vote for the same entry, and each addition would wait for the one before.
    """
    for first in range(step):
        some, entries = sizes[first:], codes[first:]
        at = np.uint64(0)
        for _ in range((len(some) + step - 1) // step):
            table[entries[at]] += np.float64(some[at])
            at += np.uint64(step)


@kernel()
def _weigh(unknown: Any, grid: Any, by_column: Any, table: Any) -> None:
    """Scale the sums of each cell by its pixels over those with a known gradient."""
    by_column[:] = 0
    for start in range(0, len(unknown), grid.nx):
        _add(unknown[start : start + grid.nx], by_column)
    area = np.float32(grid.cy * grid.cx)
    x, entry = np.uint64(grid.left), np.uint64(0)
    for _ in range(grid.columns):
        used = area
        for _ in range(grid.cx):
            used -= by_column[x]
            x += np.uint64(1)
        weight = area / max(used, np.float32(1))
        for _ in range(grid.bins):
            table[entry] *= weight
            entry += np.uint64(1)


@kernel()
def _add(values: Any, out: Any) -> None:
    for i in range(len(out)):
        out[i] += values[i]


@kernel()
def _copy(values: Any, out: Any) -> None:
    """Fill ``out`` with the first values, converting their type."""
    for i in range(len(out)):
        out[i] = values[i]
