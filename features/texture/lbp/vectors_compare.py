"""Comparison of 64 adjacent pixels with points of their circles, written as LLVM vector code.

LLVM does not vectorize such a loop by itself: 64 comparisons become the 64 bits of one word, bit j
for pixel j. Counting and masking then work on words, up to 512 pixels an instruction. The code
names no processor: LLVM splits the vectors as the machine at hand needs it, and fuses `fmuladd`
where that is fast.

Every function takes flat arrays and positions in them, without bounds checks.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from galfeat.features.kernels.vector_code import (
    INT,
    LONG,
    added,
    data_of,
    function,
    load,
    long,
    splat,
    store,
    vector_code,
)
from galfeat.features.texture.lbp.vectors_interpolate import FLOATS, INTS, LANES, PARTS, fmuladd

__all__ = [
    "bad_word",
    "compare_neighbors",
    "compare_row",
    "compare_three_rows",
    "shift_words",
]

_SHORT = ir.IntType(16)
_WORDS = ir.VectorType(LONG, 8)
# rows of the planes that three rows are compared with, and so columns of the table of lines
_LINES = 4


@vector_code
def bad_word(typing: Any, pixels: Any, at: Any) -> Any:
    """Return the word of the 64 pixels from `at` (their bits as integers) that are not finite."""
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = data_of(context, builder, signature, args, 0)
        exponent = ir.Constant(ir.VectorType(INT, 64), [0x7F800000] * 64)
        values = load(builder, pointer, args[1], exponent.type, 4)
        return builder.bitcast(
            builder.icmp_unsigned("==", builder.and_(values, exponent), exponent), LONG
        )

    return types.int64(pixels, at), code


@vector_code
def compare_neighbors(
    typing: Any, pixels: Any, at: Any, count: Any, right: Any, down: Any, below: Any, to_right: Any,
    to_down: Any,
    above: Any, other: Any, step: Any,
) -> Any:  # fmt: skip
    """Compare words of 64 pixels with the pixels `right` and `down` further on, both ways.

    For q < count, ``below[to_right + q]`` and ``below[to_down + q]`` mark the pixels whose neighbor
    is below them in value; ``above[other + q]`` and ``above[other + step + q]`` those whose
    neighbor is above them, that is, where they are below their neighbor.
    """
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, lower, upper = (data_of(context, builder, signature, args, k) for k in (0, 5, 8))
        at, count, right, down, to_right, to_down, other, step = (
            args[k] for k in (1, 2, 3, 4, 6, 7, 9, 10)
        )
        sides = (
            (builder.add(at, right), to_right, other),
            (builder.add(at, down), to_down, builder.add(other, step)),
        )
        with cgutils.for_range_slice(builder, long(0), count, long(1), intp=LONG, inc=True) as (
            q,
            _,
        ):
            i = builder.shl(q, long(6))
            center = [
                load(builder, source, added(builder, at, i, LANES * k), FLOATS, 4)
                for k in range(PARTS)
            ]
            for start, to, back in sides:
                under, over = (
                    builder.bitcast(
                        builder.gep(target, [builder.add(place, q)]), _SHORT.as_pointer()
                    )
                    for target, place in ((lower, to), (upper, back))
                )
                for k in range(PARTS):
                    value = load(builder, source, added(builder, start, i, LANES * k), FLOATS, 4)
                    _keep(builder, builder.fcmp_ordered("<", value, center[k]), under, k)
                    _keep(builder, builder.fcmp_ordered("<", center[k], value), over, k)
        return context.get_dummy_value()

    return types.void(
        pixels, at, count, right, down, below, to_right, to_down, above, other, step
    ), code


@vector_code
def shift_words(
    typing: Any, words: Any, at: Any, count: Any, offset: Any, into: Any, to: Any
) -> Any:
    """Copy a bit string, `offset` bits before ``words[at]``, to the words from ``into[to]`` on.

    `count` is rounded up to eight words.
    """
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, target = (data_of(context, builder, signature, args, k) for k in (0, 4))
        at, count, offset, to = (args[k] for k in (1, 2, 3, 5))
        first = builder.sub(at, builder.lshr(offset, long(6)))
        bits = splat(builder, builder.and_(offset, long(63)), 8)
        funnel = function(builder, "llvm.fshl.v8i64", _WORDS, [_WORDS] * 3)
        with cgutils.for_range_slice(builder, long(0), count, long(8), intp=LONG, inc=True) as (
            q,
            _,
        ):
            here, before = (
                load(builder, source, added(builder, first, q, k), _WORDS, 8) for k in (0, -1)
            )
            store(
                builder, builder.call(funnel, [here, before, bits]), target, builder.add(to, q), 8
            )
        return context.get_dummy_value()

    return types.void(words, at, count, offset, into, to), code


def _slanted(rows: int) -> Callable[..., Any]:
    """Return the code of `compare_row` (one row) or `compare_three_rows` (three rows at once).

    Arguments of the code: the center pixels, the position of the first, and the length of a row;
    the interpolated planes, and how far the pixels are from where the table says; that table, of a
    point's rows, and its row for the first point; the slots and ratios of the points; first,
    middle, stop: up to the middle the nearer of a point's two rows is the first one; words, stride,
    and the position of each row's words. It returns a number whose bit r is set if a difference in
    row r is smaller than 2, which the highest bit of a float's exponent tells.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, planes, table, slots, ratios, target = (
            data_of(context, builder, signature, args, k) for k in (0, 3, 5, 7, 8, 12)
        )
        at, width, there, row, first, middle, stop, stride = (
            args[k] for k in (1, 2, 4, 6, 9, 10, 11, 13)
        )
        wheres = args[14 : 14 + rows]
        centers = [
            [
                load(
                    builder,
                    source,
                    added(builder, at, builder.mul(width, long(r)), LANES * k),
                    FLOATS,
                    4,
                )
                for k in range(PARTS)
            ]
            for r in range(rows)
        ]
        large = [cgutils.alloca_once(builder, INTS) for _ in range(rows)]
        for place in large:
            builder.store(ir.Constant(INTS, [-1] * LANES), place)
        for begin, end, near in ((first, middle, 0), (middle, stop, 1)):
            with cgutils.for_range_slice(builder, begin, end, long(1), intp=LONG, inc=True) as (
                point,
                _,
            ):
                slot = builder.load(builder.gep(slots, [point]))
                line = builder.mul(builder.add(row, builder.sub(point, first)), long(_LINES))
                ratio = splat(builder, builder.load(builder.gep(ratios, [point])), LANES)
                outs = [_word(builder, target, slot, stride, where) for where in wheres]
                lines = [
                    builder.add(
                        there, builder.load(builder.gep(table, [added(builder, line, long(r), 0)]))
                    )
                    for r in range(rows + 1)
                ]
                all_large = [builder.load(place) for place in large]
                for k in range(PARTS):
                    values = [
                        load(builder, planes, builder.add(line, long(LANES * k)), FLOATS, 4)
                        for line in lines
                    ]
                    for r in range(rows):
                        nearer = builder.fsub(values[r + near], centers[r][k])
                        difference = builder.bitcast(
                            fmuladd(builder, ratio, values[r + 1 - near], nearer), INTS
                        )
                        all_large[r] = builder.and_(all_large[r], difference)
                        _keep(
                            builder,
                            builder.icmp_signed("<", difference, ir.Constant(INTS, [0] * LANES)),
                            outs[r],
                            k,
                        )
                for place, value in zip(large, all_large, strict=True):
                    builder.store(value, place)
        everywhere = function(builder, "llvm.vector.reduce.and.v16i32", INT, [INTS])
        unsure = ir.Constant(INT, 0)
        for r, place in enumerate(large):
            small = builder.not_(builder.call(everywhere, [builder.load(place)]))
            bit = builder.and_(builder.lshr(small, ir.Constant(INT, 30)), ir.Constant(INT, 1))
            unsure = builder.or_(unsure, builder.shl(bit, ir.Constant(INT, r)))
        return unsure

    return code


