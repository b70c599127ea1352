"""Data pages of fixed-size vectors, without computing their levels value by value.

pyarrow computes a repetition and a definition level for each value. If every row has the same
number of values and none is null, the levels are known beforehand and are written as runs. Values
are stored plain and uncompressed: noise does not compress. Every Parquet reader reads these pages;
the tests read them with pyarrow, pandas, polars and DuckDB.

References
----------
Pages and levels: https://parquet.apache.org/docs/file-format/data-pages/
"""

from typing import BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat.pipeline.batch.parquet.thrift import (
    BINARY,
    I32,
    I64,
    LIST,
    STRUCT,
    Struct,
    ThriftField,
    encode,
    varint,
)

__all__ = ["is_vector", "write_vectors"]

_PAGE_BYTES = 1 << 20  # of values per page, but at least one row
# enumerations of the format: page type, physical type, encodings, compression
_DATA_PAGE, _FLOAT, _PLAIN, _RLE, _UNCOMPRESSED = 0, 4, 0, 3, 0
_DEFINED = 3  # definition level of a value: column, list and element are nullable, and none is null


def is_vector(field: pa.Field) -> bool:
    """Return whether a column holds fixed-size float32 vectors, nullable as pyarrow's default."""
    kind = field.type
    return bool(
        pa.types.is_fixed_size_list(kind)
        and pa.types.is_float32(kind.value_type)
        and kind.list_size
        and field.nullable
        and kind.value_field.nullable
    )


def write_vectors(file: BinaryIO, name: str, vectors: NDArray[np.float32]) -> Struct:
    """Write the data pages of a column; return the ColumnChunk that describes them.

    Parameters
    ----------
    file : binary file
        The pages are written at its position.
    name : str
    vectors : array of float32, shape (n, k)
        n and k at least 1.

    Returns
    -------
    Struct
        With offsets in `file`.
    """
    n, k = vectors.shape
    rows = max(1, _PAGE_BYTES // (4 * k))
    offset = file.tell()
    values = np.ascontiguousarray(vectors, dtype="<f4")
    size = 0
    for start in range(0, n, rows):
        page = values[start : start + rows]
        head = _head(*page.shape)
        file.write(head)
        file.write(page.data.cast("B"))
        size += len(head) + page.nbytes
    metadata: Struct = {
        1: ThriftField(I32, _FLOAT),
        2: ThriftField(LIST, ThriftField(I32, [_PLAIN, _RLE])),
        3: ThriftField(LIST, ThriftField(BINARY, [name.encode(), b"list", b"element"])),
        4: ThriftField(I32, _UNCOMPRESSED),
        5: ThriftField(I64, n * k),
        6: ThriftField(I64, size),
        7: ThriftField(I64, size),
        9: ThriftField(I64, offset),
    }
    return {2: ThriftField(I64, 0), 3: ThriftField(STRUCT, metadata)}


def _head(n: int, k: int) -> bytes:
    """Return header, repetition levels and definition levels of a page of n rows of k values."""
    row = _run(1, 0) + (_run(k - 1, 1) if k > 1 else b"")  # 0 starts a row, 1 continues it
    levels = _with_length(row * n) + _with_length(_run(n * k, _DEFINED))
    size = len(levels) + 4 * n * k
    header: Struct = {
        1: ThriftField(I32, _DATA_PAGE),
        2: ThriftField(I32, size),
        3: ThriftField(I32, size),
        5: ThriftField(
            STRUCT,
            {
                1: ThriftField(I32, n * k),
                2: ThriftField(I32, _PLAIN),
                3: ThriftField(I32, _RLE),
                4: ThriftField(I32, _RLE),
            },
        ),
    }
    return encode(header) + levels


def _run(length: int, level: int) -> bytes:
    """Return a run of equal levels in the RLE encoding of Parquet."""
    return varint(length << 1) + bytes([level])


def _with_length(data: bytes) -> bytes:
    return len(data).to_bytes(4, "little") + data
