"""Shards under suspicion.

Measured in a process of their own, and cut in halves until the one galaxy is found that ends it.
"""

import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from galfeat.data import Failure, Shard
from galfeat.pipeline.batch.chunks import groups_of
from galfeat.pipeline.batch.shard_files import ShardResult, read_rows, write_result
from galfeat.pipeline.batch.task import Stopped, Work
from galfeat.pipeline.batch.worker_process import Child, Died, Order
from galfeat.pipeline.batch.writing import PART

__all__ = ["measure_apart"]


def measure_apart(
    work: Work, child: Child, shard: Shard, path: Path, stopped: Callable[[], bool] = lambda: False
) -> ShardResult:
    """Measure a shard in another process.

    Whatever ends that process becomes a failure with the stage ``crash``.

    Parameters
    ----------
    work : Work
    child : Child
        Of the same work.
    shard : Shard
    path : Path
        The file for the result; it has the same bytes as if the shard had been measured here.
    stopped : callable, optional
        Asked now and then whether to give up.
    """
    with suppress(Died):
        return child.measure(Order(shard, path))
    search = _Search(work, child, path, stopped)
    try:
        search.look_into(shard)
        tables = groups_of((read_rows(part) for part in search.parts), work.shard_size)
        failures = sorted(
            search.failures, key=lambda failure: -1 if failure.row is None else failure.row
        )
        return write_result(path, tables, work.schema, failures)
    finally:
        for part in search.parts:
            part.unlink(missing_ok=True)


class _Search:
    """Halves of halves, in order: the files of those that could be measured, and the failures."""

    def __init__(self, work: Work, child: Child, path: Path, stopped: Callable[[], bool]) -> None:
        self.work, self.child, self.path, self.stopped = work, child, path, stopped
        self.parts: list[Path] = []
        self.failures: list[Failure] = []

    def look_into(self, shard: Shard) -> None:
        """Measure a run of entries, whole if that is survived, otherwise each half by itself."""
        half = (shard.start + shard.stop) // 2
        for part in (Shard(shard.start, half), Shard(half, shard.stop)):
            if not len(part):
                continue
            died = self._tried(part)
            if died is not None and len(part) > 1:
                self.look_into(part)
            elif died is not None:
                self._look_into_entry(part, died)

    def _look_into_entry(self, entry: Shard, died: str) -> None:
        """Find the galaxy of an entry that is several.

        Where reading it is what ends the process, the entry is the culprit.
        """
        try:
            galaxies = self.child.measure(Order(entry, self.path, list_only=True)).failures
        except Died:
            galaxies = ()
        if galaxies:
            self._look_into_galaxies(entry, 0, galaxies, died)
        else:
            self.failures.append(self._culprit(entry, died))

    def _look_into_galaxies(
        self, entry: Shard, start: int, galaxies: Sequence[Failure], died: str
    ) -> None:
        if len(galaxies) == 1:
            self.failures.append(replace(galaxies[0], reason=_reason(died)))
            return
        half = len(galaxies) // 2
        for first, part in ((start, galaxies[:half]), (start + half, galaxies[half:])):
            again = self._tried(entry, first, first + len(part))
            if again is not None:
                self._look_into_galaxies(entry, first, part, again)

    def _tried(self, shard: Shard, start: int | None = None, stop: int | None = None) -> str | None:
        """Measure a part; return the reason if that ended the process."""
        if self.stopped():
            raise Stopped
        path = self.path.with_name(f"{self.path.name}.{uuid.uuid4().hex[:8]}{PART}")
        try:
            result = self.child.measure(Order(shard, path, start, stop))
        except Died as died:
            return str(died)
        self.parts.append(path)
        self.failures += result.failures
        return None

    def _culprit(self, entry: Shard, died: str) -> Failure:
        catalog = self.work.source.catalog
        row = {} if catalog is None else catalog.slice(entry.start, 1).to_pylist()[0]
        name, file = row.get("id", f"entry {entry.start + 1}"), row.get("file", "")
        return Failure(str(name), str(file or ""), "crash", _reason(died), entry.start)


def _reason(died: str) -> str:
    return f"{died}; it was left out so that the others could be measured"
