"""Batch run: prepare or resume, measure the missing shards, merge.

The unfinished run lies in a work folder beside the output (see `work_folder`); the same command
resumes it. At the end the shards become the table, and the folder is deleted.
"""

import logging
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from galfeat import UsageError
from galfeat._atomic_files import MAX_NAME_BYTES, atomic_open
from galfeat.data import Failure, Shard, Source
from galfeat.pipeline.batch.dask import run_on_cluster
from galfeat.pipeline.batch.disk_errors import explain_disk_errors
from galfeat.pipeline.batch.merge import RunCounts, TableWriter, merge_failures, merge_notes
from galfeat.pipeline.batch.options import Options, Progress, RunSummary, failures_path, notes_path
from galfeat.pipeline.batch.parquet.growing_table import GrowingTable
from galfeat.pipeline.batch.retry import restore_shards
from galfeat.pipeline.batch.signals import remembered_interrupts
from galfeat.pipeline.batch.unforeseen import UnforeseenLimit
from galfeat.pipeline.batch.work import BatchWork, Measurement
from galfeat.pipeline.batch.work_folder.file_stamps import FileStamp, have_changed
from galfeat.pipeline.batch.work_folder.folder import (
    WorkFolder,
    hold_work_folder,
    work_folder_path,
)
from galfeat.pipeline.batch.work_folder.journal import Journal
from galfeat.pipeline.batch.work_folder.manifest import Manifest
from galfeat.pipeline.batch.work_folder.shard_files import read_result
from galfeat.pipeline.batch.workers import ShardJob, ShardOutcome, run_locally, worker_count

__all__ = ["run_batch"]

_LOG = logging.getLogger("galfeat")
# Shards appended to the table whenever one is finished: a resumed run must start measuring before
# all the shards of the run before are copied.
_APPENDED_AT_ONCE = 4
_MAX_ATTEMPTS = 3  # to measure shards whose files change meanwhile


def run_batch(
    measurement: Measurement,
    source: Source,
    out: Path,
    *,
    write_table: TableWriter | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
) -> RunSummary:
    """Measure every cutout of a source, or what is left of an unfinished run.

    Parameters
    ----------
    measurement : Measurement
    source : Source
    out : Path
        The file to write; it is replaced at the very end, and the list of failures beside it
        before.
    write_table : callable, optional
        Writes the rows of all shards at the end, for narrow rows. By default the table is Parquet,
        and the row groups of finished shards are copied into it while others are measured.
    options : Options, optional
    progress : callable, optional
        Called with the entries done, the number of entries, and the failures so far.

    Returns
    -------
    RunSummary

    Raises
    ------
    UsageError
        If another run holds the lock, the unfinished run has other settings or another catalog, or
        the system refuses to write.
    KeyboardInterrupt
        If the run is interrupted; finished shards are kept.
    """
    options = options or Options()
    workers = worker_count(options.workers)
    _check_names(out)
    schema = measurement.schema(source.catalog)
    with hold_work_folder(out) as folder, remembered_interrupts() as check_interrupt:
        work = BatchWork(source, measurement, schema, folder.shards.resolve())
        run = _BatchRun(work, out, folder, options, write_table)
        try:
            run.prepare()
            run.measure_shards(workers, progress, check_interrupt)
            summary = run.finish()
        except BaseException as error:
            run.abandon(error)
            raise
    return summary


