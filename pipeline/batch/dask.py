"""Dask cluster: shards measured on many machines that see the same disks.

Workers read the cutouts and write the shard files themselves; only row counts and failures pass
through the scheduler. The work, with the catalog, is sent to the workers by Dask, once to each. A
worker that dies is replaced; a shard that killed several workers is measured in quarantine on the
machine of the command. A cluster that is started here takes connections of this run only.
"""

import logging
import os
import tempfile
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from itertools import islice
from typing import Any

from threadpoolctl import threadpool_limits

from galfeat import UsageError
from galfeat.pipeline.batch.measure_shard import measure_shard
from galfeat.pipeline.batch.quarantine import measure_in_quarantine
from galfeat.pipeline.batch.retry import remeasure_failures
from galfeat.pipeline.batch.work import BatchWork
from galfeat.pipeline.batch.work_folder.folder import check_mark
from galfeat.pipeline.batch.work_folder.journal import Journal
from galfeat.pipeline.batch.work_folder.shard_files import ShardResult
from galfeat.pipeline.batch.worker_process import WorkerProcess
from galfeat.pipeline.batch.workers import ShardJob, ShardOutcome

__all__ = ["run_on_cluster"]

_LOG = logging.getLogger("galfeat")
_CONNECT_TIMEOUT = 60  # seconds


def run_on_cluster(
    work: BatchWork,
    mark: bytes,
    journal: Journal,
    jobs: Iterator[ShardJob],
    address: str,
    workers: int | None = None,
) -> Generator[ShardOutcome, None, None]:
    """Measure shards on a Dask cluster.

    Parameters
    ----------
    work : BatchWork
    mark : bytes
        Mark of the work folder, which all workers must see under the same path.
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
    quarantine = WorkerProcess(work)
    with _connect(address, workers) as client:
        try:
            for job, future in _submit_all(client, work, mark, jobs, journal):
                yield ShardOutcome(job, _result(future, work, quarantine, job))
                journal.clear(job.key)
        finally:
            quarantine.kill()


def _submit_all(
    client: Any, work: BatchWork, mark: bytes, jobs: Iterator[ShardJob], journal: Journal
) -> Iterator[tuple[ShardJob, Any]]:
    """Keep the cluster busy; yield jobs with their futures in order of completion.

    The future is None for suspects, which are not submitted.
    """
    pending: dict[str, ShardJob] = {}
    completed = _distributed().as_completed()
    sent = _send(client, work)

    def submit(count: int) -> Iterator[tuple[ShardJob, Any]]:
        for job in islice(jobs, count):
            if job.key in journal.suspects:
                yield job, None
                continue
            future = client.submit(_measure_on_worker, sent, mark, job, pure=False, retries=0)
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


def _send(client: Any, work: BatchWork) -> Any:
    """Return the work as a task of the cluster: its value is copied to each worker that needs it.

    A task rather than scattered data, which would be lost with the last worker that has it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sending large graph")
        return client.submit(_received, replace(work), pure=False)


def _received(work: BatchWork) -> BatchWork:
    return work


def _measure_on_worker(work: BatchWork, mark: bytes, job: ShardJob) -> ShardResult:
    """Measure a shard; called by Dask on a worker."""
    check_mark(work.folder.parent, mark)
    with threadpool_limits(1):
        if job.again:
            return remeasure_failures(work, job.shard, work.path(job.key))
        return measure_shard(work, job.shard, work.path(job.key))


def _distributed() -> Any:
    try:
        return import_module("distributed")
    except ImportError as error:
        raise UsageError("a cluster needs Dask: pip install 'galfeat[dask]'") from error


@contextmanager
def _connect(address: str, workers: int | None) -> Iterator[Any]:
    distributed = _distributed()
    if address == "local":
        with _local_cluster(distributed, workers) as cluster, distributed.Client(cluster) as client:
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


@contextmanager
def _local_cluster(distributed: Any, workers: int | None) -> Iterator[Any]:
    """Start a cluster that nobody else on this machine can give work to.

    Dask loads pickles from whoever connects, so connections need a certificate that only this run
    has; its workers keep their files in a folder of their own, and import nothing from the current
    folder.
    """
    try:
        security = distributed.Security.temporary()
    except ImportError as error:
        raise UsageError(
            "a local cluster needs cryptography: pip install 'galfeat[dask]'"
        ) from error
    with (
        tempfile.TemporaryDirectory(prefix="galfeat-", ignore_cleanup_errors=True) as folder,
        _environment("PYTHONSAFEPATH", "1"),
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": ":0"},  # its pages on any free port
            security=security,
            local_directory=folder,
        ) as cluster,
    ):
        yield cluster


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """Set an environment variable for the processes that are started in the block."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
