"""Compilation with numba, and the cache of compiled code on disk.

Compiled code is cached beside the source or in numba's folder for the user (`NUMBA_CACHE_DIR`
chooses another) and loaded by the next process. Loading runs what is in the files, so a folder that
other users can write to is passed over. Where none is left, every process compiles for itself.
"""

import hashlib
import logging
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core import event
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.runtime.nrt import rtsys

from galfeat._private_folders import untrusted_because

__all__ = ["compiled", "enable_cache"]

_IMPORTED = re.compile(r"^\s*from galfeat\.([\w.]+) import", re.MULTILINE)
_log = logging.getLogger("galfeat")


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function at its first call, without options: sums stay in their order.

    It releases the global interpreter lock.
    """
    dispatcher = numba.njit(nogil=True, error_model="numpy")(function)
    enable_cache(dispatcher)
    return dispatcher


@cache
def _is_trusted(folder: Path) -> bool:
    reason = untrusted_because(folder)
    if reason:
        _log.info("compiled code is not kept in %s: %s", folder, reason)
    return not reason


def _if_trusted(locator: Any) -> Any:
    """Return a class of locators that finds nothing where other users could write."""

    class Trusted(locator):
        @classmethod
        def from_function(cls, function: Any, file: str) -> Any:
            found = super().from_function(function, file)
            return found if found and _is_trusted(Path(found.get_cache_path())) else None

    return Trusted


class _TrustedFolders(CompileResultCacheImpl):
    """Numba's choice of a folder, among those that only this user can write to."""

    _locator_classes: list[Any] = [  # noqa: RUF012 - as in the base class
        _if_trusted(each) for each in CompileResultCacheImpl._locator_classes
    ]

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        # NUMBA_CACHE_LOCATOR_CLASSES takes the place of the list above
        if not _is_trusted(Path(self.locator.get_cache_path())):
            raise RuntimeError("other users can write to the folder")


class _KernelCache(FunctionCache):
    """Numba's cache on disk, keyed by the source of imported kernels too.

    A full disk raises no error: the next process compiles the code again. Neither does an index
    that another version wrote, whose signatures name classes that this one lacks: it is replaced.
    """

    _impl_class = _TrustedFolders

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            try:
                super().save_overload(sig, data)
            except OSError:
                raise
            except Exception:  # a foreign index raises anything
                self._cache_file.flush()
                super().save_overload(sig, data)
        except OSError as error:
            _log.debug("compiled code could not be cached: %s", error)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            # Numba's own method first imports all that compiling needs, scipy.linalg among it,
            # which takes a sixth of a second or more. Loaded code links to the runtime that
            # allocates arrays.
            rtsys.initialize(target_context)
            return self._load_overload(sig, target_context)
        except Exception as error:  # a damaged file raises anything
            _log.debug("cached code could not be read: %r", error)
            return None

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return *super()._index_key(sig, codegen), _fingerprint(
            self._py_func.__module__.removeprefix("galfeat.")
        )


def enable_cache(dispatcher: Any) -> None:
    """Keep the code of a compiled function on disk, where a folder can be trusted."""
    try:
        dispatcher._cache = _KernelCache(dispatcher.py_func)  # as numba's own `enable_caching` does
    except RuntimeError:  # no writable folder, or none that is trusted
        _log.debug(
            "no writable folder to cache compiled code in; %s is compiled by each process",
            dispatcher.py_func.__name__,
        )


@cache
def _fingerprint(name: str) -> str:
    """Return a SHA-256 of the source of a module and of all it imports.

    Numba inlines called kernels but watches only the file of the caller.
    """
    needed, waiting = dict[str, bytes](), [name]
    while waiting:
        each = waiting.pop()
        file = Path(__file__).parent / f"{each.replace('.', '/')}.py"
        if each not in needed and file.is_file():
            needed[each] = file.read_bytes()
            waiting += _IMPORTED.findall(needed[each].decode())
    return hashlib.sha256(b"".join(needed[each] for each in sorted(needed))).hexdigest()


class _CompilationListener(event.Listener):
    """Log once when this process starts to compile, which takes up to two minutes."""

    logged = False

    def on_start(self, event: Any) -> None:
        # functions of other packages may have no module
        module = event.data["dispatcher"].py_func.__module__ or ""
        if not self.logged and module.startswith("galfeat."):
            self.logged = True
            _log.info(
                "compiling for this processor, which takes up to two minutes; later runs use the "
                "compiled code"
            )

    def on_end(self, event: Any) -> None:
        del event


event.register("numba:compile", _CompilationListener())
