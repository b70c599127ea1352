"""Files, extensions and columns that accompany a galaxy and are none.

Noise maps, masks, weights, PSFs, segments.

Which of them are used, and as what, their names say (`parse_ancillary_name`):

======================================  ========================================
word in the name                        what it holds
======================================  ========================================
err, error, sigma, noise, rms, std      standard deviation of the noise
stddev, unc, uncert(ainty)              the same
var, variance                           its square
ivar, invvar                            one by its square
mask, bpm, badpix                       bad pixels: those that are not zero
dq, flag, flags                         bits that say what is wrong with a pixel
seg, segm, segmap, segim, segmentation  numbers of objects, 0 for the sky
======================================  ========================================

Weights (wht, weight), exposure times and coverage are not used: one weight is an inverse variance
and another a time, and nothing in a file says which. Whoever knows that a weight is an inverse
variance names it so in a catalogue's column ``ivar``.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Literal, NamedTuple

__all__ = [
    "ROLES",
    "AncillaryName",
    "Role",
    "ancillary_stem",
    "flag_ancillary_files",
    "is_ancillary",
    "match_galaxies",
    "may_be_ancillary",
    "parse_ancillary_name",
]

Role = Literal["sigma", "variance", "ivar", "mask", "flags", "segmentation"]

_GLUED = (  # words that end a file's name even without a separator before them
    *(
        "noise",
        "sigma",
        "rms",
        "err",
        "error",
        "var",
        "variance",
        "ivar",
        "invvar",
        "wht",
        "weight",
    ),
    *("psf", "psfim", "mask", "dq", "seg", "segm", "segim", "segmap", "segmentation"),
)
_WORDS = (
    *_GLUED,
    *(
        "errors",
        "unc",
        "uncert",
        "uncertainty",
        "std",
        "stddev",
        "weights",
        "exp",
        "expmap",
        "exptime",
        "cov",
        "coverage",
        "masks",
    ),
    *("flag", "flags", "bpm", "badpix", "objmask", "bkg", "background", "samp", "ctx"),
)
_ANYWHERE = re.compile("|".join(_WORDS))
_SEPARATORS = "_-. "
_BETWEEN = re.compile(r"[\s_\-.]+")

ROLES: dict[str, Role] = {
    **dict.fromkeys(
        (
            "err",
            "error",
            "errors",
            "sigma",
            "noise",
            "rms",
            "std",
            "stddev",
            "unc",
            "uncert",
            "uncertainty",
        ),
        "sigma",
    ),
    **dict.fromkeys(("var", "variance"), "variance"),
    **dict.fromkeys(("ivar", "invvar"), "ivar"),
    **dict.fromkeys(("mask", "masks", "bpm", "badpix"), "mask"),
    **dict.fromkeys(("dq", "flag", "flags"), "flags"),
    **dict.fromkeys(("seg", "segm", "segim", "segmap", "segmentation"), "segmentation"),
}
"""What a word says that a companion holds."""


class AncillaryName(NamedTuple):
    """What a companion holds, what its name has beside that word, in small letters, and the number
    behind the word; 0 if none.
    """

    role: Role
    rest: str
    version: int


def parse_ancillary_name(name: str) -> AncillaryName | None:
    """Return what a name says that a companion holds.

    None if it is no companion, or one that is not used.

    Examples
    --------
    >>> parse_ancillary_name("G_MASK2"), parse_ancillary_name("WHT")
    (Use(role='mask', rest='g', version=2), None)
    """
    parts = _BETWEEN.split(name.strip().lower())
    for place in (0, -1):
        word = parts[place].rstrip("0123456789")
        if word in ROLES:
            number = parts[place][len(word) :]
            parts.pop(place)
            return AncillaryName(ROLES[word], "_".join(parts), int(number[:9] or 0))
    return None


def is_ancillary(name: str) -> bool:
    """Return whether a name of an extension, or the end of a column's name, says that it
    accompanies a galaxy.

    A word that is the first or the last part of the name decides: ``ERR``, ``VAR_POISSON``,
    ``G_MASK``, ``WHT2``.
    """
    parts = [part.rstrip("0123456789") for part in _BETWEEN.split(name.strip().lower())]
    return parts[0] in _WORDS or parts[-1] in _WORDS


def may_be_ancillary(text: str) -> bool:
    """Return whether a text has a companion's word anywhere.

    One quick test for thousands of names in it.
    """
    return _ANYWHERE.search(text.lower()) is not None


def ancillary_stem(stem: str) -> str | None:
    """Return what stands before a companion's word in the name of a file.

    None if there is no such word.

    Examples
    --------
    >>> names = "KiDS_G266035sigma", "ngc1300_PSF", "mask", "ngc1300"
    >>> [ancillary_stem(name) for name in names]
    ['KiDS_G266035', 'ngc1300', '', None]
    """
    lowered = stem.lower()
    if not lowered.endswith(_WORDS):  # nearly all: one test for a folder of thousands
        return None
    endings = [word for word in _GLUED if lowered.endswith(word)]
    endings += [
        word
        for word in _WORDS
        if lowered == word or lowered.endswith(tuple(mark + word for mark in _SEPARATORS))
    ]
    return stem[: -len(max(endings, key=len))].rstrip(_SEPARATORS) if endings else None


def flag_ancillary_files(stems: Sequence[str]) -> list[bool]:
    """Say of each file of a folder whether it accompanies another one.

    It does if its name ends in a companion's word, and what stands before that begins the name of a
    file that does not end in one.

    Parameters
    ----------
    stems : sequence of str
        Names of the files of one folder, without suffixes.
    """
    roots = [ancillary_stem(stem) for stem in stems]
    galaxies = sorted(stem for stem, root in zip(stems, roots, strict=True) if root is None)
    return [root is not None and bool(_beginning(root, galaxies, 1)) for root in roots]


def match_galaxies(root: str, role: Role, ordered: Sequence[str]) -> Sequence[str]:
    """Return the galaxies of a folder that a companion goes with.

    None if its name leaves that open.

    That is the galaxy of exactly this name, or else those whose names go on behind it, though not
    with another digit of its number or another letter of its word (``G1`` is no beginning of
    ``G10``): one, or, for what has no band, such as masks, those that go on with a separator
    (``ngc1300_mask`` for ``ngc1300_g`` and ``ngc1300_r``).

    Parameters
    ----------
    root : str
        See `ancillary_stem`.
    role : str
    ordered : sequence of str
        Names of the galaxies of that folder, without suffixes, sorted.
    """
    begun = _beginning(root, ordered)
    if root in begun:
        return [root]
    last = root[-1:]
    if last.isdigit():
        begun = [stem for stem in begun if not stem[len(root)].isdigit()]
    elif last.isalpha():
        begun = [stem for stem in begun if not stem[len(root)].isalpha()]
    if len(begun) < 2 or not root:
        return begun if len(begun) == 1 else []
    several = role in ("mask", "flags", "segmentation") and all(
        stem[len(root)] in _SEPARATORS for stem in begun
    )
    return begun if several else []


def _beginning(root: str, ordered: Sequence[str], most: int | None = None) -> Sequence[str]:
    """Return the names that begin with a root, or the first of them."""
    first = bisect_left(ordered, root)
    if most is not None:
        return [stem for stem in ordered[first : first + most] if stem.startswith(root)]
    return ordered[first : bisect_right(ordered, root + chr(0x10FFFF))]
