"""Guarantees of classification runs: the same bytes after a kill, and retried failures."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from galfeat import UsageError
from galfeat.pipeline import classify, train
from galfeat.pipeline.batch.work import BatchWork
from galfeat.pipeline.extraction.extract import Options

Run = Callable[..., int]


@pytest.fixture(scope="module")
def model(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model of HoG."""
    path = tmp_path_factory.mktemp("model") / "M.galfeat"
    train(table, path, inputs=["hog", "color"])
    return path


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BatchWork, "shard_size", 16)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["P.parquet", "P.csv"])
def test_killed_and_resumed(
    name: str, damaged: Path, model: Path, tmp_path: Path, server: Run
) -> None:
    whole, out = tmp_path / "whole" / name, tmp_path / name
    summary = classify(model, damaged, whole, workers=3)
    assert (summary.done, summary.failed) == (88, 2)
    for at, number in (("after rename of shard", 2), ("after rename of failures", 1)):
        assert server(damaged, out, model=str(model), at=at, number=number) == -9
        assert not out.exists()
    resumed = classify(model, damaged, out, workers=1)
    assert resumed == replace(summary, path=out, failures=tmp_path / "P.failures.csv")
    assert out.read_bytes() == whole.read_bytes()
    assert (tmp_path / "P.failures.csv").read_bytes() == (
        whole.parent / "P.failures.csv"
    ).read_bytes()


def test_csv_and_parquet_have_the_same_rows(survey: Path, model: Path, tmp_path: Path) -> None:
    for name in ("P.parquet", "P.csv"):
        classify(model, survey, tmp_path / name)
    one = pq.read_table(tmp_path / "P.parquet").replace_schema_metadata(None)
    options = pyarrow.csv.ConvertOptions(
        column_types=dict(zip(one.schema.names, one.schema.types, strict=True))
    )
    assert pyarrow.csv.read_csv(tmp_path / "P.csv", convert_options=options).equals(one)
    assert pq.read_metadata(tmp_path / "P.parquet").num_row_groups == 1


@pytest.mark.parametrize("name", ["P.parquet", "P.csv"])
def test_retried(name: str, survey: Path, model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "survey"
    shutil.copytree(survey, copy)
    classify(model, copy, tmp_path / "whole" / name)
    (copy / "sim000030.fits").rename(copy / "away")
    assert classify(model, copy, tmp_path / name).failed == 1
    (copy / "away").rename(copy / "sim000030.fits")
    assert classify(model, copy, tmp_path / name, options=Options(retry_failed=True)).failed == 0
    assert (tmp_path / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.slow
def test_another_model_is_refused(
    survey: Path, model: Path, table: Path, tmp_path: Path, server: Run
) -> None:
    other = tmp_path / "other.galfeat"
    train(table, other, inputs=["hog", "color"], seed=1)
    assert (
        server(
            survey, tmp_path / "P.parquet", model=str(model), at="after rename of shard", number=2
        )
        == -9
    )
    with pytest.raises(UsageError, match=r"model was .* and is .* now"):
        classify(other, survey, tmp_path / "P.parquet")
