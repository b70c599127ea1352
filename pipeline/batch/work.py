"""Work of a batch run: what is measured, of which source, and the keys of its shards.

A key names a shard's result. It covers all that the result depends on: the settings of the
measurement and the version of the features, how the source is read, the shard's rows of the
catalog, and name, size and modification time of each file that the shard is read from. The position
of a row in the catalog is not part of it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from galfeat.data import Cutout, Failure, Shard, Source
from galfeat.pipeline.batch.work_folder.file_stamps import (
    FileStamp,
    file_names,
    file_stamps,
    reading_settings,
)

__all__ = ["UNKNOWN_DIGEST", "BatchWork", "Measurement"]

_SHARD_BYTES = 24 << 20  # target size of a shard's rows in memory
_MIN_ROWS, _MAX_ROWS = 16, 1024  # of a shard
_DESCRIPTORS_BYTES = 8192  # typical size of a galaxy's local descriptors
UNKNOWN_DIGEST = "-" * 8
"""Placeholder for a digest of files that is not known."""


class Measurement(Protocol):
    """Measurement of cutouts, as a batch run needs it: a picklable value.

    The implementations lie below the commands that use them and know nothing of batch runs:
    `galfeat.pipeline.extraction.measurement.FeatureMeasurement` and
    `galfeat.pipeline.models.measurement.ClassMeasurement`.
    """

    @property
    def image_shape(self) -> tuple[int, int]:
        """Bands and pixels per side of a prepared cutout."""

    def working_bytes(self, cutout: Cutout) -> int:
        """Return the memory that measuring a large cutout takes beside its pixels."""

    def settings(self) -> dict[str, Any]:
        """Return all settings that decide the values, as JSON values."""

    def schema(self, catalog: pa.Table | None) -> pa.Schema:
        """Return the columns of the table, the same for every shard.

        Raises
        ------
        UsageError
            If the catalog has a column of the same name.
        """

    def rows(
        self, catalog: pa.Table | None, cutouts: Sequence[Cutout]
    ) -> tuple[pa.Table, list[Failure]]:
        """Return the table rows of some cutouts, and the failures of those that have none."""

    def metadata(
        self, run_record: Mapping[str, Any], *, measured: int, failed: int
    ) -> dict[bytes, bytes]:
        """Return the schema metadata of the finished table.

        Parameters
        ----------
        run_record : mapping
            The record of the run, as `Manifest.record` gives it.
        measured, failed : int
            Number of galaxies.
        """


@dataclass(frozen=True)
class BatchWork:
    """Measurement of a source, and the folder for its results.

    Parameters
    ----------
    source : Source
    measurement : Measurement
    schema : pyarrow.Schema
        Columns of the table.
    folder : Path
        For the shard files.
    """

    source: Source
    measurement: Measurement
    schema: pa.Schema
    folder: Path

    @cached_property
    def shard_size(self) -> int:
        """Entries per shard, from the width of the columns: about 24 MiB of rows in memory."""
        vectors: int = sum(
            field.type.list_size for field in self.schema if pa.types.is_fixed_size_list(field.type)
        )
        local = sum(_DESCRIPTORS_BYTES for field in self.schema if pa.types.is_list(field.type))
        rows = _SHARD_BYTES // (4 * vectors + local + 256)
        return max(_MIN_ROWS, min(_MAX_ROWS, 1 << max(0, rows.bit_length() - 1)))

    def settings(self) -> dict[str, Any]:
        """Return all that decides the values except catalog and files, as JSON values."""
        return {**self.measurement.settings(), "reading": reading_settings(self.source)}

    @cached_property
    def _settings_digest(self) -> bytes:
        return _digest([self.settings(), str(self.schema), self.shard_size]).encode()

    def shards(self) -> Sequence[Shard]:
        """Return the shards of the source, in order."""
        return self.source.shards(self.shard_size)

    def catalog_digest(self, shard: Shard) -> str:
        """Return a digest of the shard's rows of the catalog."""
        catalog = self.source.catalog
        if catalog is None:
            return _digest([shard.start, shard.stop])  # only the position tells shards apart
        part = catalog.slice(shard.start, len(shard))
        return _digest(
            [
                [name, str(part.column(name).type), part.column(name).to_pylist()]
                for name in part.column_names
            ]
        )

    def stamps(self, shard: Shard) -> list[FileStamp]:
        """Return the stamps of the shard's files as they are now."""
        return file_stamps(self.source, shard)

    def key(self, shard: Shard, stamps: list[FileStamp] | None = None) -> str:
        """Return the key of a shard, for given file stamps or for the files as they are now."""
        stamps = self.stamps(shard) if stamps is None else stamps
        return hashlib.sha256(
            self._settings_digest + _digest([self.catalog_digest(shard), stamps]).encode()
        ).hexdigest()[:32]

    def files_digest(
        self, shard: Shard, stamps: list[FileStamp], failures: Sequence[Failure]
    ) -> str:
        """Return an 8-digit digest of the files that galaxies of a shard were measured from.

        `UNKNOWN_DIGEST` if a failure has no row, so that its files are not known.
        """
        failed = {failure.row for failure in failures if not failure.is_note}
        if None in failed:
            return UNKNOWN_DIGEST
        if failed:
            edges = sorted(
                {shard.start - 1, shard.stop, *(row for row in failed if row is not None)}
            )
            good = [Shard(before + 1, row) for before, row in pairwise(edges) if before + 1 < row]
            names = {name for part in good for name in file_names(self.source, part)}
            stamps = [stamp for stamp in stamps if stamp[0] in names]
        return _digest(stamps)[: len(UNKNOWN_DIGEST)]

    def path(self, key: str) -> Path:
        """Return the file of a shard's result."""
        return self.folder / key[:2] / f"{key}.parquet"


def _digest(value: Sequence[Any] | Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]
