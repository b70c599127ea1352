"""A process that reads files, and what becomes of it: an answer, a crash or a hang."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tests.fuzz.verdicts import Read

__all__ = ["Worker"]

_ROOT = Path(__file__).resolve().parents[2]
_LIFE = 480  # files that one process reads
_START = 300  # seconds that imports may take on a busy machine


class Worker:
    """A process that reads files; started anew when it ended, or has read many.

    Parameters
    ----------
    side : {"galfeat", "others"}
    door : str
        Stands in for `galfeat.data.open_source`: ``module:function``.
    cpu, wall : int
        Seconds that a file may take, of the processor and by the clock.
    folder : Path
        For the standard error.
    """

    def __init__(self, side: str, door: str, cpu: int, wall: int, folder: Path) -> None:
        self._arguments = [side, door, str(cpu)]
        self._wall = wall
        self._errors = folder / f"{side}.err"
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = 0

    def ask(self, job: Mapping[str, Any]) -> None:
        """Ask for a file to be read."""
        if self._asked >= _LIFE:
            self.stop()
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        self._asked += 1
        try:
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer says how it ended

    def answer(self) -> Read:
        """Wait for the answer, or for the end of the process."""
        assert self._process is not None
        end = time.monotonic() + self._wall
        received = bytearray()
        head: dict[str, Any] | None = None
        missing = 1
        while missing > 0:
            piece = self._piece(end)
            if piece is None:
                return self._ended("hang")
            if not piece:
                return self._ended("")
            received += piece
            if head is None and b"\n" in received:
                line, _, rest = received.partition(b"\n")
                head, received = json.loads(line), bytearray(rest)
            missing = _size(head) - len(received) if head else 1
        assert head is not None
        return Read(head["views"], _arrays(head, received))

    def _start(self) -> None:
        threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        path = os.pathsep.join([str(_ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
        command = [sys.executable, str(Path(__file__).with_name("worker.py")), *self._arguments]
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **threads, "PYTHONPATH": path},
            )
        self._asked = 0
        self._piece(
            time.monotonic() + _START
        )  # an empty line: it is ready, and the clock can start

    def _piece(self, end: float) -> bytes | None:
        """Return what arrives next: None if nothing does in time, no bytes at the process's end."""
        assert self._process is not None
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(max(0.0, end - time.monotonic())):
                return None
        return os.read(self._process.stdout.fileno(), 1 << 20)

    def _ended(self, how: str) -> Read:
        assert self._process is not None
        if how:
            self._process.send_signal(signal.SIGABRT)  # leaves the stack on the standard error
        try:
            code = self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        how = how or ("hang" if code == -signal.SIGXCPU else "crash")
        stack = self._errors.read_text(errors="replace")
        stack = stack[max(0, stack.rfind("Current thread")) :][:3000]
        self._close()
        ended = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return Read({}, [], how, f"{ended}\n{stack}")

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._close()

    def _close(self) -> None:
        assert self._process is not None
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except BrokenPipeError:
                pass
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _size(head: Mapping[str, Any]) -> int:
    return sum(np.dtype(kind).itemsize * int(np.prod(shape)) for kind, shape in head["arrays"])


def _arrays(head: Mapping[str, Any], content: bytes | bytearray) -> list[Any]:
    arrays, at = [], 0
    for kind, shape in head["arrays"]:
        arrays.append(
            np.ndarray(
                shape, kind, bytes(content[at : at + np.dtype(kind).itemsize * int(np.prod(shape))])
            )
        )
        at += arrays[-1].nbytes
    return arrays
