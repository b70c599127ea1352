"""Check the folder of a report before the comparison is run."""

import os
from collections.abc import Iterable
from pathlib import Path

from galfeat import UsageError
from galfeat.pipeline.outputs import check_target

__all__ = ["CHECKPOINTS", "REPORT_FILES", "check_report_folder"]

REPORT_FILES = (
    "report.html",
    "scores.csv",
    "classes.csv",
    "summary.csv",
    "differences.csv",
    "run.json",
    "report.failures.csv",
)
"""Files of a report; besides them there is the folder ``figures``."""
CHECKPOINTS = "pieces"
"""Folder of the checkpoints, which is removed when the report is written."""
_FOLDERS = ("figures", CHECKPOINTS)


def check_report_folder(out: Path, inputs: Iterable[str | Path | None] = ()) -> None:
    """Refuse a folder that a report cannot be written into.

    Parameters
    ----------
    out : Path
        It need not exist; an older report in it may be replaced.
    inputs : iterable of path or None
        Files and folders that the comparison reads.

    Raises
    ------
    UsageError
        If it is a file or cannot be written, or if one of the files of the report would replace an
        input or something that is not a file.
    """
    there = next((each for each in (out, *out.absolute().parents) if each.exists()), Path("/"))
    if not there.is_dir():
        raise UsageError(
            f"cannot write the report into {out}: {there} is not a folder; name another one"
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(
            f"cannot write the report into {out}: no permission to write into {there}; name "
            "another folder"
        )
    for name in _FOLDERS:
        if (out / name).exists() and not (out / name).is_dir():
            raise UsageError(
                f"cannot write the report into {out}: {out / name} is not a folder; name another "
                "one, or move that away"
            )
    read = list(inputs)
    for name in REPORT_FILES:
        check_target(out / name, read)
