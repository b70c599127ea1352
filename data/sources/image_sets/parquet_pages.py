"""Sizes of the pages of a Parquet column, from the pages' own headers.

A page is decompressed whole, whatever its size; the footer tells only what all pages of a row group
have together. The headers are in Thrift's compact protocol.

References
----------
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from pathlib import Path
from typing import Any, BinaryIO

from galfeat import CutoutError

__all__ = ["largest_page"]

_HEADER_BYTES = 1 << 14  # enough for a page's header with its statistics
_BOOLEANS, _BYTE, _INTEGERS, _DOUBLE, _BINARY, _LISTS, _MAP, _STRUCT = (
    (1, 2), 3, (4, 5, 6), 7, 8, (9, 10), 11, 12,
)  # fmt: skip
_UNPACKED, _PACKED = 2, 3  # numbers of the fields of a page's header


def largest_page(path: Path, chunk: Any) -> int:
    """Return the size of the largest page of a column chunk, decompressed.

    Parameters
    ----------
    path : Path
    chunk : pyarrow.parquet.ColumnChunkMetaData

    Raises
    ------
    CutoutError
        If a page's header makes no sense.
    OSError
        If the file cannot be read.
    """
    at = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < at:
        at = chunk.dictionary_page_offset
    end, largest = at + chunk.total_compressed_size, 0
    with path.open("rb") as file:
        while at < end:
            size, unpacked, packed = _page(file, at)
            largest = max(largest, unpacked)
            at += size + packed
    return largest


def _page(file: BinaryIO, at: int) -> tuple[int, int, int]:
    """Return the size of a page's header, and of its data decompressed and as stored."""
    file.seek(at)
    header = _Compact(file.read(_HEADER_BYTES))
    try:
        fields = header.struct()
        unpacked, packed = fields[_UNPACKED], fields[_PACKED]
    except (IndexError, KeyError, RecursionError) as error:
        raise CutoutError("has a damaged page header") from error
    if unpacked < 0 or packed < 0:
        raise CutoutError("has a damaged page header")
    return header.at, unpacked, packed


class _Compact:
    """Reader of Thrift's compact protocol that keeps whole numbers only."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def struct(self) -> dict[int, int]:
        """Return the whole numbers of a struct by the numbers of their fields."""
        found: dict[int, int] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else _signed(self._varint())
            value = self._value(head & 15)
            if value is not None:
                found[number] = value
        return found

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def _value(self, kind: int, *, listed: bool = False) -> int | None:
        if kind in _INTEGERS:
            return _signed(self._varint())
        if kind in _BOOLEANS or kind == _BYTE:
            self.at += listed or kind == _BYTE  # a boolean field is its own type
        elif kind == _DOUBLE:
            self.at += 8
        elif kind == _BINARY:
            length = self._varint()
            self.at += length
        elif kind == _STRUCT:
            self.struct()
        elif kind in _LISTS:
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._varint()
            self._skip(count, (head & 15,))
        elif kind == _MAP:
            count = self._varint()
            kinds = self._byte() if count else 0
            self._skip(count, (kinds >> 4, kinds & 15))
        else:
            raise IndexError(kind)
        if self.at > len(self.data):
            raise IndexError(self.at)
        return None

    def _skip(self, count: int, kinds: tuple[int, ...]) -> None:
        for _ in range(count):
            for kind in kinds:
                self._value(kind, listed=True)


def _signed(number: int) -> int:
    """Undo the zigzag encoding of signed numbers."""
    return (number >> 1) ^ -(number & 1)
