"""A table of wide rows that grows while its shards are still being measured.

Their groups of rows as they are, in the source's order.

It is written under another name, and gets its own with the footer, at the very end. A run that is
cut off leaves it to be cleared away: the shards' files are what is through, and the next run begins
the table anew from them.
"""

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa

from galfeat.pipeline.batch.parquet.row_groups import (
    MAGIC,
    begin,
    finish,
    insert_rows,
    moved,
    rows_of,
    template,
)
from galfeat.pipeline.batch.parquet.thrift import encode
from galfeat.pipeline.batch.writing import Part

__all__ = ["GrowingTable"]

_COPYING = min(2, os.cpu_count() or 1)  # threads that copy: within one disk more do not help
# bytes after which the disk is asked to take what is there, so that little is left for the end
_UNSYNCED = 1 << 26


class GrowingTable:
    """A table under way.

    Parameters
    ----------
    path : Path
        The table.
    folder : Path, optional
        Where it is until it is whole, on the same disk.

    Raises
    ------
    OSError
        Here or later, if the system refuses to write.
    """

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        self._part = Part(path, folder)
        begin(self._part.file)
        self._part.file.flush()
        self._place, self._rows, self._unsynced = len(MAGIC), 0, 0
        self._groups: list[bytes] = []
        self._pool = ThreadPoolExecutor(_COPYING, thread_name_prefix="galfeat-joining")
        self._copying: deque[Future[None]] = deque()

    def add(self, shard: Path) -> None:
        """Copy the rows of the next shard's file, side by side with whatever else goes on."""
        footer = rows_of(shard)
        self._copying.append(
            self._pool.submit(insert_rows, self._part.file, shard, footer, self._place)
        )
        self._groups += [encode(moved(group, self._place - len(MAGIC))) for group in footer.groups]
        size = footer.start - len(MAGIC)
        self._place, self._rows, self._unsynced = (
            self._place + size,
            self._rows + footer.rows,
            self._unsynced + size,
        )
        if self._unsynced > _UNSYNCED and hasattr(os, "fdatasync"):
            self._copying.append(self._pool.submit(os.fdatasync, self._part.file.fileno()))
            self._unsynced = 0
        while len(self._copying) > 2 * _COPYING:
            self._copying.popleft().result()

    def finish(self, schema: pa.Schema) -> None:
        """Write the footer, and give the table its name."""
        for each in self._copying:
            each.result()
        self._pool.shutdown()
        self._part.file.seek(self._place)
        finish(self._part.file, template(schema), self._rows, self._groups)
        self._part.appear()

    def discard(self) -> None:
        """Leave no trace; of a table that is finished, nothing changes."""
        self._pool.shutdown(cancel_futures=True)  # and wait: whoever copies needs the file open
        self._part.vanish()
