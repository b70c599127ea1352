"""Restart of batch runs after a crash.

A batch command forks: the child does the work; the parent, which has loaded no compiled code, waits
and restarts it after a crash such as a segmentation fault. The new child identifies the galaxy that
caused it, leaves it out and resumes the run. Forking costs a few milliseconds.
"""

import contextlib
import os
import signal
import sys
import threading
from types import FrameType

__all__ = ["BATCHES", "report_progress", "shut_down_as_for_interrupts", "supervise"]

BATCHES = ("extract", "classify")
"""Commands that are supervised."""

# sent by job schedulers, and when the terminal is closed
_REQUESTS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_ENDINGS = (signal.SIGINT, *_REQUESTS, getattr(signal, "SIGQUIT", signal.SIGINT))
_MOST_CRASHES = 3  # successive crashes without progress, after which no galaxy is the cause
_progress_pipes: list[int] = []  # in the child: the pipe to report progress on


def report_progress() -> None:
    """Report progress to the parent, so that the next crash counts as another one."""
    for handle in _progress_pipes:
        with contextlib.suppress(OSError):
            os.write(handle, b".")


def shut_down_as_for_interrupts() -> None:
    """Let SIGTERM and SIGHUP end this process as Ctrl-C does; what is ignored (nohup) stays so."""
    for number in _REQUESTS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def supervise() -> int | None:
    """Fork, and restart the child after a crash.

    Returns
    -------
    int or None
        In the parent, the exit status of the last child. In a child, and where processes cannot
        fork, None: the caller does the work.
    """
    if not hasattr(os, "fork"):
        return None
    remaining = _MOST_CRASHES
    while remaining:
        progress_read, progress_write = os.pipe()
        parent_read, parent_write = os.pipe()
        child = os.fork()
        if not child:
            for handle in (progress_read, parent_write):
                os.close(handle)
            _progress_pipes.append(progress_write)
            _end_with_parent(parent_read)
            return None
        for handle in (progress_write, parent_read):
            os.close(handle)
        status, done = _wait(child, progress_read)
        os.close(parent_write)
        if status >= 0 or -status in _ENDINGS:
            return status if status >= 0 else 128 - status
        remaining = _MOST_CRASHES if done else remaining - 1
        name = signal.Signals(-status).name
        again = (
            "looking for the galaxy that caused it, and continuing"
            if remaining
            else "and no galaxy was found that caused it"
        )
        sys.stderr.write(f"galfeat: the run was ended by {name}; {again}\n")
    return 1


def _wait(child: int, progress_read: int) -> tuple[int, bool]:
    """Wait for a child; return its exit code (negative for a signal) and whether it progressed."""

    def forward(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    before = [
        (number, signal.signal(number, forward))
        for number in (signal.SIGINT, *_REQUESTS)
        if signal.getsignal(number) is not signal.SIG_IGN
    ]
    done = False
    try:
        while os.read(progress_read, 4096):
            done = True
    finally:
        os.close(progress_read)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for number, handler in before:
            signal.signal(number, handler)
    return status, done


def _end_with_parent(parent_read: int) -> None:
    """End this process when its parent has ended, so that the run can be resumed at once."""

    def wait() -> None:
        os.read(parent_read, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
