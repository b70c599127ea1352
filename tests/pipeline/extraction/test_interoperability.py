"""Feature tables are read by everything that reads Parquet, and all of them find the same
numbers.
"""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from galfeat.pipeline import load_features


def stacked(rows: object) -> NDArray[np.float32]:
    return np.stack([np.asarray(row, dtype=np.float32) for row in rows])  # type: ignore[attr-defined]


def by_pyarrow(path: Path, column: str) -> object:
    return pq.read_table(path, columns=[column]).column(column).to_pylist()


def by_pandas(path: Path, column: str) -> object:
    return pd.read_parquet(path, columns=[column])[column]


def by_polars(path: Path, column: str) -> object:
    return pl.scan_parquet(path).select(column).collect()[column].to_list()


def by_duckdb(path: Path, column: str) -> object:
    return [row for (row,) in duckdb.connect().execute(f"select {column} from '{path}'").fetchall()]


@pytest.mark.parametrize("read", [by_pyarrow, by_pandas, by_polars, by_duckdb])
def test_vectors_and_descriptors_are_the_same_for_all(table: Path, read: object) -> None:
    features = load_features(table)
    assert callable(read)
    for name in ("pixels", "color", "texture", "hog"):
        np.testing.assert_array_equal(stacked(read(table, name)), features.blocks[name])
    for theirs, ours in zip(read(table, "sift"), features.blocks["sift"], strict=True):
        assert list(theirs) == ours.ravel().tolist()
    assert list(read(table, "id")) == features.ids.tolist()


def test_a_database_can_ask_for_some(table: Path) -> None:
    agn = (
        duckdb.connect()
        .execute(f"select id, hog[1] from '{table}' where label = 'agn' order by id")
        .fetchall()
    )
    features = load_features(table, ["hog"])
    mine = features.labels == "agn"
    expected = sorted(zip(features.ids[mine].tolist(), features.X[mine, 0].tolist(), strict=True))
    assert agn == expected
    assert len(agn) == 18
