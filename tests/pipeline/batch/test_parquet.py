"""Parquet written and put together byte by byte, read back by others."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galfeat import UsageError
from galfeat.data import Failure
from galfeat.pipeline.batch.parquet.growing_table import GrowingTable
from galfeat.pipeline.batch.parquet.row_groups import read_footer, template
from galfeat.pipeline.batch.parquet.thrift import decode, encode, varint
from galfeat.pipeline.batch.parquet.vector_pages import is_vector
from galfeat.pipeline.batch.work_folder.shard_files import read_result, read_rows, write_result


def rows(n: int, k: int, seed: int = 0) -> pa.Table:
    """Return a table with a column of each kind that feature tables have."""
    rng = np.random.default_rng(seed)
    vectors = pa.FixedSizeListArray.from_arrays(
        pa.array(rng.normal(size=n * k).astype(np.float32)), k
    )
    local = [[rng.integers(0, 256, 128).tolist() for _ in range(row % 3)] for row in range(n)]
    return pa.table(
        {
            "id": pa.array([f"g{seed}-{row}" for row in range(n)], pa.string()),
            "z": pa.array([None if row % 4 == 1 else row / 7 for row in range(n)], pa.float64()),
            "label": pa.array([["spiral", "", None][row % 3] for row in range(n)], pa.string()),
            "hog": vectors,
            "sift": pa.array(local, pa.list_(pa.list_(pa.uint8(), 128))),
        }
    )


def test_numbers_in_base_128_by_hand() -> None:
    assert [varint(number) for number in (0, 1, 127, 128, 300)] == [
        b"\0",
        b"\x01",
        b"\x7f",
        b"\x80\x01",
        b"\xac\x02",
    ]


def test_a_footer_is_the_same_after_reading_and_writing(tmp_path: Path) -> None:
    pq.write_table(rows(50, 3), tmp_path / "F.parquet", row_group_size=7)
    data = (tmp_path / "F.parquet").read_bytes()
    size = int.from_bytes(data[-8:-4], "little")
    assert encode(decode(data[-8 - size : -8])) == data[-8 - size : -8]


@given(n=st.integers(1, 40), k=st.integers(1, 70), page=st.sampled_from([16, 300, 1 << 20]))
@settings(max_examples=40, deadline=None)
def test_vectors_written_by_hand_are_read_by_pyarrow_and_pandas(n: int, k: int, page: int) -> None:
    import tempfile

    from galfeat.pipeline.batch.parquet import vector_pages

    table, before = rows(n, k), vector_pages._PAGE_BYTES
    vector_pages._PAGE_BYTES = page
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "s.parquet"
            write_result(path, [table], table.schema, [])
            read = read_rows(path)
            frame = pd.read_parquet(path)
    finally:
        vector_pages._PAGE_BYTES = before
    read.validate(full=True)
    assert read.equals(table)
    assert np.array_equal(
        np.stack(frame["hog"].tolist()),
        np.stack(table.column("hog").to_pylist()).astype(np.float32),
    )


def test_only_vectors_that_pyarrow_would_write_alike_are_written_by_hand() -> None:
    kinds = [
        pa.list_(pa.float32(), 3),
        pa.list_(pa.float64(), 3),
        pa.list_(pa.float32()),
        pa.list_(pa.field("x", pa.float32(), False), 3),
    ]
    assert [is_vector(pa.field("v", kind)) for kind in kinds] == [True, False, False, False]
    assert not is_vector(pa.field("v", kinds[0], nullable=False))


@pytest.mark.parametrize("sizes", [[5], [3, 0, 8], [0, 0, 4], [300, 1, 2]])
@pytest.mark.parametrize("within", [True, False])
def test_shards_become_one_table(
    sizes: Sequence[int], within: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not within:
        monkeypatch.delattr("os.copy_file_range", raising=False)
    tables = [rows(n, 9, seed) for seed, n in enumerate(sizes)]
    paths = [tmp_path / f"{seed}.parquet" for seed in range(len(sizes))]
    for path, table in zip(paths, tables, strict=True):
        write_result(path, [table.slice(0, 100), table.slice(100)], table.schema, [])
    growing = GrowingTable(tmp_path / "F.parquet")
    for path in paths:
        growing.add(path)
    assert not (tmp_path / "F.parquet").exists()
    growing.finish(tables[0].schema.with_metadata({b"galfeat": b"{}"}))
    growing.discard()
    whole = pq.read_table(tmp_path / "F.parquet")
    assert whole.replace_schema_metadata(None).equals(pa.concat_tables(tables))
    assert whole.schema.metadata == {b"galfeat": b"{}"}
    about = pq.read_metadata(tmp_path / "F.parquet")
    assert about.num_rows == sum(sizes)
    assert about.num_row_groups == sum(1 + (n > 100) for n in sizes if n)
    last = [
        pq.ParquetFile(tmp_path / "F.parquet").read_row_group(
            about.num_row_groups - 1, columns=[name]
        )
        for name in whole.column_names
    ]
    tail = next(table for table in reversed(tables) if table.num_rows)
    tail = tail.slice(100) if tail.num_rows > 100 else tail
    assert all(part.column(0).equals(tail.column(part.column_names[0])) for part in last)


def test_a_shard_where_everything_failed_has_the_same_columns(tmp_path: Path) -> None:
    schema = rows(1, 4).schema
    bad = [
        Failure("a", "a.fits", "read", "is 'empty', \"really\"\nü", 3),
        Failure("b", "", "crash", "", None),
    ]
    write_result(tmp_path / "s.parquet", [schema.empty_table()], schema, bad)
    result = read_result(tmp_path / "s.parquet")
    assert result is not None
    assert (result.rows, list(result.failures)) == (0, bad)
    assert read_rows(tmp_path / "s.parquet").schema == schema


def test_a_damaged_shard_counts_as_missing(tmp_path: Path) -> None:
    table = rows(5, 4)
    path = tmp_path / "s.parquet"
    write_result(path, [table], table.schema, [])
    data = path.read_bytes()
    for damaged in (b"", data[:-1], data[: len(data) // 2], data[:-8] + b"\xff\xff\xff\x7fPAR1"):
        path.write_bytes(damaged)
        assert read_result(path) is None
    assert read_result(tmp_path / "absent.parquet") is None


def test_a_file_that_may_not_be_written_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file where a folder should be")
    with pytest.raises(UsageError, match="cannot write"):
        write_result(tmp_path / "folder" / "s.parquet", [rows(3, 2)], rows(3, 2).schema, [])
    assert len(list(tmp_path.iterdir())) == 1


def test_the_template_is_what_pyarrow_writes() -> None:
    schema = rows(1, 4).schema.with_metadata({b"a": b"b"})
    file = io.BytesIO()
    pq.ParquetWriter(file, schema).close()
    assert read_footer(file).fields == template(schema).fields
    assert template(schema).metadata(b"a") == b"b"
