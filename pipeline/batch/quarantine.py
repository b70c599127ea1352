"""Quarantine: bisection of a shard that crashes its process, down to the galaxy to blame.

A suspect shard is measured in a process of its own. If that dies, the shard is halved until the one
galaxy is found that ends the process; it becomes a failure with the stage ``crash``, and the rest
of the shard is measured as ever.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from galfeat._atomic_files import temporary_path
from galfeat.data import Failure, Shard
from galfeat.pipeline.batch.measure_shard import RunStopped, never, regroup
from galfeat.pipeline.batch.work import BatchWork
from galfeat.pipeline.batch.work_folder.shard_files import ShardResult, read_rows, write_result
from galfeat.pipeline.batch.worker_process import MeasureRequest, WorkerDied, WorkerProcess

__all__ = ["measure_in_quarantine"]


def measure_in_quarantine(
    work: BatchWork,
    process: WorkerProcess,
    shard: Shard,
    path: Path,
    stopped: Callable[[], bool] = never,
) -> ShardResult:
    """Measure a shard in another process; galaxies that crash it become failures.

    Parameters
    ----------
    work : BatchWork
    process : WorkerProcess
        A process of the same work.
    shard : Shard
    path : Path
        The shard file to write; it has the same bytes as if the shard were measured here.
    stopped : callable, optional
        Polled between parts; True abandons the shard.

    Raises
    ------
    RunStopped
        If `stopped` returned True.
    """
    with suppress(WorkerDied):
        return process.measure(MeasureRequest(shard, path))
    bisection = _Bisection(work, process, path, stopped)
    try:
        bisection.halve_shard(shard)
        tables = regroup((read_rows(part) for part in bisection.parts), work.shard_size)
        failures = sorted(
            bisection.failures, key=lambda failure: -1 if failure.row is None else failure.row
        )
        return write_result(path, tables, work.schema, failures)
    finally:
        for part in bisection.parts:
            part.unlink(missing_ok=True)


class _Bisection:
    """Recursive halving of a shard.

    Attributes
    ----------
    parts : list of Path
        Shard files of the parts that could be measured, in order.
    failures : list of Failure
    """

    def __init__(
        self,
        work: BatchWork,
        process: WorkerProcess,
        path: Path,
        stopped: Callable[[], bool],
    ) -> None:
        self.work, self.process, self.path, self.stopped = work, process, path, stopped
        self.parts: list[Path] = []
        self.failures: list[Failure] = []

    def halve_shard(self, shard: Shard) -> None:
        """Measure both halves of a shard; halve again what crashes."""
        half = (shard.start + shard.stop) // 2
        for part in (Shard(shard.start, half), Shard(half, shard.stop)):
            if not len(part):
                continue
            crash = self._measure_part(part)
            if crash is not None and len(part) > 1:
                self.halve_shard(part)
            elif crash is not None:
                self._search_entry(part, crash)

    def _search_entry(self, entry: Shard, crash: str) -> None:
        """Find the galaxy of an entry that may contain several.

        If already reading crashes, the whole entry becomes the failure.
        """
        try:
            galaxies = self.process.measure(
                MeasureRequest(entry, self.path, list_only=True)
            ).failures
        except WorkerDied:
            galaxies = ()
        if galaxies:
            self._halve_galaxies(entry, 0, galaxies, crash)
        else:
            self.failures.append(self._entry_failure(entry, crash))

    def _halve_galaxies(
        self, entry: Shard, start: int, galaxies: Sequence[Failure], crash: str
    ) -> None:
        if len(galaxies) == 1:
            self.failures.append(replace(galaxies[0], reason=_crash_reason(crash)))
            return
        half = len(galaxies) // 2
        for first, part in ((start, galaxies[:half]), (start + half, galaxies[half:])):
            again = self._measure_part(entry, first, first + len(part))
            if again is not None:
                self._halve_galaxies(entry, first, part, again)

    def _measure_part(
        self, shard: Shard, start: int | None = None, stop: int | None = None
    ) -> str | None:
        """Measure a part; return how the process ended if it crashed."""
        if self.stopped():
            raise RunStopped
        path = temporary_path(self.path)
        try:
            result = self.process.measure(MeasureRequest(shard, path, start, stop))
        except WorkerDied as died:
            return str(died)
        self.parts.append(path)
        self.failures += result.failures
        return None

    def _entry_failure(self, entry: Shard, crash: str) -> Failure:
        catalog = self.work.source.catalog
        row = {} if catalog is None else catalog.slice(entry.start, 1).to_pylist()[0]
        name, file = row.get("id", f"entry {entry.start + 1}"), row.get("file", "")
        return Failure(str(name), str(file or ""), "crash", _crash_reason(crash), entry.start)


def _crash_reason(crash: str) -> str:
    return f"{crash}; it was left out so that the others could be measured"
