"""Matrix product with a fixed order of summation, independent of the batch size.

The rounding of a BLAS product depends on the position of a row: the kernels for full tiles, for
edges and for single rows sum in different orders, and the tile sizes differ between processors and
libraries. Here each element is the sum over k = 0, 1, 2, … of ``X[i, k] * W[k, j]``, with every
product and every sum rounded separately. A row of the result therefore has the same bits at any
position, with any number of other rows, on any number of threads and on any processor. Fused
multiply-add is not used, since not every processor has it.

A tile of four rows and 64 bytes of columns is accumulated in registers, which is about as fast as
OpenBLAS on one thread (see ``benchmarks/network.py``); plain loops compiled by numba reach less
than half of that.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from galfeat._compiling import compiled
from galfeat.nn.types import Floats

__all__ = ["matmul", "pack_panels"]

_BYTES = 64  # width of a tile: two registers of AVX2, one of AVX-512, four of SSE or NEON
_ROWS = 4  # height of a tile: eight sums in AVX2 registers, enough to hide the latency of additions
_INT, _LONG = ir.IntType(32), ir.IntType(64)
_intrinsic: Any = intrinsic  # its annotations describe the decorated function, not the result
_allocated: Any = cgutils.alloca_once_value


def pack_panels(weights: Floats) -> Floats:
    """Pack the columns of a matrix into panels of one tile's width, for `matmul`.

    Parameters
    ----------
    weights : array of float32 or float64, shape (k, columns)

    Returns
    -------
    array, shape (panels, k, 16) for float32, (panels, k, 8) for float64
        The last panel is padded with zeros.
    """
    depth, columns = weights.shape
    lanes = _BYTES // weights.itemsize
    panels = np.zeros((-(-columns // lanes), depth, lanes), dtype=weights.dtype)
    for panel, first in zip(panels, range(0, columns, lanes), strict=True):
        panel[:, : columns - first] = weights[:, first : first + lanes]
    return panels


def matmul(X: Floats, panels: Floats, out: Floats) -> Floats:
    """Multiply by a packed matrix; each element's rounding depends on its row and column only.

    Parameters
    ----------
    X : array, shape (n, k)
        C-contiguous, of the dtype of `panels`.
    panels : array
        Result of `pack_panels`.
    out : array, shape (n, columns)
        C-contiguous; filled with the product.

    Returns
    -------
    out
    """
    _multiply(X, panels, out, np.empty((_ROWS, panels.shape[2]), dtype=panels.dtype))
    return out


def _tile(rows: int) -> Any:
    """Return a numba intrinsic that multiplies `rows` rows by a panel and writes into `tile`."""

    @_intrinsic
    def multiply_tile(_: Any, X: Any, first: Any, panel: Any, tile: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            x, weights, sums = (
                context.make_array(signature.args[k])(context, builder, args[k]) for k in (0, 2, 3)
            )
            number = context.get_data_type(signature.args[0].dtype)
            size = 4 if isinstance(number, ir.FloatType) else 8
            vector = ir.VectorType(number, _BYTES // size)
            depth = builder.extract_value(weights.shape, 0)
            lines = [
                builder.gep(x.data, [builder.mul(builder.add(args[1], _LONG(row)), depth)])
                for row in range(rows)
            ]
            totals = [_allocated(builder, ir.Constant(vector, None)) for _ in range(rows)]
            with cgutils.for_range(builder, depth) as loop:
                weight = builder.load(
                    _vector_at(
                        builder, weights.data, builder.mul(loop.index, _LONG(vector.count)), vector
                    ),
                    align=size,
                )
                for line, total in zip(lines, totals, strict=True):
                    value = _broadcast(
                        builder, builder.load(builder.gep(line, [loop.index])), vector
                    )
                    builder.store(
                        builder.fadd(builder.load(total), builder.fmul(value, weight)), total
                    )
            for row, total in enumerate(totals):
                builder.store(
                    builder.load(total),
                    _vector_at(builder, sums.data, _LONG(row * vector.count), vector),
                    align=size,
                )
            return context.get_dummy_value()

        return types.void(X, first, panel, tile), code

    return multiply_tile


def _vector_at(builder: Any, data: Any, position: Any, vector: Any) -> Any:
    """Return a pointer to the vector that starts at an element."""
    return builder.bitcast(builder.gep(data, [position]), vector.as_pointer())


def _broadcast(builder: Any, value: Any, vector: Any) -> Any:
    """Return a vector with all elements equal to a value."""
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, _INT(0))
    return builder.shuffle_vector(
        first, undefined, ir.Constant(ir.VectorType(_INT, vector.count), [0] * vector.count)
    )


_multiply_four_rows, _multiply_one_row = _tile(_ROWS), _tile(1)


@compiled
def _multiply(X: Floats, panels: Floats, out: Floats, tile: Floats) -> None:
    row = 0
    while row < len(X):
        rows = _ROWS if row + _ROWS <= len(X) else 1
        for index in range(len(panels)):
            if rows == _ROWS:
                _multiply_four_rows(X, row, panels[index], tile)
            else:
                _multiply_one_row(X, row, panels[index], tile)
            first = index * panels.shape[2]
            for column in range(first, min(first + panels.shape[2], out.shape[1])):
                for k in range(rows):
                    out[row + k, column] = tile[k, column - first]
        row += rows
