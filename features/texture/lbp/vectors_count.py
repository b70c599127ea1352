"""Bit-sliced counts along circles, 512 pixels at a time, written as LLVM vector code.

The points of a circle are bits in different words; bit j of each belongs to pixel j. Every function
takes flat arrays and positions in them, without bounds checks.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from galfeat.features.kernels.vector_code import (
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

__all__ = ["DIGITS", "bits_set", "count_equal", "count_equal_large", "count_points", "first_bit"]

_WORDS = ir.VectorType(LONG, 8)

DIGITS = 10
"""Binary digits of the number of points set: circles have up to 1,023 points."""


def _bits_set_of(builder: Any, value: Any) -> Any:
    """Return how many bits are set, lane by lane."""
    name = "v8i64" if isinstance(value.type, ir.VectorType) else "i64"
    return builder.call(function(builder, f"llvm.ctpop.{name}", value.type, [value.type]), [value])


@vector_code
def bits_set(typing: Any, word: Any) -> Any:
    """Return how many bits of a word are set."""
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        del context, signature
        return _bits_set_of(builder, args[0])

    return types.int64(word), code


@vector_code
def first_bit(typing: Any, word: Any) -> Any:
    """Return the position of the lowest set bit of a word that is not zero."""
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        del context, signature
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(word), code


@vector_code
def count_points(typing: Any, words: Any, stride: Any, points: Any, count: Any, digits: Any) -> Any:
    """Count the points set along each circle, and mark circles with several runs.

    `words` holds `points` rows of `stride` words. The binary digits of the counts come in `DIGITS`
    rows of `digits`, the lowest first; one more row marks the circles whose bits rise from 0 to 1
    more than once. `count` is rounded up to eight words; `points` is a multiple of eight.
    """
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, target = (data_of(context, builder, signature, args, k) for k in (0, 4))
        stride, points, count = args[1:4]
        zero = ir.Constant(_WORDS, [0] * 8)
        with cgutils.for_range_slice(builder, long(0), count, long(8), intp=LONG, inc=True) as (
            w,
            _,
        ):
            state = [cgutils.alloca_once(builder, _WORDS) for _ in range(DIGITS + 3)]
            for place in state[:-1]:
                builder.store(zero, place)
            last = builder.mul(builder.sub(points, long(1)), stride)
            builder.store(load(builder, source, builder.add(last, w), _WORDS, 8), state[-1])
            with cgutils.for_range_slice(
                builder, long(0), points, long(8), intp=LONG, inc=True
            ) as (point, _):
                rows = [builder.mul(builder.add(point, long(k)), stride) for k in range(8)]
                eight = [load(builder, source, builder.add(row, w), _WORDS, 8) for row in rows]
                _rises(builder, eight, *state[DIGITS:])
                _add_eight(builder, eight, state[:DIGITS])
            for k, place in enumerate(state[: DIGITS + 1]):
                store(
                    builder,
                    builder.load(place),
                    target,
                    added(builder, builder.mul(long(k), stride), w, 0),
                    8,
                )
        return context.get_dummy_value()

    return types.void(words, stride, points, count, digits), code


@vector_code
def count_equal(typing: Any, digits: Any, stride: Any, count: Any, value: Any, counted: Any) -> Any:
    """Return how many circles of `counted` have `value` points set, and how many `value` + 1.

    The second number is in the upper 32 bits. `value` is even and below 32. `digits` is the output
    of `count_points`, of whose digits the lowest five are compared.
    """
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _count_equal(context, builder, signature, args, 5)

    return types.int64(digits, stride, count, value, counted), code


@vector_code
def count_equal_large(
    typing: Any, digits: Any, stride: Any, count: Any, value: Any, counted: Any
) -> Any:
    """Return the same as `count_equal`, for any number of points."""
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _count_equal(context, builder, signature, args, DIGITS)

    return types.int64(digits, stride, count, value, counted), code


def _count_equal(context: Any, builder: Any, signature: Any, args: Any, length: int) -> Any:
    table, mask = (data_of(context, builder, signature, args, k) for k in (0, 4))
    stride, count, value = args[1:4]
    bits = [builder.and_(builder.lshr(value, long(k)), long(1)) for k in range(1, length)]
    flips = [splat(builder, builder.sub(bit, long(1)), 8) for bit in bits]
    up = ir.Constant(_WORDS, [32] * 8)
    total = cgutils.alloca_once(builder, _WORDS)
    builder.store(ir.Constant(_WORDS, [0] * 8), total)
    with cgutils.for_range_slice(builder, long(0), count, long(8), intp=LONG, inc=True) as (w, _):
        found = load(builder, mask, w, _WORDS, 8)
        for k, flip in enumerate(flips):
            digit = load(
                builder, table, added(builder, builder.mul(long(k + 1), stride), w, 0), _WORDS, 8
            )
            found = builder.and_(found, builder.xor(digit, flip))
        lowest = load(builder, table, w, _WORDS, 8)
        even, odd = builder.and_(found, builder.not_(lowest)), builder.and_(found, lowest)
        both = builder.add(_bits_set_of(builder, even), builder.shl(_bits_set_of(builder, odd), up))
        builder.store(builder.add(builder.load(total), both), total)
    return builder.call(
        function(builder, "llvm.vector.reduce.add.v8i64", LONG, [_WORDS]), [builder.load(total)]
    )


def _rises(builder: Any, bits: list[Any], many: Any, seen: Any, before: Any) -> None:
    """Mark the circles whose bits rise from 0 to 1, and those where they do so again."""
    previous, once, again = (builder.load(place) for place in (before, seen, many))
    for bit in bits:
        rise = builder.and_(bit, builder.not_(previous))
        again = builder.or_(again, builder.and_(once, rise))
        once = builder.or_(once, rise)
        previous = bit
    for value, place in ((previous, before), (once, seen), (again, many)):
        builder.store(value, place)


def _add_eight(builder: Any, bits: list[Any], digits: list[Any]) -> None:
    """Add eight bits to bit-sliced numbers, whose digits are in different words."""
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
