r"""FITS binary tables written in batches of rows, so that they may be larger than memory.

Vectors are vector columns (TOPCAT shows their elements); images have their shape in ``TDIM``; local
descriptors are a variable-length column in the heap. FITS text is ASCII: other characters are
escaped as in Python, ``\xe4`` for a with diaeresis, so that names stay distinct (``_xe4`` in column
names). Null integers are ``TNULL``, null floats NaN, null booleans 0.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["FitsColumn", "fits_columns", "write_table"]

_BLOCK = 2880  # bytes of a FITS block
_NULL_INTEGER = -(2**63)  # TNULL
Batches = Callable[[Sequence[str] | None], Iterator[pa.RecordBatch]]
"""Iterates over the rows, with the named columns or all of them."""


@dataclass(frozen=True)
class FitsColumn:
    """Column of a FITS binary table.

    Parameters
    ----------
    name : str
    kind : str
        Type code of ``TFORM``: L, K, D, A, E, or B for variable-length bytes.
    width : int
        Values per row; characters of text; maximum number of variable-length bytes.
    shape : tuple of int
        Shape (bands, ny, nx) of an image; empty otherwise.
    unit, ucd, description : str
    """

    name: str
    kind: str
    width: int = 1
    shape: tuple[int, ...] = ()
    unit: str = ""
    ucd: str = ""
    description: str = ""

    @property
    def format(self) -> str:
        """``TFORM`` of the column."""
        return f"QB({self.width})" if self.kind == "B" else f"{self.width}{self.kind}"

    @property
    def dtype(self) -> tuple[Any, ...]:
        """NumPy dtype of the column in a row."""
        kinds = {"L": "S1", "K": ">i8", "D": ">f8", "A": f"S{self.width}", "E": ">f4", "B": ">i8"}
        counts = {"E": (self.width,), "B": (2,)}
        return (
            (self.name, kinds[self.kind], counts[self.kind])
            if self.kind in counts
            else (self.name, kinds[self.kind])
        )


def fits_columns(
    schema: pa.Schema, batches: Batches, shapes: Mapping[str, tuple[int, ...]]
) -> tuple[list[FitsColumn], int, int]:
    """Return the FITS columns of a table, its number of rows, and the bytes of its heap.

    Reads the text and variable-length columns once, for their widths.

    Parameters
    ----------
    schema : pyarrow.Schema
    batches : callable
        Iterates over the rows, with the named columns or all of them.
    shapes : mapping
        Shape (bands, ny, nx) of each column that holds images.
    """
    variable = [field.name for field in schema if _kind(field.type) in "AB"]
    widths = dict.fromkeys(variable, 1)
    rows = heap = 0
    for batch in batches(variable):
        rows += batch.num_rows
        for name in variable:
            column = batch.column(name)
            if _kind(column.type) == "B":
                lengths = np.diff(np.asarray(column.offsets))
                heap += int(lengths.sum())
                widths[name] = max(widths[name], int(lengths.max(initial=0)))
            else:
                widths[name] = max(widths[name], _text(column).dtype.itemsize)
    return [_field(field, widths, shapes) for field in schema], rows, heap


def write_table(
    stream: IO[bytes], header: Any, fields: Sequence[FitsColumn], batches: Batches
) -> None:
    """Write header, rows and heap of a binary table.

    Parameters
    ----------
    stream : binary file, open for writing
    header : astropy.io.fits.Header
        Complete, with the number of rows in ``NAXIS2`` and the bytes of the heap in ``PCOUNT``.
    fields : sequence of FitsColumn
    batches : callable
        As in `fits_columns`.
    """
    stream.write(header.tostring().encode("ascii"))
    written = offset = 0
    for batch in batches(None):
        rows = np.zeros(batch.num_rows, dtype=[field.dtype for field in fields])
        for field in fields:
            column = batch.column(field.name)
            if field.kind == "B":
                lengths = np.diff(np.asarray(column.offsets))
                rows[field.name][:, 0] = lengths
                rows[field.name][:, 1] = offset + np.cumsum(lengths) - lengths
                offset += int(lengths.sum())
            else:
                rows[field.name] = _values(column, field)
        stream.write(rows.tobytes())
        written += rows.nbytes
    for field in fields:
        if field.kind == "B":
            for batch in batches([field.name]):
                written += stream.write(
                    np.ascontiguousarray(_flat(batch.column(field.name))).tobytes()
                )
    stream.write(b"\0" * (-written % _BLOCK))


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_fixed_size_list(kind):
        return "E"
    if pa.types.is_list(kind) and pa.types.is_uint8(kind.value_type):
        return "B"
    if pa.types.is_boolean(kind):
        return "L"
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return "K"
    return "D" if pa.types.is_floating(kind) else "A"


def _field(
    field: pa.Field, widths: Mapping[str, int], shapes: Mapping[str, tuple[int, ...]]
) -> FitsColumn:
    kind = _kind(field.type)
    width = field.type.list_size if kind == "E" else widths.get(field.name, 1)
    words = {
        name: (field.metadata or {}).get(name.encode(), b"").decode()
        for name in ("unit", "ucd", "description")
    }
    words["description"] = words["description"].encode("ascii", "backslashreplace").decode()
    return FitsColumn(field.name, kind, width, shapes.get(field.name, ()), **words)


def _values(column: pa.Array, field: FitsColumn) -> NDArray[Any]:
    if field.kind == "E":
        return np.asarray(column.flatten()).reshape(len(column), field.width)
    if field.kind == "L":
        return np.where(
            _filled(column, False), b"T", np.where(_filled(pc.is_null(column), False), b"\0", b"F")
        )
    if field.kind == "K":
        return _filled(column.cast(pa.int64()), _NULL_INTEGER)
    return _filled(column.cast(pa.float64()), np.nan) if field.kind == "D" else _text(column)


def _filled(column: pa.Array, value: Any) -> NDArray[Any]:
    return np.asarray(column.fill_null(value).to_numpy(zero_copy_only=False))


def _text(column: pa.Array) -> NDArray[np.bytes_]:
    texts = [
        b"" if value is None else str(value).encode("ascii", "backslashreplace")
        for value in column.to_pylist()
    ]
    return np.array(texts, dtype=np.bytes_)


def _flat(column: pa.Array) -> NDArray[np.uint8]:
    return np.asarray(column.flatten(), dtype=np.uint8)
