"""Headers by form: the same keywords in the same places are understood once, and of each header
only what is asked for is read.

A file of ten thousand extensions repeats one header ten thousand times, with other values. Where
the cards of a keyword stand is the same in all of them; so a header is its bytes and the places of
its form, and a value is cut out when someone asks for it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from galfeat import CutoutError
from galfeat.data.fits.streams import FileBytes

__all__ = ["BLOCK", "CARD", "HeaderCards", "HeaderForm", "HeaderFormCache"]

BLOCK = 2880  # bytes; headers and data fill whole blocks
CARD = 80
_KEYWORD = 10  # characters of a card: the keyword, and whether a value follows
_LONGEST_HEADER = 4 << 20  # bytes: 50,000 keywords
_GEOMETRY = re.compile(r"XTENSION|Z?BITPIX|Z?NAXIS\d*|[PG]COUNT|GROUPS|ZIMAGE")
# that are remembered for one file: where every header is another, nothing is gained
_MOST_FORMS = 256


@dataclass(frozen=True, eq=False)
class HeaderForm:
    """Headers with the same keywords in the same places.

    Parameters
    ----------
    keywords : bytes
        The first ten characters of each card.
    places : mapping of str to int
        Where the value of each keyword begins, in bytes; of a keyword that stands there twice, the
        first, as in astropy.
    double : tuple of str
        Keywords with a value that stand there more than once.
    geometry : tuple of slice
        Cards that say where data begin and end; headers of one form that agree in them hold their
        data alike.
    """

    keywords: bytes
    places: Mapping[str, int]
    double: tuple[str, ...]
    geometry: tuple[slice, ...] = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes of the header, whole blocks."""
        return len(self.keywords) // _KEYWORD * CARD

    def said(self, raw: bytes) -> bytes:
        """Return what a header of this form says about where its data are."""
        return b"".join([raw[card] for card in self.geometry])


class HeaderCards(Mapping[str, str]):
    """Keywords of a header with what stands behind their equals signs, read when asked for."""

    __slots__ = ("form", "raw")

    def __init__(self, raw: bytes, form: HeaderForm) -> None:
        self.raw = raw
        self.form = form

    def __getitem__(self, keyword: str) -> str:
        at = self.form.places[keyword]
        return self.raw[at : at + CARD - _KEYWORD].decode("latin-1")

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return what stands behind a keyword, without the exception that a mapping's own `get`
        would catch.
        """
        at = self.form.places.get(keyword)
        return default if at is None else self.raw[at : at + CARD - _KEYWORD].decode("latin-1")

    def every(self, keyword: str) -> list[str]:
        """Return what stands behind each card of a keyword."""
        cards = [self.raw[at : at + CARD] for at in range(0, len(self.raw), CARD)]
        mine = [
            card
            for card in cards
            if card[:8].rstrip().upper() == keyword.encode() and card[8:_KEYWORD] == b"= "
        ]
        return [card[_KEYWORD:].decode("latin-1") for card in mine]

    def __contains__(self, keyword: object) -> bool:
        return keyword in self.form.places

    def __iter__(self) -> Iterator[str]:
        return iter(self.form.places)

    def __len__(self) -> int:
        return len(self.form.places)


class HeaderFormCache:
    """The forms of the headers of one file; for one thread."""

    def __init__(self) -> None:
        self._block = memoryview(bytearray(BLOCK))
        self._keywords = np.ndarray((BLOCK // CARD,), f"S{_KEYWORD}", self._block, 0, (CARD,))
        self._known: dict[bytes, list[HeaderForm]] = {}
        self._count = 0

    def read(self, source: FileBytes, offset: int) -> HeaderCards:
        """Read the header that begins at a place.

        Raises
        ------
        CutoutError
            If it has no end.
        """
        first = source.read(offset, BLOCK)
        if len(first) == BLOCK:
            begin = self._keywords_of(first)
            for form in self._known.get(begin, ()):
                raw = self._alike(source, offset, first, form)
                if raw is not None:
                    return HeaderCards(raw, form)
        cards = _learned(source, offset)
        if self._count < _MOST_FORMS and len(cards.raw) % BLOCK == 0:
            self._count += 1
            self._known.setdefault(cards.form.keywords[: _KEYWORD * BLOCK // CARD], []).append(
                cards.form
            )
        return cards

    def _keywords_of(self, block: memoryview | bytes) -> bytes:
        self._block[:] = block
        return self._keywords.tobytes()

    def _alike(
        self, source: FileBytes, offset: int, first: memoryview, form: HeaderForm
    ) -> bytes | None:
        """Return the bytes of a header if all its blocks are of this form; the first block is."""
        if form.size == BLOCK:
            return bytes(first)
        raw = bytes(source.read(offset, form.size))
        if len(raw) < form.size:
            return None
        keywords = b"".join(
            [self._keywords_of(raw[at : at + BLOCK]) for at in range(0, form.size, BLOCK)]
        )
        return raw if keywords == form.keywords else None


def _learned(source: FileBytes, offset: int) -> HeaderCards:
    """Go through a header card by card."""
    places: dict[str, int] = {}
    double: dict[str, None] = {}
    keywords: list[bytes] = []
    blocks: list[bytes] = []
    geometry: list[slice] = []
    for start in range(offset, min(offset + _LONGEST_HEADER, source.size), BLOCK):
        block = bytes(source.read(start, BLOCK))
        if start > offset and block.startswith(b"XTENSION="):
            break
        blocks.append(block)
        keywords += [block[at : at + _KEYWORD] for at in range(0, len(block), CARD)]
        for at in range(0, len(block), CARD):
            # whatever stands behind it: a header that went on would swallow the next extension
            if block[at : at + 8].rstrip() == b"END":
                raw = b"".join(blocks)
                return HeaderCards(
                    raw, HeaderForm(b"".join(keywords), places, tuple(double), tuple(geometry))
                )
            # without the blank it is a remark, also to astropy
            if block[at + 8 : at + _KEYWORD] == b"= ":
                name = block[at : at + 8].rstrip().upper().decode("latin-1")
                if name in places:
                    double[name] = None
                places.setdefault(name, start - offset + at + _KEYWORD)
                if _GEOMETRY.fullmatch(name):
                    geometry.append(slice(start - offset + at, start - offset + at + CARD))
    raise CutoutError("its header is damaged or cut short: it has no END")
