"""Header cards of celestial coordinates: cut out of headers, compared, and read by astropy."""

import re
from collections.abc import Sequence
from functools import lru_cache
from math import cos, hypot, inf, isnan, nan, radians
from typing import Any, NamedTuple

from galfeat import CutoutError

__all__ = ["HEADER_ERRORS", "card_places", "celestial_wcs", "nearly_equal"]

_CARD = 80
_KEYWORD = 10  # characters of a card: keyword and value indicator
_COORDINATES = re.compile(
    rb"(CTYPE|CUNIT|CRVAL|CRPIX|CDELT|CROTA)[1-9]|(CD|PC)[1-9]_[1-9]|PC00[1-9]00[1-9]|P[VS][1-9]_\d+"
    rb"|(LON|LAT)POLE|EQUINOX|EPOCH|RADE(SYS|CSYS)|WCSAXES|(A|B|AP|BP)_(ORDER|DMAX|\d+_\d+)"
)
_LINEAR = re.compile(r"(CRVAL|CRPIX|CDELT|CD|PC)[1-9]")
HEADER_ERRORS = (
    ValueError,
    OSError,
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
)
"""What astropy and wcslib raise on damaged headers, besides astropy's `VerifyError`."""

_TEXT = re.compile(r"'((?:[^']|'')*)'")


@lru_cache(maxsize=256)
def card_places(keywords: bytes) -> tuple[slice, ...]:
    """Return where a header holds cards of celestial coordinates, adjacent ones merged.

    Parameters
    ----------
    keywords : bytes
        The first ten characters of each card.
    """
    places: list[slice] = []
    for at in range(0, len(keywords), _KEYWORD):
        name = keywords[at : at + 8].strip().upper()
        if keywords[at + 8 : at + _KEYWORD] == b"= " and _COORDINATES.fullmatch(name):
            start = at // _KEYWORD * _CARD
            if places and places[-1].stop == start:
                start = places.pop().start
            places.append(slice(start, (at // _KEYWORD + 1) * _CARD))
    return tuple(places)


def nearly_equal(one: bytes, other: bytes, shape: Sequence[int], tolerance: float) -> bool:
    """Return whether cards of two headers are the same but for rounding.

    The same keywords, text and distortion; and reference points and matrices so close that no pixel
    is shifted by more than the tolerance.

    Parameters
    ----------
    one, other : bytes
        Cards of celestial coordinates.
    shape : (int, int)
        Rows and columns.
    tolerance : float
        Pixels.
    """
    if one == other:
        return True
    first, second = _parse(one), _parse(other)
    if first.keys() != second.keys():
        return False
    numbers = {name: card.number for name, card in first.items() if card.linear}
    changes: dict[str, float] = {}
    for name, card in first.items():
        value = second[name].value
        if value == card.value:
            continue
        if not card.linear:
            return False
        changes[name] = abs(card.number - second[name].number)
    # a text in place of a number is NaN, and so are its changes
    if any(map(isnan, numbers.values())) or any(map(isnan, changes.values())):
        return False
    return _bound(changes, numbers, shape) < tolerance


def _bound(changes: dict[str, float], numbers: dict[str, float], shape: Sequence[int]) -> float:
    """Return a bound of the shift of any pixel, in pixels."""
    scale, declination = _scale(numbers), numbers.get("CRVAL2", 0.0)
    if not scale or abs(declination) > 89:
        return inf
    reach = hypot(*shape) + max(abs(numbers.get(f"CRPIX{axis}", 0.0)) for axis in (1, 2))
    shift = 0.0
    for name, change in changes.items():
        if name.startswith("CRPIX"):
            shift += change
        elif name.startswith("CRVAL"):
            # a change of right ascension turns the grid, too
            shift += change / scale + reach * radians(change) / cos(radians(declination))
        else:
            shift += reach * (change if name.startswith("PC") else change / scale)
    return shift


def _scale(numbers: dict[str, float]) -> float:
    """Return the smaller side of a pixel, degrees; 0 if the cards do not say."""
    sides = [hypot(*(numbers.get(f"CD{row}_{column}", 0.0) for row in (1, 2))) for column in (1, 2)]
    return min(sides) or min(abs(numbers.get(f"CDELT{axis}", 0.0)) for axis in (1, 2))


class _Card(NamedTuple):
    """A card: its value as text and, if pixels depend on it linearly, as a number or NaN."""

    value: str
    linear: bool
    number: float


@lru_cache(maxsize=4)  # the first band is compared with each of the others
def _parse(cards: bytes) -> dict[str, _Card]:
    return dict([_parse_card(cards[at : at + _CARD]) for at in range(0, len(cards), _CARD)])


@lru_cache(maxsize=1024)  # most cards are those of the galaxy before
def _parse_card(card: bytes) -> tuple[str, _Card]:
    line = card.decode("latin-1")
    name, value = line[:8].strip().upper(), _value(line[_KEYWORD:])
    linear = _LINEAR.match(name) is not None
    return name, _Card(value, linear, _number(value) if linear else nan)


def _number(text: str) -> float:
    try:
        return float(text.upper().replace("D", "E"))
    except ValueError:
        return nan


def _value(text: str) -> str:
    found = _TEXT.match(text.lstrip())
    return found[1].strip() if found else text.split("/", 1)[0].strip()


@lru_cache(maxsize=64)
def celestial_wcs(cards: bytes) -> Any:
    """Return the celestial coordinates that some cards describe; None if they describe none.

    Returns
    -------
    astropy.wcs.WCS or None
        Of two axes; shared by all callers, who must not change it.

    Raises
    ------
    CutoutError
        If they make no sense.
    """
    if not cards:
        return None
    from astropy.io import fits
    from astropy.wcs import WCS

    # astropy warns of this spelling
    text = cards.replace(b"RADECSYS=", b"RADESYS =").decode("latin-1")
    try:
        wcs = WCS(fits.Header.fromstring(text), fix=False).celestial
    except (*HEADER_ERRORS, fits.VerifyError) as error:
        raise CutoutError("its celestial coordinates (WCS) make no sense") from error
    return wcs if wcs.has_celestial and wcs.naxis == 2 else None
