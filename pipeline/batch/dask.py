"""The shards of a run on a Dask cluster: on many machines that see the same disks.

Workers read the cutouts and write the shards' files themselves; through the scheduler go the
numbers of rows and the failures. The work itself, catalogue and all, is read by each worker from
the run's folder. A worker that dies is replaced by another; a shard that ended several is measured
here, in a process of its own, as after a crash.
"""

import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from galfeat import UsageError
from galfeat.pipeline.batch.journal import Journal
from galfeat.pipeline.batch.quarantine import measure_apart
from galfeat.pipeline.batch.retry import measure_again
from galfeat.pipeline.batch.shard_files import ShardResult
from galfeat.pipeline.batch.task import Work, load_work
from galfeat.pipeline.batch.worker_process import Child
from galfeat.pipeline.batch.workers import Job, Outcome

__all__ = ["run_on_cluster"]

_LOG = logging.getLogger("galfeat")
_WAIT = 60  # seconds until a scheduler must have answered


def run_on_cluster(
    work: Work,
    work_file: Path,
    journal: Journal,
    jobs: Iterator[Job],
    address: str,
    workers: int | None = None,
) -> Generator[Outcome, None, None]:
    """Measure shards on a Dask cluster.

    Parameters
    ----------
    work : Work
    work_file : Path
        The same, as `Work.save` wrote it; all workers must see it under this path.
    journal : Journal
        Its suspects are measured apart.
    jobs : iterator of Job
    address : str
        Of the scheduler, such as ``tcp://host:8786``; or ``local``, to start one here.
    workers : int, optional
        Of a local cluster.

    Yields
    ------
    Outcome
        In the order in which they are through.

    Raises
    ------
    UsageError
        If Dask is not installed, or there is no scheduler at the address, or its workers do not see
        the folder.
    """
    child = Child(work_file)
    with _client(address, workers) as client:
        try:
            for job, future in _futures(client, work_file, jobs, journal):
                yield Outcome(job, _result(future, work, child, job))
                journal.clear(job.key)
        finally:
            child.kill()


def _futures(
    client: Any, work_file: Path, jobs: Iterator[Job], journal: Journal
) -> Iterator[tuple[Job, Any]]:
    """Keep the cluster busy, and yield jobs with their futures as they are through.

    None for suspects, which it does not get.
    """
    flying: dict[str, Job] = {}
    through = _dask().as_completed()

    def fly(count: int) -> Iterator[tuple[Job, Any]]:
        for job in islice(jobs, count):
            if job.key in journal.suspects:
                yield job, None
                continue
            future = client.submit(_measure, str(work_file.resolve()), job, pure=False, retries=0)
            flying[future.key] = job
            through.add(future)

    yield from fly(_window(client))
    while flying:
        future = next(through)
        yield flying.pop(future.key), future
        yield from fly(max(1, _window(client) - len(flying)))


def _window(client: Any) -> int:
    """Return how many shards are to be with the cluster.

    Enough that no worker waits, however many have come by now.
    """
    threads: int = sum(client.nthreads().values())
    return max(2, 2 * threads)


def _result(future: Any, work: Work, child: Child, job: Job) -> ShardResult:
    if future is not None:
        try:
            result: ShardResult = future.result()
        except (_dask().KilledWorker, MemoryError):
            pass
        except FileNotFoundError as error:
            raise UsageError(
                f"the workers of the cluster do not see {error.filename}: put the output on a "
                "disk that all of them share"
            ) from error
        else:
            return result
    return measure_apart(work, child, job.shard, work.path(job.key))


def _measure(work_file: str, job: Job) -> ShardResult:
    """Measure a shard, on a worker."""
    work = _work(work_file, Path(work_file).stat().st_mtime_ns)
    with threadpool_limits(1):
        if job.again:
            return measure_again(work, job.shard, work.path(job.key))
        return work.measure(job.shard, work.path(job.key))


@lru_cache(maxsize=1)
def _work(path: str, changed: int) -> Work:  # noqa: ARG001 - another time of change is another work
    return load_work(Path(path))


def _dask() -> Any:
    try:
        return import_module("distributed")
    except ImportError as error:
        raise UsageError("a cluster needs Dask: pip install 'galfeat[dask]'") from error


@contextmanager
def _client(address: str, workers: int | None) -> Iterator[Any]:
    dask = _dask()
    if address == "local":
        with (
            dask.LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            dask.Client(cluster) as client,
        ):
            there = len(cluster.workers)
            # one that dies and cannot be started again at once is replaced later
            cluster.adapt(minimum=there, maximum=there)
            yield client
        return
    try:
        client = dask.Client(address, timeout=_WAIT)
    except (OSError, ValueError) as error:
        raise UsageError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        if not client.nthreads():
            _LOG.warning("the scheduler at %s has no workers yet; the run waits for them", address)
        yield client
