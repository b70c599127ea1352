"""A run that ends by a crash is begun again at once.

The new process finds out which galaxy it was, leaves it out and goes on.

A command line that works through batches forks: the child does the work, the parent, which has
loaded nothing that could crash, waits. That costs a few milliseconds. Without it a segmentation
fault in the middle of the night would leave the rest undone until somebody came.
"""

import contextlib
import os
import signal
import sys
import threading
from types import FrameType

__all__ = ["BATCHES", "alive", "supervise"]

BATCHES = ("extract", "classify")
"""The commands that are watched over."""

_LAST_CHANCES = 3  # crashes without anything done in between, after which it is no galaxy's fault
_news: list[int] = []  # in the child: the pipe on which it says that something is done


def alive() -> None:
    """Say that something was done, so that the next crash is not taken for the same one."""
    for handle in _news:
        with contextlib.suppress(OSError):
            os.write(handle, b".")


def supervise() -> int | None:
    """Fork, and watch over the child.

    Returns
    -------
    int or None
        In the parent the exit status of the last child, once that ended in order; in a child None:
        it shall do the work.
    """
    if not hasattr(os, "fork"):
        return None
    chances = _LAST_CHANCES
    while chances:
        hear, news = os.pipe()
        watched, leash = os.pipe()
        child = os.fork()
        if not child:
            for handle in (hear, leash):
                os.close(handle)
            _news.append(news)
            _end_with_parent(watched)
            return None
        for handle in (news, watched):
            os.close(handle)
        status, done = _watch(child, hear)
        os.close(leash)
        if status >= 0 or status in (-signal.SIGINT, -signal.SIGTERM):
            return status if status >= 0 else 128 - status
        chances = _LAST_CHANCES if done else chances - 1
        name = signal.Signals(-status).name
        again = (
            "looking for the galaxy that did it, and going on"
            if chances
            else "and that without a galaxy that can be blamed for it"
        )
        sys.stderr.write(f"galfeat: the run was ended by {name}; {again}\n")
    return 1


def _watch(child: int, hear: int) -> tuple[int, bool]:
    """Wait for the end of a child.

    Return how it ended, negative for a signal, and whether it had done something.
    """

    def pass_on(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    before = [
        (number, signal.signal(number, pass_on)) for number in (signal.SIGINT, signal.SIGTERM)
    ]
    done = False
    try:
        while os.read(hear, 4096):
            done = True
    finally:
        os.close(hear)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for number, handler in before:
            signal.signal(number, handler)
    return status, done


def _end_with_parent(watched: int) -> None:
    """End this process when its parent is gone, so that the same command can be given again at
    once.
    """

    def wait() -> None:
        os.read(watched, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
