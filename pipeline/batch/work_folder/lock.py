"""Lock file: one run at a time per output.

The lock is advisory (``flock``) and ends with the process that holds it, however that ends.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from galfeat import UsageError
from galfeat.pipeline.batch.disk_errors import explain_disk_errors

__all__ = ["run_lock"]

_TIMEOUT = 3.0  # seconds; a killed run may hold its lock for a moment


@contextmanager
def run_lock(path: Path, out: Path) -> Iterator[None]:
    """Hold an exclusive lock during the block.

    Parameters
    ----------
    path : Path
        The lock file; created if missing, with its folder. The holder may delete it.
    out : Path
        The output of the run, for the message.

    Raises
    ------
    UsageError
        If another process holds the lock, on this machine or, on file systems that forward locks,
        on another one.
    """
    handle = _acquire(path, out)
    try:
        with suppress(OSError):
            os.ftruncate(handle, 0)
            os.write(handle, f"process {os.getpid()} on {socket.gethostname()}".encode())
        yield
    finally:
        os.close(handle)  # releases the lock


def _acquire(path: Path, out: Path) -> int:
    until = time.monotonic() + _TIMEOUT
    while True:
        with explain_disk_errors(out):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if _try_lock(handle):
            if _is_current(path, handle):
                return handle
        elif time.monotonic() > until:
            holder = os.read(handle, 200).decode(errors="replace") or "another process"
            os.close(handle)
            raise UsageError(
                f"another run is making {out} now ({holder}); wait for its end, or name another "
                "file"
            )
        os.close(handle)
        time.sleep(0.05)


def _try_lock(handle: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: no lock; concurrent runs are the user's responsibility
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network file system without locks
        return True
    return True


def _is_current(path: Path, handle: int) -> bool:
    """Return whether the locked file still has that name: its holder may have deleted it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except OSError:
        return False
