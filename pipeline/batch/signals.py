"""Interrupts that Python loses.

Python raises `KeyboardInterrupt` at whatever the main thread executes. If that is a callback from
compiled code or a destructor, the exception is printed and dropped, and the run would go on
although the user pressed Ctrl-C.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["remembered_interrupts"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
_Handler = Callable[[int, FrameType | None], Any]


@contextmanager
def remembered_interrupts() -> Iterator[Callable[[], None]]:
    """Remember SIGINT, SIGTERM and SIGHUP during the block.

    Outside the main thread, which receives no signals, nothing is remembered.

    Yields
    ------
    callable
        To be called regularly: raises `KeyboardInterrupt` if an interrupt was received before.
    """
    received = threading.Event()

    def check() -> None:
        if received.is_set():
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield check
        return

    def remembering(original: _Handler) -> _Handler:
        def handle(number: int, frame: FrameType | None) -> None:
            received.set()
            original(number, frame)

        return handle

    # only signals that raise: ignored ones, and those that end the process, need no memory
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
