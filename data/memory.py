"""Memory that reading and preparing may take: one budget for the threads of a process.

A small file can claim, or unpack to, more pixels than there is memory. What a cutout takes is
therefore reserved before it is taken: `BUDGET` counts the bytes of all threads. A thread that
wants more than is free waits for the others; a cutout that needs more than the whole budget is a
`CutoutError` with both numbers.

A thread never waits while it holds memory, since two of them could wait for each other. It drops
what it has read instead (`TooMuchAtOnce`), reserves the whole, and reads once more: `run` does so
for one entry, `galfeat.pipeline.batch.chunks` for many.
"""

import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TypeVar

from galfeat import CutoutError, UsageError

__all__ = ["BUDGET", "MemoryBudget", "TooMuchAtOnce", "default_memory", "parse_memory"]

T = TypeVar("T")

_MOST = 1 << 30  # default, where there is plenty
_SHARE = 4  # the default is this part of the memory, where there is less
_LEAST = 16 << 20  # what a limit must allow: a few cutouts at a time
_UNCOUNTED = 1 << 20  # smaller reservations are not worth the lock
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(?:i?B)?\s*", re.IGNORECASE)
_CGROUPS = Path("/sys/fs/cgroup")


def parse_memory(value: int | str | None) -> int:
    """Return an amount of memory in bytes; the default for None.

    Parameters
    ----------
    value : int, str or None
        Bytes, or a number with a unit, as ``2G`` or ``500 MiB``, which are powers of 1,024.

    Raises
    ------
    UsageError
        If it is no amount, or less than 16 MiB.

    Examples
    --------
    >>> parse_memory("1.5G"), parse_memory(1 << 24)
    (1610612736, 16777216)
    """
    if value is None:
        return default_memory()
    found = _SIZE.fullmatch(str(value))
    if found is None or isinstance(value, bool):
        raise UsageError(f"memory must be a number of bytes, or as 500M or 2G; it is {value!r}")
    size = int(float(found[1]) * _UNITS[found[2].upper()])
    if size < _LEAST:
        raise UsageError(
            f"memory must be at least {_mebibytes(_LEAST)} (16M); it is {value} "
            f"({_mebibytes(size)})"
        )
    return size


