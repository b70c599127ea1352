"""The inner loops of the binary patterns, 64 neighbouring pixels at a time, written as LLVM vector code.

What no compiler makes of a loop by itself: 64 comparisons become the 64 bits of one word, bit j for pixel j. Everything after
that (counting bits and changes, masks) works on such words, so that one instruction treats up to 512 pixels. The code names
no processor: LLVM splits the vectors as the machine at hand needs it, and `fmuladd` is fused where that is fast.

Every function takes flat arrays and positions in them, and trusts them.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic

__all__ = [
    "DIGITS",
    "bad_word",
    "bits_set",
    "first_bit",
    "interpolate",
    "interpolate_three",
    "one_row",
    "straight",
    "tally",
    "three_rows",
    "two_equal",
    "two_equal_large",
]

_FLOAT, _INT, _LONG, _SHORT = ir.FloatType(), ir.IntType(32), ir.IntType(64), ir.IntType(16)
_LANES = 16  # pixels of a vector; four vectors fill a word
_FLOATS, _INTS, _WORDS = ir.VectorType(_FLOAT, _LANES), ir.VectorType(_INT, _LANES), ir.VectorType(_LONG, 8)
_PARTS = 64 // _LANES
_LINES = 4  # rows of the planes that three rows are compared with, and so columns of the table of lines

_vectors: Any = intrinsic  # its annotations are of what is decorated, not of what comes out

DIGITS = 10
"""Binary digits of the number of points set: circles have up to 1,023 points."""


def bits_set_of(builder: Any, value: Any) -> Any:
    """Return how many bits are set, lane by lane."""
    name = "v8i64" if isinstance(value.type, ir.VectorType) else "i64"
    return builder.call(_function(builder, f"llvm.ctpop.{name}", value.type, [value.type]), [value])


@_vectors
def bits_set(typing: Any, word: Any) -> Any:
    """Return how many bits of a word are set."""
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        del context, signature
        return bits_set_of(builder, args[0])

    return types.int64(word), code


@_vectors
def first_bit(typing: Any, word: Any) -> Any:
    """Return the place of the lowest bit of a word that is not zero."""
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        del context, signature
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(word), code


@_vectors
def bad_word(typing: Any, pixels: Any, at: Any) -> Any:
    """Return the word of the 64 pixels from `at` (their bits as integers) that are not finite."""
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _data(context, builder, signature, args, 0)
        exponent = ir.Constant(ir.VectorType(_INT, 64), [0x7F800000] * 64)
        values = _load(builder, pointer, args[1], exponent.type, 4)
        return builder.bitcast(builder.icmp_unsigned("==", builder.and_(values, exponent), exponent), _LONG)

    return types.int64(pixels, at), code


@_vectors
def interpolate(
    typing: Any, pixels: Any, planes: Any, start: Any, count: Any, to: Any, step: Any, mixes: Any, first: Any, number: Any
) -> Any:
    """Set ``planes[to + k step + i]`` to ``u (pixels[start + i + 1] - pixels[start + i]) + v pixels[start + i]`` for i < count.

    (u, v) is row ``first + k`` of `mixes`, k < number. `count` is a multiple of 64.
    """
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, target, weights = (_data(context, builder, signature, args, k) for k in (0, 1, 6))
        start, count, to, step, first, number = (args[k] for k in (2, 3, 4, 5, 7, 8))
        after = ir.Constant(_INTS, list(range(1, _LANES + 1)))
        with cgutils.for_range_slice(builder, _long(0), count, _long(64), intp=_LONG, inc=True) as (i, _):
            here = [_load(builder, source, _sum(builder, start, i, _LANES * k), _FLOATS, 4) for k in range(_PARTS + 1)]
            slope = [builder.fsub(builder.shuffle_vector(here[k], here[k + 1], after), here[k]) for k in range(_PARTS)]
            with cgutils.for_range(builder, number, intp=_LONG) as plane:
                mix = builder.mul(builder.add(first, plane.index), _long(2))
                u, v = (_splat(builder, builder.load(builder.gep(weights, [builder.add(mix, _long(k))])), _LANES) for k in (0, 1))
                place = _sum(builder, builder.add(to, builder.mul(plane.index, step)), i, 0)
                for k in range(_PARTS):
                    value = _fmuladd(builder, u, slope[k], builder.fmul(v, here[k]))
                    _store(builder, value, target, builder.add(place, _long(_LANES * k)), 4)
        return context.get_dummy_value()

    return types.void(pixels, planes, start, count, to, step, mixes, first, number), code


@_vectors
def interpolate_three(
    typing: Any, pixels: Any, at: Any, width: Any, planes: Any, to: Any, step: Any, groups: Any, first: Any, stop: Any, mixes: Any
) -> Any:
    """Interpolate 64 pixels of three rows: row r, from ``pixels[at + r width]`` on, is set at ``planes[to + k step + 64 r]``.

    (offset, first plane, number of planes) are rows `first` to `stop` of `groups`; k counts the planes from that of the first
    group on. The rest is as in `interpolate`.
    """
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, target, table, weights = (_data(context, builder, signature, args, k) for k in (0, 3, 6, 9))
        at, width, to, step, first, stop = (args[k] for k in (1, 2, 4, 5, 7, 8))
        after = ir.Constant(_INTS, list(range(1, _LANES + 1)))
        place = cgutils.alloca_once_value(builder, to)
        with cgutils.for_range_slice(builder, first, stop, _long(1), intp=_LONG, inc=True) as (group, _):
            entry = builder.mul(group, _long(3))
            offset, plane, number = (builder.load(builder.gep(table, [builder.add(entry, _long(k))])) for k in range(3))
            behind = builder.add(plane, number)
            begin = builder.load(place)
            for rows in [(0, 1, 2)] if _many_registers() else [(0,), (1,), (2,)]:
                here, slope = [], []
                for r in rows:
                    start = builder.add(builder.add(at, offset), builder.mul(width, _long(r)))
                    row = [_load(builder, source, builder.add(start, _long(_LANES * k)), _FLOATS, 4) for k in range(_PARTS + 1)]
                    slope += [builder.fsub(builder.shuffle_vector(row[k], row[k + 1], after), row[k]) for k in range(_PARTS)]
                    here += row[:_PARTS]
                builder.store(begin, place)
                with cgutils.for_range_slice(builder, plane, behind, _long(1), intp=_LONG, inc=True) as (each, _):
                    u, v = (_splat(builder, builder.load(builder.gep(weights, [_sum(builder, each, each, k)])), _LANES) for k in (0, 1))
                    now = builder.load(place)
                    for k in range(len(here)):
                        value = _fmuladd(builder, u, slope[k], builder.fmul(v, here[k]))
                        _store(builder, value, target, _sum(builder, now, _long(64 * rows[0]), _LANES * k), 4)
                    builder.store(builder.add(now, step), place)
        return context.get_dummy_value()

    return types.void(pixels, at, width, planes, to, step, groups, first, stop, mixes), code


@_vectors
def straight(typing: Any, pixels: Any, at: Any, points: Any, first: Any, stop: Any, words: Any, stride: Any, where: Any) -> Any:
    """Compare 64 pixels with the points that are pixels: set ``words[slot stride + where]`` to the points below the centre.

    (offset, slot) are rows ``first`` to ``stop`` of `points`.
    """
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, table, target = (_data(context, builder, signature, args, k) for k in (0, 2, 5))
        at, first, stop, stride, where = (args[k] for k in (1, 3, 4, 6, 7))
        centre = [_load(builder, source, builder.add(at, _long(_LANES * k)), _FLOATS, 4) for k in range(_PARTS)]
        with cgutils.for_range_slice(builder, first, stop, _long(1), intp=_LONG, inc=True) as (point, _):
            offset, slot = (builder.load(builder.gep(table, [_sum(builder, point, point, k)])) for k in (0, 1))
            out = _word(builder, target, slot, stride, where)
            for k in range(_PARTS):
                value = _load(builder, source, _sum(builder, at, offset, _LANES * k), _FLOATS, 4)
                _keep(builder, builder.fcmp_ordered("<", value, centre[k]), out, k)
        return context.get_dummy_value()

    return types.void(pixels, at, points, first, stop, words, stride, where), code


def _slanted(rows: int) -> Callable[..., Any]:
    """Return the function that compares 64 pixels of one row, or of three rows at once, with the points between pixels.

    Its arguments: the centres, where the first is, and the length of a row; the interpolated planes, and how far the pixels are
    from where the table says; that table, of a point's rows, and its row for the first point; the points' slots and ratios;
    first, middle, stop: up to the middle the nearer of a point's two rows is the first one; words, stride, and where the
    words of each row go. It returns a number whose bit r is set if a difference in row r was smaller than 2: the highest bit
    of a float's exponent says that.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, planes, table, slots, ratios, target = (_data(context, builder, signature, args, k) for k in (0, 3, 5, 7, 8, 12))
        at, width, there, row, first, middle, stop, stride = (args[k] for k in (1, 2, 4, 6, 9, 10, 11, 13))
        wheres = args[14 : 14 + rows]
        centres = [
            [_load(builder, source, _sum(builder, at, builder.mul(width, _long(r)), _LANES * k), _FLOATS, 4) for k in range(_PARTS)]
            for r in range(rows)
        ]
        large = [cgutils.alloca_once(builder, _INTS) for _ in range(rows)]
        for place in large:
            builder.store(ir.Constant(_INTS, [-1] * _LANES), place)
        for begin, end, near in ((first, middle, 0), (middle, stop, 1)):
            with cgutils.for_range_slice(builder, begin, end, _long(1), intp=_LONG, inc=True) as (point, _):
                slot = builder.load(builder.gep(slots, [point]))
                line = builder.mul(builder.add(row, builder.sub(point, first)), _long(_LINES))
                ratio = _splat(builder, builder.load(builder.gep(ratios, [point])), _LANES)
                outs = [_word(builder, target, slot, stride, where) for where in wheres]
                lines = [builder.add(there, builder.load(builder.gep(table, [_sum(builder, line, _long(r), 0)]))) for r in range(rows + 1)]
                all_large = [builder.load(place) for place in large]
                for k in range(_PARTS):
                    values = [_load(builder, planes, builder.add(line, _long(_LANES * k)), _FLOATS, 4) for line in lines]
                    for r in range(rows):
                        nearer = builder.fsub(values[r + near], centres[r][k])
                        difference = builder.bitcast(_fmuladd(builder, ratio, values[r + 1 - near], nearer), _INTS)
                        all_large[r] = builder.and_(all_large[r], difference)
                        _keep(builder, builder.icmp_signed("<", difference, ir.Constant(_INTS, [0] * _LANES)), outs[r], k)
                for place, value in zip(large, all_large, strict=True):
                    builder.store(value, place)
        everywhere = _function(builder, "llvm.vector.reduce.and.v16i32", _INT, [_INTS])
        unsure = ir.Constant(_INT, 0)
        for r, place in enumerate(large):
            small = builder.not_(builder.call(everywhere, [builder.load(place)]))
            bit = builder.and_(builder.lshr(small, ir.Constant(_INT, 30)), ir.Constant(_INT, 1))
            unsure = builder.or_(unsure, builder.shl(bit, ir.Constant(_INT, r)))
        return unsure

    return code


