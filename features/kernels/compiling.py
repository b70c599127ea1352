"""How kernels are compiled, and where the result is kept.

Compiled code is kept on disk, beside the source or in numba's folder for the user (`NUMBA_CACHE_DIR` chooses another), and used
again by the next process. Where no folder can be written, every process compiles for itself.
"""

import hashlib
import logging
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import event
from numba.core.caching import FunctionCache
from numba.core.runtime.nrt import rtsys

__all__ = ["FAST", "kernel"]

FAST = frozenset({"reassoc", "nsz", "contract", "arcp", "afn"})
"""Liberties with the order and rounding of sums. Without ``nnan`` and ``ninf``, which would delete the tests for bad pixels."""

_IMPORTED = re.compile(r"^\s*from galfeat\.features\.(?:kernels|shape)\.(\w+) import", re.MULTILINE)
_log = logging.getLogger("galfeat")
_Function = TypeVar("_Function", bound=Callable[..., Any])


def kernel(*, fast: bool = True, inline: bool = False) -> Callable[[_Function], _Function]:
    """Return a decorator that compiles a function when it is first called, without Python's lock.

    Parameters
    ----------
    fast : bool, default True
        Whether sums may be reordered; see `FAST`.
    inline : bool, default False
        Whether callers take the code in, and no entry of its own is kept.
    """

    def compiled(function: _Function) -> _Function:
        flags = set(FAST) if fast else False
        take: Any = "always" if inline else "never"
        dispatcher: Any = numba.njit(nogil=True, fastmath=flags, error_model="numpy", inline=take)(function)
        if not inline:
            _keep(dispatcher)
        return dispatcher

    return compiled


class _Kept(FunctionCache):
    """Numba's cache, which also knows the other kernels' source, and for which a full disk is no error."""

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _log.debug("compiled code could not be kept: %s", error)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            # Not by numba's method, which first imports all that compiling needs, scipy.linalg among it: a sixth of a second or more.
            rtsys.initialize(target_context)  # the arrays' memory, which loaded code is linked to
            return self._load_overload(sig, target_context)
        except Exception as error:  # whatever a damaged file raises
            _log.debug("kept code could not be read: %r", error)
            return None

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return *super()._index_key(sig, codegen), _fingerprint(self._py_func.__module__.rpartition(".")[2])


def _keep(dispatcher: Any) -> None:
    try:
        dispatcher._cache = _Kept(dispatcher.py_func)  # as numba's own `enable_caching` does
    except RuntimeError:  # no folder that can be written
        _log.debug("no folder to keep compiled code in; %s is compiled by each process", dispatcher.py_func.__name__)


@cache
def _fingerprint(name: str) -> str:
    """Return a mark of the source of a file of kernels and of those it imports.

    A kernel holds code of those it calls, and numba looks at one file alone.
    """
    here = Path(__file__).parent
    folders = here, here.parent / "shape"
    needed, waiting = dict[str, bytes](), [name]
    while waiting:
        each = waiting.pop()
        for file in (folder / f"{each}.py" for folder in folders):
            if each not in needed and file.is_file():
                needed[each] = file.read_bytes()
                waiting += _IMPORTED.findall(needed[each].decode("utf-8"))
    return hashlib.sha256(b"".join(needed[each] for each in sorted(needed))).hexdigest()


class _Announcer(event.Listener):
    """Says once that this process compiles, since that takes a while."""

    said = False

    def on_start(self, event: Any) -> None:
        module = event.data["dispatcher"].py_func.__module__ or ""  # others' code may be of no module
        if not self.said and module.startswith("galfeat."):
            self.said = True
            _log.info("compiling the extractors for this processor, which takes up to a minute; the next run finds them compiled")

    def on_end(self, event: Any) -> None:
        del event


event.register("numba:compile", _Announcer())