@cache
def default_memory() -> int:
    """Return 1 GiB, or a quarter of the memory that this process may use if that is less."""
    return max(_LEAST, min([_MOST, *(each // _SHARE for each in _memory_limits())]))


def _memory_limits() -> Iterator[int]:
    """Yield the memory of the machine and the limits of the process and its control groups."""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        import resource
    except ImportError:
        pass
    else:
        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            yield limit
    for file in _control_files():
        try:
            yield int(file.read_text(encoding="ascii"))
        except (OSError, ValueError):  # not there, or "max"
            continue


def _control_files() -> Iterator[Path]:
    """Yield the files that can hold a memory limit of this process's control groups."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    for line in lines:
        _, controllers, group = [*line.split(":", 2), "", ""][:3]
        if controllers and "memory" not in controllers.split(","):
            continue
        root, name = (
            (_CGROUPS / "memory", "memory.limit_in_bytes")
            if controllers
            else (_CGROUPS, "memory.max")
        )
        folder = root / group.lstrip("/")
        for place in (folder, *folder.parents):
            yield place / name
            if place == root:
                break


def _mebibytes(size: int) -> str:
    return f"{-(-size // (1 << 20)):,} MiB"


class TooMuchAtOnce(Exception):  # noqa: N818 - no error: what was read is dropped and read again
    """Raised where more memory is needed than is free, and the thread holds some already.

    Parameters
    ----------
    needed : int
        What the thread would hold in all, bytes.
    """

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


class _Account(threading.local):
    """What a thread holds, bytes.

    `granted` of the budget; of that, `used` by open reservations and `kept` by the cutouts of the
    current chunk. `depth` counts nested uses, `keeps` whether a chunk is open.
    """

    def __init__(self) -> None:
        self.limit: int | None = None
        self.granted = self.used = self.kept = self.depth = 0
        self.keeps = False


class MemoryBudget:
    """Bytes that all threads of the process may hold together.

    Attributes
    ----------
    taken : int
        What they hold now.
    """

    def __init__(self) -> None:
        self.taken = 0
        self._own = _Account()
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()

    @property
    def limit(self) -> int:
        """Limit that holds in this thread."""
        return default_memory() if self._own.limit is None else self._own.limit

    @contextmanager
    def limited(self, limit: int | None) -> Iterator[None]:
        """Set the limit of this thread's reservations within the context; None: as it is."""
        before = self._own.limit
        if limit is not None:
            self._own.limit = limit
        try:
            yield
        finally:
            self._own.limit = before

    @contextmanager
    def reserve(self, size: int) -> Iterator[None]:
        """Reserve memory within the context.

        Raises
        ------
        CutoutError
            If it is more than the limit, together with what the cutout holds already.
        TooMuchAtOnce
            If it is not free, and the thread holds memory already.
        """
        if size < _UNCOUNTED:
            yield
            return
        own = self._own
        self._grow(size)
        own.used += size
        own.depth += 1
        try:
            yield
        finally:
            own.depth -= 1
            own.used -= size
            self._release()

    def keep(self, size: int) -> None:
        """Count pixels that outlive their reading, until the end of the chunk.

        Without a chunk they are the caller's.

        Raises
        ------
        TooMuchAtOnce
            If it is not free.
        """
        if size < _UNCOUNTED >> 4 or not self._own.keeps:
            return
        self._grow(size)
        self._own.kept += size

    def run(self, read: Callable[[], T]) -> T:
        """Call a function that reserves memory; once more if others hold what it needs.

        Within a chunk, or within another call, it is the outer one that begins anew.

        Raises
        ------
        CutoutError
            If it needs more than the limit.
        """
        own, needed = self._own, 0
        if own.depth:
            return read()
        while True:
            own.depth = 1
            try:
                if needed:
                    self.prepay(needed)
                return read()
            except TooMuchAtOnce as short:
                needed = short.needed
            finally:
                own.depth = 0
                self._release()

    @contextmanager
    def chunk(self, limit: int | None = None) -> Iterator[None]:
        """Hold what is read within the context until its end; with a limit, as `limited`."""
        own = self._own
        with self.limited(limit):
            own.depth, own.keeps = own.depth + 1, True
            try:
                yield
            finally:
                own.depth, own.keeps, own.kept = own.depth - 1, False, 0
                self._release()

    def clear(self) -> None:
        """Give everything back: what was read in this chunk has been dropped."""
        own = self._own
        own.kept, depth = 0, own.depth
        own.depth = 0
        self._release()
        own.depth = depth

    def prepay(self, needed: int) -> None:
        """Wait until so much is free, and hold it; nothing is held yet.

        Raises
        ------
        CutoutError
            If it is more than the limit.
        """
        self.check(needed)
        self._grow(needed)

    def ensure(self, size: int) -> None:
        """Hold so much beside what is in use, as far as the limit allows, for what comes next.

        Raises
        ------
        TooMuchAtOnce
            If it is not free.
        """
        self._grow(min(size, self.limit - self._own.used - self._own.kept))

    def check(self, size: int) -> None:
        """Check that so much is within the limit.

        Raises
        ------
        CutoutError
            If it is not.
        """
        if size > self.limit:
            raise CutoutError(self._too_much(size))

    def _too_much(self, needed: int) -> str:
        return (
            f"needs {_mebibytes(needed)} of memory, and {_mebibytes(self.limit)} may be used: "
            "allow more (--memory), or make it smaller"
        )

    def _grow(self, size: int) -> None:
        """Take what is missing for `size` more bytes in use."""
        own, limit = self._own, self.limit
        if own.used + size > limit:
            raise CutoutError(self._too_much(own.used + size))
        whole = own.used + own.kept + size
        missing = whole - own.granted
        if missing <= 0:
            return
        if whole > limit:
            raise TooMuchAtOnce(whole)
        with self._changed:
            if own.granted:
                if self.taken + missing > limit:
                    raise TooMuchAtOnce(whole)
            else:
                self._wait(missing, limit)
            self.taken += missing
            own.granted += missing

    def _wait(self, size: int, limit: int) -> None:
        """Wait until so much is free; who came first is served first."""
        if not self._waiting and self.taken + size <= limit:
            return
        turn = object()
        self._waiting.append(turn)
        try:
            self._changed.wait_for(lambda: self._waiting[0] is turn and self.taken + size <= limit)
        finally:
            self._waiting.remove(turn)
            self._changed.notify_all()

    def _release(self) -> None:
        """Give back what this thread holds, unless it is still in use."""
        own = self._own
        if own.depth or not own.granted:
            return
        with self._changed:
            self.taken -= own.granted
            own.granted = 0
            self._changed.notify_all()


BUDGET = MemoryBudget()
"""The budget of this process."""
