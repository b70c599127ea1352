"""Names of ancillary files, extensions and columns: noise maps, masks, weights, PSFs, segments.

Their role is given by a word in their name (`parse_ancillary_name`):

======================================  ========================================
word in the name                        what it holds
======================================  ========================================
err, error, sigma, noise, rms, std      standard deviation of the noise
stddev, unc, uncert(ainty)              the same
var, variance                           its square
ivar, invvar                            inverse of its square
mask, bpm, badpix                       bad pixels: nonzero values
dq, flag, flags                         data-quality bits
seg, segm, segmap, segim, segmentation  object labels, 0 for the sky
======================================  ========================================

Weights (wht, weight), exposure times and coverage maps are not used: some weights are inverse
variances and others exposure times, and no keyword tells which. If a weight map is an inverse
variance, name it in a catalog column ``ivar``.
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

_SUFFIXES_WITHOUT_SEPARATOR = (  # words that may end a file's name without a separator before them
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
_ANCILLARY_WORDS = (
    *_SUFFIXES_WITHOUT_SEPARATOR,
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
_ANY_WORD = re.compile("|".join(_ANCILLARY_WORDS))
_SEPARATORS = "_-. "
_SEPARATOR_RUN = re.compile(r"[\s_\-.]+")

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
"""Role of an ancillary image, by the word in its name."""


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


def parse_ancillary_name(name: str) -> AncillaryName | None:
    """Parse the name of an ancillary image; None for other names and for those not used.

    Examples
    --------
    >>> parse_ancillary_name("G_MASK2"), parse_ancillary_name("WHT")
    (Use(role='mask', rest='g', version=2), None)
    """
    parts = _SEPARATOR_RUN.split(name.strip().lower())
    for place in (0, -1):
        word = parts[place].rstrip("0123456789")
        if word in ROLES:
            number = parts[place][len(word) :]
            parts.pop(place)
            return AncillaryName(ROLES[word], "_".join(parts), int(number[:9] or 0))
    return None


def is_ancillary(name: str) -> bool:
    """Return whether the name of an extension, or the end of a column's name, is ancillary.

    The first or the last part of the name must be a known word: ``ERR``, ``VAR_POISSON``,
    ``G_MASK``, ``WHT2``.
    """
    parts = [part.rstrip("0123456789") for part in _SEPARATOR_RUN.split(name.strip().lower())]
    return parts[0] in _ANCILLARY_WORDS or parts[-1] in _ANCILLARY_WORDS


def may_be_ancillary(text: str) -> bool:
    """Return whether a text contains an ancillary word: a fast test of many names."""
    return _ANY_WORD.search(text.lower()) is not None


def ancillary_stem(stem: str) -> str | None:
    """Return the part of a file's name before the ancillary word; None if there is no such word.

    Examples
    --------
    >>> names = "KiDS_G266035sigma", "ngc1300_PSF", "mask", "ngc1300"
    >>> [ancillary_stem(name) for name in names]
    ['KiDS_G266035', 'ngc1300', '', None]
    """
    lowered = stem.lower()
    if not lowered.endswith(
        _ANCILLARY_WORDS
    ):  # nearly all names: one test keeps large folders fast
        return None
    endings = [word for word in _SUFFIXES_WITHOUT_SEPARATOR if lowered.endswith(word)]
    endings += [
        word
        for word in _ANCILLARY_WORDS
        if lowered == word or lowered.endswith(tuple(mark + word for mark in _SEPARATORS))
    ]
    return stem[: -len(max(endings, key=len))].rstrip(_SEPARATORS) if endings else None


def flag_ancillary_files(stems: Sequence[str]) -> list[bool]:
    """Return for each file of a folder whether it is ancillary to another one.

    It is if its name ends in an ancillary word, and the part before begins the name of a file that
    does not.

    Parameters
    ----------
    stems : sequence of str
        Names of the files of one folder, without suffixes.
    """
    roots = [ancillary_stem(stem) for stem in stems]
    galaxies = sorted(stem for stem, root in zip(stems, roots, strict=True) if root is None)
    return [root is not None and bool(_names_starting_with(root, galaxies, 1)) for root in roots]


def match_galaxies(root: str, role: Role, ordered: Sequence[str]) -> Sequence[str]:
    """Return the galaxies of a folder that an ancillary file belongs to; none if that is ambiguous.

    These are the galaxy of exactly this name, or else those whose names continue after it, though
    not with another digit of its number or another letter of its word (``G1`` does not match
    ``G10``): one, or, for roles without bands such as masks, all that continue with a separator
    (``ngc1300_mask`` for ``ngc1300_g`` and ``ngc1300_r``).

    Parameters
    ----------
    root : str
        See `ancillary_stem`.
    role : str
    ordered : sequence of str
        Names of the galaxies of that folder, without suffixes, sorted.
    """
    begun = _names_starting_with(root, ordered)
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


def _names_starting_with(
    root: str, ordered: Sequence[str], most: int | None = None
) -> Sequence[str]:
    """Return the names that start with a prefix, or the first `most` of them."""
    first = bisect_left(ordered, root)
    if most is not None:
        return [stem for stem in ordered[first : first + most] if stem.startswith(root)]
    return ordered[first : bisect_right(ordered, root + chr(0x10FFFF))]