@vector_code
def compare_row(
    typing: Any, pixels: Any, at: Any, width: Any, planes: Any, there: Any, lines: Any, line: Any,
    slots: Any, ratios: Any,
    first: Any, middle: Any, stop: Any, words: Any, stride: Any, where: Any,
) -> Any:  # fmt: skip
    """Compare 64 pixels with the points between pixels; see `_slanted`."""
    del typing
    return types.int32(
        pixels,
        at,
        width,
        planes,
        there,
        lines,
        line,
        slots,
        ratios,
        first,
        middle,
        stop,
        words,
        stride,
        where,
    ), _slanted(1)


@vector_code
def compare_three_rows(
    typing: Any, pixels: Any, at: Any, width: Any, planes: Any, there: Any, lines: Any, line: Any,
    slots: Any, ratios: Any,
    first: Any, middle: Any, stop: Any, words: Any, stride: Any, where: Any, where2: Any,
    where3: Any,
) -> Any:  # fmt: skip
    """Compare 64 pixels of each of three rows with the points between pixels; see `_slanted`."""
    del typing
    return types.int32(
        pixels,
        at,
        width,
        planes,
        there,
        lines,
        line,
        slots,
        ratios,
        first,
        middle,
        stop,
        words,
        stride,
        where,
        where2,
        where3,
    ), _slanted(3)


def _word(builder: Any, target: Any, slot: Any, stride: Any, where: Any) -> Any:
    place = builder.gep(target, [builder.add(builder.mul(slot, stride), where)])
    return builder.bitcast(place, _SHORT.as_pointer())


def _keep(builder: Any, bits: Any, word: Any, part: int) -> None:
    """Store 16 comparisons as a part of a word.

    Parts and bits ascend in memory: all machines that numba supports are little-endian.
    """
    builder.store(builder.bitcast(bits, _SHORT), builder.gep(word, [long(part)]), align=2)
