"""Matrix product with a fixed order of summation.

The rounding of a BLAS product depends on where a row stands: the kernels for whole tiles, for edges
and for single rows add in different orders, and which rows are edges differs between processors and
libraries. Here each element is the sum over k = 0, 1, 2, … of ``X[i, k] * W[k, j]``, every product
and every sum rounded by itself. So a row of the result has the same bits wherever it stands,
however many rows come with it, on any number of threads and on any processor. Multiplications are
never fused with additions, which not every processor can.

A tile of four rows and 64 bytes of columns is added up in registers, which is about as fast as
OpenBLAS on one thread (see ``benchmarks/network.py``); plain loops compiled by numba reach less
than half of that.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from galfeat.nn.types import Floats

__all__ = ["matmul", "pack"]

_BYTES = 64  # columns of a tile: two registers of AVX2, one of AVX-512, four of SSE or NEON
_ROWS = 4  # of a tile: eight sums in registers of AVX2, enough to hide how long an addition takes
_INT, _LONG = ir.IntType(32), ir.IntType(64)
_intrinsic: Any = intrinsic  # its annotations are of what is decorated, not of what comes out
_allocated: Any = cgutils.alloca_once_value


def pack(weights: Floats) -> Floats:
    """Return the columns of a matrix in groups as wide as a tile, for `matmul`.

    Parameters
    ----------
    weights : array of float32 or float64, shape (k, columns)

    Returns
    -------
    array, shape (groups, k, 16) for float32, (groups, k, 8) for float64
        The last group is filled up with zeros.
    """
    depth, columns = weights.shape
    lanes = _BYTES // weights.itemsize
    panels = np.zeros((-(-columns // lanes), depth, lanes), dtype=weights.dtype)
    for panel, first in zip(panels, range(0, columns, lanes), strict=True):
        panel[:, : columns - first] = weights[:, first : first + lanes]
    return panels


def matmul(X: Floats, panels: Floats, out: Floats) -> Floats:
    """Multiply rows by a packed matrix; rounding depends on an element's row and column alone.

    Parameters
    ----------
    X : array, shape (n, k)
        C-contiguous, of the dtype of `panels`.
    panels : array
        What `pack` returns.
    out : array, shape (n, columns)
        C-contiguous; filled.

    Returns
    -------
    out
    """
    _multiply(X, panels, out, np.empty((_ROWS, panels.shape[2]), dtype=panels.dtype))
    return out


def _tile(rows: int) -> Any:
    """Return the code that multiplies so many rows by one panel and writes the sums into `made`."""

    @_intrinsic
    def tile(_: Any, X: Any, first: Any, panel: Any, made: Any) -> Any:
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
                    value = _repeated(
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

        return types.void(X, first, panel, made), code

    return tile


def _vector_at(builder: Any, data: Any, position: Any, vector: Any) -> Any:
    """Return the pointer to the vector that begins at an element."""
    return builder.bitcast(builder.gep(data, [position]), vector.as_pointer())


def _repeated(builder: Any, value: Any, vector: Any) -> Any:
    """Return a vector whose elements all have this value."""
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, _INT(0))
    return builder.shuffle_vector(
        first, undefined, ir.Constant(ir.VectorType(_INT, vector.count), [0] * vector.count)
    )


_four, _one = _tile(_ROWS), _tile(1)


def _compiled(function: Callable[..., Any]) -> Any:
    """Compile when first called, releasing the GIL; cache the code where a folder is writable."""
    try:
        return njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # no folder that can be written
        return njit(nogil=True, error_model="numpy")(function)


@_compiled
def _multiply(X: Floats, panels: Floats, out: Floats, made: Floats) -> None:
    row = 0
    while row < len(X):
        rows = _ROWS if row + _ROWS <= len(X) else 1
        for index in range(len(panels)):
            if rows == _ROWS:
                _four(X, row, panels[index], made)
            else:
                _one(X, row, panels[index], made)
            first = index * panels.shape[2]
            for column in range(first, min(first + panels.shape[2], out.shape[1])):
                for k in range(rows):
                    out[row + k, column] = made[k, column - first]
        row += rows
