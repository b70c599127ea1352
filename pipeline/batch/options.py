"""Options and summary of a batch run."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

__all__ = ["Options", "Progress", "RunSummary", "failures_path", "notes_path", "with_workers"]

Progress = Callable[[int, int, int], None]
"""Called with the entries done, the number of entries, and the failures so far."""


@dataclass(frozen=True)
class Options:
    """Execution options of a batch run; the result depends on none of them.

    Parameters
    ----------
    workers : int, optional
        Number of shards that are measured concurrently; by default one per processor.
    processes : bool
        Whether each worker is a process instead of a thread.
    cluster : str, optional
        Address of a Dask scheduler, or ``local`` to start one.
    restart : bool
        Whether to discard the results of an unfinished run.
    retry_failed : bool
        Whether to measure again the entries that failed before.
    """

    workers: int | None = None
    processes: bool = False
    cluster: str | None = None
    restart: bool = False
    retry_failed: bool = False


@dataclass(frozen=True)
class RunSummary:
    """Result of a batch run.

    Parameters
    ----------
    path : Path, or str of an address
        The file that was written.
    done, failed : int
        Number of galaxies that were measured, and of those that could not be.
    failures : Path, or str of an address
        The list of failures.
    commonest : str
        The most frequent reason of a failure; empty if there is none.
    noted : int
        Number of galaxies that were measured and have a note, such as on missing data.
    notes : Path, or str of an address
        The list of notes, if there are any.
    """

    path: Path | str
    done: int
    failed: int
    failures: Path | str
    commonest: str = ""
    noted: int = 0
    notes: Path | str = ""

    def ends(self, verb: str) -> str:
        """Return the last line of a command's output: counts, the main reason, and the file."""
        failed = (
            f", {self.failed:,} failed (most often: {self.commonest}; see {self.failures})"
            if self.failed
            else ""
        )
        noted = (
            f", {self.noted:,} with a note, such as on missing data (see {self.notes})"
            if self.noted
            else ""
        )
        where = f": {self.path}" if self.done else "; nothing was written"
        return f"{self.done:,} cutouts {verb}{failed}{noted}{where}"


def with_workers(options: Options | None, workers: int | None) -> Options:
    """Return the options with another number of workers, if one is given."""
    options = options or Options()
    return options if workers is None else replace(options, workers=workers)


def failures_path(out: Path) -> Path:
    """Return the path of the list of failures: ``F.failures.csv`` for ``F.parquet``."""
    return out.with_name(out.stem + ".failures.csv")


def notes_path(out: Path) -> Path:
    """Return the path of the list of notes: ``F.notes.csv`` for ``F.parquet``."""
    return out.with_name(out.stem + ".notes.csv")
