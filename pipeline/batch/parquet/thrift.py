"""Thrift compact protocol: the subset of Parquet footers and page headers.

A struct is decoded to a dict of field number to `ThriftField`, and encoded from it. A struct in it
may also be given as bytes that are already encoded.

References
----------
The compact protocol:
    https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

import struct
from typing import Any, NamedTuple

__all__ = [
    "BINARY",
    "I32",
    "I64",
    "LIST",
    "STRUCT",
    "Struct",
    "ThriftField",
    "decode",
    "encode",
    "varint",
]

_TRUE, _FALSE, _I8, _I16, I32, I64, _DOUBLE, BINARY, LIST, _SET, _MAP, STRUCT = range(1, 13)


class ThriftField(NamedTuple):
    """Type number and value of a field; of a list, the type of its elements and the elements."""

    kind: int
    value: Any


Struct = dict[int, ThriftField]


def varint(number: int) -> bytes:
    """Encode a non-negative integer as a varint (LEB128)."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def decode(data: bytes) -> Struct:
    """Decode the struct at the start of some bytes.

    Raises
    ------
    ValueError
        If they are truncated or hold anything else.
    """
    try:
        return _Reader(data).struct()
    except (IndexError, struct.error) as error:
        raise ValueError("cut off") from error


def encode(fields: Struct) -> bytes:
    """Encode a struct; the inverse of `decode`."""
    out, last = bytearray(), 0
    for number, (kind, value) in fields.items():
        if kind == _TRUE:
            kind = _TRUE if value else _FALSE
        out += (
            bytes([(number - last) << 4 | kind])
            if 0 < number - last < 16
            else bytes([kind]) + _zigzag(number)
        )
        if kind not in (_TRUE, _FALSE):
            out += _value(kind, value)
        last = number
    return bytes(out) + b"\0"


def _zigzag(number: int) -> bytes:
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


def _value(kind: int, value: Any) -> bytes:
    if kind in (_I16, I32, I64):
        return _zigzag(value)
    if kind == STRUCT:
        return value if isinstance(value, bytes) else encode(value)
    if kind == BINARY:
        return varint(len(value)) + bytes(value)
    if kind in (LIST, _SET):
        head = (
            bytes([len(value.value) << 4 | value.kind])
            if len(value.value) < 15
            else bytes([0xF0 | value.kind]) + varint(len(value.value))
        )
        return head + b"".join(_value(value.kind, each) for each in value.value)
    if kind == _DOUBLE:
        return struct.pack("<d", value)
    if kind in (_TRUE, _FALSE, _I8):
        return bytes([value & 255])
    raise ValueError(f"type {kind} does not occur in a footer")


class _Reader:
    """Decoder of one struct."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def struct(self) -> Struct:
        fields: Struct = {}
        number = 0
        while head := self._byte():
            kind = head & 15
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            fields[number] = (
                ThriftField(_TRUE, kind == _TRUE)
                if kind in (_TRUE, _FALSE)
                else ThriftField(kind, self._value(kind))
            )
        return fields

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _varint(self) -> int:
        number = shift = 0
        while (byte := self._byte()) > 127:
            number |= (byte & 127) << shift
            shift += 7
        return number | byte << shift

    def _zigzag(self) -> int:
        number = self._varint()
        return number >> 1 if not number & 1 else -(number >> 1) - 1

    def _take(self, count: int) -> bytes:
        if self._at + count > len(self._data):
            raise IndexError
        self._at += count
        return self._data[self._at - count : self._at]

    def _value(self, kind: int) -> Any:
        if kind in (_I16, I32, I64):
            return self._zigzag()
        if kind == STRUCT:
            return self.struct()
        if kind == BINARY:
            return self._take(self._varint())
        if kind in (LIST, _SET):
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._varint()
            return ThriftField(head & 15, [self._value(head & 15) for _ in range(count)])
        if kind == _DOUBLE:
            return struct.unpack("<d", self._take(8))[0]
        if kind in (_TRUE, _FALSE, _I8):
            return self._byte()
        raise ValueError(f"type {kind} does not occur in a footer")
