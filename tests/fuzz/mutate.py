"""Mutants of files: damage as disks and networks do it, and headers as bad programmes write them."""

import gzip
import re
import zlib
from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["mutate"]

_BLOCK, _CARD = 2880, 80
_NUMBERS = (
    *("0", "-1", "1", "2", "3", "7", "8", "16", "32", "64", "-32", "-64", "13", "100", "255", "256"),
    *("-128", "32767", "32768", "-32768", "65535", "2147483647", "2147483648", "-2147483649"),
    *("99999999999", "9223372036854775807", "9223372036854775808", "99999999999999999999"),
    *("0.5", "-0.0", "1E400", "1E300", "1E-300", "1D3", "-1.5D-2", "+3", "003", "1.", ".5", "1E38"),
)
_ODD = (
    *("", "T", "F", "'A'", "''", "'it''s'", "'unended", "NaN", "INF", "0x10", "1 2", "(1.0, 2.0)"),
    *("/ nothing", "=", "\0", "\xe9", "'g'", "'MASK'", "'ERR'", "'IMAGE'", "'BINTABLE'", "'TABLE'"),
    *("'RICE_1'", "'GZIP_1'", "'GZIP_2'", "'PLIO_1'", "'HCOMPRESS_1'", "'NOCOMPRESS'", "'RICE_ONE'"),
    *("'NO_DITHER'", "'SUBTRACTIVE_DITHER_1'", "'SUBTRACTIVE_DITHER_2'", "'1PB(9)'", "'1QJ(9)'"),
    *("'1PI'", "'1PJ'", "'1D'", "'1E'", "'COMPRESSED_DATA'", "'ZSCALE'", "'ZZERO'", "'ZBLANK'"),
    *("'BLOCKSIZE'", "'BYTEPIX'", "'SMOOTH'", "'SCALE'", "'GZIP_COMPRESSED_DATA'"),
)
_GEOMETRY = re.compile(
    rb"(?:SIMPLE|XTENSION|Z?BITPIX|Z?NAXIS\d*|[PG]COUNT|GROUPS|EXTEND|TFIELDS|TFORM\d+|TTYPE\d+|"
    rb"THEAP|ZIMAGE|ZTILE\d+|ZCMPTYPE|ZNAME\d+|ZVAL\d+|ZQUANTIZ|ZDITHER0|ZBLANK|BLANK|BSCALE|"
    rb"BZERO|ZSCALE|ZZERO|EXTNAME|EXTVER|FILTER|BAND\d+|C(?:TYPE|RVAL|RPIX|D)\d.*)\s*"
)
_NEW = (
    *("BSCALE", "BZERO", "BLANK", "ZBLANK", "ZSCALE", "ZZERO", "GCOUNT", "PCOUNT", "GROUPS", "THEAP"),
    *("EXTNAME", "EXTVER", "FILTER", "FILTER1", "BAND1", "NAXIS3", "BITPIX", "NAXIS", "NAXIS1"),
    *("ZQUANTIZ", "ZDITHER0", "ZTILE1", "ZVAL1", "ZNAME1", "ZMASKCMP", "ZIMAGE", "TELESCOP", "MP_BAD"),
    *("CTYPE1", "CRVAL1", "CD1_1", "CDELT1", "UTYPE", "TZERO1", "TSCAL1", "TNULL1", "TDIM1", "EXTEND"),
    *("INHERIT", "BUNIT", "COMMENT", "HIERARCH", "CONTINUE", "END", "SIMPLE", "XTENSION", "A_ORDER"),
)

_Rng = np.random.Generator
_Mutation = Callable[[bytes, _Rng], bytes]


