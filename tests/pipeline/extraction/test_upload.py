"""Outputs on a server: the same bytes as here, failures and all, and nothing lost where the server
refuses.
"""

import csv
from pathlib import Path
from typing import Any

import pytest

from galfeat import UsageError
from galfeat.data import Preparation, SimulatedSurvey, write_survey
from galfeat.pipeline import classify, extract, train
from galfeat.pipeline.batch.options import Options
from galfeat.pipeline.extraction.upload import OutputLocation

s3fs = pytest.importorskip("s3fs", reason="object stores need the extra 'remote'")
SMALL = Preparation(size=32)


@pytest.fixture
def system(object_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a file system with the bucket ``out``; what is made for it lies in a folder of the
    test's own.
    """
    assert object_store == "s3://"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    system = s3fs.S3FileSystem()
    system.mkdirs("out", exist_ok=True)
    return system


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Return a survey of 20 galaxies one of which is damaged."""
    write_survey(SimulatedSurvey(20, size=32, depth="deep", seed=5), tmp_path / "survey")
    (tmp_path / "survey" / "sim000007.fits").write_bytes(b"nothing")
    return tmp_path / "survey"


def test_the_same_bytes_as_here(system: Any, broken: Path, tmp_path: Path) -> None:
    extract(broken, tmp_path / "F.parquet", features=["color", "hog"], preparation=SMALL)
    summary = extract(broken, "s3://out/a/F.parquet", features=["color", "hog"], preparation=SMALL)
    assert (summary.path, summary.done, summary.failed) == ("s3://out/a/F.parquet", 19, 1)
    assert system.cat("out/a/F.parquet") == (tmp_path / "F.parquet").read_bytes()
    assert system.cat("out/a/F.failures.csv") == (tmp_path / "F.failures.csv").read_bytes()
    assert "s3://out/a/F.failures.csv" in summary.ends("measured")
    assert not [each for each in (tmp_path / "cache").rglob("*") if each.is_file()]

    train(tmp_path / "F.parquet", tmp_path / "M.galfeat", inputs=["color"])
    classify(tmp_path / "M.galfeat", broken, tmp_path / "P.csv")
    classify(tmp_path / "M.galfeat", broken, "s3://out/a/P.csv")
    assert system.cat("out/a/P.csv") == (tmp_path / "P.csv").read_bytes()


def test_what_failed_is_tried_again(system: Any, broken: Path) -> None:
    extract(broken, "s3://out/b/F.parquet", features=["color"], preparation=SMALL)
    whole = broken.parent / "whole"
    write_survey(SimulatedSurvey(20, size=32, depth="deep", seed=5), whole)
    (broken / "sim000007.fits").write_bytes((whole / "sim000007.fits").read_bytes())
    again = Options(retry_failed=True)
    summary = extract(
        broken, "s3://out/b/F.parquet", features=["color"], preparation=SMALL, options=again
    )
    assert (summary.done, summary.failed) == (20, 0)
    assert list(csv.reader(system.cat("out/b/F.failures.csv").decode().splitlines())) == [
        ["id", "file", "stage", "reason"]
    ]


def test_nothing_is_lost_where_the_server_refuses(
    system: Any, broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(system, "put_file", refused)
    with pytest.raises(
        UsageError,
        match=r"s3://out/c/F\.failures\.csv: .*Access Denied; the data to be sent are kept in ",
    ) as caught:
        extract(broken, "s3://out/c/F.parquet", features=["color"], preparation=SMALL)
    kept = OutputLocation.of("s3://out/c/F.parquet").path
    assert str(kept.parent) in str(caught.value)
    assert kept.exists()
    assert not system.exists("out/c/F.parquet")


def test_the_ending_is_checked_before_the_work(broken: Path) -> None:
    with pytest.raises(UsageError, match=r"must end in \.parquet"):
        extract(broken, "s3://out/F.csv", features=["color"], preparation=SMALL)
    with pytest.raises(UsageError, match="names a folder"):
        extract(broken, "s3://out/", features=["color"], preparation=SMALL)