@_vectors
def one_row(
    typing: Any, pixels: Any, at: Any, width: Any, planes: Any, there: Any, lines: Any, line: Any, slots: Any, ratios: Any,
    first: Any, middle: Any, stop: Any, words: Any, stride: Any, where: Any,
) -> Any:  # fmt: skip
    """Compare 64 pixels with the points between pixels: see `_slanted`."""
    del typing
    return types.int32(pixels, at, width, planes, there, lines, line, slots, ratios, first, middle, stop, words, stride, where), _slanted(1)


@_vectors
def three_rows(
    typing: Any, pixels: Any, at: Any, width: Any, planes: Any, there: Any, lines: Any, line: Any, slots: Any, ratios: Any,
    first: Any, middle: Any, stop: Any, words: Any, stride: Any, where: Any, where2: Any, where3: Any,
) -> Any:  # fmt: skip
    """Compare 64 pixels and twice the 64 below them with the points between pixels: see `_slanted`."""
    del typing
    return types.int32(
        pixels, at, width, planes, there, lines, line, slots, ratios, first, middle, stop, words, stride, where, where2, where3
    ), _slanted(3)


@_vectors
def tally(typing: Any, words: Any, stride: Any, points: Any, count: Any, digits: Any) -> Any:
    """Count the bits along each circle: binary digits of their number, and whether they rise more than once.

    `words` holds `points` rows of `stride` words; the digits come in `DIGITS` rows of `digits`, the lowest first, and the
    circles with several rises in one more. `count` is rounded up to eight words; `points` is a multiple of eight.
    """
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, target = (_data(context, builder, signature, args, k) for k in (0, 4))
        stride, points, count = args[1:4]
        zero = ir.Constant(_WORDS, [0] * 8)
        with cgutils.for_range_slice(builder, _long(0), count, _long(8), intp=_LONG, inc=True) as (w, _):
            state = [cgutils.alloca_once(builder, _WORDS) for _ in range(DIGITS + 3)]
            for place in state[:-1]:
                builder.store(zero, place)
            last = builder.mul(builder.sub(points, _long(1)), stride)
            builder.store(_load(builder, source, builder.add(last, w), _WORDS, 8), state[-1])
            with cgutils.for_range_slice(builder, _long(0), points, _long(8), intp=_LONG, inc=True) as (point, _):
                rows = [builder.mul(builder.add(point, _long(k)), stride) for k in range(8)]
                eight = [_load(builder, source, builder.add(row, w), _WORDS, 8) for row in rows]
                _rises(builder, eight, *state[DIGITS:])
                _add_eight(builder, eight, state[:DIGITS])
            for k, place in enumerate(state[: DIGITS + 1]):
                _store(builder, builder.load(place), target, _sum(builder, builder.mul(_long(k), stride), w, 0), 8)
        return context.get_dummy_value()

    return types.void(words, stride, points, count, digits), code