def mutate(content: bytes, kind: str, donors: Sequence[bytes], rng: _Rng) -> tuple[bytes, str]:
    """Return a mutant of a file, and how it was made.

    Parameters
    ----------
    content : bytes
    kind : str
        As in `tests.fuzz.forms.Form`; catalogues that are FITS count as "fits".
    donors : sequence of bytes
        Other files, for splices.
    rng : numpy.random.Generator
    """
    if content[:2] == b"\x1f\x8b" and rng.random() < 0.6:
        inside, how = mutate(gzip.decompress(content), kind, donors, rng)
        return gzip.compress(inside, compresslevel=1, mtime=0), f"{how}, packed"
    is_fits = content.startswith(b"SIMPLE")
    pool = _FITS if is_fits else _TEXT if _is_text(content) else _BINARY
    names = []
    for _ in range(1 + int(rng.geometric(0.65) - 1) % 4):
        if rng.random() < 0.06 and donors:
            content = _spliced(content, donors[rng.integers(len(donors))], rng)
            names.append("spliced")
            continue
        mutation = pool[rng.integers(len(pool))]
        content = mutation(content, rng)
        names.append(mutation.__name__.strip("_"))
    if content.startswith(b"\x89PNG") and rng.random() < 0.7:
        content = _checked_png(content)
        names.append("sums of the PNG put right")
    return content, ", ".join(names).replace("_", " ")


def _is_text(content: bytes) -> bool:
    return b"\0" not in content


def _place(content: bytes, rng: _Rng) -> int:
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
    return content + (rng.bytes(rng.integers(1, 6000)) if rng.random() < 0.5 else bytes(_BLOCK))


def _missing_piece(content: bytes, rng: _Rng) -> bytes:
    at = _place(content, rng)
    return content[:at] + content[at + int(rng.integers(1, 400)) :]


def _inserted_piece(content: bytes, rng: _Rng) -> bytes:
    at = _place(content, rng)
    return content[:at] + rng.bytes(rng.integers(1, 200)) + content[at:]


def _filled_piece(content: bytes, rng: _Rng) -> bytes:
    at, size = _place(content, rng), int(rng.integers(1, 600))
    filling = bytes([rng.choice([0, 255, 32, 48])]) * len(content[at : at + size])
    return content[:at] + filling + content[at + size :]


def _spliced(content: bytes, donor: bytes, rng: _Rng) -> bytes:
    at, there = _place(content, rng), _place(donor, rng)
    if rng.random() < 0.7:
        at, there = at // _BLOCK * _BLOCK, there // _BLOCK * _BLOCK
    return content[:at] + donor[there:]


# FITS


def _headers(content: bytes) -> list[tuple[int, int]]:
    """Return where headers begin and end, whole blocks."""
    found: list[tuple[int, int]] = []
    start = -1
    for at in range(0, len(content), _BLOCK):
        block = content[at : at + _BLOCK]
        if block.startswith((b"SIMPLE", b"XTENSION")):
            start = at
        ends = any(block[card : card + 8] == b"END     " for card in range(0, len(block), _CARD))
        if start >= 0 and ends:
            found.append((start, at + _BLOCK))
            start = -1
    return found


