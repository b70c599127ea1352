"""Header forms: headers with the same keywords in the same places are parsed once.

A file of ten thousand extensions repeats one header ten thousand times with other values. The place
of each card is the same in all of them, so a header is stored as its bytes and a shared form, and a
value is cut out when it is asked for.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from galfeat import CutoutError
from galfeat.data.fits.streams import FileBytes

__all__ = ["BLOCK", "CARD", "HeaderCards", "HeaderForm", "HeaderFormCache"]

BLOCK = 2880  # bytes; headers and data are padded to whole blocks
CARD = 80
_KEYWORD = 10  # characters of a card: keyword and value indicator
_MAX_HEADER = 4 << 20  # bytes: 50,000 keywords
_GEOMETRY = re.compile(r"XTENSION|Z?BITPIX|Z?NAXIS\d*|[PG]COUNT|GROUPS|TFIELDS|ZIMAGE")
_MAX_FORMS = 256  # with so many different headers a cache gains nothing


@dataclass(frozen=True, eq=False)
class HeaderForm:
    """Keywords and their places that many headers have in common.

    Parameters
    ----------
    keywords : bytes
        The first ten characters of each card.
    places : mapping of str to int
        Offset of the value of each keyword, bytes; of a duplicate keyword, the first, as in
        astropy.
    duplicates : tuple of str
        Keywords with a value that occur more than once.
    geometry : tuple of slice
        Cards that determine where data begin and end; headers of one form that agree in them store
        their data alike. The last is END, with what follows it.
    """

    keywords: bytes
    places: Mapping[str, int]
    duplicates: tuple[str, ...]
    geometry: tuple[slice, ...] = field(repr=False)

    @property
    def size(self) -> int:
        """Size of the header, bytes; a multiple of the FITS block."""
        return len(self.keywords) // _KEYWORD * CARD

    def geometry_key(self, raw: bytes) -> bytes:
        """Return the bytes of the cards that determine the extent of the data."""
        return b"".join([raw[card] for card in self.geometry])


class HeaderCards(Mapping[str, str]):
    """Mapping of keywords to raw values (all after the equals sign) that decodes on access."""

    __slots__ = ("form", "raw")

    def __init__(self, raw: bytes, form: HeaderForm) -> None:
        self.raw = raw
        self.form = form

    def __getitem__(self, keyword: str) -> str:
        at = self.form.places[keyword]
        return self.raw[at : at + CARD - _KEYWORD].decode("latin-1")

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return the raw value of a keyword.

        Faster than the mixin's `get`, which raises and catches an exception for each missing
        keyword.
        """
        at = self.form.places.get(keyword)
        return default if at is None else self.raw[at : at + CARD - _KEYWORD].decode("latin-1")

    def all_values(self, keyword: str) -> list[str]:
        """Return the raw values of all cards of a keyword."""
        cards = [self.raw[at : at + CARD] for at in range(0, len(self.raw), CARD)]
        mine = [
            card
            for card in cards
            if card[:8].strip().upper() == keyword.encode() and card[8:_KEYWORD] == b"= "
        ]
        return [card[_KEYWORD:].decode("latin-1") for card in mine]

    def __contains__(self, keyword: object) -> bool:
        return keyword in self.form.places

    def __iter__(self) -> Iterator[str]:
        return iter(self.form.places)

    def __len__(self) -> int:
        return len(self.form.places)


class HeaderFormCache:
    """Header forms that occurred in one file; not thread-safe."""

    def __init__(self) -> None:
        self._block = memoryview(bytearray(BLOCK))
        self._keywords = np.ndarray((BLOCK // CARD,), f"S{_KEYWORD}", self._block, 0, (CARD,))
        self._known: dict[bytes, list[HeaderForm]] = {}
        self._count = 0

    def read(self, source: FileBytes, offset: int) -> HeaderCards:
        """Read the header that begins at an offset.

        Raises
        ------
        CutoutError
            If it has no END card.
        """
        first = source.read(offset, BLOCK)
        if len(first) == BLOCK:
            begin = self._keywords_in(first)
            for form in self._known.get(begin, ()):
                raw = self._read_matching(source, offset, first, form)
                if raw is not None:
                    return HeaderCards(raw, form)
        cards = _parse_cards(source, offset)
        if self._count < _MAX_FORMS and len(cards.raw) % BLOCK == 0:
            self._count += 1
            self._known.setdefault(cards.form.keywords[: _KEYWORD * BLOCK // CARD], []).append(
                cards.form
            )
        return cards

    def _keywords_in(self, block: memoryview | bytes) -> bytes:
        self._block[:] = block
        return self._keywords.tobytes()

    def _read_matching(
        self, source: FileBytes, offset: int, first: memoryview, form: HeaderForm
    ) -> bytes | None:
        """Return a header's bytes if all its blocks have this form; the first block is known to."""
        if form.size == BLOCK:
            return bytes(first)
        raw = bytes(source.read(offset, form.size))
        if len(raw) < form.size:
            return None
        keywords = b"".join(
            [self._keywords_in(raw[at : at + BLOCK]) for at in range(0, form.size, BLOCK)]
        )
        return raw if keywords == form.keywords else None


def _parse_cards(source: FileBytes, offset: int) -> HeaderCards:
    """Parse a header card by card: the slow path for a form that is not cached."""
    places: dict[str, int] = {}
    duplicates: dict[str, None] = {}
    keywords: list[bytes] = []
    blocks: list[bytes] = []
    geometry: list[slice] = []
    for start in range(offset, min(offset + _MAX_HEADER, source.size), BLOCK):
        block = bytes(source.read(start, BLOCK))
        if start > offset and block.startswith(b"XTENSION="):
            break
        blocks.append(block)
        keywords += [block[at : at + _KEYWORD] for at in range(0, len(block), CARD)]
        for at in range(0, len(block), CARD):
            # even with text behind it: a header that went on would absorb the next extension
            if block[at : at + 8].rstrip() == b"END":
                raw = b"".join(blocks)
                geometry.append(slice(start - offset + at, len(raw)))
                return HeaderCards(
                    raw, HeaderForm(b"".join(keywords), places, tuple(duplicates), tuple(geometry))
                )
            # without the blank it is a comment, as in astropy
            if block[at + 8 : at + _KEYWORD] == b"= ":
                name = block[at : at + 8].strip().upper().decode("latin-1")
                if name in places:
                    duplicates[name] = None
                places.setdefault(name, start - offset + at + _KEYWORD)
                if _GEOMETRY.fullmatch(name):
                    geometry.append(slice(start - offset + at, start - offset + at + CARD))
    raise CutoutError("its header is damaged or truncated: it has no END")
