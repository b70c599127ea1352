"""Options, log file and progress of the commands that process batches."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from galfeat import UsageError, __version__
from galfeat.scripts.running import set_quiet
from galfeat.scripts.supervising import report_progress

if TYPE_CHECKING:
    from galfeat.data.sources.open import CatalogedSource
    from galfeat.pipeline.extraction.extract import Options

__all__ = [
    "Cluster",
    "LogFile",
    "Processes",
    "Quiet",
    "Restart",
    "RetryFailed",
    "monitoring",
    "options_of",
    "report_unread",
]

Processes = Annotated[
    bool,
    typer.Option(
        "--processes",
        help="Measure in processes instead of threads, so that a crash ends only its own process.",
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
    typer.Option("--restart", help="Discard an unfinished run for this output, and start over."),
]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Measure only what failed before.")
]
LogFile = Annotated[
    Path | None,
    typer.Option("--log", metavar="FILE", help="File to which messages and progress are added."),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print only warnings and errors.")]

_LOG = logging.getLogger("galfeat")
_LOG_INTERVAL = 60.0  # seconds between lines of progress in the log file


def options_of(
    workers: int | None, processes: bool, cluster: str | None, restart: bool, retry_failed: bool
) -> "Options":
    """Return the options of a batch run.

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
def monitoring(
    title: str, log: Path | None, quiet: bool
) -> Iterator[Callable[[int, int, int], None]]:
    """Display and log the progress of a run.

    Parameters
    ----------
    title : str
        Name of the command.
    log : Path or None
        Log file to append to.
    quiet : bool
        Whether the display is off.

    Yields
    ------
    callable
        To be called with the number of entries done, of all entries, and of failures so far.
    """
    from galfeat.scripts.progress import Display

    if quiet:
        set_quiet()
    handler = _open_log(log) if log is not None else None
    last = time.monotonic()

    with Display(title) as display:

        def progress(done: int, total: int, failed: int) -> None:
            nonlocal last
            report_progress()
            if not quiet:
                display(done, total, failed)
            if handler and (done >= total or time.monotonic() - last >= _LOG_INTERVAL):
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


def report_unread(source: "CatalogedSource") -> None:
    """Log which files of a folder were left out, by suffix and reason.

    A warning if there may be galaxies among them.
    """
    from galfeat.data.sources.unread_files import describe_unread, may_hold_galaxies

    words = describe_unread(source.unread, source.left_out)
    if words:
        level = logging.WARNING if any(map(may_hold_galaxies, source.unread)) else logging.INFO
        _LOG.log(level, "files of the folder that were left out: %s", words)


def _open_log(path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    _LOG.addHandler(handler)
    _LOG.setLevel(logging.DEBUG)  # tracebacks of unforeseen failures
    return handler


def _record(text: str) -> Any:
    return _LOG.makeRecord(_LOG.name, logging.INFO, "", 0, text, (), None)
