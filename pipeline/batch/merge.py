"""Outputs of a run: the list of failures, then the table.

The list of failures is renamed first and the table last: a new table always lies beside its own
list.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from galfeat._atomic_files import atomic_open
from galfeat.data import Failure
from galfeat.pipeline.batch.disk_errors import explain_disk_errors
from galfeat.pipeline.batch.work_folder.shard_files import read_result, read_rows
from galfeat.pipeline.csv_cells import safe_table, safe_text

__all__ = [
    "RunCounts",
    "TableWriter",
    "large_groups",
    "merge_failures",
    "merge_notes",
    "write_csv",
    "write_failures",
    "write_parquet",
]

TableWriter = Callable[[BinaryIO, Sequence[Path], pa.Schema], None]
"""Writes the rows of shard files, in order, to a file of that schema."""
_GROUP_ROWS = 1 << 16  # rows per row group of narrow tables
_MAX_REASONS = 20_000


class RunCounts:
    """Counts of a run: rows, failures, notes, and the frequency of each reason."""

    def __init__(self) -> None:
        self.done = self.failed = self.noted = 0
        self.reasons: Counter[str] = Counter()

    def add(self, rows: int, failures: Sequence[Failure]) -> None:
        """Add a shard."""
        self.done += rows
        failed = [failure for failure in failures if not failure.is_note]
        self.failed += len(failed)
        self.noted += len(failures) - len(failed)
        self.reasons.update(failure.reason for failure in failed)
        if len(self.reasons) > _MAX_REASONS:  # reasons may name files: keep only the frequent ones
            self.reasons = Counter(dict(self.reasons.most_common(_MAX_REASONS // 2)))

    @property
    def commonest(self) -> str:
        """The most frequent reason, or an empty text."""
        return self.reasons.most_common(1)[0][0] if self.reasons else ""


def merge_failures(path: Path, shards: Sequence[Path], folder: Path) -> None:
    """Write the list of failures of all shards.

    Parameters
    ----------
    path : Path
    shards : sequence of Path
        The shard files, in the order of the source.
    folder : Path
        Where the temporary file lies.

    Raises
    ------
    UsageError
        If the system refuses to write.
    """
    with explain_disk_errors(path), atomic_open(path, folder) as file:
        found = (failure for shard in shards for failure in _failures_of(shard))
        _write_failures(file, (failure for failure in found if not failure.is_note))


def merge_notes(path: Path, shards: Sequence[Path], folder: Path) -> None:
    """Write the list of notes of all shards as CSV, ``id,file,note``; see `merge_failures`."""
    with explain_disk_errors(path), atomic_open(path, folder) as file:
        found = (failure for shard in shards for failure in _failures_of(shard))
        rows = ([each.id, each.file, each.reason] for each in found if each.is_note)
        _write_rows(file, ["id", "file", "note"], rows)


def write_failures(path: Path, failures: Iterable[Failure]) -> None:
    """Write a list of failures as CSV: ``id,file,stage,reason``.

    Raises
    ------
    UsageError
        If the system refuses to write.
    """
    with explain_disk_errors(path), atomic_open(path) as file:
        _write_failures(file, failures)


def write_parquet(file: BinaryIO, tables: Iterable[pa.Table], schema: pa.Schema) -> None:
    """Write tables as one Parquet file."""
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table.replace_schema_metadata(schema.metadata))


def write_csv(file: BinaryIO, tables: Iterable[pa.Table], schema: pa.Schema) -> None:
    """Write tables as one CSV file."""
    with pyarrow.csv.CSVWriter(file, safe_table(schema.empty_table()).schema) as writer:
        for table in tables:
            writer.write_table(safe_table(table))


def _failures_of(shard: Path) -> tuple[Failure, ...]:
    result = read_result(shard)
    if result is None:
        raise OSError(f"{shard} has been deleted")
    return result.failures


def large_groups(shards: Sequence[Path]) -> Iterator[pa.Table]:
    """Yield the narrow rows of shards, in order, as tables of many rows."""
    pending: list[pa.Table] = []
    for shard in shards:
        pending.append(read_rows(shard))
        if sum(table.num_rows for table in pending) >= _GROUP_ROWS:
            yield pa.concat_tables(pending).combine_chunks()
            pending = []
    if pending:
        yield pa.concat_tables(pending).combine_chunks()


def _write_failures(file: BinaryIO, failures: Iterable[Failure]) -> None:
    rows = ([each.id, each.file, each.stage, each.reason] for each in failures)
    _write_rows(file, ["id", "file", "stage", "reason"], rows)


def _write_rows(file: BinaryIO, names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    quoting = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for cells in rows:
        row = [*map(safe_text, cells)]
        # a carriage return would end the line unless it is quoted
        (quoting if any("\r" in cell for cell in row) else writer).writerow(row)
    text.flush()
    text.detach()