class _BatchRun:
    """State of a run: what is finished, and what is in the table.

    Parameters
    ----------
    work : BatchWork
    out : Path
    folder : WorkFolder
    options : Options
    write_table : callable or None
        As of `run_batch`.
    """

    def __init__(
        self,
        work: BatchWork,
        out: Path,
        folder: WorkFolder,
        options: Options,
        write_table: TableWriter | None,
    ) -> None:
        self.work, self.out, self.folder, self.options = work, out, folder, options
        self.write_table = write_table
        self.manifest = Manifest.of(work)
        self.finished = _FinishedShards(work)
        self.table: GrowingTable | None = None

    def prepare(self) -> None:
        """Set up the work folder, or check that the unfinished run in it is this one."""
        self.folder.make_shards()
        if self.options.restart:
            self.folder.clear()
        unfinished = Manifest.load(self.folder.manifest)
        if unfinished is not None:
            self.manifest.check_unfinished(unfinished, self.out)
        else:
            self.folder.clear()  # without a manifest nothing in it can be resumed
            if self.options.retry_failed and not self.options.restart:
                self._restore_finished_table()
            self.manifest.save(self.folder.manifest)
        self.folder.remove_temporary_files()

    def _restore_finished_table(self) -> None:
        if restore_shards(self.out, failures_path(self.out), self.work, self.manifest):
            _LOG.info("%s exists already; its failures are measured again", self.out)

    def measure_shards(
        self, workers: int, progress: Progress | None, check_interrupt: Callable[[], None]
    ) -> None:
        """Measure the missing shards; append finished ones to the table meanwhile."""
        if self.write_table is None:
            with explain_disk_errors(self.out):
                self.table = GrowingTable(self.out, self.folder.path)
        unforeseen = UnforeseenLimit()
        journal = Journal(self.folder.journal)
        if journal.suspects:
            _LOG.info(
                (
                    "the last run ended while %d shards were being measured; these are examined "
                    "first"
                ),
                len(journal.suspects),
            )
        jobs = self._missing_shards()
        try:
            for _ in range(_MAX_ATTEMPTS):
                # closing stops the workers before the journal is closed
                with closing(self._outcomes(jobs, journal, workers)) as outcomes:
                    changed = self._collect(outcomes, unforeseen, progress, check_interrupt)
                if not changed:
                    return
                _LOG.warning(
                    "files of %s changed while they were measured; these are measured again",
                    _describe(changed),
                )
                jobs = iter([ShardJob(each, self.finished.expect(each)) for each in changed])
        finally:
            journal.close()
        raise UsageError(
            f"files of {_describe(changed)} keep changing while they are measured, so no table is "
            "made; wait until they are complete, and give the same command again: it goes on "
            "where it stopped"
        )

    def _collect(
        self,
        outcomes: Generator[ShardOutcome, None, None],
        unforeseen: UnforeseenLimit,
        progress: Progress | None,
        check_interrupt: Callable[[], None],
    ) -> list[Shard]:
        """Take the outcomes of shards; return those whose files changed meanwhile."""
        changed: list[Shard] = []
        try:
            for job, result in outcomes:
                if self.finished.files_changed(job.shard):
                    changed.append(job.shard)
                    # never found by a run that meets the former files again
                    self.work.path(job.key).unlink(missing_ok=True)
                    continue
                self.finished.add(job.shard, job.key, result.rows, result.failures)
                unforeseen.add(result.failures)
                unforeseen.check(self.finished.counts.done + self.finished.counts.failed)
                # files of other machines may become visible here only after a while
                if self.options.cluster is None:
                    self._append_finished(_APPENDED_AT_ONCE)
                if progress:
                    counts = self.finished.counts
                    progress(self.finished.entries, len(self.work.source), counts.failed)
                check_interrupt()
        except KeyboardInterrupt as interruption:
            outcomes.throw(interruption)  # shortens the grace period of the workers
        return sorted(changed, key=lambda shard: shard.start)

    def _outcomes(
        self, jobs: Iterator[ShardJob], journal: Journal, workers: int
    ) -> Generator[ShardOutcome, None, None]:
        options = self.options
        if options.cluster is not None:
            return run_on_cluster(
                self.work, self.folder.mark, journal, jobs, options.cluster, options.workers
            )
        return run_locally(self.work, journal, jobs, workers, options.processes)

    def _missing_shards(self) -> Iterator[ShardJob]:
        """Yield the shards to measure, in order; count those whose results exist."""
        for shard in self.work.shards():
            key = self.finished.expect(shard)
            result = read_result(self.work.path(key))
            failed = result is not None and not all(each.is_note for each in result.failures)
            if result is None or (failed and self.options.retry_failed):
                yield ShardJob(shard, key, again=result is not None)
            else:
                self.finished.add(shard, key, result.rows, result.failures)

    def _append_finished(self, most: int | None = None) -> None:
        """Append finished shards to the table in order, up to the first gap, at most so many."""
        if self.table is None:
            return
        for key in self.finished.next_in_order(most):
            with explain_disk_errors(self.out):
                self.table.add(self.work.path(key))

    def finish(self) -> RunSummary:
        """Write the outputs and delete the work folder."""
        self.folder.check_in_place()
        failures, counts = failures_path(self.out), self.finished.counts
        merge_failures(failures, self._shard_files(), self.folder.path)
        notes = notes_path(self.out)
        if counts.noted:
            merge_notes(notes, self._shard_files(), self.folder.path)
        else:
            notes.unlink(missing_ok=True)  # of an earlier run
        if counts.done:
            with explain_disk_errors(self.out):
                self._finish_table()
        if self.table is not None:
            self.table.discard()
        self.folder.remove()
        return RunSummary(
            self.out,
            *(counts.done, counts.failed, failures, counts.commonest, counts.noted),
            notes if counts.noted else "",
        )

    def _finish_table(self) -> None:
        counts = self.finished.counts
        files = self.finished.files_digests() if counts.failed else ""
        record = replace(self.manifest, files=files).record()
        metadata = self.work.measurement.metadata(
            record, measured=counts.done, failed=counts.failed
        )
        schema = self.work.schema
        schema = schema.with_metadata({**(schema.metadata or {}), **metadata})
        if self.write_table is not None:
            with atomic_open(self.out, self.folder.path) as file:
                self.write_table(file, self._shard_files(), schema)
        elif self.table is not None:
            self._append_finished()
            self.table.finish(schema)

    def _shard_files(self) -> list[Path]:
        return [self.work.path(key) for key in self.finished.keys]

    def abandon(self, error: BaseException) -> None:
        """Keep the finished shards for the next run; without any, delete the work folder."""
        if self.table is not None:
            self.table.discard()
        with suppress(OSError):
            if not self.folder.has_shards():
                self.folder.remove()
            elif isinstance(error, KeyboardInterrupt):
                _LOG.warning(
                    "%s of %s cutouts are finished; the same command continues from there",
                    f"{self.finished.entries:,}",
                    f"{len(self.work.source):,}",
                )


