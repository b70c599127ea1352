"""A batch run from beginning to end.

Begun, gone on with after whatever stopped it, and brought to its end.

Beside the output ``F.parquet`` stands the folder ``F.parquet.work`` while a run is on or
unfinished: a file for each shard that is through, what the run is about, and which shards are in
flight. The same command goes on with it. At the end the shards become the table, and the folder
goes away.
"""

import logging
import shutil
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from galfeat.data import Failure, Source
from galfeat.pipeline.batch.dask import run_on_cluster
from galfeat.pipeline.batch.file_stamps import Stamp
from galfeat.pipeline.batch.journal import Journal
from galfeat.pipeline.batch.lock import locked
from galfeat.pipeline.batch.manifest import Manifest
from galfeat.pipeline.batch.merge import Counts, Merge, merge
from galfeat.pipeline.batch.parquet.growing_table import GrowingTable
from galfeat.pipeline.batch.retry import unpack
from galfeat.pipeline.batch.shard_files import read_result
from galfeat.pipeline.batch.signals import remembered
from galfeat.pipeline.batch.task import Task, Work
from galfeat.pipeline.batch.workers import Job, Outcome, run_here, workers_of
from galfeat.pipeline.batch.writing import PART, appearing, resumable

__all__ = [
    "Ending",
    "Options",
    "Progress",
    "Summary",
    "failures_path",
    "run_batch",
    "with_workers",
    "work_folder",
]

Progress = Callable[[int, int, int], None]  # entries done, entries in all, failures so far
_LOG = logging.getLogger("galfeat")
_LOCK = "lock"
# shards put into the table whenever one is through: those that an earlier run left must not keep
# this one from measuring
_AT_ONCE = 4


@dataclass(frozen=True)
class Options:
    """How a batch run goes about its work; the result depends on none of it.

    Parameters
    ----------
    workers : int, optional
        Shards measured at a time; by default one a processor.
    processes : bool
        Whether each worker is a process of its own, otherwise a thread.
    cluster : str, optional
        Address of a Dask scheduler, or ``local`` to start one.
    restart : bool
        Whether to throw away what an unfinished run has.
    retry_failed : bool
        Whether to measure what failed before once more.
    """

    workers: int | None = None
    processes: bool = False
    cluster: str | None = None
    restart: bool = False
    retry_failed: bool = False


@dataclass(frozen=True)
class Summary:
    """What a batch run did.

    Parameters
    ----------
    path : Path, or str of an address
        The file that was written.
    done, failed : int
        Number of galaxies measured, and of those that could not be.
    failures : Path, or str of an address
        The list of failures.
    commonest : str
        The most frequent reason of a failure; empty if there is none.
    """

    path: Path | str
    done: int
    failed: int
    failures: Path | str
    commonest: str = ""

    def ends(self, verb: str) -> str:
        """Return the last line of a run.

        How many were done, how many failed, why, and where the result is.
        """
        failed = (
            f", {self.failed:,} failed (most often: {self.commonest}; see {self.failures})"
            if self.failed
            else ""
        )
        where = f": {self.path}" if self.done else "; nothing was written"
        return f"{self.done:,} cutouts {verb}{failed}{where}"


@dataclass(frozen=True)
class Ending:
    """How the shards become the output.

    Parameters
    ----------
    merge : callable or None
        Writes the shards' rows into a file, at the end; None: their groups of rows become the table
        as they are, while others are measured.
    metadata : callable
        What the table says of itself, from the manifest and the counts.
    """

    merge: Merge | None
    metadata: Callable[[Manifest, Counts], dict[bytes, bytes]]


def with_workers(options: Options | None, workers: int | None) -> Options:
    """Return options with the number of workers, where one is given."""
    options = options or Options()
    return options if workers is None else replace(options, workers=workers)


def failures_path(out: Path) -> Path:
    """Return where the failures of ``F.parquet`` are listed: ``F.failures.csv``."""
    return out.with_name(out.stem + ".failures.csv")


def work_folder(out: Path) -> Path:
    """Return where the unfinished work for ``F.parquet`` is: ``F.parquet.work``."""
    return out.with_name(out.name + ".work")


def run_batch(
    task: Task,
    source: Source,
    out: Path,
    ending: Ending,
    options: Options = Options(),
    *,
    progress: Progress | None = None,
) -> Summary:
    """Do a task for every cutout of a source, or what is left of it.

    Parameters
    ----------
    task : Task
    source : Source
    out : Path
        The file to write; it is replaced at the very end. The failures go beside it.
    ending : Ending
    options : Options
    progress : callable, optional
        Called with the entries done, the entries there are, and the failures so far.

    Returns
    -------
    Summary

    Raises
    ------
    UsageError
        If another run is at it, an unfinished run was about something else, or the system refuses
        to write.
    KeyboardInterrupt
        If the run was interrupted; what is through is kept.
    """
    workers = workers_of(options.workers)
    folder = work_folder(out)
    work = Work(source, task, task.schema(source), folder.resolve() / "shards")
    with locked(folder / _LOCK, out), remembered() as check:
        run = _Run(work, out, folder, options, ending, progress)
        try:
            run.begin()
            run.measure(workers, check)
            summary = run.end()
        except BaseException as error:
            run.leave(error)
            raise
    return summary


