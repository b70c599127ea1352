"""Parquet files put together and taken apart by their groups of rows, without looking at the values.

Each shard is written and compressed where it is measured. Putting the shards together into one table then only copies their bytes and
moves the offsets in the footer: at the speed of the disk, and with nothing in memory but the footer.

References
----------
The footer, by field numbers: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

import errno
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from galfeat.pipeline.batch.thrift import I64, LIST, STRUCT, Field, Struct, decode, encode

__all__ = ["Footer", "append_rows", "begin", "finish", "read_footer", "template"]

MAGIC = b"PAR1"
_AT_ONCE = 1 << 24  # bytes copied at a time
_ROWS, _GROUPS, _METADATA = 3, 4, 5  # of FileMetaData
_COLUMNS, _GROUP_ROWS, _GROUP_OFFSET, _ORDINAL = 1, 3, 5, 7  # of RowGroup; an ordinal has 16 bits, too few, and may be left out
_CHUNK_OFFSETS, _ABOUT = (2, 4, 6), 3  # of ColumnChunk: places in the file, and its ColumnMetaData
_PAGE_OFFSETS = (9, 10, 11, 14)  # of ColumnMetaData: places in the file


class Footer:
    """The end of a Parquet file.

    Parameters
    ----------
    fields : Struct
        Its FileMetaData.
    start : int
        Where in the file it begins.
    """

    def __init__(self, fields: Struct, start: int) -> None:
        self.fields, self.start = fields, start

    @property
    def rows(self) -> int:
        """Number of rows in the file."""
        return int(self.fields[_ROWS].value)

    @property
    def groups(self) -> list[Struct]:
        """The groups of rows, as the format's RowGroup."""
        groups: list[Struct] = self.fields[_GROUPS].value.value
        return groups

    def remark(self, key: bytes) -> bytes | None:
        """Return an entry of the file's metadata."""
        entries = self.fields[_METADATA].value.value if _METADATA in self.fields else []
        return next((bytes(entry[2].value) for entry in entries if entry[1].value == key), None)


def read_footer(file: BinaryIO) -> Footer:
    """Read the footer of a Parquet file.

    Raises
    ------
    ValueError
        If it is cut off or damaged.
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
        raise ValueError("no footer of a Parquet file")
    return Footer(fields, start)


def template(schema: pa.Schema) -> Footer:
    """Return the footer of a file of this schema, metadata and all, without rows."""
    file = io.BytesIO()
    pq.ParquetWriter(file, schema).close()
    return read_footer(file)


def begin(out: BinaryIO) -> None:
    """Write what every Parquet file begins with."""
    out.write(MAGIC)


def append_rows(out: BinaryIO, path: Path) -> tuple[int, list[bytes]]:
    """Append the groups of rows of a file to another of the same schema.

    Parameters
    ----------
    out : binary file
        The other, at its end.
    path : Path

    Returns
    -------
    rows : int
    groups : list of bytes
        Its groups as `finish` takes them.
    """
    with path.open("rb") as file:
        footer = read_footer(file)
        shift = out.tell() - len(MAGIC)
        _copy(file, out, len(MAGIC), footer.start)
    return footer.rows, [encode(moved(group, shift)) for group in footer.groups]


def finish(out: BinaryIO, like: Footer, rows: int, groups: Iterable[bytes | Struct]) -> None:
    """Write the footer, after the last group of rows."""
    fields = like.fields | {_ROWS: Field(I64, rows), _GROUPS: Field(LIST, Field(STRUCT, list(groups)))}
    end = encode(dict(sorted(fields.items())))
    out.write(end + len(end).to_bytes(4, "little") + MAGIC)


def moved(group: Struct, shift: int) -> Struct:
    """Return a group of rows that stands `shift` bytes further on."""
    columns = [_moved_column(column, shift) for column in group[_COLUMNS].value.value]
    new = {**group, _COLUMNS: Field(LIST, Field(STRUCT, columns))}
    new.pop(_ORDINAL, None)
    return _shifted(new, (_GROUP_OFFSET,), shift)


def _moved_column(column: Struct, shift: int) -> Struct:
    about = _shifted(column[_ABOUT].value, _PAGE_OFFSETS, shift)
    return _shifted({**column, _ABOUT: Field(STRUCT, about)}, _CHUNK_OFFSETS, shift)


def _shifted(fields: Struct, numbers: tuple[int, ...], shift: int) -> Struct:
    """Move offsets; a zero says that there is none."""
    places = {number: Field(I64, fields[number].value + shift) for number in numbers if number in fields and fields[number].value}
    return {**fields, **places}


def _copy(file: BinaryIO, out: BinaryIO, start: int, stop: int) -> None:
    """Copy a part of a file to another, within the system where it can do that."""
    out.flush()
    while start < stop:
        copied = _copy_within_system(file, out, start, stop - start) or _copy_through_memory(file, out, start, stop - start)
        if not copied:
            raise ValueError("cut off")
        start += copied


def _copy_within_system(file: BinaryIO, out: BinaryIO, start: int, count: int) -> int:
    if not hasattr(os, "copy_file_range"):
        return 0
    try:
        copied = os.copy_file_range(file.fileno(), out.fileno(), count, start)
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF):
            return 0
        raise
    out.seek(0, os.SEEK_CUR)
    return copied


def _copy_through_memory(file: BinaryIO, out: BinaryIO, start: int, count: int) -> int:
    file.seek(start)
    return out.write(file.read(min(_AT_ONCE, count)))
