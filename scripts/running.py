"""Running of commands: error messages and exit statuses.

The exit status is 0 if done, 1 if nothing could be done (or ``--strict`` with failures), 2 for
wrong usage, and 130 if interrupted.
"""

import errno
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TextIO

import typer

from galfeat import GalfeatError, PixelUnitWarning
from galfeat.scripts.supervising import BATCHES, shut_down_as_for_interrupts, supervise

__all__ = ["echo_stderr", "echo_unless_quiet", "finish", "leave", "main_of", "run", "set_quiet"]

INTERRUPTED = 130  # 128 + SIGINT, as shells count


def echo_stderr(text: str) -> None:
    """Write one line to stderr; stdout is for results."""
    with suppress(OSError, ValueError):  # nobody reads it any more
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


# The base of all that Typer raises for wrong usage: click's own class in older versions, Typer's
# copy of it in newer ones.
_WrongUsage: Any = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)
_quiet = [False]


def set_quiet() -> None:
    """Write only warnings and errors from now on, in this command."""
    _quiet[0] = True


def echo_unless_quiet(text: str) -> None:
    """Write one line to stderr, unless ``--quiet`` is set."""
    if not _quiet[0]:
        echo_stderr(text)


def finish(done: int, failed: int, strict: bool) -> None:
    """Exit with status 1 if nothing was done, or if there were failures and `strict` is set."""
    if not done or (strict and failed):
        raise typer.Exit(1)


class _StderrHandler(logging.Handler):
    """Log handler that writes the library's messages to stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING or not _quiet[0]:
            echo_stderr(f"galfeat: {record.getMessage()}")


def _show_log() -> None:
    """Write the library's log messages to stderr, such as that kernels are compiled."""
    log = logging.getLogger("galfeat")
    if not any(isinstance(handler, _StderrHandler) for handler in log.handlers):
        log.addHandler(_StderrHandler(logging.INFO))
        log.setLevel(logging.INFO)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Write a warning about a user's pixels as one line, and any other as Python does."""
    if issubclass(category, PixelUnitWarning):
        echo_stderr(f"galfeat: {message}")
    else:
        _python_shows(message, category, filename, lineno, file, line)


_python_shows = warnings.showwarning


def run(app: typer.Typer, arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    A usage error is reported in one sentence, a bug as a traceback. Without arguments the commands
    are listed.
    """
    name = "galfeat"
    _quiet[0] = False
    _show_log()
    warnings.showwarning = _show_warning
    several = len(app.registered_commands) > 1
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"] * several
    if "" in arguments:
        echo_stderr(f"{name}: one of the arguments is empty; was it a variable that is not set?")
        return 2
    try:
        status = app(arguments, prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except _WrongUsage as error:
        message = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".")
        command = f" {arguments[0]}" if arguments and arguments[0].isalpha() else ""
        echo_stderr(f"{name}: {message} (see '{name}{command} --help')")
        return 2
    except GalfeatError as error:
        echo_stderr(f"{name}: {error}")
        return 2
    except (MemoryError, ImportError, OSError, RuntimeError, SystemError, SystemExit) as error:
        reason = _system_reason(error)
        if reason is None:
            raise
        _discard_stdout()
        echo_stderr(f"{name}: {reason}")
        return 1
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    if status == INTERRUPTED:
        echo_stderr(f"{name}: interrupted")
    return status if isinstance(status, int) else 0


def _system_reason(error: BaseException) -> str | None:
    """Return what the system lacks or refuses, in a sentence; None if the error is none of its."""
    words = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return f"not enough memory{words and f': {words}'}: free some, or use fewer --workers"
    if isinstance(error, ImportError) and not (error.name or "").startswith("galfeat"):
        return f"a library cannot be loaded: {words}: install what it names, or the package anew"
    if isinstance(error, SystemError) and "exception set" in words:
        # compiled code of a library got no memory while it was loaded, and did not say so
        return "not enough memory to load a library: free some, or raise the limit (ulimit -v)"
    if isinstance(error, SystemExit):  # by which typer ends when the reader of its output has gone
        gone = type(sys.stdout).__name__ == "PacifyFlushWrapper"
        return "cannot write its output: nobody reads it" if gone else None
    if isinstance(error, OSError):
        if error.errno is None and "shared object" in words:
            return f"a library cannot be loaded: {words}: install what it names"
        if error.filename is not None:
            return f"{os.fsdecode(error.filename)}: {error.strerror}"
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EBADF, errno.EPIPE, errno.EIO):
            return f"cannot write its output: {error.strerror}"
    if isinstance(error, RuntimeError) and "start new thread" in words:
        return "the system allows no more threads: use fewer --workers, or raise the limit (ulimit)"
    return None


def _discard_stdout() -> None:
    """Write what is left of stdout nowhere, so that Python does not fail on it when it ends."""
    with suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _open_standard_streams() -> None:
    """Open the standard streams that are closed, so that no file gets their numbers.

    stdout then refuses what is written to it, as it should.
    """
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def leave(app: typer.Typer, command: str) -> None:
    """Run this process's command line, supervised for batch commands, and exit with its status."""
    _open_standard_streams()
    supervised = command in BATCHES and "--help" not in sys.argv
    status = supervise() if supervised else None
    if status is None:
        if supervised:
            shut_down_as_for_interrupts()
        status = run(app)
        if status == INTERRUPTED:  # do not wait for threads that are still measuring
            sys.stderr.flush()
            os._exit(status)
    sys.exit(status)


def main_of(command: Callable[..., Any]) -> None:
    """Run a single command, for ``python scripts/NAME.py``."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(command)
    leave(app, command.__name__)
