"""Interpolation of 64 adjacent pixels at a time along rows, written as LLVM vector code.

Every function takes flat arrays and positions in them, without bounds checks. The code names no
processor: LLVM splits the vectors as the machine at hand needs it, and fuses `fmuladd` where that
is fast.
"""

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
    "FLOATS",
    "INTS",
    "LANES",
    "PARTS",
    "fmuladd",
    "interpolate_row",
    "interpolate_three_rows",
]

LANES = 16
"""Pixels in a vector; four vectors fill a word of 64 bits."""

PARTS = 64 // LANES
"""Vectors in a word."""

FLOATS, INTS = ir.VectorType(ir.FloatType(), LANES), ir.VectorType(INT, LANES)


@vector_code
def interpolate_row(
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
    """Interpolate `count` pixels of a row at the columns of several planes.

    Set ``planes[to + k step + i]`` to ``u (pixels[start + i + 1] - pixels[start + i]) + v
    pixels[start + i]`` for i < count, with (u, v) in row ``first + k`` of `mixes`, k < number.
    `count` is a multiple of 64.
    """
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, target, weights = (data_of(context, builder, signature, args, k) for k in (0, 1, 6))
        start, count, to, step, first, number = (args[k] for k in (2, 3, 4, 5, 7, 8))
        after = ir.Constant(INTS, list(range(1, LANES + 1)))
        with cgutils.for_range_slice(builder, long(0), count, long(64), intp=LONG, inc=True) as (
            i,
            _,
        ):
            here = [
                load(builder, source, added(builder, start, i, LANES * k), FLOATS, 4)
                for k in range(PARTS + 1)
            ]
            slope = [
                builder.fsub(builder.shuffle_vector(here[k], here[k + 1], after), here[k])
                for k in range(PARTS)
            ]
            with cgutils.for_range(builder, number, intp=LONG) as plane:
                mix = builder.mul(builder.add(first, plane.index), long(2))
                u, v = (
                    splat(
                        builder,
                        builder.load(builder.gep(weights, [builder.add(mix, long(k))])),
                        LANES,
                    )
                    for k in (0, 1)
                )
                place = added(builder, builder.add(to, builder.mul(plane.index, step)), i, 0)
                for k in range(PARTS):
                    value = fmuladd(builder, u, slope[k], builder.fmul(v, here[k]))
                    store(builder, value, target, builder.add(place, long(LANES * k)), 4)
        return context.get_dummy_value()

    return types.void(pixels, planes, start, count, to, step, mixes, first, number), code


@vector_code
def interpolate_three_rows(
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

    Row r, from ``pixels[at + r width]`` on, is stored at ``planes[to + k step + 64 r]``. Rows
    `first` to `stop` of `groups` are (offset, first plane, number of planes); k counts the planes
    from that of the first group on. The rest is as in `interpolate_row`.
    """
    del typing

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, target, table, weights = (
            data_of(context, builder, signature, args, k) for k in (0, 3, 6, 9)
        )
        at, width, to, step, first, stop = (args[k] for k in (1, 2, 4, 5, 7, 8))
        after = ir.Constant(INTS, list(range(1, LANES + 1)))
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
                        load(builder, source, builder.add(start, long(LANES * k)), FLOATS, 4)
                        for k in range(PARTS + 1)
                    ]
                    slope += [
                        builder.fsub(builder.shuffle_vector(row[k], row[k + 1], after), row[k])
                        for k in range(PARTS)
                    ]
                    here += row[:PARTS]
                builder.store(begin, place)
                with cgutils.for_range_slice(
                    builder, plane, behind, long(1), intp=LONG, inc=True
                ) as (each, _):
                    u, v = (
                        splat(
                            builder,
                            builder.load(builder.gep(weights, [added(builder, each, each, k)])),
                            LANES,
                        )
                        for k in (0, 1)
                    )
                    now = builder.load(place)
                    for k in range(len(here)):
                        value = fmuladd(builder, u, slope[k], builder.fmul(v, here[k]))
                        store(
                            builder,
                            value,
                            target,
                            added(builder, now, long(64 * rows[0]), LANES * k),
                            4,
                        )
                    builder.store(builder.add(now, step), place)
        return context.get_dummy_value()

    return types.void(pixels, at, width, planes, to, step, groups, first, stop, mixes), code


def _many_registers() -> bool:
    """Return whether the registers hold four vectors, and their slopes, of three rows.

    Otherwise rows are interpolated one by one.
    """
    given: Any = getattr(config, "CPU_FEATURES", None)
    features: str = get_host_cpu_features().flatten() if given is None else given
    return "+avx512f" in features.split(",")


def fmuladd(builder: Any, one: Any, other: Any, third: Any) -> Any:
    """Return ``one * other + third``, fused where the processor does that fast."""
    return builder.call(
        function(builder, "llvm.fmuladd.v16f32", FLOATS, [FLOATS] * 3), [one, other, third]
    )
