"""Inner loops of dense SIFT, written as LLVM vector code: sums of rows, blurs, transposition.

LLVM does not find these by itself: sums of many rows stay in registers until they are complete. The
code names no processor: LLVM splits the vectors as the machine at hand needs it, and fuses
`fmuladd` where that is fast.

Every function takes flat, contiguous arrays of float32 and positions in them, without bounds
checks. Counts are multiples of `LANES`.
"""

from collections.abc import Callable, Iterator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from galfeat.features.kernels.vector_code import LONG, data_of, long, splat, vector_code

__all__ = ["LANES", "blur_rows", "sum_rows", "sum_signed_rows", "take_cells", "turn_blocks"]

LANES = 16
"""Numbers that a vector holds."""

_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_ZERO = ir.Constant(_FLOATS, [0.0] * LANES)
_STRIPS = 3  # vectors whose sums are in registers at once


@vector_code
def sum_rows(
    typing: Any,
    values: Any,
    at: Any,
    step: Any,
    number: Any,
    weights: Any,
    first: Any,
    sums: Any,
    to: Any,
    count: Any,
) -> Any:
    """Sum `number` rows, `step` apart, with weights.

    Set ``sums[to + i]``, for i < count, to the sum of ``weights[first + k] * values[at + k step +
    i]`` over k < number.
    """
    del typing
    return types.void(values, at, step, number, weights, first, sums, to, count), _summed(False)


@vector_code
def sum_signed_rows(
    typing: Any,
    values: Any,
    at: Any,
    step: Any,
    number: Any,
    weights: Any,
    first: Any,
    sums: Any,
    to: Any,
    count: Any,
    apart: Any,
) -> Any:
    """Sum the positive and the negative parts of rows separately, as `sum_rows` does.

    The sums of the absolute values of negative ones are stored at ``sums[to + apart + i]``. Both
    are doubled.
    """
    del typing
    return types.void(values, at, step, number, weights, first, sums, to, count, apart), _summed(
        True
    )


def _summed(signed: bool) -> Callable[..., Any]:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values, weights, sums = (data_of(context, builder, signature, args, k) for k in (0, 4, 6))
        at, step, number, first, to, count = (args[k] for k in (1, 2, 3, 5, 7, 8))
        for i, size in _strips(builder, count):
            totals = [
                cgutils.alloca_once(builder, _FLOATS) for _ in range(2 * size if signed else size)
            ]
            for total in totals:
                builder.store(_ZERO, total)
            with cgutils.for_range(builder, number, intp=LONG) as row:
                weight = splat(
                    builder,
                    builder.load(builder.gep(weights, [builder.add(first, row.index)])),
                    LANES,
                )
                place = builder.add(builder.add(at, i), builder.mul(row.index, step))
                for k in range(size):
                    value = _load(builder, values, place, k)
                    _add(builder, totals[k], weight, value)
                    if signed:
                        _add(builder, totals[size + k], weight, _call(builder, "fabs", value))
            for k in range(size):
                total = builder.load(totals[k])
                if not signed:
                    _store(builder, total, sums, builder.add(to, i), k)
                    continue
                sizes = builder.load(totals[size + k])
                up, down = (
                    _call(builder, "maxnum", each, _ZERO)
                    for each in (builder.fadd(sizes, total), builder.fsub(sizes, total))
                )
                _store(builder, up, sums, builder.add(to, i), k)
                _store(builder, down, sums, builder.add(builder.add(to, i), args[9]), k)
        return context.get_dummy_value()

    return code


@vector_code
def blur_rows(
    typing: Any, values: Any, at: Any, step: Any, taps: Any, number: Any, out: Any, count: Any
) -> Any:
    """Convolve with a symmetric kernel along an axis.

    Set ``out[i]``, for i < count, to the sum of ``taps[k]``, k < number, times the values k steps
    before and after ``values[at + i]``.
    """
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values, taps, out = (data_of(context, builder, signature, args, k) for k in (0, 3, 5))
        at, step, number, count = (args[k] for k in (1, 2, 4, 6))
        for i, size in _strips(builder, count):
            totals = [cgutils.alloca_once(builder, _FLOATS) for _ in range(size)]
            middle, weight = builder.add(at, i), splat(builder, builder.load(taps), LANES)
            for k in range(size):
                builder.store(builder.fmul(weight, _load(builder, values, middle, k)), totals[k])
            with cgutils.for_range_slice(
                builder, long(1), number, long(1), intp=LONG, inc=True
            ) as (tap, _):
                weight = splat(builder, builder.load(builder.gep(taps, [tap])), LANES)
                reach = builder.mul(tap, step)
                before, after = builder.sub(middle, reach), builder.add(middle, reach)
                for k in range(size):
                    both = builder.fadd(
                        _load(builder, values, before, k), _load(builder, values, after, k)
                    )
                    _add(builder, totals[k], weight, both)
            for k in range(size):
                _store(builder, builder.load(totals[k]), out, i, k)
        return context.get_dummy_value()

    return types.void(values, at, step, taps, number, out, count), code


