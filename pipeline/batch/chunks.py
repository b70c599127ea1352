"""A shard is read and measured in pieces that are small enough, whatever the size of the
cutouts.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from galfeat.data import Cutout, Failure, Shard, Source

__all__ = ["groups_of", "pieces"]

_READ_BYTES = 16 << 20  # of the pixels read at a time
# of the prepared pixels measured at a time: they stay in the cache, and a run can be stopped
# between two
_MEASURED_BYTES = 2 << 20
_FIRST = 4  # entries read before it is known how large they are


def pieces(
    source: Source, shard: Shard, prepared: tuple[int, int], galaxies: slice = slice(None)
) -> Iterator[tuple[list[Cutout], list[Failure]]]:
    """Read a shard piece by piece.

    Parameters
    ----------
    source : Source
    shard : Shard
    prepared : tuple of int
        Bands and pixels a side of a cutout as it is measured.
    galaxies : slice, optional
        Of an entry that is several galaxies, which of them.

    Yields
    ------
    cutouts : list of Cutout
        Some of the shard's, in order.
    failures : list of Failure
        Those that could not be read.
    """
    at_once = max(1, _MEASURED_BYTES // max(1, 4 * prepared[0] * prepared[1] ** 2))
    start, count = shard.start, _FIRST
    while start < shard.stop:
        stop = min(start + count, shard.stop)
        reading = source.read(Shard(start, stop))
        cutouts = reading.cutouts[galaxies]
        # they are told of with the first galaxies
        unread = [] if galaxies.start else reading.failures
        size = sum(cutout.pixels.nbytes for cutout in reading.cutouts) / (stop - start)
        for first in range(0, max(1, len(cutouts)), at_once):
            yield cutouts[first : first + at_once], unread
            unread = []
        start, count = stop, max(1, int(_READ_BYTES / size)) if size else count


def groups_of(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Put tables together and cut them anew, into groups of so many rows and a last one with
    fewer.
    """
    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += table.num_rows
        while count >= rows:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, rows)
            waiting, count = [whole.slice(rows)], count - rows
    if count:
        yield pa.concat_tables(waiting)
