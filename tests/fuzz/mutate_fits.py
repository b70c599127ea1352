"""Mutations of FITS: headers as bad programmes write them, blocks that are lost, damaged pixels."""

import re
from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["FITS", "NUMBERS", "ODD"]

_BLOCK, _CARD = 2880, 80
NUMBERS = (
    *(
        "0",
        "-1",
        "1",
        "2",
        "3",
        "7",
        "8",
        "16",
        "32",
        "64",
        "-32",
        "-64",
        "13",
        "100",
        "255",
        "256",
    ),
    *("-128", "32767", "32768", "-32768", "65535", "2147483647", "2147483648", "-2147483649"),
    *("99999999999", "9223372036854775807", "9223372036854775808", "99999999999999999999"),
    *("0.5", "-0.0", "1E400", "1E300", "1E-300", "1D3", "-1.5D-2", "+3", "003", "1.", ".5", "1E38"),
)
ODD = (
    *("", "T", "F", "'A'", "''", "'it''s'", "'unended", "NaN", "INF", "0x10", "1 2", "(1.0, 2.0)"),
    *("/ nothing", "=", "\0", "\xe9", "'g'", "'MASK'", "'ERR'", "'IMAGE'", "'BINTABLE'", "'TABLE'"),
    *(
        "'RICE_1'",
        "'GZIP_1'",
        "'GZIP_2'",
        "'PLIO_1'",
        "'HCOMPRESS_1'",
        "'NOCOMPRESS'",
        "'RICE_ONE'",
    ),
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
    *(
        "BSCALE",
        "BZERO",
        "BLANK",
        "ZBLANK",
        "ZSCALE",
        "ZZERO",
        "GCOUNT",
        "PCOUNT",
        "GROUPS",
        "THEAP",
    ),
    *("EXTNAME", "EXTVER", "FILTER", "FILTER1", "BAND1", "NAXIS3", "BITPIX", "NAXIS", "NAXIS1"),
    *(
        "ZQUANTIZ",
        "ZDITHER0",
        "ZTILE1",
        "ZVAL1",
        "ZNAME1",
        "ZMASKCMP",
        "ZIMAGE",
        "TELESCOP",
        "MP_BAD",
    ),
    *(
        "CTYPE1",
        "CRVAL1",
        "CD1_1",
        "CDELT1",
        "UTYPE",
        "TZERO1",
        "TSCAL1",
        "TNULL1",
        "TDIM1",
        "EXTEND",
    ),
    *(
        "INHERIT",
        "BUNIT",
        "COMMENT",
        "HIERARCH",
        "CONTINUE",
        "END",
        "SIMPLE",
        "XTENSION",
        "A_ORDER",
    ),
)