@dataclass
class _Run:
    work: Work
    out: Path
    folder: Path
    options: Options
    ending: Ending
    progress: Progress | None
    counts: Counts = field(default_factory=Counts)
    keys: list[str] = field(default_factory=list)
    through: int = 0  # entries
    stamps: dict[int, list[Stamp]] = field(default_factory=dict)  # of the files of shards under way
    # digests of the files of shards that are through
    files: dict[int, str] = field(default_factory=dict)
    # shards that are through but not in the table: one before them is not
    waiting: set[str] = field(default_factory=set)
    joined: int = 0  # shards in the table
    table: GrowingTable | None = None

    def begin(self) -> None:
        """Look at what there is, and refuse to go on with something else."""
        if self.options.restart:
            _clear(self.folder)
        self.manifest = Manifest.of(self.work)
        record = self.folder / "work.json"
        then = Manifest.load(record)
        if then is not None:
            self.manifest.refuse_other(then, self.out)
        else:
            _clear(self.folder)  # what is there without a record is nobody's
            if self.options.retry_failed and not self.options.restart:
                self._take_over()
            self.manifest.save(record)
        for part in self.folder.rglob("*" + PART):
            part.unlink(missing_ok=True)
        self.work.save(self.folder / "work.pickle")

    def measure(self, workers: int, check: Callable[[], None]) -> None:
        """Measure the shards that are not there yet; what `check` raises ends that."""
        if self.ending.merge is None:
            with resumable(self.out):
                self.table = GrowingTable(self.out, self.folder)
        journal = Journal(self.folder / "journal")
        if journal.suspects:
            _LOG.info(
                (
                    "the last run ended while %d shards were being measured; these are looked into "
                    "first"
                ),
                len(journal.suspects),
            )
        try:
            # nobody goes on when this has ended
            with closing(self._outcomes(self._jobs(), journal, workers)) as outcomes:
                try:
                    for outcome in outcomes:
                        self._through(outcome.job, outcome.result.rows, outcome.result.failures)
                        # what other machines write may be seen here only after a while
                        if self.options.cluster is None:
                            self._join(_AT_ONCE)
                        if self.progress:
                            self.progress(self.through, len(self.work.source), self.counts.failed)
                        check()
                except KeyboardInterrupt as interruption:
                    outcomes.throw(interruption)  # those who measure are to hurry
        finally:
            journal.close()

    def end(self) -> Summary:
        """Put the shards together and clear up."""
        failures = failures_path(self.out)
        merge(
            self.out,
            failures,
            [self.work.path(key) for key in self.keys],
            self._finish if self.counts.done else None,
            self.folder,
        )
        if self.table is not None:
            self.table.discard()
        _remove(self.folder)
        return Summary(
            self.out, self.counts.done, self.counts.failed, failures, self.counts.commonest
        )

    def _finish(self) -> None:
        files = (
            "".join(self.files[start] for start in sorted(self.files)) if self.counts.failed else ""
        )
        schema = self.work.schema.with_metadata(
            self.ending.metadata(replace(self.manifest, files=files), self.counts)
        )
        if self.ending.merge is not None:
            with appearing(self.out, self.folder) as file:
                self.ending.merge(file, [self.work.path(key) for key in self.keys], schema)
        elif self.table is not None:
            self._join()
            self.table.finish(schema)

    def leave(self, error: BaseException) -> None:
        """Leave what is done for the next run; where there is nothing, leave nothing."""
        if self.table is not None:
            self.table.discard()
        with suppress(OSError):
            if not any((self.folder / "shards").rglob("*.parquet")):
                _remove(self.folder)
            elif isinstance(error, KeyboardInterrupt):
                _LOG.warning(
                    "%s of %s cutouts are through; the same command goes on from there",
                    f"{self.through:,}",
                    f"{len(self.work.source):,}",
                )

    def _take_over(self) -> None:
        if unpack(self.out, failures_path(self.out), self.work, self.manifest):
            _LOG.info("%s is there already; what failed is measured again", self.out)

    def _outcomes(
        self, jobs: Iterator[Job], journal: Journal, workers: int
    ) -> Generator[Outcome, None, None]:
        record = self.folder / "work.pickle"
        if self.options.cluster is not None:
            return run_on_cluster(
                self.work, record, journal, jobs, self.options.cluster, self.options.workers
            )
        return run_here(self.work, record, journal, jobs, workers, self.options.processes)

    def _jobs(self) -> Iterator[Job]:
        """Yield the shards to measure, in order; count those that are there."""
        for shard in self.work.shards():
            stamps = self.work.stamps(shard)
            key = self.work.key(shard, stamps)
            self.keys.append(key)
            self.stamps[shard.start] = stamps
            result = read_result(self.work.path(key))
            job = Job(shard, key, again=result is not None)
            if result is None or (result.failures and self.options.retry_failed):
                yield job
            else:
                self._through(job, result.rows, result.failures)

    def _through(self, job: Job, rows: int, failures: Sequence[Failure]) -> None:
        self.through += len(job.shard)
        self.counts.add(rows, failures)
        start = job.shard.start
        self.files[start] = self.work.files_digest(job.shard, self.stamps.pop(start), failures)
        self.waiting.add(job.key)

    def _join(self, most: int | None = None) -> None:
        """Put what is through into the table, as far as nothing before it is missing, and no more
        shards than `most`.
        """
        for key in self.keys[self.joined : None if most is None else self.joined + most]:
            if self.table is None or key not in self.waiting:
                return
            with resumable(self.out):
                self.table.add(self.work.path(key))
            self.waiting.remove(key)
            self.joined += 1


def _clear(folder: Path) -> None:
    """Empty a work folder of everything but its lock."""
    with resumable(folder):
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != _LOCK:
                path.unlink()


def _remove(folder: Path) -> None:
    """Remove a work folder, its lock last."""
    with suppress(OSError):
        _clear(folder)
        (folder / _LOCK).unlink()
        folder.rmdir()
