"""What the commands that work through batches have in common.

Their options, the log file, and how they end.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from galfeat import UsageError, __version__
from galfeat.scripts.running import quiet_down
from galfeat.scripts.supervising import alive

if TYPE_CHECKING:
    from galfeat.pipeline.extraction.extract import Options

__all__ = [
    "Cluster",
    "LogFile",
    "Processes",
    "Quiet",
    "Restart",
    "RetryFailed",
    "options_of",
    "watching",
]

Processes = Annotated[
    bool,
    typer.Option(
        "--processes",
        help="Measure in processes instead of threads: a crash ends none but its own.",
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Dask scheduler to measure on, as tcp://host:8786, or 'local' to start one.",
    ),
]
Restart = Annotated[
    bool,
    typer.Option(
        "--restart", help="Throw away what an unfinished run for this output has, and begin anew."
    ),
]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Measure once more what failed, and nothing else.")
]
LogFile = Annotated[
    Path | None,
    typer.Option("--log", metavar="FILE", help="File to which messages and progress are added."),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing but what is wrong.")]

_LOG = logging.getLogger("galfeat")
_LOGGED_EVERY = 60.0  # seconds between lines of progress in the log file


def options_of(
    workers: int | None, processes: bool, cluster: str | None, restart: bool, retry_failed: bool
) -> "Options":
    """Return how the run goes about its work.

    Raises
    ------
    UsageError
        If two options contradict each other.
    """
    from galfeat.pipeline.extraction.extract import Options

    if restart and retry_failed:
        raise UsageError(
            "--restart measures everything anew, and --retry-failed only what failed; give one of "
            "them"
        )
    if processes and cluster is not None:
        raise UsageError(
            "--processes is for this machine, and --cluster for others; give one of them"
        )
    return Options(workers, processes, cluster, restart, retry_failed)


@contextmanager
def watching(
    title: str, log: Path | None, quiet: bool
) -> Iterator[Callable[[int, int, int], None]]:
    """Show and log how far a run is.

    Parameters
    ----------
    title : str
        What is being done.
    log : Path or None
        File to which it is added.
    quiet : bool
        Whether nothing is shown.

    Yields
    ------
    callable
        To be called with the entries done, the entries there are, and the failures so far.
    """
    from galfeat.scripts.progress import Display

    if quiet:
        quiet_down()
    handler = _log_to(log) if log is not None else None
    last = time.monotonic()

    with Display(title) as display:

        def progress(done: int, total: int, failed: int) -> None:
            nonlocal last
            alive()
            if not quiet:
                display(done, total, failed)
            if handler and (done >= total or time.monotonic() - last >= _LOGGED_EVERY):
                last = time.monotonic()
                handler.handle(
                    _record(f"{title}: {done:,} of {total:,} cutouts, {failed:,} failed")
                )

        try:
            if handler:
                handler.handle(_record(f"{title}: begun, galfeat {__version__}"))
            yield progress
        except BaseException as error:
            if handler:
                handler.handle(_record(f"{title}: ended by {error or type(error).__name__}"))
            raise
        finally:
            if handler:
                _LOG.removeHandler(handler)
                handler.close()


def _log_to(path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    _LOG.addHandler(handler)
    if _LOG.getEffectiveLevel() > logging.INFO:
        _LOG.setLevel(logging.INFO)
    return handler


def _record(text: str) -> Any:
    return _LOG.makeRecord(_LOG.name, logging.INFO, "", 0, text, (), None)
