"""The end of a run: the shards' files become one table, and their failures one list.

The list of failures appears first and the table last: where there is a new table, the list beside
it is its own.
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

from galfeat.data import Failure
from galfeat.pipeline.batch.shard_files import read_result, read_rows
from galfeat.pipeline.batch.writing import appearing, resumable, sync_folder

__all__ = ["Counts", "Merge", "as_csv", "merge", "recompressed", "write_failures"]

Merge = Callable[[BinaryIO, Sequence[Path], pa.Schema], None]
_ROWS = 1 << 16  # rows of narrow tables in a group


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


def merge(
    out: Path,
    failures: Path,
    shards: Sequence[Path],
    finish: Callable[[], None] | None,
    folder: Path | None = None,
) -> None:
    """Write the list of failures, then the table.

    Parameters
    ----------
    out, failures : Path
    shards : sequence of Path
        The shards' files, in the order of the source.
    finish : callable or None
        Makes the table appear; None where there is none.
    folder : Path, optional
        Where the files are while they are written.

    Raises
    ------
    UsageError
        If the system refuses.
    """
    with resumable(failures), appearing(failures, folder) as file:
        _write_failures(file, (failure for shard in shards for failure in _result(shard)))
    if finish is not None:
        with resumable(out):
            finish()
    sync_folder(out.parent)


def write_failures(path: Path, failures: Iterable[Failure]) -> None:
    """Write a list of failures: ``id,file,stage,reason``; the file appears whole or not at all."""
    with resumable(path), appearing(path) as file:
        _write_failures(file, failures)


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