@vector_code
def turn_blocks(
    typing: Any, rows: Any, at: Any, step: Any, turned: Any, to: Any, apart: Any, count: Any
) -> Any:
    """Transpose blocks of `LANES` rows.

    Set ``turned[to + x apart + k]`` to ``rows[at + k step + x]``, for x < count and k < `LANES`.
    """
    del typing
    low = [k // 2 + LANES * (k % 2) for k in range(LANES)]
    places = [
        ir.Constant(ir.VectorType(ir.IntType(32), LANES), [k + more for k in low])
        for more in (0, LANES // 2)
    ]

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows, turned = (data_of(context, builder, signature, args, k) for k in (0, 3))
        at, step, to, apart, count = (args[k] for k in (1, 2, 4, 5, 6))
        with cgutils.for_range_slice(builder, long(0), count, long(LANES), intp=LONG, inc=True) as (
            x,
            _,
        ):
            first, target = builder.add(at, x), builder.add(to, builder.mul(x, apart))
            block = [
                _load(builder, rows, builder.add(first, builder.mul(long(k), step)), 0)
                for k in range(LANES)
            ]
            # rows k and k + 8 zipped, four times over, are the columns
            for _ in range(LANES.bit_length() - 1):
                halves = zip(block[: LANES // 2], block[LANES // 2 :], strict=True)
                block = [
                    builder.shuffle_vector(one, other, place)
                    for one, other in halves
                    for place in places
                ]
            for k in range(LANES):
                _store(
                    builder, block[k], turned, builder.add(target, builder.mul(long(k), apart)), 0
                )
        return context.get_dummy_value()

    return types.void(rows, at, step, turned, to, apart, count), code


@vector_code
def take_cells(
    typing: Any, cells: Any, width: Any, columns: Any, column: Any, rows: Any, row: Any, taken: Any
) -> Any:
    """Copy the 4 x 4 cells of a point, of 8 numbers each.

    They begin at ``columns[column + j] * width + 8 * rows[row + i]``, i slowest.
    """
    del typing
    cell = ir.VectorType(ir.FloatType(), LANES // 2)
    both = ir.Constant(ir.VectorType(ir.IntType(32), LANES), list(range(LANES)))

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, columns, rows, target = (
            data_of(context, builder, signature, args, k) for k in (0, 2, 4, 6)
        )

        def number(table: Any, first: Any, k: int) -> Any:
            return builder.load(builder.gep(table, [builder.add(first, long(k))]))

        starts = [builder.mul(number(columns, args[3], j), args[1]) for j in range(4)]
        for i in range(4):
            more = builder.mul(number(rows, args[5], i), long(LANES // 2))
            places = [builder.gep(source, [builder.add(start, more)]) for start in starts]
            four = [
                builder.load(builder.bitcast(place, cell.as_pointer()), align=4) for place in places
            ]
            for k in range(2):  # whole vectors: store forwarding fails for halves
                _store(
                    builder,
                    builder.shuffle_vector(four[2 * k], four[2 * k + 1], both),
                    target,
                    long(0),
                    2 * i + k,
                )
        return context.get_dummy_value()

    return types.void(cells, width, columns, column, rows, row, taken), code


def _strips(builder: Any, count: Any) -> Iterator[tuple[Any, int]]:
    """Emit a loop over strips of several vectors, and one over the rest.

    Yield the position of each strip and its number of vectors.
    """
    wide = long(LANES * _STRIPS)
    middle = builder.mul(builder.udiv(count, wide), wide)
    with cgutils.for_range_slice(builder, long(0), middle, wide, intp=LONG, inc=True) as (i, _):
        yield i, _STRIPS
    with cgutils.for_range_slice(builder, middle, count, long(LANES), intp=LONG, inc=True) as (
        i,
        _,
    ):
        yield i, 1


def _place(builder: Any, pointer: Any, at: Any, k: int) -> Any:
    return builder.bitcast(
        builder.gep(pointer, [builder.add(at, long(LANES * k))]), _FLOATS.as_pointer()
    )


def _load(builder: Any, pointer: Any, at: Any, k: int) -> Any:
    return builder.load(_place(builder, pointer, at, k), align=4)


def _store(builder: Any, value: Any, pointer: Any, at: Any, k: int) -> None:
    builder.store(value, _place(builder, pointer, at, k), align=4)


def _add(builder: Any, total: Any, weight: Any, value: Any) -> None:
    builder.store(_call(builder, "fmuladd", weight, value, builder.load(total)), total)


def _call(builder: Any, name: str, *values: Any) -> Any:
    kind = ir.FunctionType(_FLOATS, [_FLOATS] * len(values))
    return builder.call(
        cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f32"), values
    )
