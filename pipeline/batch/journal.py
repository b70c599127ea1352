"""Which shards were being measured when a run died: those are the suspects.

A line is added to a file when a shard is begun and when it is through. What a process wrote before
it was killed stays written, so nothing has to wait for the disk. A run that ends in order, even
interrupted, leaves no suspects.
"""

import os
import threading
from contextlib import suppress
from pathlib import Path

from galfeat.pipeline.batch.writing import resumable

__all__ = ["Journal"]


class Journal:
    """The shards in flight.

    Parameters
    ----------
    path : Path
        A file of the run; made where there is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.suspects = _read(path)
        """Keys of the shards that an earlier run had begun when it died."""
        with resumable(path):
            self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        self._lock = threading.Lock()
        self._open = True

    def begin(self, key: str) -> None:
        """Note that a shard is begun."""
        self._note(f"+{key}\n")

    def end(self, key: str) -> None:
        """Note that a shard is through."""
        self._note(f"-{key}\n")

    def clear(self, key: str) -> None:
        """Note that a suspect was looked into."""
        self.suspects.discard(key)
        self.end(key)

    def close(self) -> None:
        """End the journal in order.

        Nothing is in flight any more, and only earlier suspects that nobody looked into remain.
        """
        with self._lock:
            self._open = False
            with suppress(OSError):
                os.ftruncate(self._handle, 0)
                os.write(
                    self._handle, "".join(f"+{key}\n" for key in sorted(self.suspects)).encode()
                )
            os.close(self._handle)

    def _note(self, line: str) -> None:
        with self._lock:
            if self._open:  # a thread that was given up may still come here
                with resumable(self._path):
                    os.write(self._handle, line.encode())


def _read(path: Path) -> set[str]:
    begun: set[str] = set()
    with suppress(OSError):
        for line in path.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("+"):
                begun.add(line[1:])
            else:
                begun.discard(line[1:])
    return begun
