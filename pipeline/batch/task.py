"""The work of a batch run.

What is done with the cutouts of a source, and the key under which a shard's result is kept.

A key covers what the result depends on: the task with all its settings and the version of the
features, the rows of the catalogue, and name, size and time of change of the files that the shard
is read from. Where a row stands in the catalogue is no part of it.
"""

import hashlib
import json
import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

from galfeat.data import Cutout, Failure, Shard, Source
from galfeat.pipeline.batch.chunks import groups_of, pieces
from galfeat.pipeline.batch.file_stamps import Stamp, names_of, settings_of, stamps_of
from galfeat.pipeline.batch.shard_files import ShardResult, write_result
from galfeat.pipeline.batch.writing import appearing, resumable

__all__ = ["UNKNOWN", "Stopped", "Task", "Work", "load_work"]

_SHARD_BYTES = 24 << 20  # of a shard's rows in memory
_FEWEST, _MOST = 16, 1024  # rows of a shard
_ALWAYS = nullcontext()
UNKNOWN = "-" * 8
"""Instead of a digest of files."""
_LOCAL_BYTES = 8192  # of a galaxy's local descriptors, about


class Stopped(Exception):  # noqa: N818 - no error
    """The run is to end; the shard is left where it is."""


class Task(ABC):
    """What a batch run does with cutouts. It can be sent to another process."""

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """Return everything that decides the values, as JSON values."""

    @abstractmethod
    def schema(self, source: Source) -> pa.Schema:
        """Return the columns of the table, the same for every shard.

        Raises
        ------
        UsageError
            If the source's catalogue has a column of the same name.
        """

    @abstractmethod
    def rows(self, source: Source, cutouts: Sequence[Cutout]) -> tuple[pa.Table, list[Failure]]:
        """Return the rows of some cutouts, and those that have none."""

    @property
    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Bands and pixels a side of a cutout as it is measured."""


@dataclass(frozen=True)
class Work:
    """A task for a source, and the folder for its results.

    Parameters
    ----------
    source : Source
    task : Task
    schema : pyarrow.Schema
    folder : Path
        For the shards' files.
    """

    source: Source
    task: Task
    schema: pa.Schema
    folder: Path

    @cached_property
    def shard_size(self) -> int:
        """Entries in a shard: as many as make a file worth its while and fit into memory, by the
        columns alone.
        """
        vectors: int = sum(
            field.type.list_size for field in self.schema if pa.types.is_fixed_size_list(field.type)
        )
        local = sum(_LOCAL_BYTES for field in self.schema if pa.types.is_list(field.type))
        rows = _SHARD_BYTES // (4 * vectors + local + 256)
        return max(_FEWEST, min(_MOST, 1 << max(0, rows.bit_length() - 1)))

    def about(self) -> dict[str, Any]:
        """Return everything that decides the values but the catalogue and the files, as JSON
        values.
        """
        return {**self.task.about(), "reading": settings_of(self.source)}

    @cached_property
    def _about(self) -> bytes:
        return _digest([self.about(), str(self.schema), self.shard_size]).encode()

    def shards(self) -> Sequence[Shard]:
        """Return the shards of the source."""
        return self.source.shards(self.shard_size)

    def catalog_digest(self, shard: Shard) -> str:
        """Return a digest of the shard's rows of the catalogue."""
        catalog = self.source.catalog
        if catalog is None:
            return _digest([shard.start, shard.stop])  # nothing else tells one shard from another
        part = catalog.slice(shard.start, len(shard))
        return _digest(
            [
                [name, str(part.column(name).type), part.column(name).to_pylist()]
                for name in part.column_names
            ]
        )

    def stamps(self, shard: Shard) -> list[Stamp]:
        """Return what tells the shard's files from changed ones, as they are now."""
        return stamps_of(self.source, shard)

    def key(self, shard: Shard, stamps: list[Stamp] | None = None) -> str:
        """Return the key of a shard, its files as the stamps say, or as they are now."""
        stamps = self.stamps(shard) if stamps is None else stamps
        return hashlib.sha256(
            self._about + _digest([self.catalog_digest(shard), stamps]).encode()
        ).hexdigest()[:32]

    def files_digest(self, shard: Shard, stamps: list[Stamp], failures: Sequence[Failure]) -> str:
        """Return eight digits of the stamps of those files that galaxies were measured from.

        ``-`` eight times where that is not known.
        """
        failed = {failure.row for failure in failures}
        if None in failed:
            return UNKNOWN
        if failed:
            edges = sorted(
                {shard.start - 1, shard.stop, *(row for row in failed if row is not None)}
            )
            good = [Shard(before + 1, row) for before, row in pairwise(edges) if before + 1 < row]
            names = {name for part in good for name in names_of(self.source, part)}
            stamps = [stamp for stamp in stamps if stamp[0] in names]
        return _digest(stamps)[: len(UNKNOWN)]

    def path(self, key: str) -> Path:
        """Return the file of a shard's result."""
        return self.folder / key[:2] / f"{key}.parquet"

    def measure(
        self,
        shard: Shard,
        path: Path,
        stopped: Callable[[], bool] = lambda: False,
        *,
        galaxies: slice = slice(None),
        turn: AbstractContextManager[object] = _ALWAYS,
    ) -> ShardResult:
        """Measure a shard and write its result.

        Parameters
        ----------
        shard : Shard
        path : Path
        stopped : callable, optional
            Asked now and then whether to give up.
        galaxies : slice, optional
            Of an entry that is several galaxies, which of them.
        turn : context manager, optional
            Entered while cutouts are read and measured, and left before the disk is waited for.

        Raises
        ------
        Stopped
            If `stopped` said so.
        UsageError
            If the result cannot be written.
        """
        failures: list[Failure] = []
        # the turn ends also if writing fails
        with closing(_during(turn, self.tables(shard, failures, stopped, galaxies))) as tables:
            return write_result(path, groups_of(tables, self.shard_size), self.schema, failures)

    def tables(
        self,
        shard: Shard,
        failures: list[Failure],
        stopped: Callable[[], bool] = lambda: False,
        galaxies: slice = slice(None),
    ) -> Iterator[pa.Table]:
        """Yield the rows of a shard, some at a time, and add what fails to `failures`, which are in
        order at the end.
        """
        for cutouts, unread in pieces(self.source, shard, self.task.size, galaxies):
            if stopped():
                raise Stopped
            failures += unread
            if cutouts:
                table, failed = self.task.rows(self.source, cutouts)
                failures += failed
                yield table.cast(self.schema) if table.schema != self.schema else table
        failures.sort(key=lambda failure: -1 if failure.row is None else failure.row)

    def save(self, path: Path) -> None:
        """Write the work for other processes of this run."""
        with resumable(path), appearing(path) as file:
            pickle.dump(replace(self), file)


def load_work(path: Path) -> Work:
    """Read the work that this run wrote for its processes."""
    with path.open("rb") as file:
        work: Work = pickle.load(file)  # noqa: S301 - written by the process that started this one, into its own folder
    return work


def _during(
    turn: AbstractContextManager[object], tables: Iterator[pa.Table]
) -> Generator[pa.Table, None, None]:
    with turn:
        yield from tables


def _digest(value: Sequence[Any] | Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]
