"""The shards of a run, measured several at a time.

In threads, or in processes, each watched over by a thread.

Kernels release Python's lock, so threads use all processors and nothing has to be sent between
them. Processes are for what threads cannot share: code that holds the lock, or libraries that
crash. Either way no more shards than can be measured at once are in memory, and each result goes to
its file where it was made.
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
from galfeat.pipeline.batch.journal import Journal
from galfeat.pipeline.batch.quarantine import measure_apart
from galfeat.pipeline.batch.retry import measure_again
from galfeat.pipeline.batch.shard_files import ShardResult
from galfeat.pipeline.batch.task import Stopped, Work
from galfeat.pipeline.batch.worker_process import Child, Died, Order

__all__ = ["Job", "Outcome", "in_order_of_completion", "run_here"]

_WAITING = 8  # shards being measured for one whose file the disk is waited for
# seconds that threads have to give up a shard where somebody waits; what they do after that is lost
_GRACE = 1.0
_PATIENCE = 20.0  # where nobody does


class Job(NamedTuple):
    """A shard and the key of its result; perhaps only what failed of it is to be measured again."""

    shard: Shard
    key: str
    again: bool = False


class Outcome(NamedTuple):
    """A shard that is through."""

    job: Job
    result: ShardResult


def workers_of(workers: int | None) -> int:
    """Return how many shards are measured at once.

    As many as there are processors for this process, unless a number is given.

    Raises
    ------
    UsageError
        If the number is less than 1.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"the number of workers must be at least 1; {workers} was asked for")
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return workers or usable or 1


def run_here(
    work: Work,
    work_file: Path,
    journal: Journal,
    jobs: Iterator[Job],
    workers: int,
    processes: bool = False,
) -> Generator[Outcome, None, None]:
    """Measure shards on this machine.

    Parameters
    ----------
    work : Work
    work_file : Path
        The same, as `Work.save` wrote it.
    journal : Journal
        Gets what is in flight; its suspects are measured apart.
    jobs : iterator of Job
    workers : int
        Shards at a time.
    processes : bool
        Whether each worker is a process of its own.

    Yields
    ------
    Outcome
        In the order in which they are through.
    """
    hands = _Hands(work, work_file, journal, None if processes else workers)
    # the disk is waited for by the threads more
    threads = workers if processes else workers + 1 + workers // _WAITING
    pool = ThreadPoolExecutor(threads, thread_name_prefix="galfeat")
    patience = _PATIENCE
    with threadpool_limits(1):
        try:
            yield from in_order_of_completion(
                lambda job: pool.submit(hands.measure, job), jobs, 2 * threads
            )
        except KeyboardInterrupt:
            patience = _GRACE
            raise
        finally:
            hands.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            hands.wait(patience)


def in_order_of_completion(
    submit: Callable[[Job], "Future[Outcome]"], jobs: Iterator[Job], window: int
) -> Iterator[Outcome]:
    """Keep so many jobs submitted, and yield their outcomes as they come."""
    flying = {submit(job) for job in islice(jobs, window)}
    while flying:
        done, flying = wait(flying, return_when=FIRST_COMPLETED)
        for future in done:
            outcome = future.result()
            flying |= {submit(job) for job in islice(jobs, 1)}
            yield outcome


class _Hands:
    """What the threads of a run have in common.

    Parameters
    ----------
    work, work_file, journal
        As of `run_here`.
    at_once : int or None
        How many threads measure at a time; None if each has a process that does.
    """

    def __init__(self, work: Work, work_file: Path, journal: Journal, at_once: int | None) -> None:
        self._work, self._work_file, self._journal = work, work_file, journal
        self._turn = threading.Semaphore(at_once) if at_once else None
        self._stopped = threading.Event()
        self._own = threading.local()
        self._children: list[Child] = []
        self._busy = 0
        self._idle = threading.Condition()

    def measure(self, job: Job) -> Outcome:
        """Measure one shard, in this thread or in its child."""
        with self._idle:
            self._busy += 1
        try:
            return Outcome(job, self._measure(job))
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def stop(self) -> None:
        """Ask the threads to give up, and end the children."""
        self._stopped.set()
        for child in list(self._children):
            child.kill()

    def wait(self, seconds: float) -> None:
        """Give the threads some time to be done."""
        with self._idle:
            self._idle.wait_for(lambda: not self._busy, seconds)

    def _measure(self, job: Job) -> ShardResult:
        path = self._work.path(job.key)
        if job.key in self._journal.suspects:
            result = self._apart(job, path)
            self._journal.clear(job.key)
            return result
        try:
            result = self._at_first(job, path)
        except (MemoryError, Died):
            if self._stopped.is_set():
                raise Stopped from None
            result = self._apart(job, path)
        self._journal.end(job.key)
        return result

    def _at_first(self, job: Job, path: Path) -> ShardResult:
        if self._turn is None:
            self._journal.begin(job.key)
            return self._child().measure(Order(job.shard, path, again=job.again))
        if not job.again:
            return self._work.measure(job.shard, path, self._stopped.is_set, turn=self._begun(job))
        with self._begun(job):
            return measure_again(self._work, job.shard, path, self._stopped.is_set)

    def _apart(self, job: Job, path: Path) -> ShardResult:
        with self._turn or nullcontext():  # the memory for one at a time may not be enough for two
            return measure_apart(self._work, self._child(), job.shard, path, self._stopped.is_set)

    @contextmanager
    def _begun(self, job: Job) -> Iterator[None]:
        """Wait for this thread's turn, and note only then that the shard is in flight.

        One that waits kills nothing.
        """
        with self._turn or nullcontext():
            self._journal.begin(job.key)
            yield

    def _child(self) -> Child:
        """Return the process that belongs to this thread."""
        if not hasattr(self._own, "child"):
            self._own.child = Child(self._work_file)
            self._children.append(self._own.child)
        child: Child = self._own.child
        return child