def _check_names(out: Path) -> None:
    """Refuse an output whose work folder or list of failures would have too long a name."""
    for path in (work_folder_path(out), failures_path(out)):
        size = len(os.fsencode(path.name))
        if size > MAX_NAME_BYTES:
            raise UsageError(
                f"the name of the output is too long: '{path.name[:20]}…{path.name[-20:]}' beside "
                f"it would have {size} bytes, and disks take {MAX_NAME_BYTES}; choose a shorter one"
            )


def _describe(shards: Sequence[Shard]) -> str:
    first = f"the cutouts {shards[0].start + 1:,} to {shards[0].stop:,}"
    return first + (f" and of {len(shards) - 1:,} more such parts" if len(shards) > 1 else "")


class _FinishedShards:
    """Bookkeeping of finished shards: keys in order, counts, and digests of their files.

    Parameters
    ----------
    work : BatchWork

    Attributes
    ----------
    keys : list of str
        Keys of the shards seen so far, in the order of the source.
    entries : int
        Number of entries of finished shards.
    counts : RunCounts
    """

    def __init__(self, work: BatchWork) -> None:
        self._work = work
        self.keys: list[str] = []
        self.entries = 0
        self.counts = RunCounts()
        # of unfinished shards, by first entry: their place in `keys` and the stamps of their files
        self._expected: dict[int, tuple[int, list[FileStamp]]] = {}
        self._digests: dict[int, str] = {}  # of finished shards' files, by first entry
        self._finished: set[str] = set()  # keys that are not in the table yet
        self._appended = 0

    def expect(self, shard: Shard) -> str:
        """Return the key of the next shard, or of one to measure again, by its files now."""
        stamps = self._work.stamps(shard)
        key = self._work.key(shard, stamps)
        place, _ = self._expected.get(shard.start, (len(self.keys), stamps))
        self.keys[place : place + 1] = [key]
        self._expected[shard.start] = place, stamps
        return key

    def files_changed(self, shard: Shard) -> bool:
        """Return whether the files of an unfinished shard changed since it was expected."""
        return have_changed(self._work.source, shard, self._expected[shard.start][1])

    def add(self, shard: Shard, key: str, rows: int, failures: Sequence[Failure]) -> None:
        """Record that a shard is finished."""
        self.entries += len(shard)
        self.counts.add(rows, failures)
        _, stamps = self._expected.pop(shard.start)
        self._digests[shard.start] = self._work.files_digest(shard, stamps, failures)
        self._finished.add(key)

    def next_in_order(self, most: int | None) -> Iterator[str]:
        """Yield the keys to append to the table, up to the first gap and at most so many."""
        stop = None if most is None else self._appended + most
        for key in self.keys[self._appended : stop]:
            if key not in self._finished:
                return
            yield key
            self._finished.remove(key)
            self._appended += 1

    def files_digests(self) -> str:
        """Return the digests of the files of all shards, in the order of the source."""
        return "".join(self._digests[start] for start in sorted(self._digests))