@_vectors
def two_equal(typing: Any, digits: Any, stride: Any, count: Any, value: Any, counted: Any) -> Any:
    """Return in how many circles of `counted` the number of bits is `value`, an even one below 32, or `value` + 1.

    The second number is in the upper 32 bits. `digits` is what `tally` made; of its digits the lowest five are compared.
    """
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _two_equal(context, builder, signature, args, 5)

    return types.int64(digits, stride, count, value, counted), code


@_vectors
def two_equal_large(typing: Any, digits: Any, stride: Any, count: Any, value: Any, counted: Any) -> Any:
    """Return what `two_equal` does, for any number of bits."""
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _two_equal(context, builder, signature, args, DIGITS)

    return types.int64(digits, stride, count, value, counted), code


def _two_equal(context: Any, builder: Any, signature: Any, args: Any, length: int) -> Any:
    table, mask = (_data(context, builder, signature, args, k) for k in (0, 4))
    stride, count, value = args[1:4]
    bits = [builder.and_(builder.lshr(value, _long(k)), _long(1)) for k in range(1, length)]
    flips = [_splat(builder, builder.sub(bit, _long(1)), 8) for bit in bits]
    up = ir.Constant(_WORDS, [32] * 8)
    total = cgutils.alloca_once(builder, _WORDS)
    builder.store(ir.Constant(_WORDS, [0] * 8), total)
    with cgutils.for_range_slice(builder, _long(0), count, _long(8), intp=_LONG, inc=True) as (w, _):
        found = _load(builder, mask, w, _WORDS, 8)
        for k, flip in enumerate(flips):
            digit = _load(builder, table, _sum(builder, builder.mul(_long(k + 1), stride), w, 0), _WORDS, 8)
            found = builder.and_(found, builder.xor(digit, flip))
        lowest = _load(builder, table, w, _WORDS, 8)
        even, odd = builder.and_(found, builder.not_(lowest)), builder.and_(found, lowest)
        both = builder.add(bits_set_of(builder, even), builder.shl(bits_set_of(builder, odd), up))
        builder.store(builder.add(builder.load(total), both), total)
    return builder.call(_function(builder, "llvm.vector.reduce.add.v8i64", _LONG, [_WORDS]), [builder.load(total)])


