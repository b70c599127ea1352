"""Base class of sources whose galaxies are the rows of one catalog, each row one galaxy."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

from galfeat import CutoutError
from galfeat.data.cutouts import Cutout
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.memory import BUDGET
from galfeat.data.sources.base import Failure, Reading, Shard, cut_shards
from galfeat.data.sources.mask_missing import mask_missing_in_each, report_missing
from galfeat.data.sources.options import ReadOptions
from galfeat.data.sources.select_bands import with_bands

__all__ = ["RowSource"]


@dataclass(frozen=True, eq=False)
class RowSource(ABC):
    """Cutouts of a source with one galaxy in each row of its catalog.

    Parameters
    ----------
    catalog : pyarrow.Table
        With the column ``id``.
    options : ReadOptions
    left_out_columns : tuple of str
        Columns of the catalog that hold no single value a row.
    left_out : tuple of str
        Files that are not galaxies: none here.
    unread : mapping of str to int
        Number of files that are not read: none here.
    header_cache : HeaderCache
        Reports oddities of the files.
    """

    catalog: pa.Table = field(repr=False)
    options: ReadOptions = field(default_factory=ReadOptions)
    left_out_columns: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    unread: Mapping[str, int] = field(default_factory=dict, repr=False)
    header_cache: HeaderCache = field(default_factory=HeaderCache, repr=False, compare=False)

    def __getstate__(self) -> dict[str, object]:
        # other processes fill a cache of their own
        return {**vars(self), "header_cache": HeaderCache()}

    def __len__(self) -> int:
        return int(self.catalog.num_rows)

    @cached_property
    def bands(self) -> tuple[str, ...]:
        """Selected bands, or those of the first cutout that can be read; none if none can."""
        if self.options.selected_bands:
            return self.options.selected_bands
        readings = (self.read(Shard(row, row + 1)) for row in range(len(self)))
        return next((reading.cutouts[0].bands for reading in readings if reading.cutouts), ())

    @property
    def settings(self) -> dict[str, str]:
        """Settings that decide which pixels are read, as the metadata of tables record them."""
        return {
            "wanted": str(self.options.selected_bands),
            "missing_bands": str(self.options.missing_bands),
            **self.options.missing_data_setting,
        }

    @property
    def memory_limit(self) -> int | None:
        """Bytes that reading may take in a process; None: the default."""
        return self.options.memory_limit

    def shards(self, size: int = 256) -> list[Shard]:
        """Return ranges of at most `size` entries that cover the source."""
        return cut_shards(len(self), size)

    def read(self, shard: Shard) -> Reading:
        """Read the cutouts of a shard."""
        with BUDGET.limited(self.memory_limit):
            return BUDGET.run(lambda: self._read(shard))

    def _read(self, shard: Shard) -> Reading:
        cutouts: list[Cutout] = []
        failures: list[Failure] = []
        for found in self._read_rows(shard):
            if isinstance(found, Failure):
                failures.append(found)
                continue
            try:
                cutouts.append(
                    with_bands(found, self.options.selected_bands, self.options.missing_bands)
                )
                BUDGET.keep(cutouts[-1].pixels.nbytes)
            except CutoutError as error:
                failures.append(Failure(found.id, found.file, "read", str(error), found.row))
        if self._masks_missing and self.options.ancillary.mask_missing:
            cutouts = self._mask_missing(cutouts)
            report_missing(cutouts, self.header_cache)
        return Reading(cutouts, sorted(failures, key=lambda failure: failure.row or 0))

    @property
    def _masks_missing(self) -> bool:
        """Whether the pixels are such that regions of one value are missing data."""
        return True

    def _mask_missing(self, cutouts: list[Cutout]) -> list[Cutout]:
        return mask_missing_in_each(cutouts)

    @abstractmethod
    def _read_rows(self, shard: Shard) -> Iterable[Cutout | Failure]:
        """Read each galaxy of a shard with all its bands, or say why it cannot be read."""

    def _ids(self, shard: Shard) -> list[str]:
        names: list[str] = self.catalog.column("id")[shard.start : shard.stop].to_pylist()
        return names
