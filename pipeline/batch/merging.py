"""The end of a run: the shards' files become one table, and their failures one list.

The list of failures appears first and the table last: where there is a new table, the list beside it is its own.
"""

import csv
import io
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from galfeat.data import Failure
from galfeat.pipeline.batch.row_groups import MAGIC, begin, finish, insert_rows, moved, rows_of, template
from galfeat.pipeline.batch.shard_files import read_result, read_rows
from galfeat.pipeline.batch.thrift import encode
from galfeat.pipeline.batch.writing import appearing, resumable, sync_folder

__all__ = ["Counts", "Merge", "as_csv", "copied", "merge", "recompressed", "write_failures"]

Merge = Callable[[BinaryIO, Sequence[Path], pa.Schema], None]
_ROWS = 1 << 16  # rows of narrow tables in a group
_COPYING = min(4, os.cpu_count() or 1)  # threads that copy: within one disk more do not help


class Counts:
    """What came of a run: rows, failures, and how often each reason."""

    def __init__(self) -> None:
        self.done = self.failed = 0
        self.reasons: Counter[str] = Counter()

    def add(self, rows: int, failures: Sequence[Failure]) -> None:
        """Count a shard."""
        self.done += rows
        self.failed += len(failures)
        self.reasons.update(failure.reason for failure in failures)
        if len(self.reasons) > 20_000:  # each file may have its own; the rare ones do not matter
            self.reasons = Counter(dict(self.reasons.most_common(10_000)))

    @property
    def commonest(self) -> str:
        """The most frequent reason, or an empty text."""
        return self.reasons.most_common(1)[0][0] if self.reasons else ""


def merge(out: Path, failures: Path, shards: Sequence[Path], write: Callable[[BinaryIO], None] | None, folder: Path | None = None) -> None:
    """Write the list of failures, then the table.

    Parameters
    ----------
    out, failures : Path
    shards : sequence of Path
        The shards' files, in the order of the source.
    write : callable or None
        Writes the table; None where there is none to be written.
    folder : Path, optional
        Where the files are while they are written.

    Raises
    ------
    UsageError
        If the system refuses.
    """
    with resumable(failures), appearing(failures, folder) as file:
        _write_failures(file, (failure for shard in shards for failure in _result(shard)))
    if write is not None:
        with resumable(out), appearing(out, folder) as file:
            write(file)
    sync_folder(out.parent)


def write_failures(path: Path, failures: Iterable[Failure]) -> None:
    """Write a list of failures: ``id,file,stage,reason``; the file appears whole or not at all."""
    with resumable(path), appearing(path) as file:
        _write_failures(file, failures)


def copied(out: BinaryIO, shards: Sequence[Path], schema: pa.Schema) -> None:
    """Write a table of wide rows: the shards' groups of rows as they are."""
    begin(out)
    out.flush()
    place, rows, groups = len(MAGIC), 0, list[bytes]()
    with ThreadPoolExecutor(_COPYING) as pool:
        copying = deque[Future[None]]()
        for shard in shards:
            footer = rows_of(shard)
            copying.append(pool.submit(insert_rows, out, shard, footer, place))
            groups += [encode(moved(group, place - len(MAGIC))) for group in footer.groups]
            place, rows = place + footer.start - len(MAGIC), rows + footer.rows
            while len(copying) > 2 * _COPYING:
                copying.popleft().result()
        for each in copying:
            each.result()
    out.seek(place)
    finish(out, template(schema), rows, groups)


def recompressed(out: BinaryIO, shards: Sequence[Path], schema: pa.Schema) -> None:
    """Write a table of narrow rows, in groups of many."""
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for table in _together(shards):
            writer.write_table(table.replace_schema_metadata(schema.metadata))


def as_csv(out: BinaryIO, shards: Sequence[Path], schema: pa.Schema) -> None:
    """Write a table of narrow rows as text."""
    with pyarrow.csv.CSVWriter(out, schema.remove_metadata()) as writer:
        for table in _together(shards):
            writer.write_table(table)


def _result(shard: Path) -> tuple[Failure, ...]:
    result = read_result(shard)
    if result is None:
        raise OSError(f"{shard} was there and is not now")
    return result.failures


def _together(shards: Sequence[Path]) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    for shard in shards:
        waiting.append(read_rows(shard))
        if sum(table.num_rows for table in waiting) >= _ROWS:
            yield pa.concat_tables(waiting).combine_chunks()
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def _write_failures(file: BinaryIO, failures: Iterable[Failure]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "file", "stage", "reason"])
    writer.writerows([each.id, each.file, each.stage, each.reason] for each in failures)
    text.flush()
    text.detach()
