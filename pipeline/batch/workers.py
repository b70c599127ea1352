"""Local workers: shards measured concurrently, in threads or in processes.

Kernels release the GIL, so threads use all processors and share source and catalog. Processes are
for libraries that hold the GIL or crash; each is driven by a thread of its own. In both cases only
the shards being measured are in memory, and a worker writes its shard file itself.
"""

import os
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from threadpoolctl import threadpool_limits

from galfeat import UsageError
from galfeat.data import Shard
from galfeat.pipeline.batch.measure_shard import RunStopped, measure_shard
from galfeat.pipeline.batch.quarantine import measure_in_quarantine
from galfeat.pipeline.batch.retry import remeasure_failures
from galfeat.pipeline.batch.work import BatchWork
from galfeat.pipeline.batch.work_folder.journal import Journal
from galfeat.pipeline.batch.work_folder.shard_files import ShardResult
from galfeat.pipeline.batch.worker_process import MeasureRequest, WorkerDied, WorkerProcess

__all__ = ["ShardJob", "ShardOutcome", "in_order_of_completion", "run_locally", "worker_count"]

_THREADS_PER_WRITER = 8  # one extra thread per so many, to flush a shard file while others measure
# Seconds to wait for threads at the end of a run; what they finish later is lost. Short after an
# interrupt, because the user waits.
_GRACE_INTERRUPTED = 1.0
_GRACE = 20.0


class ShardJob(NamedTuple):
    """Shard to measure.

    Parameters
    ----------
    shard : Shard
    key : str
        Key of its result.
    again : bool
        Whether a result exists of which only the failures are to be measured again.
    """

    shard: Shard
    key: str
    again: bool = False


class ShardOutcome(NamedTuple):
    """Finished shard and its result."""

    job: ShardJob
    result: ShardResult


def worker_count(workers: int | None) -> int:
    """Return the number of concurrent shards: as given, or the processors of this process.

    Raises
    ------
    UsageError
        If the number is less than 1.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"the number of workers must be at least 1; {workers} was asked for")
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return workers or usable or 1


def run_locally(
    work: BatchWork,
    journal: Journal,
    jobs: Iterator[ShardJob],
    workers: int,
    processes: bool = False,
) -> Generator[ShardOutcome, None, None]:
    """Measure shards on this machine.

    Parameters
    ----------
    work : BatchWork
    journal : Journal
        Records the shards in flight; its suspects are measured in quarantine.
    jobs : iterator of ShardJob
    workers : int
        Number of concurrent shards.
    processes : bool
        Whether each worker is a process.

    Yields
    ------
    ShardOutcome
        In order of completion.
    """
    crew = _Workers(work, journal, None if processes else workers)
    threads = workers if processes else workers + 1 + workers // _THREADS_PER_WRITER
    executor = ThreadPoolExecutor(threads, thread_name_prefix="galfeat")
    grace = _GRACE
    with threadpool_limits(1):
        try:
            yield from in_order_of_completion(
                lambda job: executor.submit(crew.measure, job), jobs, 2 * threads
            )
        except KeyboardInterrupt:
            grace = _GRACE_INTERRUPTED
            raise
        finally:
            crew.stop()
            executor.shutdown(wait=False, cancel_futures=True)
            crew.wait(grace)


def in_order_of_completion(
    submit: Callable[[ShardJob], "Future[ShardOutcome]"], jobs: Iterator[ShardJob], window: int
) -> Iterator[ShardOutcome]:
    """Keep `window` jobs submitted, and yield their outcomes in order of completion."""
    pending = {submit(job) for job in islice(jobs, window)}
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            outcome = future.result()
            pending |= {submit(job) for job in islice(jobs, 1)}
            yield outcome


class _Workers:
    """State shared by the worker threads of a run.

    Parameters
    ----------
    work, journal
        As of `run_locally`.
    concurrent : int or None
        How many threads measure at a time; None if each thread drives a process.
    """

    def __init__(self, work: BatchWork, journal: Journal, concurrent: int | None) -> None:
        self._work, self._journal = work, journal
        self._turns = threading.Semaphore(concurrent) if concurrent else None
        self._stopped = threading.Event()
        self._local = threading.local()
        self._processes: list[WorkerProcess] = []
        self._busy = 0
        self._idle = threading.Condition()

    def measure(self, job: ShardJob) -> ShardOutcome:
        """Measure one shard, in the calling thread or in its process."""
        with self._idle:
            self._busy += 1
        try:
            return ShardOutcome(job, self._measure(job))
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def stop(self) -> None:
        """Ask the threads to abandon their shards, and kill the processes."""
        self._stopped.set()
        for process in list(self._processes):
            process.kill()

    def wait(self, seconds: float) -> None:
        """Wait until no thread is measuring, at most so many seconds."""
        with self._idle:
            self._idle.wait_for(lambda: not self._busy, seconds)

    def _measure(self, job: ShardJob) -> ShardResult:
        path = self._work.path(job.key)
        if job.key in self._journal.suspects:
            result = self._measure_in_quarantine(job, path)
            self._journal.clear(job.key)
            return result
        try:
            result = self._measure_normally(job, path)
        except (MemoryError, WorkerDied):
            if self._stopped.is_set():
                raise RunStopped from None
            result = self._measure_in_quarantine(job, path)
        self._journal.end(job.key)
        return result

    def _measure_normally(self, job: ShardJob, path: Path) -> ShardResult:
        stopped = self._stopped.is_set
        if self._turns is None:
            self._journal.begin(job.key)
            return self._process().measure(MeasureRequest(job.shard, path, again=job.again))
        if not job.again:
            return measure_shard(self._work, job.shard, path, stopped, turn=self._turn(job))
        with self._turn(job):
            return remeasure_failures(self._work, job.shard, path, stopped)

    def _measure_in_quarantine(self, job: ShardJob, path: Path) -> ShardResult:
        with self._turns or nullcontext():  # there may be memory for one such shard at a time only
            return measure_in_quarantine(
                self._work, self._process(), job.shard, path, self._stopped.is_set
            )

    @contextmanager
    def _turn(self, job: ShardJob) -> Iterator[None]:
        """Wait until this thread may measure; only then is the shard in flight for the journal.

        A waiting shard cannot be what crashes the run.
        """
        with self._turns or nullcontext():
            self._journal.begin(job.key)
            yield

    def _process(self) -> WorkerProcess:
        """Return the process of the calling thread."""
        if not hasattr(self._local, "process"):
            self._local.process = WorkerProcess(self._work)
            self._processes.append(self._local.process)
        process: WorkerProcess = self._local.process
        return process
