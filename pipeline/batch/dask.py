"""Dask cluster: shards measured on many machines that see the same disks.

Workers read the cutouts and write the shard files themselves; only row counts and failures pass
through the scheduler. Each worker reads the work, with the catalog, from the run's work folder. A
worker that dies is replaced; a shard that killed several workers is measured in quarantine on the
machine of the command.
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
from galfeat.pipeline.batch.measure_shard import measure_shard
from galfeat.pipeline.batch.quarantine import measure_in_quarantine
from galfeat.pipeline.batch.retry import remeasure_failures
from galfeat.pipeline.batch.work import BatchWork, load_work
from galfeat.pipeline.batch.work_folder.journal import Journal
from galfeat.pipeline.batch.work_folder.shard_files import ShardResult
from galfeat.pipeline.batch.worker_process import WorkerProcess
from galfeat.pipeline.batch.workers import ShardJob, ShardOutcome

__all__ = ["run_on_cluster"]

_LOG = logging.getLogger("galfeat")
_CONNECT_TIMEOUT = 60  # seconds


def run_on_cluster(
    work: BatchWork,
    work_file: Path,
    journal: Journal,
    jobs: Iterator[ShardJob],
    address: str,
    workers: int | None = None,
) -> Generator[ShardOutcome, None, None]:
    """Measure shards on a Dask cluster.

    Parameters
    ----------
    work : BatchWork
    work_file : Path
        The same work, as `save_work` wrote it; all workers must see it under this path.
    journal : Journal
        Its suspects are measured in quarantine.
    jobs : iterator of ShardJob
    address : str
        Address of the scheduler, such as ``tcp://host:8786``; or ``local``, to start one here.
    workers : int, optional
        Number of workers of a local cluster.

    Yields
    ------
    ShardOutcome
        In order of completion.

    Raises
    ------
    UsageError
        If Dask is not installed, no scheduler answers at the address, or its workers do not see the
        work folder.
    """
    quarantine = WorkerProcess(work_file)
    with _connect(address, workers) as client:
        try:
            for job, future in _submit_all(client, work_file, jobs, journal):
                yield ShardOutcome(job, _result(future, work, quarantine, job))
                journal.clear(job.key)
        finally:
            quarantine.kill()


def _submit_all(
    client: Any, work_file: Path, jobs: Iterator[ShardJob], journal: Journal
) -> Iterator[tuple[ShardJob, Any]]:
    """Keep the cluster busy; yield jobs with their futures in order of completion.

    The future is None for suspects, which are not submitted.
    """
    pending: dict[str, ShardJob] = {}
    completed = _distributed().as_completed()

    def submit(count: int) -> Iterator[tuple[ShardJob, Any]]:
        for job in islice(jobs, count):
            if job.key in journal.suspects:
                yield job, None
                continue
            future = client.submit(
                _measure_on_worker, str(work_file.resolve()), job, pure=False, retries=0
            )
            pending[future.key] = job
            completed.add(future)

    yield from submit(_window(client))
    while pending:
        future = next(completed)
        yield pending.pop(future.key), future
        yield from submit(max(1, _window(client) - len(pending)))


def _window(client: Any) -> int:
    """Return the number of shards to keep submitted: twice the cluster's threads at present."""
    threads: int = sum(client.nthreads().values())
    return max(2, 2 * threads)


def _result(future: Any, work: BatchWork, quarantine: WorkerProcess, job: ShardJob) -> ShardResult:
    if future is not None:
        try:
            result: ShardResult = future.result()
        except (_distributed().KilledWorker, MemoryError):
            pass
        except FileNotFoundError as error:
            raise UsageError(
                f"the workers of the cluster do not see {error.filename}: put the output on a "
                "disk that all of them share"
            ) from error
        else:
            return result
    return measure_in_quarantine(work, quarantine, job.shard, work.path(job.key))


def _measure_on_worker(work_file: str, job: ShardJob) -> ShardResult:
    """Measure a shard; called by Dask on a worker."""
    work = _cached_work(work_file, Path(work_file).stat().st_mtime_ns)
    with threadpool_limits(1):
        if job.again:
            return remeasure_failures(work, job.shard, work.path(job.key))
        return measure_shard(work, job.shard, work.path(job.key))


@lru_cache(maxsize=1)
def _cached_work(path: str, modified: int) -> BatchWork:  # noqa: ARG001 - tells a new file apart
    return load_work(Path(path))


def _distributed() -> Any:
    try:
        return import_module("distributed")
    except ImportError as error:
        raise UsageError("a cluster needs Dask: pip install 'galfeat[dask]'") from error


@contextmanager
def _connect(address: str, workers: int | None) -> Iterator[Any]:
    distributed = _distributed()
    if address == "local":
        with (
            distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            count = len(cluster.workers)
            # replaces a worker that died, also one whose immediate restart failed
            cluster.adapt(minimum=count, maximum=count)
            yield client
        return
    try:
        client = distributed.Client(address, timeout=_CONNECT_TIMEOUT)
    except (OSError, ValueError) as error:
        raise UsageError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        if not client.nthreads():
            _LOG.warning("the scheduler at %s has no workers yet; the run waits for them", address)
        yield client
