"""Compiled functions that need no options of their own: no global interpreter lock, cached code."""

from collections.abc import Callable
from typing import Any

from numba import njit

__all__ = ["compiled"]


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function at its first call; it releases the global interpreter lock."""
    try:
        return njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # no writable cache folder: each process compiles for itself
        return njit(nogil=True, error_model="numpy")(function)