_Rng = np.random.Generator
_Mutation = Callable[[bytes, _Rng], bytes]


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
        return content
    start, stop = headers[int(rng.integers(len(headers)))]
    cards = [content[at : at + _CARD] for at in range(start, stop, _CARD)]
    end = next(at for at, card in enumerate(cards) if card[:8] == b"END     ")
    raw = b"".join(card.ljust(_CARD)[:_CARD] for card in [*edit(cards[:end]), cards[end]])
    return content[:start] + raw.ljust(-(-len(raw) // _BLOCK) * _BLOCK) + content[stop:]


def _pick(cards: list[bytes], rng: _Rng, *, geometry: bool) -> int:
    places = [at for at, card in enumerate(cards) if card[8:10] == b"= "]
    if geometry:
        places = [at for at in places if _GEOMETRY.fullmatch(cards[at][:8])] or places
    return places[int(rng.integers(len(places)))] if places else 0


def _written(card: bytes, value: str, rng: _Rng) -> bytes:
    text = value.rjust(20) if rng.random() < 0.8 else value
    return card[:10] + text.encode("latin-1") + (card[30:] if rng.random() < 0.5 else b"")


def _other_value(content: bytes, rng: _Rng, *, values: Sequence[str] = NUMBERS + ODD) -> bytes:
    def edit(cards: list[bytes]) -> list[bytes]:
        at = _pick(cards, rng, geometry=rng.random() < 0.8)
        if cards:
            cards[at] = _written(cards[at], values[int(rng.integers(len(values)))], rng)
        return cards

    return _edited(content, rng, edit)


def _other_number(content: bytes, rng: _Rng) -> bytes:
    return _other_value(content, rng, values=NUMBERS)


def _near_number(content: bytes, rng: _Rng) -> bytes:
    """Change a whole number of the geometry by a little, or to that of another card."""

    def edit(cards: list[bytes]) -> list[bytes]:
        numbers = [
            at
            for at, card in enumerate(cards)
            if _GEOMETRY.fullmatch(card[:8]) and re.fullmatch(rb"= *-?\d+ *", card[8:30])
        ]
        if numbers:
            at, other = (numbers[int(rng.integers(len(numbers)))] for _ in range(2))
            value = int(cards[at][10:30])
            new = rng.choice([value - 1, value + 1, value * 2, value // 2, -value])
            cards[at] = _written(
                cards[at], str(int(cards[other][10:30]) if rng.random() < 0.2 else new), rng
            )
        return cards

    return _edited(content, rng, edit)


def _near_text(content: bytes, rng: _Rng) -> bytes:
    """Change a digit or a letter within a value."""

    def edit(cards: list[bytes]) -> list[bytes]:
        at = _pick(cards, rng, geometry=True)
        places = [
            place for place in range(10, 30) if cards and cards[at][place : place + 1].isalnum()
        ]
        if places:
            place = places[int(rng.integers(len(places)))]
            cards[at] = (
                cards[at][:place] + bytes([int(rng.integers(33, 127))]) + cards[at][place + 1 :]
            )
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
            cards.insert(at, _written(card, NUMBERS[int(rng.integers(len(NUMBERS)))], rng))
        return cards

    return _edited(content, rng, edit)


def _new_card(content: bytes, rng: _Rng) -> bytes:
    def edit(cards: list[bytes]) -> list[bytes]:
        values = NUMBERS if rng.random() < 0.6 else ODD
        keyword, value = _NEW[int(rng.integers(len(_NEW)))], values[int(rng.integers(len(values)))]
        cards.insert(
            int(rng.integers(len(cards) + 1)), _written(f"{keyword:<8}= ".encode(), value, rng)
        )
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
            new = (
                odd[int(rng.integers(4))]
                if rng.random() < 0.5
                else str(rng.choice(_NEW)).encode().ljust(8)
            )
            mark = b"= " if rng.random() < 0.8 else [b"=", b" =", b": "][int(rng.integers(3))]
            cards[at] = new + mark + cards[at][10:]
        return cards

    return _edited(content, rng, edit)


def _damaged_end(content: bytes, rng: _Rng) -> bytes:
    headers = _headers(content)
    if not headers:
        return content
    start, stop = headers[int(rng.integers(len(headers)))]
    new = [b"ENDE    ", b"end     ", b"END = 1 ", b"EN      ", b"        ", b"END\0\0\0\0\0"][
        rng.integers(6)
    ]
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
        new = (0, 1, 127, 128, 255, int(rng.integers(256)))
        changed[int(rng.integers(start, stop))] = new[int(rng.integers(len(new)))]
    return bytes(changed)


def _place(content: bytes, rng: _Rng) -> int:
    return int(rng.integers(max(1, len(content))))


FITS: tuple[_Mutation, ...] = (
    *(_other_value, _other_value, _other_number, _other_number, _near_number, _near_number),
    *(_near_text, _missing_card, _double_card, _new_card, _new_card, _moved_card, _other_keyword),
    *(_damaged_end, _missing_block, _repeated_block, _inserted_block, _repeated_part),
    *(_flipped_data, _flipped_data),
)
"""What can be done to a file."""
