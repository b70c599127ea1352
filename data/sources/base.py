"""A source is read in shards: runs of entries that are small enough to hold in memory and independent of each other."""

from dataclasses import dataclass, field

from galfeat import UsageError
from galfeat.data.cutouts import Cutout
from galfeat.data.sources.failures import Failure

__all__ = ["Reading", "Shard", "cut_shards"]


@dataclass(frozen=True)
class Shard:
    """The entries ``start`` (included) to ``stop`` (excluded) of a source."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Reading:
    """What a shard held: the cutouts that could be read, and a failure for each that could not, both in the order of the source."""

    cutouts: list[Cutout] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


def cut_shards(entries: int, size: int = 256) -> list[Shard]:
    """Return the shards of a source with so many entries; all but the last hold `size` of them.

    Raises
    ------
    UsageError
        If `size` is less than 1.
    """
    if size < 1:
        raise UsageError(f"a shard needs at least one entry; size is {size}")
    return [Shard(start, min(start + size, entries)) for start in range(0, entries, size)]
