"""Columns of vectors as Parquet stores them, written by hand.

A list column of fixed length is its numbers, one after the other.

pyarrow counts for each number at which level of nesting it stands, which takes longer than
measuring a galaxy does. Where every row has the same number of values and none is missing, these
counts are known beforehand. The values are stored plain and without compression: noise does not get
smaller. Every reader of Parquet reads these pages; the tests read them with pyarrow and pandas.

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
    Field,
    Struct,
    encode,
    varint,
)

__all__ = ["is_vector", "write_vectors"]

_PAGE = 1 << 20  # bytes of values in a page, but never less than a row
_DATA_PAGE, _FLOAT, _PLAIN, _RLE, _UNCOMPRESSED = 0, 4, 0, 3, 0
# definition level of a number that is there: column, list and number may each be missing, and none
# is
_NO_LESS = 3


def is_vector(field: pa.Field) -> bool:
    """Return whether a column holds vectors of one length, of 32-bit floats, in the form that
    pyarrow gives them by default.
    """
    kind = field.type
    return bool(
        pa.types.is_fixed_size_list(kind)
        and pa.types.is_float32(kind.value_type)
        and kind.list_size
        and field.nullable
        and kind.value_field.nullable
    )


def write_vectors(file: BinaryIO, name: str, vectors: NDArray[np.float32]) -> Struct:
    """Write the pages of a column, and return the ColumnChunk that describes them.

    Parameters
    ----------
    file : binary file
        At the place where the pages are to be.
    name : str
    vectors : array of float32, shape (n, k)
        n and k at least 1.
    """
    n, k = vectors.shape
    rows = max(1, _PAGE // (4 * k))
    offset = file.tell()
    values = np.ascontiguousarray(vectors, dtype="<f4")
    size = 0
    for start in range(0, n, rows):
        page = values[start : start + rows]
        head = _head(*page.shape)
        file.write(head)
        file.write(page.data.cast("B"))
        size += len(head) + page.nbytes
    about: Struct = {
        1: Field(I32, _FLOAT),
        2: Field(LIST, Field(I32, [_PLAIN, _RLE])),
        3: Field(LIST, Field(BINARY, [name.encode(), b"list", b"element"])),
        4: Field(I32, _UNCOMPRESSED),
        5: Field(I64, n * k),
        6: Field(I64, size),
        7: Field(I64, size),
        9: Field(I64, offset),
    }
    return {2: Field(I64, 0), 3: Field(STRUCT, about)}


def _head(n: int, k: int) -> bytes:
    """Return what stands before the values of a page: its header and the levels."""
    row = _run(1, 0) + (_run(k - 1, 1) if k > 1 else b"")  # a new row, then more of the same
    levels = _with_length(row * n) + _with_length(_run(n * k, _NO_LESS))
    size = len(levels) + 4 * n * k
    header: Struct = {
        1: Field(I32, _DATA_PAGE),
        2: Field(I32, size),
        3: Field(I32, size),
        5: Field(
            STRUCT,
            {1: Field(I32, n * k), 2: Field(I32, _PLAIN), 3: Field(I32, _RLE), 4: Field(I32, _RLE)},
        ),
    }
    return encode(header) + levels


def _run(length: int, level: int) -> bytes:
    """Return a level that is repeated, in the format's run-length encoding."""
    return varint(length << 1) + bytes([level])


def _with_length(data: bytes) -> bytes:
    return len(data).to_bytes(4, "little") + data
