"""The inner loops of the binary patterns, 64 neighbouring pixels at a time, written as LLVM vector
code.

What no compiler makes of a loop by itself: 64 comparisons become the 64 bits of one word, bit j for
pixel j. Everything after that (counting bits and changes, masks) works on such words, so that one
instruction treats up to 512 pixels. The code names no processor: LLVM splits the vectors as the
machine at hand needs it, and `fmuladd` is fused where that is fast.

Every function takes flat arrays and positions in them, and trusts them.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.core import cgutils, config

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

__all__ = [
    "bad_word",
    "interpolate",
    "interpolate_three",
    "moved",
    "one_row",
    "straight",
    "three_rows",
]

_FLOAT, _SHORT = ir.FloatType(), ir.IntType(16)
_LANES = 16  # pixels of a vector; four vectors fill a word
_FLOATS, _INTS = ir.VectorType(_FLOAT, _LANES), ir.VectorType(INT, _LANES)
_WORDS = ir.VectorType(LONG, 8)
_PARTS = 64 // _LANES
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
def interpolate(
    typing: Any,
    pixels: Any,
    planes: Any,
    start: Any,
    count: Any,
    to: Any,
    step: Any,
    mixes: Any,
    first: Any,
    number: Any,
) -> Any:
    """Set ``planes[to + k step + i]`` to ``u (pixels[start + i + 1] - pixels[start + i]) + v
    pixels[start + i]`` for i < count.

    (u, v) is row ``first + k`` of `mixes`, k < number. `count` is a multiple of 64.
    """
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, target, weights = (data_of(context, builder, signature, args, k) for k in (0, 1, 6))
        start, count, to, step, first, number = (args[k] for k in (2, 3, 4, 5, 7, 8))
        after = ir.Constant(_INTS, list(range(1, _LANES + 1)))
        with cgutils.for_range_slice(builder, long(0), count, long(64), intp=LONG, inc=True) as (
            i,
            _,
        ):
            here = [
                load(builder, source, added(builder, start, i, _LANES * k), _FLOATS, 4)
                for k in range(_PARTS + 1)
            ]
            slope = [
                builder.fsub(builder.shuffle_vector(here[k], here[k + 1], after), here[k])
                for k in range(_PARTS)
            ]
            with cgutils.for_range(builder, number, intp=LONG) as plane:
                mix = builder.mul(builder.add(first, plane.index), long(2))
                u, v = (
                    splat(
                        builder,
                        builder.load(builder.gep(weights, [builder.add(mix, long(k))])),
                        _LANES,
                    )
                    for k in (0, 1)
                )
                place = added(builder, builder.add(to, builder.mul(plane.index, step)), i, 0)
                for k in range(_PARTS):
                    value = _fmuladd(builder, u, slope[k], builder.fmul(v, here[k]))
                    store(builder, value, target, builder.add(place, long(_LANES * k)), 4)
        return context.get_dummy_value()

    return types.void(pixels, planes, start, count, to, step, mixes, first, number), code


@vector_code
def interpolate_three(
    typing: Any,
    pixels: Any,
    at: Any,
    width: Any,
    planes: Any,
    to: Any,
    step: Any,
    groups: Any,
    first: Any,
    stop: Any,
    mixes: Any,
) -> Any:
    """Interpolate 64 pixels of three rows.

    Row r, from ``pixels[at + r width]`` on, is set at ``planes[to + k step + 64 r]``.

    (offset, first plane, number of planes) are rows `first` to `stop` of `groups`; k counts the
    planes from that of the first group on. The rest is as in `interpolate`.
    """
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, target, table, weights = (
            data_of(context, builder, signature, args, k) for k in (0, 3, 6, 9)
        )
        at, width, to, step, first, stop = (args[k] for k in (1, 2, 4, 5, 7, 8))
        after = ir.Constant(_INTS, list(range(1, _LANES + 1)))
        place = cgutils.alloca_once_value(builder, to)
        with cgutils.for_range_slice(builder, first, stop, long(1), intp=LONG, inc=True) as (
            group,
            _,
        ):
            entry = builder.mul(group, long(3))
            offset, plane, number = (
                builder.load(builder.gep(table, [builder.add(entry, long(k))])) for k in range(3)
            )
            behind = builder.add(plane, number)
            begin = builder.load(place)
            for rows in [(0, 1, 2)] if _many_registers() else [(0,), (1,), (2,)]:
                here, slope = [], []
                for r in rows:
                    start = builder.add(builder.add(at, offset), builder.mul(width, long(r)))
                    row = [
                        load(builder, source, builder.add(start, long(_LANES * k)), _FLOATS, 4)
                        for k in range(_PARTS + 1)
                    ]
                    slope += [
                        builder.fsub(builder.shuffle_vector(row[k], row[k + 1], after), row[k])
                        for k in range(_PARTS)
                    ]
                    here += row[:_PARTS]
                builder.store(begin, place)
                with cgutils.for_range_slice(
                    builder, plane, behind, long(1), intp=LONG, inc=True
                ) as (each, _):
                    u, v = (
                        splat(
                            builder,
                            builder.load(builder.gep(weights, [added(builder, each, each, k)])),
                            _LANES,
                        )
                        for k in (0, 1)
                    )
                    now = builder.load(place)
                    for k in range(len(here)):
                        value = _fmuladd(builder, u, slope[k], builder.fmul(v, here[k]))
                        store(
                            builder,
                            value,
                            target,
                            added(builder, now, long(64 * rows[0]), _LANES * k),
                            4,
                        )
                    builder.store(builder.add(now, step), place)
        return context.get_dummy_value()

    return types.void(pixels, at, width, planes, to, step, groups, first, stop, mixes), code


@vector_code
def straight(
    typing: Any, pixels: Any, at: Any, count: Any, right: Any, down: Any, below: Any, to_right: Any,
    to_down: Any,
    above: Any, other: Any, step: Any,
) -> Any:  # fmt: skip
    """Compare words of 64 pixels with the pixels `right` and `down` further on, either way round.

    For q < count, ``below[to_right + q]`` and ``below[to_down + q]`` say where these are below the
    pixel; ``above[other + q]`` and ``above[other + step + q]`` where they are above it, which is
    where the pixel is below them.
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
            centre = [
                load(builder, source, added(builder, at, i, _LANES * k), _FLOATS, 4)
                for k in range(_PARTS)
            ]
            for start, to, back in sides:
                under, over = (
                    builder.bitcast(
                        builder.gep(target, [builder.add(place, q)]), _SHORT.as_pointer()
                    )
                    for target, place in ((lower, to), (upper, back))
                )
                for k in range(_PARTS):
                    value = load(builder, source, added(builder, start, i, _LANES * k), _FLOATS, 4)
                    _keep(builder, builder.fcmp_ordered("<", value, centre[k]), under, k)
                    _keep(builder, builder.fcmp_ordered("<", centre[k], value), over, k)
        return context.get_dummy_value()

    return types.void(
        pixels, at, count, right, down, below, to_right, to_down, above, other, step
    ), code


