"""Shards of a source, what each of them held, and failures.

Cutouts that could not be measured, and why.

A shard is a run of entries that are small enough to hold in memory and independent of each other.
"""

from dataclasses import dataclass, field
from typing import Literal

from galfeat import UsageError
from galfeat.data.cutouts import Cutout

__all__ = ["Failure", "Reading", "Shard", "Stage", "cut_shards"]

Stage = Literal["read", "prepare", "extract", "crash"]


@dataclass(frozen=True)
class Failure:
    """A cutout that could not be measured.

    Parameters
    ----------
    id : str
        The galaxy's name.
    file : str
        Its file as the catalogue or the folder writes it.
    stage : {"read", "prepare", "extract", "crash"}
        How far it came; "crash" where measuring it ended a process.
    reason : str
        Why, for a person to read.
    row : int or None
        Row of the source's catalogue.
    """

    id: str
    file: str
    stage: Stage
    reason: str
    row: int | None = None


@dataclass(frozen=True)
class Shard:
    """The entries ``start`` (included) to ``stop`` (excluded) of a source."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Reading:
    """What a shard held: the cutouts that could be read, and a failure for each that could not,
    both in the order of the source.
    """

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