def _rises(builder: Any, bits: list[Any], many: Any, seen: Any, before: Any) -> None:
    """Note the circles whose bits go from 0 to 1, and those where they do so again."""
    previous, once, again = (builder.load(place) for place in (before, seen, many))
    for bit in bits:
        rise = builder.and_(bit, builder.not_(previous))
        again = builder.or_(again, builder.and_(once, rise))
        once = builder.or_(once, rise)
        previous = bit
    for value, place in ((previous, before), (once, seen), (again, many)):
        builder.store(value, place)


def _add_eight(builder: Any, bits: list[Any], digits: list[Any]) -> None:
    """Add eight bits to binary numbers whose digits stand in different words."""
    carries = bits
    for place in digits[:3]:
        digit, pairs = builder.load(place), zip(carries[::2], carries[1::2], strict=True)
        carries = []
        for one, other in pairs:
            half = builder.xor(digit, one)
            carries.append(builder.or_(builder.and_(digit, one), builder.and_(half, other)))
            digit = builder.xor(half, other)
        builder.store(digit, place)
    carry = carries[0]
    for place in digits[3:]:
        digit = builder.load(place)
        builder.store(builder.xor(digit, carry), place)
        carry = builder.and_(digit, carry)


def _many_registers() -> bool:
    """Return whether three rows of four vectors and their slopes fit the registers; otherwise they are taken one by one."""
    given: Any = getattr(config, "CPU_FEATURES", None)
    features: str = get_host_cpu_features().flatten() if given is None else given
    return "+avx512f" in features.split(",")


