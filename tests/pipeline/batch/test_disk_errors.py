"""Disk errors of a resumable run: the reason, and what to do."""

import errno
from pathlib import Path

import pytest

from galfeat import UsageError
from galfeat.pipeline.batch.disk_errors import explain_disk_errors


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "there is no space left on the disk; make room"),
        (errno.EROFS, "the disk is read-only; change that"),
        (errno.EIO, "Input/output error; correct that"),
    ],
)
def test_the_reason_and_the_remedy_are_named(number: int, reason: str) -> None:
    with pytest.raises(UsageError) as caught, explain_disk_errors(Path("F.parquet")):
        raise OSError(number, "Input/output error")
    assert str(caught.value).startswith(f"cannot write F.parquet: {reason}, and give the same")


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), explain_disk_errors(Path("F.parquet")):
        raise KeyError("x")
