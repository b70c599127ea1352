"""Reading of a shard in chunks that fit the processor's cache, and the budget of memory."""

from collections.abc import Callable, Generator

from galfeat import CutoutError
from galfeat.data import Cutout, Failure, Reading, Shard, Source
from galfeat.data.memory import BUDGET, TooMuchAtOnce
from galfeat.pipeline.batch.unforeseen import entry_failure, read_each

__all__ = ["read_chunks"]

_READ_BYTES = 16 << 20  # pixels read at a time
# Prepared pixels measured at a time: few enough to stay in the cache, and for a stop between chunks
# to be prompt.
_MEASURED_BYTES = 2 << 20
_FIRST_READ = 4  # entries read before their size is known
_LARGE = 4 << 20  # bytes of pixels of a cutout whose preparation needs memory to speak of


def read_chunks(
    source: Source,
    shard: Shard,
    image_shape: tuple[int, int],
    working_bytes: Callable[[Cutout], int],
    galaxies: slice = slice(None),
) -> Generator[tuple[list[Cutout], list[Failure]], None, None]:
    """Read a shard chunk by chunk.

    The memory of a chunk is reserved until the next is read, or the generator closed: measure its
    cutouts in the same thread, and do not keep them.

    Parameters
    ----------
    source : Source
    shard : Shard
    image_shape : tuple of int
        Bands and pixels per side of a prepared cutout.
    working_bytes : callable
        Returns the memory that preparing a cutout takes beside its pixels.
    galaxies : slice, optional
        Which galaxies to yield, of an entry that contains several.

    Yields
    ------
    cutouts : list of Cutout
        Consecutive cutouts of the shard.
    failures : list of Failure
        The entries that could not be read.
    """
    at_once = max(1, _MEASURED_BYTES // max(1, 4 * image_shape[0] * image_shape[1] ** 2))
    limit: int | None = getattr(source, "memory_limit", None)
    start, count = shard.start, _FIRST_READ
    while start < shard.stop:
        with BUDGET.chunk(limit):
            reading, stop = _read_what_fits(
                source, Shard(start, min(start + count, shard.stop)), working_bytes
            )
            cutouts = reading.cutouts[galaxies]
            # reported once, with the first galaxies of an entry
            unread = [] if galaxies.start else reading.failures
            size = sum(cutout.pixels.nbytes for cutout in reading.cutouts) / (stop - start)
            del reading
            for first in range(0, max(1, len(cutouts)), at_once):
                yield cutouts[first : first + at_once], unread
                unread = []
            del cutouts
        start, count = stop, max(1, int(_READ_BYTES / size)) if size else count


def _read_what_fits(
    source: Source, shard: Shard, working_bytes: Callable[[Cutout], int]
) -> tuple[Reading, int]:
    """Read as many entries of a shard as fit into memory; return where they end.

    What is read is dropped, and read once more, where other threads hold the memory that is needed
    in addition: fewer entries, and only when the memory of one is free.
    """
    needed = 0
    while True:
        try:
            if needed:
                BUDGET.prepay(needed)
            reading = read_each(source, shard)
            large = [cutout for cutout in reading.cutouts if cutout.pixels.nbytes > _LARGE]
            BUDGET.ensure(max(map(working_bytes, large), default=0))
        except TooMuchAtOnce as short:
            needed = short.needed if len(shard) == 1 else 0
            reading, large = Reading(), []
            shard = Shard(shard.start, shard.start + 1)
            BUDGET.clear()
        except CutoutError as error:
            failure = entry_failure(source, shard.start, str(error))
            return Reading([], [failure]), shard.stop
        else:
            return reading, shard.stop
