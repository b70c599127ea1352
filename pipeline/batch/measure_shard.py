"""Measurement of one shard: read in chunks, measure, write the shard file."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

import pyarrow as pa

from galfeat.data import Failure, Shard
from galfeat.pipeline.batch.chunks import read_chunks
from galfeat.pipeline.batch.unforeseen import measure_each
from galfeat.pipeline.batch.work import BatchWork
from galfeat.pipeline.batch.work_folder.shard_files import ShardResult, write_result

__all__ = ["RunStopped", "measure_rows", "measure_shard", "never", "regroup"]

_NO_TURN = nullcontext()


class RunStopped(Exception):  # noqa: N818 - not an error: the run ends as it was asked to
    """Raised in a worker to abandon its shard, because the run is to end."""


def never() -> bool:
    """Return False: a run that is never stopped."""
    return False


def measure_shard(
    work: BatchWork,
    shard: Shard,
    path: Path,
    stopped: Callable[[], bool] = never,
    *,
    galaxies: slice = slice(None),
    turn: AbstractContextManager[object] = _NO_TURN,
) -> ShardResult:
    """Measure a shard and write its file.

    Parameters
    ----------
    work : BatchWork
    shard : Shard
    path : Path
        The shard file to write.
    stopped : callable, optional
        Polled between chunks; True abandons the shard.
    galaxies : slice, optional
        Which galaxies to measure, of an entry that contains several.
    turn : context manager, optional
        Entered while cutouts are read and measured, and left before the file is flushed to disk.

    Raises
    ------
    RunStopped
        If `stopped` returned True.
    UsageError
        If the file cannot be written.
    """
    failures: list[Failure] = []
    tables = _inside(turn, measure_rows(work, shard, failures, stopped, galaxies))
    with closing(tables):  # leaves the turn even if writing fails
        return write_result(path, regroup(tables, work.shard_size), work.schema, failures)


def measure_rows(
    work: BatchWork,
    shard: Shard,
    failures: list[Failure],
    stopped: Callable[[], bool] = never,
    galaxies: slice = slice(None),
) -> Iterator[pa.Table]:
    """Yield the table rows of a shard, chunk by chunk.

    Parameters
    ----------
    work, shard, stopped, galaxies
        As of `measure_shard`.
    failures : list of Failure
        Failures are appended to it; sorted by row when the iteration ends.
    """
    catalog, measurement = work.source.catalog, work.measurement
    with closing(
        read_chunks(
            work.source, shard, measurement.image_shape, measurement.working_bytes, galaxies
        )
    ) as chunks:
        for cutouts, unread in chunks:
            if stopped():
                raise RunStopped
            failures += unread
            if cutouts:
                table, failed = measure_each(measurement, catalog, cutouts)
                failures += failed
                yield table.cast(work.schema) if table.schema != work.schema else table
    failures.sort(key=lambda failure: -1 if failure.row is None else failure.row)


def regroup(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Concatenate tables and cut them into groups of `rows` rows, the last one possibly smaller."""
    pending: list[pa.Table] = []
    count = 0
    for table in tables:
        pending.append(table)
        count += table.num_rows
        while count >= rows:
            whole = pa.concat_tables(pending)
            yield whole.slice(0, rows)
            pending, count = [whole.slice(rows)], count - rows
    if count:
        yield pa.concat_tables(pending)


def _inside(
    context: AbstractContextManager[object], tables: Iterator[pa.Table]
) -> Generator[pa.Table, None, None]:
    with context:
        yield from tables
