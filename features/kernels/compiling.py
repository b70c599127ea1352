"""Compilation of the kernels with numba: fast sums, inlined kernels, and closed ones."""

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import llvmlite.binding
import numba
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

from galfeat._compiling import enable_cache

__all__ = ["FAST", "kernel"]

FAST = frozenset({"reassoc", "nsz", "contract", "arcp", "afn"})
"""Fast-math flags of LLVM: sums may be reordered, fused and approximated.

Without ``nnan`` and ``ninf``, which would let LLVM delete the tests for bad pixels.
"""

_Function = TypeVar("_Function", bound=Callable[..., Any])


def kernel(
    *, fast: bool = True, inline: bool = False, closed: bool = False
) -> Callable[[_Function], _Function]:
    """Return a decorator that compiles a function on its first call, to run without the GIL.

    Parameters
    ----------
    fast : bool, default True
        Whether sums may be reordered; see `FAST`.
    inline : bool, default False
        Whether the code is inlined into its callers and not cached by itself.
    closed : bool, default False
        Whether the kernels that it calls are copied into it; for those that call many and that
        Python calls. Otherwise the process that compiles them calls their first versions, and one
        that loads the cache those that were optimized again as part of it: sums that may be
        reordered then differ in the last bits.
    """

    def compiled(function: _Function) -> _Function:
        flags = set(FAST) if fast else False
        take: Any = "always" if inline else "never"
        pipeline: Any = _ClosedCompiler if closed else None
        dispatcher: Any = numba.njit(
            nogil=True,
            fastmath=flags,
            error_model="numpy",
            inline=take,
            pipeline_class=pipeline,
        )(function)
        if not inline:
            enable_cache(dispatcher)
        return dispatcher

    return compiled


class _ClosedLibrary(JITCodeLibrary):
    """Code of a kernel with copies of its own of what it calls."""

    def _optimize_final_module(self) -> None:
        own = uuid.uuid4().hex  # others of these names would take their place
        for function in self._final_module.functions:
            shared = function.linkage == llvmlite.binding.Linkage.linkonce_odr
            if shared and not function.is_declaration:
                function.name = f"{function.name}.{own}"
        super()._optimize_final_module()


class _ClosedCompiler(Compiler):
    """Numba's compiler, with a library as above."""

    def __init__(self, typingctx: Any, targetctx: Any, *others: Any) -> None:
        super().__init__(typingctx, targetctx, *others)
        library = _ClosedLibrary(targetctx.codegen(), "closed")
        library.enable_object_caching()
        self.state.library = library
