"""Building blocks of vector code, written as LLVM instructions with llvmlite."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = [
    "INT",
    "LONG",
    "added",
    "data_of",
    "function",
    "load",
    "long",
    "splat",
    "store",
    "vector_code",
]

INT, LONG = ir.IntType(32), ir.IntType(64)

vector_code: Any = intrinsic  # Any: the decorated function and the result differ in signature


def data_of(context: Any, builder: Any, signature: Any, args: Any, k: int) -> Any:
    """Return the pointer to the elements of an array argument."""
    return context.make_array(signature.args[k])(context, builder, args[k]).data


def long(value: int) -> Any:
    """Return a 64-bit integer constant."""
    return ir.Constant(LONG, value)


def added(builder: Any, one: Any, other: Any, more: int) -> Any:
    """Return the sum of two numbers and a constant."""
    return builder.add(builder.add(one, other), long(more))


def load(builder: Any, pointer: Any, at: Any, kind: Any, align: int) -> Any:
    """Load a value of the LLVM type `kind` from a position."""
    return builder.load(builder.bitcast(builder.gep(pointer, [at]), kind.as_pointer()), align=align)


def store(builder: Any, value: Any, pointer: Any, at: Any, align: int) -> None:
    """Store a value at a position."""
    builder.store(
        value, builder.bitcast(builder.gep(pointer, [at]), value.type.as_pointer()), align=align
    )


def splat(builder: Any, value: Any, lanes: int) -> Any:
    """Return a vector that repeats a value."""
    kind = ir.VectorType(value.type, lanes)
    undefined = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(INT, 0))
    return builder.shuffle_vector(
        one, undefined, ir.Constant(ir.VectorType(INT, lanes), [0] * lanes)
    )


def function(builder: Any, name: str, returns: Any, takes: list[Any]) -> Any:
    """Return an LLVM intrinsic, or another function, by its name."""
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(returns, takes), name)
