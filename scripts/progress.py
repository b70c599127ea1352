"""Progress display: a bar in a terminal, otherwise a line every few seconds."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from galfeat.scripts.running import echo_stderr

__all__ = ["Display"]

_LINE_INTERVAL = 10.0  # seconds between lines without a terminal


class Display:
    """A progress display for a `with` block.

    Parameters
    ----------
    title : str
        Name of the task.
    unit : str
        Unit that is counted.
    """

    def __init__(self, title: str, unit: str = "cutouts") -> None:
        self._title = title
        self._unit = unit
        # time and count at the first call
        self._first: tuple[float, int] | None = None
        self._last = 0.0
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def __call__(self, done: int, total: int, note: int | str = "") -> None:
        """Show that `done` of `total` are done.

        `note` is the number of failures, or the current task.
        """
        now = time.monotonic()
        if self._first is None:
            self._first = (now, done)
            self._open(now)
        start, before = self._first
        rate = (done - before) / max(now - start, 1e-9)
        extra = f", {note} failed" if isinstance(note, int) else f", {note}" if note else ""
        state = (
            f"{done:,} of {total:,} {self._unit}, {rate:,.3g} a second{extra}"
            if rate
            else f"{done:,} of {total:,} {self._unit}{extra}"
        )
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, state=state)
            if done >= total:
                self._close()  # the next display needs the line
        elif done < total and now - self._last >= _LINE_INTERVAL:
            self._last = now
            echo_stderr(f"{self._title}: {state}, {(total - done) / rate:,.0f} s left")

    def _open(self, now: float) -> None:
        self._last = now
        if sys.stderr.isatty():
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[state]}"),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(self._title, total=None, state="")
            self._bar.start()

    def _close(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None
