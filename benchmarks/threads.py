"""Speed-up of two Python threads over one on the same calls, as workers of a batch run share them.

Whoever is done takes the next.

One thread is measured before and after two, so that a machine that grows slower or faster falls on
both. Each thread has images of its own. Calls in which a thread waited for a processor that other
programs had say nothing about two threads: they are made again.
"""

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["arithmetic_gain", "gain"]

LONG = 0.3  # seconds of one measurement: a processor that slept takes milliseconds to wake
# about the seconds of a call: Python's lock must not matter, nor the one call that a thread still
# makes when the other is done
CALL = 0.01
# part of the time that threads may wait for a processor, and how often they are measured again if
# they do
IDLE, AGAIN = 0.02, 8

Work = Callable[[Any], Any]


def gain(pool: ThreadPoolExecutor, work: Work, images: Any) -> float:
    """Return the speed-up of two threads over one, from the least disturbed attempt.

    The first attempt in which no thread waited for a processor counts.

    Parameters
    ----------
    pool : ThreadPoolExecutor
        With two threads.
    work : callable
        Takes `images`.
    images : array or list
    """
    once = _seconds(work, images)
    number = max(1, min(len(images), int(once / CALL)))
    own = [
        np.array_split(np.concatenate([images] * (1 + int(CALL / once))), number) for _ in range(2)
    ]
    calls = number * (1 + int(LONG / number / _seconds(work, own[0][0])))
    attempts = []
    for _ in range(AGAIN):
        before, waited = _together(pool, work, own[:1], calls)
        both, waited_both = _together(pool, work, own, 2 * calls)
        after, waited_after = _together(pool, work, own[:1], calls)
        attempts.append((max(waited, waited_both, waited_after), (before + after) / both))
        if attempts[-1][0] <= IDLE:
            break
    return min(attempts)[1]


def arithmetic_gain(rounds: int = 7) -> list[float]:
    """Return what two threads gain on arithmetic that touches no memory.

    The most that this machine gives anything just now.
    """
    import numba

    @numba.njit(nogil=True)  # type: ignore[untyped-decorator]
    def chain(steps: int, value: int) -> int:
        for step in range(steps):
            value = (value * 25214903917 + step) & 0xFFFFFFFFFFFF
        return value

    def chains(steps: Any) -> list[int]:
        return [chain(each, 1) for each in steps]

    with ThreadPoolExecutor(2) as pool:
        return [gain(pool, chains, np.array([int(1e7)] * 2)) for _ in range(rounds)]


def _together(
    pool: ThreadPoolExecutor, work: Work, own: list[Any], calls: int
) -> tuple[float, float]:
    """Return the wall time of the calls, one thread per list of batches, and the waiting share."""
    left = itertools.count()

    def share(batches: Any) -> float:
        waited = _waited()
        while (call := next(left)) < calls:
            work(batches[call % len(batches)])
        return _waited() - waited

    start = time.perf_counter()
    waited = max(pool.map(share, own))
    seconds = time.perf_counter() - start
    return seconds, waited / seconds


def _waited() -> float:
    """Return the seconds that this thread has waited for a processor so far."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except OSError:  # not on Linux
        return 0.0


def _seconds(work: Work, images: Any) -> float:
    work(images)
    start = time.perf_counter()
    work(images)
    return time.perf_counter() - start
