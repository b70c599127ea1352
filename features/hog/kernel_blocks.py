"""Compiled normalization of blocks of cells."""

from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel

__all__ = ["L1", "L1_SQRT", "L2", "L2_HYS", "fill_blocks", "sum_cells"]

L1, L1_SQRT, L2, L2_HYS = range(4)

_CUT = np.float32(0.2)
_ONE, _NONE = np.float32(1), np.float32(0)


@kernel()
def sum_cells(cells: Any, by_bin: Any, sums: Any, squares: Any) -> Any:
    """Fill the sum and the sum of squares of each cell, and its values bin by bin.

    Return the largest sum.

    Parameters
    ----------
    cells : array of float32, shape (cells * bins,)
    by_bin : array of float32, shape (bins, cells or more)
    sums, squares : arrays of float32, shape (cells,) or longer
    """
    largest = _NONE
    bins = len(by_bin)
    at = np.uint64(0)
    for cell in range(len(cells) // bins):
        total, square = _NONE, _NONE
        for k in range(bins):
            value = cells[at]
            by_bin[k, cell] = value
            total += value
            square += value * value
            at += np.uint64(1)
        sums[cell] = total
        squares[cell] = square
        largest = max(largest, total)
    return largest


@kernel()
def fill_blocks(
    cells: Any,
    by_bin: Any,
    sums: Any,
    squares: Any,
    grid: Any,
    block: Any,
    norm: int,
    least: Any,
    factors: Any,
    again: Any,
    out: Any,
) -> None:
    """Fill the normalized blocks.

    Parameters
    ----------
    cells : array of float32, shape (rows * columns * bins,)
    by_bin, sums, squares
        As filled by `sum_cells`; behind the last cell as many values as a block has of cells, of
        whatever value.
    block : (int, int)
    least : float
        A block whose sum is not above this is empty.
    factors, again : arrays of float32
        Work arrays of one value a cell. Blocks are computed from each of their cells on, those at
        the right end of a row too, which are discarded.
    out : array of float32, shape (block rows * block columns * by * bx * bins,)
    """
    by, bx = block
    factors[:] = 0
    again[:] = 0
    for i in range(by):
        for j in range(bx):
            _add(sums[i * grid.columns + j :], factors)
            _add(squares[i * grid.columns + j :], again)
    _invert(factors, again, norm, np.float32(least))
    if norm == L2_HYS:
        again[:] = 0
        for k in range(grid.bins):
            for i in range(by):
                for j in range(bx):
                    _add_cut(by_bin[k][i * grid.columns + j :], factors, again)
        _invert_root(again)
    else:
        again[:] = 1
    cut = _CUT if norm == L2_HYS else np.float32(np.inf)
    run, step = np.uint64(bx * grid.bins), np.uint64(grid.columns * grid.bins)
    at = np.uint64(0)
    for row in range(grid.rows - by + 1):
        for cell in range(row * grid.columns, (row + 1) * grid.columns - bx + 1):
            here = np.uint64(cell * grid.bins)
            for _ in range(by):
                for t in range(run):
                    out[at + t] = min(cells[here + t] * factors[cell], cut) * again[cell]
                here += step
                at += run
    if norm == L1_SQRT:
        for i in range(len(out)):
            out[i] = np.sqrt(out[i])


@kernel()
def _add(values: Any, out: Any) -> None:
    for i in range(len(out)):
        out[i] += values[i]


@kernel()
def _invert(factors: Any, squares: Any, norm: int, least: Any) -> None:
    for i in range(len(factors)):
        size = factors[i] if norm <= L1_SQRT else np.sqrt(squares[i])
        factors[i] = _ONE / size if factors[i] > least else _NONE


@kernel()
def _add_cut(values: Any, factors: Any, again: Any) -> None:
    for i in range(len(again)):
        value = min(values[i] * factors[i], _CUT)
        again[i] += value * value


@kernel()
def _invert_root(squares: Any) -> None:
    for i in range(len(squares)):
        squares[i] = _ONE / np.sqrt(squares[i]) if squares[i] > _NONE else _NONE