def _edited(content: bytes, rng: _Rng, edit: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """Return the file with the cards of one of its headers edited."""
    headers = _headers(content)
    if not headers:
        return _flipped(content, rng)
    start, stop = headers[rng.integers(len(headers))]
    cards = [content[at : at + _CARD] for at in range(start, stop, _CARD)]
    end = next(at for at, card in enumerate(cards) if card[:8] == b"END     ")
    raw = b"".join(card.ljust(_CARD)[:_CARD] for card in edit(cards[:end]) + [cards[end]])
    return content[:start] + raw.ljust(-(-len(raw) // _BLOCK) * _BLOCK) + content[stop:]


def _pick(cards: list[bytes], rng: _Rng, *, geometry: bool) -> int:
    places = [at for at, card in enumerate(cards) if card[8:10] == b"= "]
    if geometry:
        places = [at for at in places if _GEOMETRY.fullmatch(cards[at][:8])] or places
    return places[rng.integers(len(places))] if places else 0


def _written(card: bytes, value: str, rng: _Rng) -> bytes:
    text = value.rjust(20) if rng.random() < 0.8 else value
    return card[:10] + text.encode("latin-1") + (card[30:] if rng.random() < 0.5 else b"")


def _other_value(content: bytes, rng: _Rng, *, values: Sequence[str] = _NUMBERS + _ODD) -> bytes:
    def edit(cards: list[bytes]) -> list[bytes]:
        at = _pick(cards, rng, geometry=rng.random() < 0.8)
        if cards:
            cards[at] = _written(cards[at], values[rng.integers(len(values))], rng)
        return cards

    return _edited(content, rng, edit)


def _other_number(content: bytes, rng: _Rng) -> bytes:
    return _other_value(content, rng, values=_NUMBERS)


def _near_number(content: bytes, rng: _Rng) -> bytes:
    """Change a whole number of the geometry by a little, or to that of another card."""

    def edit(cards: list[bytes]) -> list[bytes]:
        numbers = [
            at
            for at, card in enumerate(cards)
            if _GEOMETRY.fullmatch(card[:8]) and re.fullmatch(rb"= *-?\d+ *", card[8:30])
        ]
        if numbers:
            at, other = (numbers[rng.integers(len(numbers))] for _ in range(2))
            value = int(cards[at][10:30])
            new = rng.choice([value - 1, value + 1, value * 2, value // 2, -value])
            cards[at] = _written(cards[at], str(int(cards[other][10:30]) if rng.random() < 0.2 else new), rng)
        return cards

    return _edited(content, rng, edit)


def _near_text(content: bytes, rng: _Rng) -> bytes:
    """Change a digit or a letter within a value."""

    def edit(cards: list[bytes]) -> list[bytes]:
        at = _pick(cards, rng, geometry=True)
        places = [place for place in range(10, 30) if cards and cards[at][place : place + 1].isalnum()]
        if places:
            place = places[rng.integers(len(places))]
            cards[at] = cards[at][:place] + bytes([rng.integers(33, 127)]) + cards[at][place + 1 :]
        return cards

    return _edited(content, rng, edit)


def _missing_card(content: bytes, rng: _Rng) -> bytes:
    def edit(cards: list[bytes]) -> list[bytes]:
        at = _pick(cards, rng, geometry=rng.random() < 0.7)
        return cards[:at] + cards[at + 1 :]

    return _edited(content, rng, edit)


def _double_card(content: bytes, rng: _Rng) -> bytes:
    def edit(cards: list[bytes]) -> list[bytes]:
        if cards:
            card = cards[_pick(cards, rng, geometry=rng.random() < 0.8)]
            at = int(rng.integers(len(cards) + 1))
            cards.insert(at, _written(card, _NUMBERS[rng.integers(len(_NUMBERS))], rng))
        return cards

    return _edited(content, rng, edit)


def _new_card(content: bytes, rng: _Rng) -> bytes:
    def edit(cards: list[bytes]) -> list[bytes]:
        values = _NUMBERS if rng.random() < 0.6 else _ODD
        keyword, value = _NEW[rng.integers(len(_NEW))], values[rng.integers(len(values))]
        cards.insert(int(rng.integers(len(cards) + 1)), _written(f"{keyword:<8}= ".encode(), value, rng))
        return cards

    return _edited(content, rng, edit)


def _moved_card(content: bytes, rng: _Rng) -> bytes:
    def edit(cards: list[bytes]) -> list[bytes]:
        if cards:
            cards.insert(int(rng.integers(len(cards))), cards.pop(int(rng.integers(len(cards)))))
        return cards

    return _edited(content, rng, edit)


def _other_keyword(content: bytes, rng: _Rng) -> bytes:
    def edit(cards: list[bytes]) -> list[bytes]:
        if cards:
            at = _pick(cards, rng, geometry=True)
            old = cards[at][:8]
            odd = (old.lower(), b" " + old[:7], old.replace(b" ", b"\t"), old[:3].ljust(8))
            new = odd[rng.integers(4)] if rng.random() < 0.5 else str(rng.choice(_NEW)).encode().ljust(8)
            mark = b"= " if rng.random() < 0.8 else [b"=", b" =", b": "][rng.integers(3)]
            cards[at] = new + mark + cards[at][10:]
        return cards

    return _edited(content, rng, edit)


def _damaged_end(content: bytes, rng: _Rng) -> bytes:
    headers = _headers(content)
    if not headers:
        return content
    start, stop = headers[rng.integers(len(headers))]
    new = [b"ENDE    ", b"end     ", b"END = 1 ", b"EN      ", b"        ", b"END\0\0\0\0\0"][rng.integers(6)]
    return content[:start] + content[start:stop].replace(b"END     ", new) + content[stop:]


def _missing_block(content: bytes, rng: _Rng) -> bytes:
    at = _place(content, rng) // _BLOCK * _BLOCK
    return content[:at] + content[at + _BLOCK :]


def _repeated_block(content: bytes, rng: _Rng) -> bytes:
    at = _place(content, rng) // _BLOCK * _BLOCK
    return content[: at + _BLOCK] + content[at:]


def _inserted_block(content: bytes, rng: _Rng) -> bytes:
    at = _place(content, rng) // _BLOCK * _BLOCK
    block = bytes([rng.choice([0, 32, 255])]) * _BLOCK if rng.random() < 0.6 else rng.bytes(_BLOCK)
    return content[:at] + block + content[at:]


def _repeated_part(content: bytes, rng: _Rng) -> bytes:
    """Append one of the file's header-and-data units once more, or leave it out."""
    starts = [start for start, _ in _headers(content)] + [len(content)]
    if len(starts) < 2:
        return content
    number = int(rng.integers(len(starts) - 1))
    part = content[starts[number] : starts[number + 1]]
    if rng.random() < 0.5 or number == 0:
        return content + part
    return content[: starts[number]] + content[starts[number + 1] :]


def _flipped_data(content: bytes, rng: _Rng) -> bytes:
    """Change bytes behind a header: pixels, descriptors of tiles, or packed tiles."""
    headers = _headers(content)
    if not headers:
        return content
    number = int(rng.integers(len(headers)))
    start = headers[number][1]
    stop = headers[number + 1][0] if number + 1 < len(headers) else len(content)
    if rng.random() < 0.5:
        stop = min(stop, start + 300)  # the table, which says where tiles are
    changed = bytearray(content)
    for _ in range(rng.integers(1, 8) if stop > start else 0):
        changed[int(rng.integers(start, stop))] = rng.choice([0, 1, 127, 128, 255, rng.integers(256)])
    return bytes(changed)


# catalogues that are text


def _other_word(content: bytes, rng: _Rng) -> bytes:
    words = list(re.finditer(rb"[\w.+-]+", content))
    if not words:
        return content
    match = words[rng.integers(len(words))]
    values = _NUMBERS + _ODD + ("../x.fits", "/etc/passwd", '"', "a,b", "\n", "a.fits", "id", "file", "\ufeff")
    new = values[rng.integers(len(values))].encode("utf-8")
    return content[: match.start()] + new + content[match.end() :]


def _other_mark(content: bytes, rng: _Rng) -> bytes:
    marks = list(re.finditer(rb"[^\w\s]|\s", content))
    if not marks:
        return content
    at = marks[rng.integers(len(marks))].start()
    new = [b"", b"\n", b'"', b",", b";", b"'", b"<", b">", b"\t", b"\r\n", b"&", b"{"][rng.integers(12)]
    return content[:at] + new + content[at + 1 :]


def _other_lines(content: bytes, rng: _Rng) -> bytes:
    lines = content.splitlines(keepends=True)
    if lines:
        line = lines[rng.integers(len(lines))]
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
_FITS: tuple[_Mutation, ...] = (
    *(_other_value, _other_value, _other_number, _other_number, _near_number, _near_number),
    *(_near_text, _missing_card, _double_card, _new_card, _new_card, _moved_card, _other_keyword),
    *(_damaged_end, _missing_block, _repeated_block, _inserted_block, _repeated_part),
    *(_flipped_data, _flipped_data, _flipped, _flipped_bit, _cut, _cut_a_little, _longer),
    *(_missing_piece, _inserted_piece, _filled_piece),
)
