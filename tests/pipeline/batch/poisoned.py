"""A source with galaxies that do to the process that reads them what broken libraries and greedy
files do.
"""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from galfeat.data import Cutout, Reading, Shard, Source


def die(how: str) -> None:
    """End this process, ask for more memory than there is, or meet a bug."""
    if how == "memory":
        raise MemoryError
    if how == "bug":
        raise ZeroDivisionError("by a bug")
    os.kill(os.getpid(), getattr(signal, how))


class Deadly(Cutout):
    """A cutout that can be read but not measured."""

    def select(self, bands: Sequence[str]) -> Cutout:  # noqa: ARG002
        die("SIGSEGV")
        return self


class Buggy(Cutout):
    """A cutout whose measurement meets a bug."""

    def select(self, bands: Sequence[str]) -> Cutout:  # noqa: ARG002
        die("bug")
        return self


class Poisoned:
    """A source of which some entries end the process that reads them.

    Parameters
    ----------
    source : Source
    rows : sequence of int
    how : str
        The name of a signal, "memory", or "bug".
    unless : str, optional
        A file that, where it exists, makes the entries harmless.
    once : bool
        Whether the first death makes that file.
    ids : sequence of str
        Galaxies that end the process that measures them.
    """

    def __init__(
        self,
        source: Source,
        rows: Sequence[int],
        how: str = "SIGSEGV",
        unless: str = "",
        once: bool = False,
        ids: Sequence[str] = (),
    ) -> None:
        self.source, self.rows, self.how, self.unless, self.once, self.ids = (
            source,
            rows,
            how,
            unless,
            once,
            ids,
        )
        self.bands: tuple[str, ...] = source.bands

    @property
    def catalog(self) -> pa.Table | None:
        return self.source.catalog

    def __len__(self) -> int:
        return len(self.source)

    def shards(self, size: int = 256) -> Sequence[Shard]:
        return self.source.shards(size)

    def read(self, shard: Shard) -> Reading:
        if any(shard.start <= row < shard.stop for row in self.rows) and not (
            self.unless and Path(self.unless).exists()
        ):
            if self.once:
                Path(self.unless).touch()
            die(self.how)
        reading = self.source.read(shard)
        kind = Buggy if self.how == "bug" else Deadly
        cutouts = [
            kind(**vars(cutout)) if cutout.id in self.ids else cutout for cutout in reading.cutouts
        ]
        return Reading(cutouts, reading.failures)
