"""Worker process: measures shards for its parent, and may crash without ending the run.

Started as ``python -P -m galfeat.pipeline.batch.worker_process``. The work and then the requests
arrive pickled on standard input, answers go to standard output: pipes that no other user can write
to, as files beside the output would be. The parent's main program is not imported, so workers start
from notebooks and scripts of any form. When the parent is gone, the worker ends.
"""

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from threadpoolctl import threadpool_limits

from galfeat.data import Failure, Shard
from galfeat.pipeline.batch.measure_shard import measure_shard
from galfeat.pipeline.batch.retry import remeasure_failures
from galfeat.pipeline.batch.unforeseen import read_each
from galfeat.pipeline.batch.work import BatchWork
from galfeat.pipeline.batch.work_folder.shard_files import ShardResult

__all__ = ["MeasureRequest", "WorkerDied", "WorkerProcess", "serve", "why_not_sent"]

_SIGKILL = 9  # not in `signal` on Windows


@dataclass(frozen=True)
class MeasureRequest:
    """Request to a worker process.

    Parameters
    ----------
    shard : Shard
    path : Path
        The shard file to write.
    start, stop : int, optional
        Which galaxies to measure, of an entry that contains several.
    again : bool
        Whether to measure only what failed before.
    list_only : bool
        Whether to read without measuring, and to answer with one failure per galaxy, ready for the
        galaxy that turns out to crash.
    """

    shard: Shard
    path: Path
    start: int | None = None
    stop: int | None = None
    again: bool = False
    list_only: bool = False


class WorkerDied(Exception):  # noqa: N818 - the event, not an error of this package
    """A worker process was ended by what it measured; the text says how."""


class WorkerProcess:
    """Process that measures one shard at a time; started with the first request and after a crash.

    Parameters
    ----------
    work : BatchWork
        Sent to the process when it starts.
    """

    def __init__(self, work: BatchWork) -> None:
        self._work = work
        self._process: subprocess.Popen[bytes] | None = None

    def measure(self, request: MeasureRequest) -> ShardResult:
        """Measure a shard in the process.

        Raises
        ------
        WorkerDied
            If that ended the process.
        GalfeatError
            As it was raised in the process.
        """
        process, started = self._process, self._process is not None
        if process is None:
            process = self._process = self._start()
        try:
            if not started:
                # a copy, without cached properties; it is answered, so that no request is sent yet
                _ask(process, replace(self._work))
            answer = _ask(process, request)
        except (OSError, EOFError, pickle.UnpicklingError):
            self._process = None
            raise WorkerDied(_wait(process)) from None
        if isinstance(answer, MemoryError):
            raise WorkerDied("it needs more memory than is available")
        if isinstance(answer, BaseException):
            raise answer
        result: ShardResult = answer
        return result

    def kill(self) -> None:
        """Kill the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            _wait(process)

    def _start(self) -> "subprocess.Popen[bytes]":
        # -P: nothing is imported from the current folder, which may be anybody's
        command = [sys.executable, "-P", "-m", "galfeat.pipeline.batch.worker_process"]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": _search_path()},
        )


def _ask(process: "subprocess.Popen[bytes]", question: Any) -> Any:
    """Send the work or a request to a process, and return its answer."""
    assert process.stdin is not None and process.stdout is not None  # noqa: PT018 - both are pipes
    pickle.dump(question, process.stdin)
    process.stdin.flush()
    return pickle.load(process.stdout)  # noqa: S301 - written by our own child process


def _search_path() -> str:
    """Return the module search path of this process as a value of ``PYTHONPATH``."""
    return os.pathsep.join(dict.fromkeys([entry or os.getcwd() for entry in sys.path]))  # noqa: PTH109


def _wait(process: "subprocess.Popen[bytes]") -> str:
    """Wait for the end of a process, and return how it ended."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # unsent bytes are lost with the process
                pipe.close()
    return _exit_description(process.wait())


def _exit_description(status: int) -> str:
    """Describe an exit status; negative: the signal that ended the process."""
    if status == -_SIGKILL:
        return "the system killed the process, as it does when memory runs out"
    names = {-signal.SIGSEGV: "a segmentation fault", -signal.SIGABRT: "an abort"}
    return (
        "it ended the process: "
        f"{names.get(status) or (f'signal {-status}' if status < 0 else f'status {status}')}"
    )


def serve() -> None:
    """Receive the work, and answer requests until the parent is gone: the main program of a worker.

    Where the system can fork, a fork answers them, so that after a crash the next fork goes on
    without loading the package again.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles it and kills its workers
    answers = os.dup(1)
    os.dup2(2, 1)  # output of libraries must not mix with the answers
    with os.fdopen(os.dup(0), "rb") as stream:
        work: BatchWork = pickle.load(stream)  # noqa: S301 - written by our own parent process
    _answer(answers, None)
    while hasattr(os, "fork") and (process := os.fork()):
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if not status:
            return
        _answer(answers, WorkerDied(_exit_description(status)))
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(os.fdopen(0, "rb"), requests), daemon=True).start()
    with threadpool_limits(1):
        while True:
            request: MeasureRequest = requests.get()
            try:
                answer: Any = _measure(work, request)
            except Exception as error:
                answer = error
            _answer(answers, _picklable(answer))


def _receive(stream: BinaryIO, requests: "queue.SimpleQueue[Any]") -> None:
    """Queue requests; end the process with its parent, when the stream ends."""
    while True:
        try:
            requests.put(pickle.load(stream))  # noqa: S301 - written by our own parent process
        except (EOFError, OSError):
            os._exit(0)


def _answer(handle: int, answer: Any) -> None:
    with os.fdopen(os.dup(handle), "wb") as stream:
        pickle.dump(answer, stream)


def _measure(work: BatchWork, request: MeasureRequest) -> ShardResult:
    if request.list_only:
        cutouts = read_each(work.source, request.shard).cutouts
        return ShardResult(
            0, tuple(Failure(each.id, each.file, "crash", "", each.row) for each in cutouts)
        )
    if request.again:
        return remeasure_failures(work, request.shard, request.path)
    return measure_shard(
        work, request.shard, request.path, galaxies=slice(request.start, request.stop)
    )


def _picklable(answer: Any) -> Any:
    """Return the answer, or a RuntimeError with its text for an exception that pickle refuses."""
    if isinstance(answer, Exception):
        try:
            pickle.loads(pickle.dumps(answer))  # noqa: S301 - our own bytes
        except Exception:
            return RuntimeError(f"{type(answer).__name__}: {answer}")
    return answer


if __name__ == "__main__":
    # imported under its own name: pickled answers must not refer to classes of __main__
    from galfeat.pipeline.batch.worker_process import serve

    serve()


def why_not_sent(value: object) -> str:
    """Return why a value cannot be sent to a worker process; empty if it can."""
    try:
        pickle.dumps(value)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        return str(error) or type(error).__name__
    return ""
