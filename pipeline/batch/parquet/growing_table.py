"""Parquet table to which the row groups of shard files are appended while others are measured.

The table is an atomic file: it gets its name with the footer, at the very end. A run that is
interrupted discards it, and the next run assembles it again from the shard files.
"""

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa

from galfeat._atomic_files import AtomicFile
from galfeat.pipeline.batch.parquet.row_groups import (
    MAGIC,
    begin,
    finish,
    insert_rows,
    read_footer_of,
    shifted,
    template,
)
from galfeat.pipeline.batch.parquet.thrift import encode

__all__ = ["GrowingTable"]

_COPY_THREADS = min(2, os.cpu_count() or 1)  # within one disk more do not help
_SYNC_BYTES = 1 << 26  # flushed to disk every so many bytes, so that little is left for the end


class GrowingTable:
    """Parquet table under construction.

    Parameters
    ----------
    path : Path
        The table.
    folder : Path, optional
        Where the temporary file lies, on the same file system.

    Raises
    ------
    OSError
        From any method, if the system refuses to write.
    """

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        self._file = AtomicFile(path, folder)
        begin(self._file.file)
        self._file.file.flush()
        self._position, self._rows, self._unsynced = len(MAGIC), 0, 0
        self._groups: list[bytes] = []
        self._pool = ThreadPoolExecutor(_COPY_THREADS, thread_name_prefix="galfeat-joining")
        self._copying: deque[Future[None]] = deque()

    def add(self, shard: Path) -> None:
        """Append the row groups of a shard file; the copy runs in the background."""
        footer = read_footer_of(shard)
        self._copying.append(
            self._pool.submit(insert_rows, self._file.file, shard, footer, self._position)
        )
        self._groups += [
            encode(shifted(group, self._position - len(MAGIC))) for group in footer.groups
        ]
        size = footer.start - len(MAGIC)
        self._position, self._rows, self._unsynced = (
            self._position + size,
            self._rows + footer.rows,
            self._unsynced + size,
        )
        if self._unsynced > _SYNC_BYTES and hasattr(os, "fdatasync"):
            self._copying.append(self._pool.submit(os.fdatasync, self._file.file.fileno()))
            self._unsynced = 0
        while len(self._copying) > 2 * _COPY_THREADS:
            self._copying.popleft().result()

    def finish(self, schema: pa.Schema) -> None:
        """Write the footer, and rename the table to its target."""
        for each in self._copying:
            each.result()
        self._pool.shutdown()
        self._file.file.seek(self._position)
        finish(self._file.file, template(schema), self._rows, self._groups)
        self._file.commit()

    def discard(self) -> None:
        """Delete the temporary file; do nothing after `finish`."""
        self._pool.shutdown(cancel_futures=True)  # waits: running copies need the file open
        self._file.discard()