def _data(context: Any, builder: Any, signature: Any, args: Any, k: int) -> Any:
    return context.make_array(signature.args[k])(context, builder, args[k]).data


def _long(value: int) -> Any:
    return ir.Constant(_LONG, value)


def _sum(builder: Any, one: Any, other: Any, more: int) -> Any:
    return builder.add(builder.add(one, other), _long(more))


def _load(builder: Any, pointer: Any, at: Any, kind: Any, align: int) -> Any:
    return builder.load(builder.bitcast(builder.gep(pointer, [at]), kind.as_pointer()), align=align)


def _store(builder: Any, value: Any, pointer: Any, at: Any, align: int) -> None:
    builder.store(value, builder.bitcast(builder.gep(pointer, [at]), value.type.as_pointer()), align=align)


def _word(builder: Any, target: Any, slot: Any, stride: Any, where: Any) -> Any:
    place = builder.gep(target, [builder.add(builder.mul(slot, stride), where)])
    return builder.bitcast(place, _SHORT.as_pointer())


def _keep(builder: Any, bits: Any, word: Any, part: int) -> None:
    """Store 16 comparisons as a part of a word; parts and bits go upwards in memory (all of numba's machines are so)."""
    builder.store(builder.bitcast(bits, _SHORT), builder.gep(word, [_long(part)]), align=2)


def _splat(builder: Any, value: Any, lanes: int) -> Any:
    kind = ir.VectorType(value.type, lanes)
    undefined = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(_INT, 0))
    return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(_INT, lanes), [0] * lanes))


def _fmuladd(builder: Any, one: Any, other: Any, third: Any) -> Any:
    return builder.call(_function(builder, "llvm.fmuladd.v16f32", _FLOATS, [_FLOATS] * 3), [one, other, third])


def _function(builder: Any, name: str, returns: Any, takes: list[Any]) -> Any:
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(returns, takes), name)
