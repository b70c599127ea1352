"""What sources have in common whose galaxies are the rows of one catalogue, each row one galaxy."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

from galfeat import CutoutError
from galfeat.data.cutouts import Cutout
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.sources.base import Failure, Reading, Shard, cut_shards
from galfeat.data.sources.select_bands import MissingBands, with_bands

__all__ = ["RowSource"]


@dataclass(frozen=True, eq=False)
class RowSource(ABC):
    """Cutouts, one a row of a catalogue.

    Parameters
    ----------
    catalog : pyarrow.Table
        With the column ``id``.
    wanted : tuple of str
        Bands asked for, in order; none: as they come.
    left_out_columns : tuple of str
        Columns of the catalogue that hold no single value a row.
    left_out : tuple of str
        Files that are no galaxies: none here.
    missing_bands : {"fail", "mask"}
        What becomes of a galaxy without one of the bands asked for.
    known : HeaderCache
        Where oddities are reported.
    """

    catalog: pa.Table = field(repr=False)
    wanted: tuple[str, ...] = ()
    left_out_columns: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    missing_bands: MissingBands = "fail"
    known: HeaderCache = field(default_factory=HeaderCache, repr=False, compare=False)

    def __getstate__(self) -> dict[str, object]:
        return {
            **vars(self),
            "known": HeaderCache(),
        }  # to be found out again rather than sent along

    def __len__(self) -> int:
        return int(self.catalog.num_rows)

    @cached_property
    def bands(self) -> tuple[str, ...]:
        """Bands asked for, or those of the first cutout that can be read; none if none can."""
        if self.wanted:
            return self.wanted
        readings = (self.read(Shard(row, row + 1)) for row in range(len(self)))
        return next((reading.cutouts[0].bands for reading in readings if reading.cutouts), ())

    def shards(self, size: int = 256) -> list[Shard]:
        """Return runs of `size` entries that together are the source."""
        return cut_shards(len(self), size)

    def read(self, shard: Shard) -> Reading:
        """Read the cutouts of a shard."""
        cutouts: list[Cutout] = []
        failures: list[Failure] = []
        for found in self._outcomes(shard):
            if isinstance(found, Failure):
                failures.append(found)
                continue
            try:
                cutouts.append(with_bands(found, self.wanted, self.missing_bands))
            except CutoutError as error:
                failures.append(Failure(found.id, found.file, "read", str(error), found.row))
        return Reading(cutouts, sorted(failures, key=lambda failure: failure.row or 0))

    @abstractmethod
    def _outcomes(self, shard: Shard) -> Sequence[Cutout | Failure]:
        """Read each galaxy of a shard with the bands that it has, or say why it cannot be read."""

    def _ids(self, shard: Shard) -> list[str]:
        names: list[str] = self.catalog.column("id")[shard.start : shard.stop].to_pylist()
        return names
