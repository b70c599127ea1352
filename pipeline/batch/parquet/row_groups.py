"""Parquet files concatenated by row groups, without decoding values.

Shards are encoded where they are measured. To concatenate them, their bytes are copied and the
offsets in the footer are shifted: at the speed of the disk, and with only the footer in memory.

References
----------
The footer, by field numbers:
    https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

import errno
import io
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from galfeat.pipeline.batch.parquet.thrift import (
    I64,
    LIST,
    STRUCT,
    Struct,
    ThriftField,
    decode,
    encode,
)

__all__ = [
    "MAGIC",
    "Footer",
    "begin",
    "finish",
    "insert_rows",
    "read_footer",
    "read_footer_of",
    "shifted",
    "template",
]

MAGIC = b"PAR1"
_COPY_BYTES = 1 << 24  # copied at a time
_SEEK_LOCK = threading.Lock()  # seek and write are two calls where the system cannot copy
# field numbers of FileMetaData
_ROWS, _GROUPS, _METADATA = 3, 4, 5
# of RowGroup; its optional ordinal has only 16 bits and is dropped
_COLUMNS, _GROUP_OFFSET, _ORDINAL = 1, 5, 7
# of ColumnChunk: offsets in the file, and its ColumnMetaData
_CHUNK_OFFSETS, _COLUMN_METADATA = (2, 4, 6), 3
# of ColumnMetaData: offsets in the file
_PAGE_OFFSETS = (9, 10, 11, 14)


class Footer:
    """Footer of a Parquet file.

    Parameters
    ----------
    fields : Struct
        Its FileMetaData.
    start : int
        Its offset in the file, in bytes.
    """

    def __init__(self, fields: Struct, start: int) -> None:
        self.fields, self.start = fields, start

    @property
    def rows(self) -> int:
        """Number of rows in the file."""
        return int(self.fields[_ROWS].value)

    @property
    def groups(self) -> list[Struct]:
        """The row groups, as RowGroup structs of the format."""
        groups: list[Struct] = self.fields[_GROUPS].value.value
        return groups

    def metadata(self, key: bytes) -> bytes | None:
        """Return an entry of the file's key-value metadata; None if there is none."""
        entries = self.fields[_METADATA].value.value if _METADATA in self.fields else []
        return next((bytes(entry[2].value) for entry in entries if entry[1].value == key), None)


def read_footer(file: BinaryIO) -> Footer:
    """Read the footer of a Parquet file.

    Raises
    ------
    ValueError
        If the file is truncated or damaged.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 8))
    tail = file.read(8)
    start = size - 8 - int.from_bytes(tail[:4], "little")
    if tail[4:] != MAGIC or start < len(MAGIC):
        raise ValueError("no Parquet file")
    file.seek(start)
    fields = decode(file.read(size - 8 - start))
    if not {2, _ROWS, _GROUPS} <= set(fields):
        raise ValueError("not the footer of a Parquet file")
    return Footer(fields, start)


def template(schema: pa.Schema) -> Footer:
    """Return the footer of an empty file of this schema, with its metadata."""
    file = io.BytesIO()
    pq.ParquetWriter(file, schema).close()
    return read_footer(file)


def begin(out: BinaryIO) -> None:
    """Write the magic bytes at the start of a Parquet file."""
    out.write(MAGIC)


def read_footer_of(path: Path) -> Footer:
    """Read the footer of a Parquet file by its path."""
    with path.open("rb") as file:
        return read_footer(file)


def insert_rows(out: BinaryIO, path: Path, footer: Footer, place: int) -> None:
    """Copy all row groups of a file into another one; may be called from several threads.

    Parameters
    ----------
    out : file
        The target, of the same schema; its position does not matter.
    path : Path
        The file to copy from.
    footer : Footer
        Its footer.
    place : int
        Offset in `out` of its first row group.
    """
    with path.open("rb") as file:
        _copy(file.fileno(), out.fileno(), (len(MAGIC), footer.start), place)


def finish(out: BinaryIO, like: Footer, rows: int, groups: Iterable[bytes | Struct]) -> None:
    """Write the footer after the last row group, with the schema and metadata of `like`."""
    fields = like.fields | {
        _ROWS: ThriftField(I64, rows),
        _GROUPS: ThriftField(LIST, ThriftField(STRUCT, list(groups))),
    }
    end = encode(dict(sorted(fields.items())))
    out.write(end + len(end).to_bytes(4, "little") + MAGIC)


def shifted(group: Struct, shift: int) -> Struct:
    """Return the RowGroup of a row group that lies `shift` bytes further on in the file."""
    columns = [_shift_column(column, shift) for column in group[_COLUMNS].value.value]
    new = {**group, _COLUMNS: ThriftField(LIST, ThriftField(STRUCT, columns))}
    new.pop(_ORDINAL, None)
    return _shift_fields(new, (_GROUP_OFFSET,), shift)


def _shift_column(column: Struct, shift: int) -> Struct:
    column_metadata = _shift_fields(column[_COLUMN_METADATA].value, _PAGE_OFFSETS, shift)
    return _shift_fields(
        {**column, _COLUMN_METADATA: ThriftField(STRUCT, column_metadata)}, _CHUNK_OFFSETS, shift
    )


def _shift_fields(fields: Struct, numbers: tuple[int, ...], shift: int) -> Struct:
    """Add `shift` to offsets; zero means that there is none."""
    offsets = {
        number: ThriftField(I64, fields[number].value + shift)
        for number in numbers
        if number in fields and fields[number].value
    }
    return {**fields, **offsets}


def _copy(source: int, target: int, part: tuple[int, int], place: int) -> None:
    """Copy a byte range of a file into another, within the kernel if the system can do that."""
    start, stop = part
    while start < stop:
        copied = _copy_in_kernel(source, target, (start, stop), place) or _copy_through_memory(
            source, target, (start, stop), place
        )
        if not copied:
            raise ValueError("cut off")
        start, place = start + copied, place + copied


def _copy_in_kernel(source: int, target: int, part: tuple[int, int], place: int) -> int:
    if not hasattr(os, "copy_file_range"):
        return 0
    try:
        return os.copy_file_range(source, target, part[1] - part[0], part[0], place)
    except OSError as error:
        if error.errno in (
            errno.EXDEV,
            errno.ENOSYS,
            errno.EINVAL,
            errno.EOPNOTSUPP,
            errno.EPERM,
            errno.EBADF,
        ):
            return 0
        raise


def _copy_through_memory(source: int, target: int, part: tuple[int, int], place: int) -> int:
    os.lseek(source, part[0], os.SEEK_SET)
    data = os.read(source, min(_COPY_BYTES, part[1] - part[0]))
    with _SEEK_LOCK:
        os.lseek(target, place, os.SEEK_SET)
        return os.write(target, data)
