"""One run at a time on one output.

A lock that ends with the process that holds it, however it ends.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from galfeat import UsageError
from galfeat.pipeline.batch.writing import resumable

__all__ = ["locked"]

_PATIENCE = 3.0  # seconds: a run that was killed may take a moment to be gone


@contextmanager
def locked(path: Path, what: Path) -> Iterator[None]:
    """Hold a lock during the block.

    Parameters
    ----------
    path : Path
        The lock's file; made where there is none, with its folder. Whoever holds the lock may
        remove it.
    what : Path
        What is being made, for the message.

    Raises
    ------
    UsageError
        If another process holds the lock, on this machine or, where the file system passes locks
        on, on another one.
    """
    handle = _acquire(path, what)
    try:
        with suppress(OSError):
            os.ftruncate(handle, 0)
            os.write(handle, f"process {os.getpid()} on {socket.gethostname()}".encode())
        yield
    finally:
        os.close(handle)  # and with it the lock ends


def _acquire(path: Path, what: Path) -> int:
    until = time.monotonic() + _PATIENCE
    while True:
        with resumable(what):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if _lock(handle):
            if _still_there(path, handle):
                return handle
        elif time.monotonic() > until:
            holder = os.read(handle, 200).decode(errors="replace") or "another process"
            os.close(handle)
            raise UsageError(
                f"another run is making {what} now ({holder}); wait for its end, or name another "
                "file"
            )
        os.close(handle)
        time.sleep(0.05)


def _lock(handle: int) -> bool:
    try:
        import fcntl
    # Windows: the file is not locked there, and two runs at once are up to the person
    except ImportError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network disk without locks
        return True
    return True


def _still_there(path: Path, handle: int) -> bool:
    """Return whether the locked file is the one under that name.

    The holder before may have removed it.
    """
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except OSError:
        return False
