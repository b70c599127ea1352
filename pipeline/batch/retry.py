"""Retry of failed entries, of an unfinished run or of a finished table."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from galfeat import UsageError
from galfeat.data import Failure, Shard
from galfeat.pipeline.batch.measure_shard import measure_rows, measure_shard, never, regroup
from galfeat.pipeline.batch.options import notes_path
from galfeat.pipeline.batch.work import UNKNOWN_DIGEST, BatchWork
from galfeat.pipeline.batch.work_folder.manifest import Manifest
from galfeat.pipeline.batch.work_folder.shard_files import (
    ShardResult,
    read_result,
    read_rows,
    write_result,
)
from galfeat.pipeline.csv_cells import plain_text
from galfeat.pipeline.extraction.feature_table import RUN_KEY

__all__ = ["remeasure_failures", "restore_shards"]

_MAX_LISTED = 3  # differences in a message


def restore_shards(out: Path, failures: Path, work: BatchWork, manifest: Manifest) -> bool:
    """Split a finished table into its shard files, as if its run were unfinished.

    Parameters
    ----------
    out, failures : Path
        The table and its list of failures.
    work : BatchWork
        The same work.
    manifest : Manifest
        Its manifest.

    Returns
    -------
    bool
        Whether there was such a table; otherwise everything has to be measured.

    Raises
    ------
    UsageError
        If the table has other settings, with the differences; or if files that galaxies were
        measured from have changed.
    """
    if (
        out.suffix.lower() == ".csv"
        or not out.is_file()
        or not failures.is_file()
        or work.source.catalog is None
    ):
        return False
    try:
        with pq.ParquetFile(out) as file:
            entry = (file.schema_arrow.metadata or {}).get(RUN_KEY)
            if entry is None:
                return False
            record = json.loads(entry)
            if "about" not in record:  # rows that depend on each other cannot be kept
                return False
            manifest.check_table(record, out)
            listed = _read_failures(failures), _read_notes(notes_path(out))
            by_shard = [
                [*failed, *noted]
                for failed, noted in zip(*(_by_shard(each, work) for each in listed), strict=True)
            ]
            _check_files(work, by_shard, record.get("files", ""), out)
            _split_table(file, by_shard, work)
    except UsageError:
        raise
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise UsageError(
            f"cannot read {out} to reuse its measurements: {error}; add --restart to measure "
            "everything"
        ) from error
    return True


def _by_shard(failed: list[Failure], work: BatchWork) -> Iterator[list[Failure]]:
    """Yield the failures of each shard, with their rows in the catalog."""
    next_failed = 0
    for shard in work.shards():
        rows = _rows_by_id(work, shard) if next_failed < len(failed) else {}
        found: list[Failure] = []
        while (
            next_failed < len(failed) and (row := _row_of(failed[next_failed].id, rows)) is not None
        ):
            found.append(replace(failed[next_failed], row=row))
            next_failed += 1
        yield found


def _check_files(
    work: BatchWork, by_shard: Sequence[Sequence[Failure]], digests: str, out: Path
) -> None:
    """Refuse to reuse galaxies whose files have changed, as far as the table has their digests."""
    size = len(UNKNOWN_DIGEST)
    changed: list[str] = []
    newer: list[str] = []
    made = out.stat().st_mtime_ns
    for number, (shard, failures) in enumerate(zip(work.shards(), by_shard, strict=True)):
        then, stamps = digests[size * number : size * (number + 1)], work.stamps(shard)
        if then in ("", UNKNOWN_DIGEST) or work.files_digest(shard, stamps, failures) == then:
            continue
        changed.append(f"{shard.start + 1:,} to {shard.stop:,}")
        failed = {failure.file for failure in failures if not failure.is_note}
        newer += [name for name, _, time in stamps if time > made and name not in failed]
    if changed:
        rows = ", ".join(changed[:_MAX_LISTED]) + (
            f" and {len(changed) - _MAX_LISTED} more such parts"
            if len(changed) > _MAX_LISTED
            else ""
        )
        examples = ", ".join(newer[:_MAX_LISTED])
        such = f" ({examples} changed after the table was made)" if newer else ""
        raise UsageError(
            f"{out} was made from other files: of those of the rows {rows} of the catalog, some "
            "have another size or modification time than "
            f"before{such}. Add --restart to measure everything"
        )


def _split_table(
    file: pq.ParquetFile, by_shard: Sequence[Sequence[Failure]], work: BatchWork
) -> None:
    batches = file.iter_batches(batch_size=work.shard_size, use_threads=False)
    reader = _ShardReader(batches, work.schema)
    for shard, failures in zip(work.shards(), by_shard, strict=True):
        tables = regroup(reader.take(_rows_by_id(work, shard)), work.shard_size)
        write_result(work.path(work.key(shard)), tables, work.schema, failures)


def remeasure_failures(
    work: BatchWork, shard: Shard, path: Path, stopped: Callable[[], bool] = never
) -> ShardResult:
    """Measure the failed entries of a shard again, and merge them with the others.

    Parameters
    ----------
    work : BatchWork
        With a catalog.
    shard : Shard
    path : Path
        The shard file; the new one is the same as if nothing had failed before.
    stopped : callable, optional
        Polled between chunks; True abandons the shard.

    Raises
    ------
    RunStopped
        If `stopped` returned True.
    """
    before = read_result(path)
    if before is None or work.source.catalog is None:
        return measure_shard(work, shard, path, stopped)
    rows = _rows_by_id(work, shard)
    failed = {
        failure.row if failure.row is not None else _row_of(failure.id, rows)
        for failure in before.failures
        if not failure.is_note
    }
    if None in failed:
        return measure_shard(work, shard, path, stopped)
    failures = [each for each in before.failures if each.is_note and each.row not in failed]
    measured = [
        table
        for row in sorted(row for row in failed if row is not None)
        for table in measure_rows(work, Shard(row, row + 1), failures, stopped)
    ]
    kept = read_rows(path)
    good = [_row_of(name, rows) not in failed for name in kept.column("id").to_pylist()]
    together = pa.concat_tables([kept.filter(pa.array(good, pa.bool_())), *measured])
    places = [_row_of(name, rows) or 0 for name in together.column("id").to_pylist()]
    ordered = together.take(pa.array(np.argsort(places, kind="stable")))
    return write_result(path, regroup([ordered], work.shard_size), work.schema, failures)


def _rows_by_id(work: BatchWork, shard: Shard) -> dict[str, int]:
    """Return the catalog rows of a shard's entries by their id."""
    assert work.source.catalog is not None
    names = work.source.catalog.column("id").slice(shard.start, len(shard)).to_pylist()
    return {str(name): row for row, name in enumerate(names, start=shard.start)}