@vector_code
def moved(typing: Any, words: Any, at: Any, count: Any, offset: Any, into: Any, to: Any) -> Any:
    """Set the bits of words from ``into[to]`` on to those that stand `offset` bits before
    ``words[at]``; `count` is rounded up to eight.
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
    """Return the function that compares 64 pixels of one row, or of three rows at once, with the
    points between pixels.

    Its arguments: the centres, where the first is, and the length of a row; the interpolated
    planes, and how far the pixels are from where the table says; that table, of a point's rows, and
    its row for the first point; the points' slots and ratios; first, middle, stop: up to the middle
    the nearer of a point's two rows is the first one; words, stride, and where the words of each
    row go. It returns a number whose bit r is set if a difference in row r was smaller than 2: the
    highest bit of a float's exponent says that.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, planes, table, slots, ratios, target = (
            data_of(context, builder, signature, args, k) for k in (0, 3, 5, 7, 8, 12)
        )
        at, width, there, row, first, middle, stop, stride = (
            args[k] for k in (1, 2, 4, 6, 9, 10, 11, 13)
        )
        wheres = args[14 : 14 + rows]
        centres = [
            [
                load(
                    builder,
                    source,
                    added(builder, at, builder.mul(width, long(r)), _LANES * k),
                    _FLOATS,
                    4,
                )
                for k in range(_PARTS)
            ]
            for r in range(rows)
        ]
        large = [cgutils.alloca_once(builder, _INTS) for _ in range(rows)]
        for place in large:
            builder.store(ir.Constant(_INTS, [-1] * _LANES), place)
        for begin, end, near in ((first, middle, 0), (middle, stop, 1)):
            with cgutils.for_range_slice(builder, begin, end, long(1), intp=LONG, inc=True) as (
                point,
                _,
            ):
                slot = builder.load(builder.gep(slots, [point]))
                line = builder.mul(builder.add(row, builder.sub(point, first)), long(_LINES))
                ratio = splat(builder, builder.load(builder.gep(ratios, [point])), _LANES)
                outs = [_word(builder, target, slot, stride, where) for where in wheres]
                lines = [
                    builder.add(
                        there, builder.load(builder.gep(table, [added(builder, line, long(r), 0)]))
                    )
                    for r in range(rows + 1)
                ]
                all_large = [builder.load(place) for place in large]
                for k in range(_PARTS):
                    values = [
                        load(builder, planes, builder.add(line, long(_LANES * k)), _FLOATS, 4)
                        for line in lines
                    ]
                    for r in range(rows):
                        nearer = builder.fsub(values[r + near], centres[r][k])
                        difference = builder.bitcast(
                            _fmuladd(builder, ratio, values[r + 1 - near], nearer), _INTS
                        )
                        all_large[r] = builder.and_(all_large[r], difference)
                        _keep(
                            builder,
                            builder.icmp_signed("<", difference, ir.Constant(_INTS, [0] * _LANES)),
                            outs[r],
                            k,
                        )
                for place, value in zip(large, all_large, strict=True):
                    builder.store(value, place)
        everywhere = function(builder, "llvm.vector.reduce.and.v16i32", INT, [_INTS])
        unsure = ir.Constant(INT, 0)
        for r, place in enumerate(large):
            small = builder.not_(builder.call(everywhere, [builder.load(place)]))
            bit = builder.and_(builder.lshr(small, ir.Constant(INT, 30)), ir.Constant(INT, 1))
            unsure = builder.or_(unsure, builder.shl(bit, ir.Constant(INT, r)))
        return unsure

    return code


