"""How a command ends: 0 done, 1 nothing could be done (or ``--strict`` with failures), 2 wrong
usage, 130 interrupted.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from galfeat import GalfeatError
from galfeat.scripts.supervising import BATCHES, supervise

__all__ = ["finish", "leave", "main_of", "quiet_down", "run", "say", "say_unless_quiet"]

INTERRUPTED = 130  # 128 + SIGINT, as shells count


def say(text: str) -> None:
    """Write one line for the person at the terminal; stdout stays clean."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


# The base of all that Typer raises for wrong usage: click's own class in older versions, Typer's
# copy of it in newer ones.
_WrongUsage: Any = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)
_quiet = [False]


def quiet_down() -> None:
    """Say from now on, in this command, nothing but what is wrong."""
    _quiet[0] = True


def say_unless_quiet(text: str) -> None:
    """Write one line for the person, who may have asked for none."""
    if not _quiet[0]:
        say(text)


def finish(done: int, failed: int, strict: bool) -> None:
    """Leave with status 1 if nothing could be done, or if there were failures and none were to be
    tolerated.
    """
    if not done or (strict and failed):
        raise typer.Exit(1)


class _Said(logging.Handler):
    """The library's messages, as lines for the person at the terminal."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING or not _quiet[0]:
            say(f"galfeat: {record.getMessage()}")


def _listen() -> None:
    """Let the person see what the library has to say, such as that it compiles."""
    log = logging.getLogger("galfeat")
    if not any(isinstance(handler, _Said) for handler in log.handlers):
        log.addHandler(_Said())
        log.setLevel(logging.INFO)


def run(app: typer.Typer, arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    A user's mistake becomes one sentence, a bug a traceback.

    Where there are several commands and none is named, they are listed.
    """
    name = "galfeat"
    _quiet[0] = False
    _listen()
    several = len(app.registered_commands) > 1
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"] * several
    if "" in arguments:
        say(f"{name}: one of the arguments is empty; was it a variable that is not set?")
        return 2
    try:
        status = app(arguments, prog_name=name, standalone_mode=False)
    except _WrongUsage as error:
        said = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".")
        command = f" {arguments[0]}" if arguments and arguments[0].isalpha() else ""
        say(f"{name}: {said} (see '{name}{command} --help')")
        return 2
    except MemoryError as error:
        say(f"{name}: not enough memory: {error}")
        return 1
    except GalfeatError as error:
        say(f"{name}: {error}")
        return 2
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    if status == INTERRUPTED:
        say(f"{name}: interrupted")
    return status if isinstance(status, int) else 0


def leave(app: typer.Typer, command: str) -> None:
    """Run the command line of this process, watched over where it works through batches, and leave
    with its exit status.
    """
    watched = command in BATCHES and "--help" not in sys.argv
    status = supervise() if watched else None
    if status is None:
        if watched:
            # as a scheduler of jobs ends them: in order
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        status = run(app)
        if status == INTERRUPTED:  # threads that are still busy with a galaxy are not waited for
            sys.stderr.flush()
            os._exit(status)
    sys.exit(status)


def main_of(command: Callable[..., Any]) -> None:
    """Run one command by itself, for ``python scripts/NAME.py``."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(command)
    leave(app, command.__name__)
