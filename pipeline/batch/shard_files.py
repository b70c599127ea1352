"""What a shard gave, in a file of its own: the rows of the table, and what could not be measured.

A file is written under another name, made sure of on the disk, and renamed: under its own name it
is whole. Its metadata says how many rows it has and lists the failures, so that nobody has to read
its values to know how far a run is.
"""

import io
import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from galfeat.data import Failure
from galfeat.pipeline.batch.parquet.row_groups import (
    Footer,
    begin,
    finish,
    moved,
    read_footer,
    template,
)
from galfeat.pipeline.batch.parquet.thrift import BINARY, I64, LIST, STRUCT, Field, Struct
from galfeat.pipeline.batch.parquet.vector_pages import is_vector, write_vectors
from galfeat.pipeline.batch.writing import appearing, resumable

__all__ = ["ShardResult", "read_result", "read_rows", "write_result"]

_KEY = b"galfeat.shard"


@dataclass(frozen=True)
class ShardResult:
    """What a shard's file says of itself.

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
    """Write a shard's file.

    Parameters
    ----------
    path : Path
    tables : iterable of pyarrow.Table
        Of this schema; each becomes a group of rows. None of them, or empty ones, where everything
        failed.
    schema : pyarrow.Schema
    failures : sequence of Failure
        They may be still filled while the tables are made.
    """
    rows, groups = 0, list[Struct]()
    made = (table for table in tables if table.num_rows)
    with resumable(path.parent), ExitStack() as stack:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = stack.enter_context(appearing(path))
        begin(file)
        while (table := next(made, None)) is not None:
            groups.append(_write_group(file, table))
            rows += table.num_rows
        finish(file, _with_failures(template(schema), failures), rows, groups)
    return ShardResult(rows, tuple(failures))


def read_result(path: Path) -> ShardResult | None:
    """Return what a shard's file says of itself; None if it is not there or damaged."""
    try:
        with path.open("rb") as file:
            footer = read_footer(file)
        said = footer.remark(_KEY)
        failures = [Failure(*each) for each in json.loads(said)] if said is not None else None
    except (OSError, ValueError, TypeError):
        return None
    return None if failures is None else ShardResult(footer.rows, tuple(failures))


def read_rows(path: Path) -> pa.Table:
    """Return the rows of a shard's file."""
    return pq.read_table(path, use_threads=False).replace_schema_metadata(None)


def _with_failures(footer: Footer, failures: Sequence[Failure]) -> Footer:
    listed = [[each.id, each.file, each.stage, each.reason, each.row] for each in failures]
    entry = {1: Field(BINARY, _KEY), 2: Field(BINARY, json.dumps(listed).encode())}
    old = footer.fields[5].value.value if 5 in footer.fields else []
    return Footer(footer.fields | {5: Field(LIST, Field(STRUCT, [*old, entry]))}, footer.start)


def _write_group(file: BinaryIO, table: pa.Table) -> Struct:
    """Write rows: the columns of vectors by hand, the others by pyarrow.

    And return the RowGroup that describes them.
    """
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
        1: Field(LIST, Field(STRUCT, ordered)),
        2: Field(I64, sum(size[6].value for size in sizes)),
        3: Field(I64, table.num_rows),
        5: Field(I64, start),
        6: Field(I64, sum(size[7].value for size in sizes)),
    }


def _write_others(file: BinaryIO, table: pa.Table) -> list[Struct]:
    """Write columns as pyarrow writes them, and return their ColumnChunks."""
    words = [field.name for field in table.schema if pa.types.is_string(field.type)]
    buffer = io.BytesIO()
    with pq.ParquetWriter(
        buffer, table.schema, compression="zstd", use_dictionary=words, write_statistics=words
    ) as writer:
        writer.write_table(table, row_group_size=table.num_rows)
    footer = read_footer(buffer)
    shift = file.tell() - 4
    file.write(buffer.getbuffer()[4 : footer.start])
    columns: list[Struct] = moved(footer.groups[0], shift)[1].value.value
    return columns


def _array(column: pa.ChunkedArray) -> Any:
    flat = [np.asarray(chunk.flatten()) for chunk in column.chunks]
    return (
        np.concatenate(flat).reshape(len(column), -1)
        if len(flat) > 1
        else flat[0].reshape(len(column), -1)
    )
