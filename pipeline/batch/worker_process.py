"""A process that measures shards for another one, and may die in the attempt.

It is started as ``python -m galfeat.pipeline.batch.worker_process WORK``, takes orders on its
standard input and answers on its standard output. It does not load the program that started it
again, so it works from notebooks and scripts of any shape. When its parent is gone, it ends.
"""

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from threadpoolctl import threadpool_limits

from galfeat.data import Failure, Shard
from galfeat.pipeline.batch.retry import measure_again
from galfeat.pipeline.batch.shard_files import ShardResult
from galfeat.pipeline.batch.task import Work, load_work

__all__ = ["Child", "Died", "Order", "serve"]


@dataclass(frozen=True)
class Order:
    """A shard to measure, and the file for its result.

    Perhaps only some galaxies of an entry, or only what failed before; or nothing but to read, and
    to answer with a failure for each galaxy in case it turns out to be one.
    """

    shard: Shard
    path: Path
    start: int | None = None
    stop: int | None = None
    again: bool = False
    list_only: bool = False


_KILLED = 9  # the number of the signal that cannot be caught


class Died(Exception):  # noqa: N818 - no error of ours
    """A child process came to its end by what it measured."""


class Child:
    """A process that measures shards, one at a time.

    Started with the first order, and again after it died.

    Parameters
    ----------
    work : Path
        As `Work.save` wrote it.
    """

    def __init__(self, work: Path) -> None:
        self._work = work
        self._process: subprocess.Popen[bytes] | None = None

    def measure(self, order: Order) -> ShardResult:
        """Have a shard measured.

        Raises
        ------
        Died
            If that ended the process; with the reason.
        GalfeatError
            As it was raised there.
        """
        process = self._process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018 - both are pipes
        try:
            pickle.dump(order, process.stdin)
            process.stdin.flush()
            answer = pickle.load(process.stdout)  # noqa: S301 - our own child
        except (OSError, EOFError, pickle.UnpicklingError):
            self._process = None
            raise Died(_end_of(process)) from None
        if isinstance(answer, MemoryError):
            raise Died("it needs more memory than there is")
        if isinstance(answer, BaseException):
            raise answer
        result: ShardResult = answer
        return result

    def kill(self) -> None:
        """End the process, whatever it is at."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            _end_of(process)

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "galfeat.pipeline.batch.worker_process", str(self._work)]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": _search_path()},
        )


def _search_path() -> str:
    """Return where modules are found here, for a process that starts with none of it."""
    return os.pathsep.join(dict.fromkeys([entry or os.getcwd() for entry in sys.path]))  # noqa: PTH109


def _end_of(process: "subprocess.Popen[bytes]") -> str:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what was still to be written to it is lost with it
                pipe.close()
    return _said(process.wait())


def _said(status: int) -> str:
    """Say how a process ended, from its exit status; negative: by a signal."""
    if status == -_KILLED:
        return "the system killed the process, as it does when memory runs out"
    names = {-signal.SIGSEGV: "a segmentation fault", -signal.SIGABRT: "an abort"}
    return (
        "it ended the process: "
        f"{names.get(status) or (f'signal {-status}' if status < 0 else f'status {status}')}"
    )


def _orders(stream: BinaryIO, orders: "queue.SimpleQueue[Any]") -> None:
    """Pass orders on; at the end of the stream the parent is gone."""
    while True:
        try:
            orders.put(pickle.load(stream))  # noqa: S301 - our own parent
        except (EOFError, OSError):
            os._exit(0)


def serve(path: Path) -> None:
    """Measure as ordered; where the system can fork, in a fork, so that the next one after a death
    is there at once.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is asked, and ends its children
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints is no answer
    work = load_work(path)
    while hasattr(os, "fork") and (process := os.fork()):
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if not status:
            return
        _answer(answers, Died(_said(status)))
    orders: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_orders, args=(os.fdopen(0, "rb"), orders), daemon=True).start()
    with threadpool_limits(1):
        while True:
            order: Order = orders.get()
            try:
                answer: Any = _measured(work, order)
            except Exception as error:
                answer = error
            _answer(answers, _sendable(answer))


def _answer(handle: int, answer: Any) -> None:
    with os.fdopen(os.dup(handle), "wb") as stream:
        pickle.dump(answer, stream)


def _measured(work: Work, order: Order) -> ShardResult:
    if order.list_only:
        cutouts = work.source.read(order.shard).cutouts
        return ShardResult(
            0, tuple(Failure(each.id, each.file, "crash", "", each.row) for each in cutouts)
        )
    if order.again:
        return measure_again(work, order.shard, order.path)
    return work.measure(order.shard, order.path, galaxies=slice(order.start, order.stop))


def _sendable(answer: Any) -> Any:
    if isinstance(answer, Exception):
        try:
            pickle.loads(pickle.dumps(answer))  # noqa: S301 - our own
        except Exception:
            return RuntimeError(f"{type(answer).__name__}: {answer}")
    return answer


if __name__ == "__main__":
    # under its own name, or else what it answers would be of other classes
    from galfeat.pipeline.batch.worker_process import serve

    serve(Path(sys.argv[1]))