def _row_of(name: str, rows: Mapping[str, int]) -> int | None:
    """Return the catalog row of a galaxy: of its id, or of ``id`` if it is called ``id[3]``."""
    found = rows.get(name)
    return rows.get(name.rpartition("[")[0]) if found is None and name.endswith("]") else found


class _ShardReader:
    """Sequential reader of a table, one shard at a time."""

    def __init__(self, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> None:
        self._batches, self._schema = batches, schema
        self._rest = schema.empty_table()

    def take(self, rows: Mapping[str, int]) -> Iterator[pa.Table]:
        """Yield the next table rows as long as they belong to these catalog rows."""
        while True:
            names = self._rest.column("id").to_pylist()
            count = next(
                (i for i, name in enumerate(names) if _row_of(name, rows) is None), len(names)
            )
            yield self._rest.slice(0, count)
            self._rest = self._rest.slice(count)
            batch = None if self._rest.num_rows else next(self._batches, None)
            if batch is None:
                return
            self._rest = (
                pa.Table.from_batches([batch]).replace_schema_metadata(None).cast(self._schema)
            )


def _read_failures(path: Path) -> list[Failure]:
    with path.open(newline="", encoding="utf-8") as file:
        stages = {"read": "read", "prepare": "prepare", "extract": "extract", "crash": "crash"}
        return [
            Failure(
                plain_text(row["id"]),
                plain_text(row["file"]),
                stages[row["stage"]],  # type: ignore[arg-type]
                plain_text(row["reason"]),
            )
            for row in csv.DictReader(file)
        ]


def _read_notes(path: Path) -> list[Failure]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Failure(plain_text(row["id"]), plain_text(row["file"]), "note", plain_text(row["note"]))
            for row in csv.DictReader(file)
        ]
