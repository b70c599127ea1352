"""Shard files: the table rows of a shard as Parquet, with its failures in the metadata.

Files are written atomically. The footer has the number of rows and the failures, so a resumed run
counts finished shards without reading their values.
"""

import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from galfeat._atomic_files import atomic_open
from galfeat.data import Failure
from galfeat.pipeline.batch.disk_errors import explain_disk_errors
from galfeat.pipeline.batch.parquet.row_groups import (
    MAGIC,
    Footer,
    begin,
    finish,
    read_footer,
    shifted,
    template,
)
from galfeat.pipeline.batch.parquet.thrift import BINARY, I64, LIST, STRUCT, Struct, ThriftField
from galfeat.pipeline.batch.parquet.vector_pages import is_vector, write_vectors

__all__ = ["ShardResult", "read_result", "read_rows", "write_result"]

_KEY = b"galfeat.shard"  # of the failures in the file's metadata


@dataclass(frozen=True)
class ShardResult:
    """Number of rows and failures of a shard.

    Parameters
    ----------
    rows : int
    failures : tuple of Failure
        In the order of the source.
    """

    rows: int
    failures: tuple[Failure, ...]


def write_result(
    path: Path, tables: Iterable[pa.Table], schema: pa.Schema, failures: Sequence[Failure]
) -> ShardResult:
    """Write a shard file.

    Parameters
    ----------
    path : Path
    tables : iterable of pyarrow.Table
        Tables of this schema; each becomes a row group. None, or empty ones, if everything failed.
    schema : pyarrow.Schema
    failures : sequence of Failure
        Read after `tables` is exhausted, so iterating may append to it.

    Raises
    ------
    UsageError
        If the system refuses to write.
    """
    rows, groups = 0, list[Struct]()
    filled = (table for table in tables if table.num_rows)
    with explain_disk_errors(path.parent):
        # without `parents`: a worker that outlives its run must not make the work folder again
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with atomic_open(path) as file:
            begin(file)
            while (table := next(filled, None)) is not None:
                groups.append(_write_group(file, table))
                rows += table.num_rows
            finish(file, _with_failures(template(schema), failures), rows, groups)
    return ShardResult(rows, tuple(failures))


def read_result(path: Path) -> ShardResult | None:
    """Read number of rows and failures of a shard file; None if it is missing or damaged."""
    try:
        with path.open("rb") as file:
            footer = read_footer(file)
        entry = footer.metadata(_KEY)
        failures = [Failure(*each) for each in json.loads(entry)] if entry is not None else None
    except (OSError, ValueError, TypeError):
        return None
    return None if failures is None else ShardResult(footer.rows, tuple(failures))


def read_rows(path: Path) -> pa.Table:
    """Read the table rows of a shard file."""
    return pq.read_table(path, use_threads=False).replace_schema_metadata(None)


def _with_failures(footer: Footer, failures: Sequence[Failure]) -> Footer:
    listed = [[each.id, each.file, each.stage, each.reason, each.row] for each in failures]
    entry = {1: ThriftField(BINARY, _KEY), 2: ThriftField(BINARY, json.dumps(listed).encode())}
    old = footer.fields[5].value.value if 5 in footer.fields else []
    return Footer(
        footer.fields | {5: ThriftField(LIST, ThriftField(STRUCT, [*old, entry]))}, footer.start
    )


def _write_group(file: BinaryIO, table: pa.Table) -> Struct:
    """Write a row group, vector columns by hand and the others by pyarrow; return its RowGroup."""
    vectors = [
        field.name
        for field in table.schema
        if is_vector(field) and not table.column(field.name).null_count
    ]
    others = table.drop_columns(vectors)
    start = file.tell()
    columns = (
        dict(zip(others.column_names, _write_others(file, others), strict=True))
        if others.num_columns
        else {}
    )
    for name in vectors:
        columns[name] = write_vectors(file, name, _array(table.column(name)))
    ordered = [columns[name] for name in table.column_names]
    sizes = [column[3].value for column in ordered]
    return {
        1: ThriftField(LIST, ThriftField(STRUCT, ordered)),
        2: ThriftField(I64, sum(size[6].value for size in sizes)),
        3: ThriftField(I64, table.num_rows),
        5: ThriftField(I64, start),
        6: ThriftField(I64, sum(size[7].value for size in sizes)),
    }


def _write_others(file: BinaryIO, table: pa.Table) -> list[Struct]:
    """Write columns as pyarrow encodes them; return their ColumnChunks."""
    text = [field.name for field in table.schema if pa.types.is_string(field.type)]
    buffer = io.BytesIO()
    with pq.ParquetWriter(
        buffer, table.schema, compression="zstd", use_dictionary=text, write_statistics=text
    ) as writer:
        writer.write_table(table, row_group_size=table.num_rows)
    footer = read_footer(buffer)
    shift = file.tell() - len(MAGIC)
    file.write(buffer.getbuffer()[len(MAGIC) : footer.start])
    columns: list[Struct] = shifted(footer.groups[0], shift)[1].value.value
    return columns


def _array(column: pa.ChunkedArray) -> Any:
    """Return a vector column as an array of shape (rows, values)."""
    flat = [np.asarray(chunk.flatten()) for chunk in column.chunks]
    return (
        np.concatenate(flat).reshape(len(column), -1)
        if len(flat) > 1
        else flat[0].reshape(len(column), -1)
    )
