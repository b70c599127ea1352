"""Disk errors of a resumable run, as sentences that say what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from galfeat import UsageError

__all__ = ["explain_disk_errors"]

_REASONS = {
    errno.ENOSPC: "there is no space left on the disk; make room",
    errno.EDQUOT: "your quota of disk space is used up; make room",
    errno.EFBIG: "the file gets larger than the system allows; raise the limit (ulimit -f)",
    errno.EACCES: "there is no permission to write there; change that",
    errno.EPERM: "there is no permission to write there; change that",
    errno.EROFS: "the disk is read-only; change that",
    errno.ENAMETOOLONG: "the name is too long for the disk; choose a shorter one",
}


@contextmanager
def explain_disk_errors(path: Path) -> Iterator[None]:
    """Turn an OSError of the block into a UsageError that says how to resume the run.

    Parameters
    ----------
    path : Path
        The file or folder that is written, for the message.

    Raises
    ------
    UsageError
        Instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, f"{error.strerror or error}; correct that")
        raise UsageError(
            f"cannot write {path}: {reason}, and give the same command again: it goes on where it "
            "stopped"
        ) from error
