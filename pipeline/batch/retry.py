"""Measuring again what failed: the entries of a shard that have failures, and nothing else."""

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
from galfeat.pipeline.batch.chunks import groups_of
from galfeat.pipeline.batch.manifest import Manifest
from galfeat.pipeline.batch.shard_files import ShardResult, read_result, read_rows, write_result
from galfeat.pipeline.batch.task import UNKNOWN, Work

__all__ = ["RUN", "entries_of", "entry_of", "measure_again", "unpack"]

RUN = b"galfeat.run"
"""Where in a table's metadata stands what the run was about."""
_SHOWN = 3  # differences


def unpack(out: Path, failures: Path, work: Work, manifest: Manifest) -> bool:
    """Take a finished table apart into the files of its shards, failures included, as if its run
    had not come to an end.

    Parameters
    ----------
    out, failures : Path
        The table and the list of failures beside it.
    work : Work
        The same work.
    manifest : Manifest
        What that is about.

    Returns
    -------
    bool
        Whether there was such a table; otherwise everything has to be measured.

    Raises
    ------
    UsageError
        If the table was made otherwise, with the differences; or from files that are not what they
        were.
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
            said = (file.schema_arrow.metadata or {}).get(RUN)
            if said is None:
                return False
            about = json.loads(said)
            manifest.refuse_other_table(about, out)
            listed = list(_by_shard(_listed(failures), work))
            _refuse_other_files(work, listed, about.get("files", ""), out)
            _unpack(file, listed, work)
    except UsageError:
        raise
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise UsageError(
            f"cannot read {out} to take over what was measured: {error}; add --restart to measure "
            "everything"
        ) from error
    return True


def _by_shard(failed: list[Failure], work: Work) -> Iterator[list[Failure]]:
    """Yield the failures of each shard, with their rows."""
    next_failed = 0
    for shard in work.shards():
        entries = entries_of(work, shard) if next_failed < len(failed) else {}
        listed: list[Failure] = []
        while (
            next_failed < len(failed)
            and (row := entry_of(failed[next_failed].id, entries)) is not None
        ):
            listed.append(replace(failed[next_failed], row=row))
            next_failed += 1
        yield listed


def _refuse_other_files(
    work: Work, listed: Sequence[Sequence[Failure]], digests: str, out: Path
) -> None:
    """Refuse to take over what was measured from files that changed since.

    Tables of earlier versions do not say.
    """
    size = len(UNKNOWN)
    changed: list[str] = []
    newer: list[str] = []
    made = out.stat().st_mtime_ns
    for number, (shard, failures) in enumerate(zip(work.shards(), listed, strict=True)):
        then, stamps = digests[size * number : size * (number + 1)], work.stamps(shard)
        if then in ("", UNKNOWN) or work.files_digest(shard, stamps, failures) == then:
            continue
        changed.append(f"{shard.start + 1:,} to {shard.stop:,}")
        failed = {failure.file for failure in failures}
        newer += [name for name, _, time in stamps if time > made and name not in failed]
    if changed:
        rows = ", ".join(changed[:_SHOWN]) + (
            f" and {len(changed) - _SHOWN} more such parts" if len(changed) > _SHOWN else ""
        )
        such = f" ({', '.join(newer[:_SHOWN])} changed after the table was made)" if newer else ""
        raise UsageError(
            f"{out} was made from other files: of those of the rows {rows} of the catalogue, some "
            "have another size or time of change "
            f"than they had{such}. Add --restart to measure everything"
        )


def _unpack(file: pq.ParquetFile, listed: Sequence[Sequence[Failure]], work: Work) -> None:
    rows = _Rows(file.iter_batches(batch_size=work.shard_size, use_threads=False), work.schema)
    for shard, failures in zip(work.shards(), listed, strict=True):
        tables = groups_of(rows.take(entries_of(work, shard)), work.shard_size)
        write_result(work.path(work.key(shard)), tables, work.schema, failures)


def measure_again(
    work: Work, shard: Shard, path: Path, stopped: Callable[[], bool] = lambda: False
) -> ShardResult:
    """Measure the entries of a shard that have failures, and put them among those that have none.

    Parameters
    ----------
    work : Work
        With a catalogue.
    shard : Shard
    path : Path
        The shard's file; it is written anew, and is then the same as if nothing had failed.
    stopped : callable, optional
        Asked now and then whether to give up.
    """
    before = read_result(path)
    if before is None or work.source.catalog is None:
        return work.measure(shard, path, stopped)
    entries = entries_of(work, shard)
    owners = {
        failure.row if failure.row is not None else entry_of(failure.id, entries)
        for failure in before.failures
    }
    if None in owners:
        return work.measure(shard, path, stopped)
    bad = sorted(row for row in owners if row is not None)
    failures: list[Failure] = []
    measured = [
        table for row in bad for table in work.tables(Shard(row, row + 1), failures, stopped)
    ]
    kept = read_rows(path)
    good = [entry_of(name, entries) not in owners for name in kept.column("id").to_pylist()]
    together = pa.concat_tables([kept.filter(pa.array(good, pa.bool_())), *measured])
    places = [entry_of(name, entries) or 0 for name in together.column("id").to_pylist()]
    ordered = together.take(pa.array(np.argsort(places, kind="stable")))
    return write_result(path, groups_of([ordered], work.shard_size), work.schema, failures)


def entries_of(work: Work, shard: Shard) -> dict[str, int]:
    """Return the rows of a shard's entries in the catalogue, by name."""
    assert work.source.catalog is not None
    names = work.source.catalog.column("id").slice(shard.start, len(shard)).to_pylist()
    return {str(name): row for row, name in enumerate(names, start=shard.start)}


def entry_of(name: str, entries: Mapping[str, int]) -> int | None:
    """Return the entry that a galaxy belongs to.

    The one of its name, or the one that it is a galaxy of, as ``id[3]`` is of ``id``.
    """
    found = entries.get(name)
    return entries.get(name.rpartition("[")[0]) if found is None and name.endswith("]") else found


class _Rows:
    """The rows of a table, handed out a shard at a time."""

    def __init__(self, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> None:
        self._batches, self._schema = batches, schema
        self._left = schema.empty_table()

    def take(self, entries: Mapping[str, int]) -> Iterator[pa.Table]:
        """Yield the next rows, as long as they belong to these entries."""
        while True:
            names = self._left.column("id").to_pylist()
            count = next(
                (i for i, name in enumerate(names) if entry_of(name, entries) is None), len(names)
            )
            yield self._left.slice(0, count)
            self._left = self._left.slice(count)
            batch = None if self._left.num_rows else next(self._batches, None)
            if batch is None:
                return
            self._left = (
                pa.Table.from_batches([batch]).replace_schema_metadata(None).cast(self._schema)
            )


def _listed(failures: Path) -> list[Failure]:
    with failures.open(newline="", encoding="utf-8") as file:
        stages = {"read": "read", "prepare": "prepare", "extract": "extract", "crash": "crash"}
        return [
            Failure(row["id"], row["file"], stages[row["stage"]], row["reason"])  # type: ignore[arg-type]
            for row in csv.DictReader(file)
        ]
