"""Ctrl-C is never lost, wherever in the program it arrives.

Python raises `KeyboardInterrupt` at whatever the main thread is doing. Where that is a callback
from compiled code or the clearing up of an object, the exception is printed and forgotten, and a
run would go on that somebody wanted to end.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["remembered"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def remembered() -> Iterator[Callable[[], None]]:
    """Remember what asks the process to stop.

    Elsewhere than in the main thread, where none is heard, do nothing.

    Yields
    ------
    callable
        Raises `KeyboardInterrupt` if the process was asked to stop and has not: to be called from
        time to time.
    """
    asked = threading.Event()

    def check() -> None:
        if asked.is_set():
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield check
        return

    def remembering(
        before: Callable[[int, FrameType | None], Any],
    ) -> Callable[[int, FrameType | None], None]:
        def hear(number: int, frame: FrameType | None) -> None:
            asked.set()
            before(number, frame)

        return hear

    # only those that raise: what ignores a signal, or ends the process at once, needs no memory
    raising = {
        number: signal.getsignal(number)
        for number in _SIGNALS
        if signal.getsignal(number) is signal.default_int_handler
    }
    for number in raising:
        signal.signal(number, remembering(signal.default_int_handler))
    try:
        yield check
    finally:
        for number, handler in raising.items():
            signal.signal(number, handler)
