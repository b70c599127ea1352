"""Unforeseen exceptions of a cutout: they become its failure, and the others are measured.

A batch that raises is read or measured again, one entry or cutout at a time. Whatever is not about
a cutout still ends the run: settings that cannot be used, lack of memory, a full disk, or too many
open files. A share of unforeseen failures that can only be a bug ends it as well.
"""

import errno
import logging
import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

import pyarrow as pa

import galfeat
from galfeat import UsageError
from galfeat.data import Cutout, Failure, Reading, Shard, Source
from galfeat.data.memory import TooMuchAtOnce
from galfeat.pipeline.batch.work import Measurement

__all__ = [
    "UnforeseenFailure",
    "UnforeseenLimit",
    "entry_failure",
    "isolate",
    "measure_each",
    "read_each",
]

T = TypeVar("T")

_LOG = logging.getLogger("galfeat")
_SYSTEM_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
_MAX_UNFORESEEN = 20  # failures of one exception type; more end the run
_MAX_SHARE = 0.1  # of all galaxies so far, if they are also more than this
_MAX_TRACEBACKS = 20  # logged for each exception type
_REASON = re.compile(r"unforeseen (\w+) in ")
_PACKAGE = Path(galfeat.__file__).parent
_Stage = Literal["read", "prepare", "extract"]


@dataclass(frozen=True)
class UnforeseenFailure(Failure):
    """Failure by an unforeseen exception, with its traceback for the log."""

    traceback: str = field(default="", repr=False)


def read_each(source: Source, shard: Shard) -> Reading:
    """Read a shard; an entry whose reading raises becomes a failure."""
    try:
        return source.read(shard)
    except Exception as error:
        _raise_if_not_about_a_cutout(error)
        if len(shard) == 1:
            return Reading(
                [], [_unforeseen(*_entry_name(source, shard.start), "read", shard.start, error)]
            )
    each = [read_each(source, Shard(row, row + 1)) for row in range(shard.start, shard.stop)]
    return Reading(
        [cutout for reading in each for cutout in reading.cutouts],
        [failure for reading in each for failure in reading.failures],
    )


def measure_each(
    measurement: Measurement, catalog: pa.Table | None, cutouts: Sequence[Cutout]
) -> tuple[pa.Table, list[Failure]]:
    """Return the table rows of cutouts; one whose measurement raises becomes a failure."""
    measured, failures = isolate(lambda some: measurement.rows(catalog, some), cutouts)
    tables = [table for table, _ in measured if table.num_rows]
    failures = [*failures, *(failure for _, failed in measured for failure in failed)]
    if not tables:
        return measurement.schema(catalog).empty_table(), failures
    return tables[0] if len(tables) == 1 else pa.concat_tables(tables), failures


def isolate(
    measure: Callable[[Sequence[Cutout]], T], cutouts: Sequence[Cutout]
) -> tuple[list[T], list[Failure]]:
    """Measure cutouts together, or one by one where that raises.

    Parameters
    ----------
    measure : callable
    cutouts : sequence of Cutout

    Returns
    -------
    list
        Results of `measure`: one, or as many as there are cutouts that do not raise.
    list of Failure
        The cutouts that do.
    """
    try:
        return [measure(cutouts)], []
    except Exception as error:
        _raise_if_not_about_a_cutout(error)
        if len(cutouts) == 1:
            cutout, stage = cutouts[0], _stage(error)
            return [], [_unforeseen(cutout.id, cutout.file, stage, cutout.row, error)]
    each = [isolate(measure, [cutout]) for cutout in cutouts]
    results = [result for measured, _ in each for result in measured]
    return results, [failure for _, failures in each for failure in failures]


class UnforeseenLimit:
    """Count of unforeseen failures by exception type, which ends a run that meets a bug."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._logged: Counter[str] = Counter()

    def add(self, failures: Iterable[Failure]) -> None:
        """Count the failures of a finished shard, and log the first tracebacks of each type."""
        for failure in failures:
            found = _REASON.match(failure.reason)
            if found is None:
                continue
            self._counts[found[1]] += 1
            text = failure.traceback if isinstance(failure, UnforeseenFailure) else ""
            if text and self._logged[found[1]] < _MAX_TRACEBACKS:
                self._logged[found[1]] += 1
                _LOG.debug("%s (%s): %s\n%s", failure.id, failure.file, failure.reason, text)

    def check(self, galaxies: int) -> None:
        """Check the counts against the number of galaxies so far.

        Raises
        ------
        UsageError
            If more than 20 failures, and more than a tenth of the galaxies, are of one type.
        """
        for name, count in self._counts.most_common(1):
            if count > _MAX_UNFORESEEN and count > _MAX_SHARE * galaxies:
                raise UsageError(
                    f"{count:,} of the first {galaxies:,} galaxies failed with the same unforeseen "
                    f"{name}: that is a bug, of galfeat or of an extractor of yours, so the run "
                    "stops. What is measured is kept; --log FILE has the tracebacks, to be reported"
                )


def _raise_if_not_about_a_cutout(error: Exception) -> None:
    system = isinstance(error, OSError) and (
        error.errno in _SYSTEM_ERRORS or "shared object" in str(error)
    )
    if system or isinstance(error, UsageError | MemoryError | ImportError | TooMuchAtOnce):
        raise error


def entry_failure(source: Source, row: int, reason: str) -> Failure:
    """Return the failure of an entry that could not be read."""
    return Failure(*_entry_name(source, row), "read", reason, row)


def _entry_name(source: Source, row: int) -> tuple[str, str]:
    """Return the id and the file of an entry."""
    catalog = source.catalog
    entry = {} if catalog is None else catalog.slice(row, 1).to_pylist()[0]
    return str(entry.get("id", f"entry {row + 1}")), str(entry.get("file") or "")


def _unforeseen(
    name: str, file: str, stage: _Stage, row: int | None, error: Exception
) -> UnforeseenFailure:
    words = " ".join(str(error).split())
    reason = (
        f"unforeseen {type(error).__name__} in {_place(error)}{words and f': {words}'}; please "
        "report it, with this file and the traceback (--log FILE)"
    )
    text = "".join(traceback.format_exception(error))
    return UnforeseenFailure(name, file, stage, reason, row, text)


def _place(error: Exception) -> str:
    """Return where the error was raised: in this package, or else in what it called."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if _PACKAGE in Path(frame.filename).parents]
    own = [frame for frame in inside if Path(frame.filename) != Path(__file__)]
    frame = (own or frames)[-1]
    path = Path(frame.filename)
    name = path.relative_to(_PACKAGE).as_posix() if own else path.name
    return f"{name}, line {frame.lineno} ({frame.name})"


def _stage(error: Exception) -> _Stage:
    frames = traceback.extract_tb(error.__traceback__)
    preparation = _PACKAGE / "data" / "preparation"
    prepared = any(preparation in Path(frame.filename).parents for frame in frames)
    return "prepare" if prepared else "extract"
