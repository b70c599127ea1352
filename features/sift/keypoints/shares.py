"""Addition of the eight shares of a pixel in one step, written as LLVM vector code.

LLVM vectorizes loops, and this one is too short.
"""

from typing import Any

import numba
from llvmlite import ir
from numba.extending import intrinsic

__all__ = ["SHARES", "add_shares"]

SHARES = 8  # of a pixel: two rows, two columns, two directions

_VECTOR = ir.VectorType(ir.FloatType(), SHARES)
_FAST = ("contract", "nsz", "arcp", "afn", "reassoc")


def _code(
    typing: Any, slots: Any, slot: Any, row: Any, column: Any, direction: Any, size: Any
) -> Any:
    """Return the signature, and the function that emits the instructions."""
    del typing
    single = numba.types.float32
    signature = numba.types.void(slots, numba.types.int64, single, single, single, single)
    del slot, row, column, direction, size

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, values[0])
        start = builder.mul(values[1], ir.Constant(values[1].type, SHARES))
        place = builder.bitcast(builder.gep(array.data, [start]), _VECTOR.as_pointer())
        shares = _everywhere(builder, values[5])
        for near, period in zip(values[2:5], (2, 1, 4), strict=True):
            second = [float(k // period % 2) for k in range(SHARES)]
            slope = builder.fmul(
                _everywhere(builder, near),
                ir.Constant(_VECTOR, [2 * each - 1 for each in second]),
                flags=_FAST,
            )
            part = builder.fadd(
                ir.Constant(_VECTOR, [1 - each for each in second]), slope, flags=_FAST
            )
            shares = builder.fmul(shares, part, flags=_FAST)
        builder.store(
            builder.fadd(builder.load(place, align=4), shares, flags=_FAST), place, align=4
        )
        return context.get_dummy_value()

    return signature, code


def _everywhere(builder: Any, value: Any) -> Any:
    """Return a vector that repeats the value."""
    one = builder.insert_element(
        ir.Constant(_VECTOR, ir.Undefined), value, ir.Constant(ir.IntType(32), 0)
    )
    return builder.shuffle_vector(
        one,
        ir.Constant(_VECTOR, ir.Undefined),
        ir.Constant(ir.VectorType(ir.IntType(32), SHARES), [0] * SHARES),
    )


add_shares: Any = intrinsic(_code)
"""``add_shares(slots, slot, row, column, direction, size)``, for kernels.

Add to ``slots[slot]`` the eight shares of a pixel.

`slots` is a C-contiguous float32 array of shape (any, `SHARES`), `slot` an int64 and not negative,
the others float32. `row`, `column` and `direction` say, from 0 to 1, how near the pixel is to the
second row, column and direction: the share of the first is ``1 - row``, that of the second ``row``.
In a slot the columns change fastest, then the rows.
"""
