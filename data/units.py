"""Units of pixel values: which are the same, and which are per solid angle."""

import re
import warnings
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

__all__ = [
    "find_mixture",
    "is_magnitude",
    "is_surface_brightness",
    "pixel_unit",
    "same_unit",
    "summed_unit",
]

_WORD = re.compile(r"[A-Za-z]+")
# what headers write in place of the unit's name; words are compared in small letters
_SPELLINGS = {
    "ang": "Angstrom",
    "angstroms": "Angstrom",
    "count": "ct",
    "counts": "ct",
    "cps": "(ct/s)",
    "cts": "ct",
    "dn": "DN",
    "adu": "adu",
    "adus": "adu",
    "electron": "electron",
    "electrons": "electron",
    "janskys": "Jy",
    "jansky": "Jy",
    "jy": "Jy",
    "maggie": "mgy",
    "maggies": "mgy",
    "maggy": "mgy",
    "nanomaggie": "nmgy",
    "nanomaggies": "nmgy",
    "nanomaggy": "nmgy",
    "nmgy": "nmgy",
    "nmgys": "nmgy",
    "photons": "ph",
    "pixel": "pix",
    "pixels": "pix",
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "sqarcsec": "arcsec^2",
    "steradian": "sr",
}
# in headers of capitals only
_CAPITALS = {"S": "s", "SR": "sr", "MJY": "MJy", "UJY": "uJy", "NJY": "nJy", "ERG": "erg"}
_ELECTRON = re.compile(r"(?<![0-9.A-Za-z])e-(?![0-9])")


def same_unit(one: str, other: str) -> bool:
    """Return whether two units are the same, however they are written.

    ``nanomaggies`` and ``nanomaggy``, ``e-/s`` and ``ELECTRONS/S`` are; ``Jy`` and ``mJy`` are not,
    although one can be converted into the other. What is no unit is compared as text.
    """
    return one == other or _same(one, other)


@lru_cache(maxsize=1024)
def _same(one: str, other: str) -> bool:
    parsed = [_parse(text) for text in (one, other)]
    if None in parsed:
        return _letters(one) == _letters(other)
    return bool(parsed[0] == parsed[1])


def find_mixture(units: Iterable[str]) -> tuple[str, str] | None:
    """Return the first two different ones of some units; None if all are the same.

    An empty text states no unit, and contradicts none.
    """
    stated = [unit for unit in dict.fromkeys(units) if unit]
    other = next((unit for unit in stated if not same_unit(stated[0], unit)), None)
    return None if other is None else (stated[0], other)


@lru_cache(maxsize=1024)
def is_surface_brightness(unit: str) -> bool:
    """Return whether a unit is per solid angle, such as MJy/sr; not if it is not known."""
    from astropy import units

    parsed = _parse(unit)
    if parsed is None:
        return False
    angles = [
        power
        for base, power in zip(parsed.bases, parsed.powers, strict=True)
        if base.is_equivalent(units.rad) or base.is_equivalent(units.sr)
    ]
    return any(power < 0 for power in angles)


@lru_cache(maxsize=1024)
def is_magnitude(unit: str) -> bool:
    """Return whether a unit is logarithmic, such as mag/arcsec2."""
    return bool(re.search(r"\b(mag|dex|dB|ABmag|STmag)\b", unit))


@lru_cache(maxsize=1024)
def pixel_unit(unit: str) -> str:
    """Return a unit as astropy writes it; as it is if it is not known.

    Examples
    --------
    >>> pixel_unit("nanomaggies"), pixel_unit("ELECTRONS/S"), pixel_unit("flux")
    ('nmgy', 'electron / s', 'flux')
    """
    parsed = _parse(unit) if unit else None
    return unit if parsed is None else str(parsed.to_string())


@lru_cache(maxsize=1024)
def summed_unit(unit: str) -> str:
    """Return the unit of a sum of pixel values of that unit.

    Examples
    --------
    >>> summed_unit("nanomaggies"), summed_unit("counts/pixel"), summed_unit("MJy/sr")
    ('nmgy', 'ct', 'MJy pix / sr')
    """
    from astropy import units

    parsed = _parse(unit) if unit else None
    if parsed is None:
        return unit
    powers = dict(zip(parsed.bases, parsed.powers, strict=True))
    if is_surface_brightness(unit) or powers.get(units.pix, 0) < 0:
        parsed = parsed * units.pix
    return str(parsed.to_string())


@lru_cache(maxsize=1024)
def _parse(text: str) -> Any:
    """Return a unit of astropy, or None if the text is none."""
    from astropy import units

    for each in (text, _respelled(text)):
        try:
            # reached once a unit, seldom more than once a run
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = units.Unit(each)
        except (ValueError, TypeError):
            continue
        if isinstance(found, units.UnitBase):
            return found
    return None


def _respelled(text: str) -> str:
    """Return a unit with the words of headers in astropy's spelling."""
    words = _ELECTRON.sub("electron", text.strip().strip("[]"))
    capitals = _CAPITALS if words.isupper() else {}
    return _WORD.sub(
        lambda word: _SPELLINGS.get(word[0].lower()) or capitals.get(word[0], word[0]), words
    )


def _letters(text: str) -> str:
    return "".join(text.lower().split())
