"""Comparison of 64 bytes at a time, as LLVM vector code."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["bits_set", "matches"]

_BYTES, _WORD = ir.VectorType(ir.IntType(8), 64), ir.IntType(64)

_instruction: Any = intrinsic  # Any: the decorated function and the result differ in signature


@_instruction
def matches(typing: Any, codes: Any, at: Any, mask: Any, value: Any) -> Any:
    """Return the word whose bit k is ``codes[at + k] & mask == value``, for 64 bytes.

    The bytes from `at` on must exist. The code names no processor: LLVM splits the vector as the
    machine at hand needs it.
    """
    del typing, at, mask, value

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        start = builder.bitcast(builder.gep(array.data, [args[1]]), ir.PointerType(_BYTES))
        found = builder.and_(builder.load(start, align=1), _repeated(builder, args[2]))
        return builder.bitcast(
            builder.icmp_unsigned("==", found, _repeated(builder, args[3])), _WORD
        )

    return types.uint64(codes, types.uint64, types.uint8, types.uint8), code


@_instruction
def bits_set(typing: Any, word: Any) -> Any:
    """Return how many bits of a word of 64 are set."""
    del typing, word

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        del context, signature
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), code


def _repeated(builder: Any, byte: Any) -> Any:
    one = builder.insert_element(
        ir.Constant(_BYTES, ir.Undefined), byte, ir.Constant(ir.IntType(32), 0)
    )
    places = ir.Constant(ir.VectorType(ir.IntType(32), 64), [0] * 64)
    return builder.shuffle_vector(one, ir.Constant(_BYTES, ir.Undefined), places)
