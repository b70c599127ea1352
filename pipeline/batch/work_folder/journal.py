"""Journal of the shards in flight, to find the suspects after a crash.

One line is appended when a shard is begun and one when it is finished. What a process wrote before
it was killed is kept by the system, so no fsync is needed. A run that ends in order, even by an
interrupt, leaves no suspects.
"""

import os
import threading
from contextlib import suppress
from pathlib import Path

from galfeat.pipeline.batch.disk_errors import explain_disk_errors

__all__ = ["Journal"]


class Journal:
    """Append-only log of begun and finished shards.

    Parameters
    ----------
    path : Path
        Created if it does not exist.

    Attributes
    ----------
    suspects : set of str
        Keys of the shards that were in flight when an earlier run crashed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.suspects = _unfinished(path)
        with explain_disk_errors(path):
            self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        self._lock = threading.Lock()
        self._open = True

    def begin(self, key: str) -> None:
        """Record that a shard is begun."""
        self._append(f"+{key}\n")

    def end(self, key: str) -> None:
        """Record that a shard is finished."""
        self._append(f"-{key}\n")

    def clear(self, key: str) -> None:
        """Record that a suspect was measured in quarantine."""
        self.suspects.discard(key)
        self.end(key)

    def close(self) -> None:
        """Close the journal of a run that ends in order: only unexamined suspects remain in it."""
        with self._lock:
            self._open = False
            with suppress(OSError):
                os.ftruncate(self._handle, 0)
                os.write(
                    self._handle, "".join(f"+{key}\n" for key in sorted(self.suspects)).encode()
                )
            os.close(self._handle)

    def _append(self, line: str) -> None:
        with self._lock:
            if self._open:  # an abandoned thread may still call
                with explain_disk_errors(self._path):
                    os.write(self._handle, line.encode())


def _unfinished(path: Path) -> set[str]:
    begun: set[str] = set()
    with suppress(OSError):
        for line in path.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("+"):
                begun.add(line[1:])
            else:
                begun.discard(line[1:])
    return begun
