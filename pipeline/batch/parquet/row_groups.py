"""Parquet files put together and taken apart by their groups of rows, without looking at the
values.

Each shard is written and compressed where it is measured. Putting the shards together into one
table then only copies their bytes and moves the offsets in the footer: at the speed of the disk,
and with nothing in memory but the footer.

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

from galfeat.pipeline.batch.parquet.thrift import I64, LIST, STRUCT, Field, Struct, decode, encode

__all__ = [
    "MAGIC",
    "Footer",
    "begin",
    "finish",
    "insert_rows",
    "moved",
    "read_footer",
    "rows_of",
    "template",
]

MAGIC = b"PAR1"
_AT_ONCE = 1 << 24  # bytes copied at a time
# where the system itself cannot copy: a file has one place at a time
_ONE_WRITES = threading.Lock()
_ROWS, _GROUPS, _METADATA = 3, 4, 5  # of FileMetaData
# of RowGroup; an ordinal has 16 bits, too few, and may be left out
_COLUMNS, _GROUP_ROWS, _GROUP_OFFSET, _ORDINAL = 1, 3, 5, 7
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


def rows_of(path: Path) -> Footer:
    """Read the footer of a file of rows."""
    with path.open("rb") as file:
        return read_footer(file)


def insert_rows(out: BinaryIO, path: Path, footer: Footer, place: int) -> None:
    """Copy the groups of rows of a file into another, to a place of it.

    Several may be copied at a time, in threads.

    Parameters
    ----------
    out : file
        The other, of the same schema; it is not moved on.
    path : Path
    footer : Footer
        That of the file.
    place : int
        Where in `out` its first row belongs.
    """
    with path.open("rb") as file:
        _copy(file.fileno(), out.fileno(), (len(MAGIC), footer.start), place)


def finish(out: BinaryIO, like: Footer, rows: int, groups: Iterable[bytes | Struct]) -> None:
    """Write the footer, after the last group of rows."""
    fields = like.fields | {
        _ROWS: Field(I64, rows),
        _GROUPS: Field(LIST, Field(STRUCT, list(groups))),
    }
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
    places = {
        number: Field(I64, fields[number].value + shift)
        for number in numbers
        if number in fields and fields[number].value
    }
    return {**fields, **places}


def _copy(source: int, target: int, part: tuple[int, int], place: int) -> None:
    """Copy a part of a file to a place of another, within the system where it can do that."""
    start, stop = part
    while start < stop:
        copied = _copy_within_system(source, target, (start, stop), place) or _copy_through_memory(
            source, target, (start, stop), place
        )
        if not copied:
            raise ValueError("cut off")
        start, place = start + copied, place + copied


def _copy_within_system(source: int, target: int, part: tuple[int, int], place: int) -> int:
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
    data = os.read(source, min(_AT_ONCE, part[1] - part[0]))
    with _ONE_WRITES:
        os.lseek(target, place, os.SEEK_SET)
        return os.write(target, data)
