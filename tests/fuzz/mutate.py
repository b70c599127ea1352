"""Mutants of files: damage as disks and networks do it, and files as bad programmes write them."""

import gzip
import re
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from tests.fuzz.mutate_fits import FITS, NUMBERS, ODD

__all__ = ["mutate"]

_BLOCK = 2880
_Rng = np.random.Generator
_Mutation = Callable[[bytes, _Rng], bytes]


def mutate(content: bytes, kind: str, donors: Sequence[bytes], rng: _Rng) -> tuple[bytes, str]:
    """Return a mutant of a file, and how it was made.

    Parameters
    ----------
    content : bytes
    kind : str
        As in `tests.fuzz.forms.Form`; catalogs that are FITS count as "fits".
    donors : sequence of bytes
        Other files, for splices.
    rng : numpy.random.Generator
    """
    if content[:2] == b"\x1f\x8b" and rng.random() < 0.6:
        inside, how = mutate(gzip.decompress(content), kind, donors, rng)
        return gzip.compress(inside, compresslevel=1, mtime=0), f"{how}, packed"
    is_fits = content.startswith(b"SIMPLE")
    pool = _ANY if is_fits else _TEXT if _is_text(content) else _BINARY
    names = []
    for _ in range(1 + int(rng.geometric(0.65) - 1) % 4):
        if rng.random() < 0.06 and donors:
            content = _spliced(content, donors[int(rng.integers(len(donors)))], rng)
            names.append("spliced")
            continue
        mutation = pool[int(rng.integers(len(pool)))]
        content = mutation(content, rng)
        names.append(mutation.__name__.strip("_"))
    if content.startswith(b"\x89PNG") and rng.random() < 0.7:
        content = _checked_png(content)
        names.append("sums of the PNG put right")
    return content, ", ".join(names).replace("_", " ")


def _is_text(content: bytes) -> bool:
    return b"\0" not in content


def _place(content: bytes | bytearray, rng: _Rng) -> int:
    return int(rng.integers(max(1, len(content))))


def _flipped(content: bytes, rng: _Rng) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.integers(1, 20) if changed else 0):
        changed[_place(changed, rng)] = rng.integers(256)
    return bytes(changed)


def _flipped_bit(content: bytes, rng: _Rng) -> bytes:
    changed = bytearray(content)
    if changed:
        changed[_place(changed, rng)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _cut(content: bytes, rng: _Rng) -> bytes:
    return content[: _place(content, rng)]


def _cut_a_little(content: bytes, rng: _Rng) -> bytes:
    return content[: -int(rng.integers(1, 3000))]


def _longer(content: bytes, rng: _Rng) -> bytes:
    return content + (
        rng.bytes(int(rng.integers(1, 6000))) if rng.random() < 0.5 else bytes(_BLOCK)
    )


def _missing_piece(content: bytes, rng: _Rng) -> bytes:
    at = _place(content, rng)
    return content[:at] + content[at + int(rng.integers(1, 400)) :]


def _inserted_piece(content: bytes, rng: _Rng) -> bytes:
    at = _place(content, rng)
    return content[:at] + rng.bytes(int(rng.integers(1, 200))) + content[at:]


def _filled_piece(content: bytes, rng: _Rng) -> bytes:
    at, size = _place(content, rng), int(rng.integers(1, 600))
    filling = bytes([rng.choice([0, 255, 32, 48])]) * len(content[at : at + size])
    return content[:at] + filling + content[at + size :]


def _spliced(content: bytes, donor: bytes, rng: _Rng) -> bytes:
    at, there = _place(content, rng), _place(donor, rng)
    if rng.random() < 0.7:
        at, there = at // _BLOCK * _BLOCK, there // _BLOCK * _BLOCK
    return content[:at] + donor[there:]


# catalogs that are text


def _other_word(content: bytes, rng: _Rng) -> bytes:
    words = list(re.finditer(rb"[\w.+-]+", content))
    if not words:
        return content
    match = words[int(rng.integers(len(words)))]
    values = (
        NUMBERS
        + ODD
        + ("../x.fits", "/etc/passwd", '"', "a,b", "\n", "a.fits", "id", "file", "\ufeff")
    )
    new = values[int(rng.integers(len(values)))].encode("utf-8")
    return content[: match.start()] + new + content[match.end() :]


def _other_mark(content: bytes, rng: _Rng) -> bytes:
    marks = list(re.finditer(rb"[^\w\s]|\s", content))
    if not marks:
        return content
    at = marks[int(rng.integers(len(marks)))].start()
    new = [b"", b"\n", b'"', b",", b";", b"'", b"<", b">", b"\t", b"\r\n", b"&", b"{"][
        rng.integers(12)
    ]
    return content[:at] + new + content[at + 1 :]


def _other_lines(content: bytes, rng: _Rng) -> bytes:
    lines = content.splitlines(keepends=True)
    if lines:
        line = lines[int(rng.integers(len(lines)))]
        if rng.random() < 0.5:
            lines.remove(line)
        lines.insert(int(rng.integers(len(lines) + 1)), line)
    if rng.random() < 0.3 and lines:
        lines.pop(int(rng.integers(len(lines))))
    return b"".join(lines)


# pictures


def _checked_png(content: bytes) -> bytes:
    """Put the sums of a PNG's chunks right, so that decoders go on to what is in them."""
    at, pieces = 8, [content[:8]]
    while at + 12 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        body = content[at + 4 : at + 8 + size]
        if at + 12 + size > len(content):
            break
        pieces.append(content[at : at + 4] + body + zlib.crc32(body).to_bytes(4, "big"))
        at += 12 + size
    return b"".join(pieces) + content[at:]


_BINARY: tuple[_Mutation, ...] = (
    *(_flipped, _flipped, _flipped_bit, _flipped_bit, _cut, _cut_a_little, _longer),
    *(_missing_piece, _inserted_piece, _filled_piece),
)
_TEXT: tuple[_Mutation, ...] = (
    *(_other_word, _other_word, _other_mark, _other_lines, _flipped_bit, _flipped, _cut),
    *(_missing_piece, _inserted_piece),
)
_ANY: tuple[_Mutation, ...] = (
    *(*FITS, _flipped, _flipped_bit, _cut, _cut_a_little, _longer),
    *(_missing_piece, _inserted_piece, _filled_piece),
)
