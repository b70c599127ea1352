"""Meaning of images by their names and headers: galaxies, noise maps, masks, weights, PSFs.

The words and keywords are those of `galfeat.data.fits.ancillary.conventions`. A name of which no
word is known says nothing: then its header decides, or what else is in its file
(`galfeat.data.fits.layouts`).

Weights (wht, weight), exposure times and coverage maps are not used: some weights are inverse
variances and others exposure times, and no keyword tells which; those of DES and of NOIRLab's
pipeline, which are inverse variances, are. If a weight map is one, name it in a catalog column
``ivar``.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from galfeat.data.fits.ancillary.conventions import (
    ALONE,
    ANYWHERE,
    AT_AN_END,
    CALIBRATIONS,
    MEANING_KEYWORDS,
    UNITS,
    VALUES,
    WEIGHTS,
    Meaning,
    Role,
)
from galfeat.data.fits.headers import Header

__all__ = [
    "ROLES",
    "AncillaryName",
    "ImageName",
    "Role",
    "is_ancillary",
    "is_weight",
    "may_have_meaning",
    "meaning_by_header",
    "parse_ancillary_name",
    "parse_name",
    "words_of",
]

ROLES: tuple[Role, ...] = ("sigma", "variance", "ivar", "mask", "flags", "segmentation")
"""What can be used of all that accompanies a galaxy."""

_SEPARATORS = re.compile(r"[\s_\-.:/,]+")
_DIGITS = "0123456789"
_WORDS = {word.translate({ord(digit): None for digit in _DIGITS}) for word in (
    *ANYWHERE, *AT_AN_END, *ALONE,
)}  # fmt: skip
_ANY_WORD = re.compile("|".join(sorted(_WORDS)))


class AncillaryName(NamedTuple):
    """Parsed name of an ancillary image.

    Parameters
    ----------
    role : str
    rest : str
        The name without the word, in lower case.
    version : int
        The number behind the word; 0 if there is none.
    """

    role: Role
    rest: str
    version: int


class ImageName(NamedTuple):
    """Meaning of a name, with the word that has it.

    Parameters
    ----------
    meaning : str
        "science", one of `ROLES`, "unused", or "" where no word is known.
    word : str
    rest : str
        The other parts, in lower case.
    version : int
        The number behind the word; 0 if there is none.
    """

    meaning: Meaning
    word: str = ""
    rest: str = ""
    version: int = 0

    @property
    def is_companion(self) -> bool:
        """Whether the name is that of something that accompanies a galaxy."""
        return self.meaning not in ("", "science")


def words_of(name: str) -> list[str]:
    """Return the parts of a name between separators, in lower case."""
    return _SEPARATORS.split(name.lower().strip(" _-.:/,"))


@lru_cache(maxsize=4096)
def parse_name(name: str) -> ImageName:
    """Return what the name of an extension says about its image.

    Of several words, one that is used comes before one that is not, and that before one of a
    galaxy; the first part of a name before the last, and these before the others.

    Examples
    --------
    >>> parse_name("ERR_F814W").meaning, parse_name("WHT2").meaning, parse_name("NGC1300").meaning
    ('sigma', 'unused', '')
    """
    parts = words_of(name)
    found: list[tuple[int, int, ImageName]] = []
    last = len(parts) - 1
    for at, part in enumerate(parts):
        bare = part.rstrip(_DIGITS)
        for word in (part, bare):
            meaning = _meaning(word, alone=last == 0, end=at in (0, last))
            if meaning:
                others = "_".join(parts[:at] + parts[at + 1 :])
                number = int(part[len(word) :][:9] or 0)
                kind = 0 if meaning in ROLES else 1 if meaning == "unused" else 2
                place = 0 if at == 0 else 1 if at == last else 2
                found.append((kind, place, ImageName(meaning, word, others, number)))
                break
    return min(found)[2] if found else ImageName("")


def _meaning(word: str, *, alone: bool, end: bool) -> Meaning:
    return (
        ANYWHERE.get(word)
        or (AT_AN_END.get(word) if end else None)
        or (ALONE.get(word) if alone else None)
        or ""
    )


def parse_ancillary_name(name: str) -> AncillaryName | None:
    """Parse the name of an ancillary image; None for other names and for those not used.

    Examples
    --------
    >>> parse_ancillary_name("G_MASK2"), parse_ancillary_name("WHT")
    (AncillaryName(role='mask', rest='g', version=2), None)
    """
    found = parse_name(name)
    for role in ROLES:
        if found.meaning == role:
            return AncillaryName(role, found.rest, found.version)
    return None


def is_ancillary(name: str) -> bool:
    """Return whether the name of an extension or a column is that of a companion.

    ``ERR``, ``VAR_POISSON``, ``G_MASK``, ``WHT2``.
    """
    return parse_name(name).is_companion


def may_have_meaning(text: str) -> bool:
    """Return whether a text without digits contains a known word: a fast test of many names."""
    return _ANY_WORD.search(text.lower()) is not None


def meaning_by_header(header: Header) -> ImageName:
    """Return what a header says about its image by keywords other than EXTNAME.

    A keyword that names a companion comes before one that names a galaxy, which many programs
    leave in the headers of both.
    """
    science = ImageName("")
    for keyword in MEANING_KEYWORDS:
        value = header.text(keyword)
        if not value:
            continue
        found = _parse_value(keyword, value)
        if found.is_companion:
            return found
        if found.meaning:
            science = found
    found = _parse_class(header)
    if found.is_companion:
        return found
    unit = header.text("BUNIT").replace(" ", "").lower()
    if unit:
        for pattern, meaning in UNITS:
            if pattern.fullmatch(unit):
                return ImageName(meaning, f"BUNIT {unit}")
    return science if science.meaning else found


@lru_cache(maxsize=1024)
def _parse_value(keyword: str, value: str) -> ImageName:
    text = value.lower()
    for key in (f"{keyword.lower()} {text}", text):
        if key in VALUES:
            return ImageName(VALUES[key], text)
    words = words_of(value)
    if not CALIBRATIONS.isdisjoint(words):
        return ImageName("unused", text)
    found = parse_name(value)
    if found.is_companion:
        return found._replace(rest="")
    return ImageName("unused", text) if words[0] == "ancillary" else ImageName("")


def _parse_class(header: Header) -> ImageName:
    """Return the meaning of HDUCLAS2 and HDUCLAS3, as ESO's pipelines and MaNGA's write them."""
    kind, form = header.text("HDUCLAS2").upper(), header.text("HDUCLAS3").upper()
    errors: dict[str, Meaning] = {"MSE": "variance", "RMSE": "sigma", "INVMSE": "ivar"}
    masks: dict[str, Meaning] = {"MASKZERO": "mask"}
    if kind == "DATA":
        return ImageName("science", "data")
    if kind == "ERROR":
        # without its form it goes by its name
        return ImageName(errors.get(form, "unused"), form.lower()) if form else ImageName("")
    if kind == "QUALITY":
        flags: Meaning = "flags" if form.startswith("FLAG") else "unused"
        return ImageName(masks.get(form, flags), form.lower()) if form else ImageName("")
    return ImageName("unused", "exposure") if kind == "EXPOSURE" else ImageName("")


def is_weight(found: ImageName) -> bool:
    """Return whether a companion is a weight map, which is not used."""
    return found.meaning == "unused" and found.word in WEIGHTS
