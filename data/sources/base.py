"""Shards of a source, the result of reading one, and failures.

A shard is a range of entries that fits in memory and can be processed independently of the others.
"""

from dataclasses import dataclass, field
from typing import Literal

from galfeat import UsageError
from galfeat.data.cutouts import Cutout

__all__ = ["Failure", "Reading", "Shard", "Stage", "cut_shards"]

Stage = Literal["read", "prepare", "extract", "crash", "note"]


@dataclass(frozen=True)
class Failure:
    """Failure of one cutout: at which stage, and why; or a note on one that was measured.

    Parameters
    ----------
    id : str
        Identifier of the galaxy.
    file : str
        Its file, as in the catalog or the folder.
    stage : {"read", "prepare", "extract", "crash", "note"}
        Stage that failed; "crash" if measuring the cutout ended a process; "note" if it was
        measured, and the reason says what is special about it, such as missing data.
    reason : str
        Human-readable reason.
    row : int or None
        Row of the source's catalog.
    """

    id: str
    file: str
    stage: Stage
    reason: str
    row: int | None = None

    @property
    def is_note(self) -> bool:
        """Whether the cutout was measured all the same."""
        return self.stage == "note"


@dataclass(frozen=True)
class Shard:
    """Range of entries of a source: from ``start`` to ``stop`` (excluded)."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Reading:
    """Result of reading a shard: cutouts and failures, each in the order of the source."""

    cutouts: list[Cutout] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


def cut_shards(entries: int, size: int = 256) -> list[Shard]:
    """Divide the entries of a source into shards of `size`; the last one may be smaller.

    Raises
    ------
    UsageError
        If `size` is less than 1.
    """
    if size < 1:
        raise UsageError(f"a shard needs at least one entry; size is {size}")
    return [Shard(start, min(start + size, entries)) for start in range(0, entries, size)]
