"""Lock file: one run at a time per output.

The lock is advisory (``flock``) and ends with the process that holds it, however that ends.
"""

import os
import socket
from contextlib import suppress

__all__ = ["holder", "sign", "try_lock"]


def try_lock(handle: int) -> bool:
    """Lock an open file exclusively; return False if another process has locked it.

    True also where the system or the file system has no locks: concurrent runs are the user's
    responsibility there.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network file system without locks
        return True
    return True


def sign(handle: int) -> None:
    """Write into a locked file who holds it."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.write(handle, f"process {os.getpid()} on {socket.gethostname()}".encode())


def holder(handle: int) -> str:
    """Return who holds the lock, as `sign` wrote it."""
    return os.read(handle, 200).decode(errors="replace") or "another process"