@vector_code
def one_row(
    typing: Any, pixels: Any, at: Any, width: Any, planes: Any, there: Any, lines: Any, line: Any,
    slots: Any, ratios: Any,
    first: Any, middle: Any, stop: Any, words: Any, stride: Any, where: Any,
) -> Any:  # fmt: skip
    """Compare 64 pixels with the points between pixels: see `_slanted`."""
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
def three_rows(
    typing: Any, pixels: Any, at: Any, width: Any, planes: Any, there: Any, lines: Any, line: Any,
    slots: Any, ratios: Any,
    first: Any, middle: Any, stop: Any, words: Any, stride: Any, where: Any, where2: Any,
    where3: Any,
) -> Any:  # fmt: skip
    """Compare 64 pixels and twice the 64 below them with the points between pixels: see
    `_slanted`.
    """
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


def _many_registers() -> bool:
    """Return whether three rows of four vectors and their slopes fit the registers.

    Otherwise they are taken one by one.
    """
    given: Any = getattr(config, "CPU_FEATURES", None)
    features: str = get_host_cpu_features().flatten() if given is None else given
    return "+avx512f" in features.split(",")


def _word(builder: Any, target: Any, slot: Any, stride: Any, where: Any) -> Any:
    place = builder.gep(target, [builder.add(builder.mul(slot, stride), where)])
    return builder.bitcast(place, _SHORT.as_pointer())


def _keep(builder: Any, bits: Any, word: Any, part: int) -> None:
    """Store 16 comparisons as a part of a word.

    Parts and bits go upwards in memory (all of numba's machines are so).
    """
    builder.store(builder.bitcast(bits, _SHORT), builder.gep(word, [long(part)]), align=2)


def _fmuladd(builder: Any, one: Any, other: Any, third: Any) -> Any:
    return builder.call(
        function(builder, "llvm.fmuladd.v16f32", _FLOATS, [_FLOATS] * 3), [one, other, third]
    )
