"""Files, extensions and columns that accompany a galaxy and are none: noise maps, masks, weights, PSFs, segments."""

import re
from bisect import bisect_left
from collections.abc import Sequence

__all__ = ["companion_root", "is_companion", "may_accompany", "split_companions"]

_GLUED = (  # words that end a file's name even without a separator before them
    *("noise", "sigma", "rms", "err", "error", "var", "variance", "ivar", "invvar", "wht", "weight"),
    *("psf", "psfim", "mask", "dq", "seg", "segm", "segim", "segmap", "segmentation"),
)
_WORDS = (
    *_GLUED,
    *("errors", "unc", "uncertainty", "std", "stddev", "weights", "exp", "expmap", "exptime", "cov", "coverage", "masks"),
    *("flag", "flags", "bpm", "badpix", "objmask", "bkg", "background", "samp", "ctx"),
)
_ANYWHERE = re.compile("|".join(_WORDS))
_SEPARATORS = "_-. "


def is_companion(name: str) -> bool:
    """Return whether a name of an extension, or the end of a column's name, says that it accompanies a galaxy.

    A word that is the first or the last part of the name decides: ``ERR``, ``VAR_POISSON``, ``G_MASK``, ``WHT2``.
    """
    parts = [part.rstrip("0123456789") for part in re.split(r"[\s_\-.]+", name.strip().lower())]
    return parts[0] in _WORDS or parts[-1] in _WORDS


def may_accompany(text: str) -> bool:
    """Return whether a text has a companion's word anywhere: one quick test for thousands of names in it."""
    return _ANYWHERE.search(text.lower()) is not None


def companion_root(stem: str) -> str | None:
    """Return what stands before a companion's word in the name of a file; None if there is no such word.

    Examples
    --------
    >>> companion_root("KiDS_G266035sigma"), companion_root("ngc1300_PSF"), companion_root("mask"), companion_root("ngc1300")
    ('KiDS_G266035', 'ngc1300', '', None)
    """
    lowered = stem.lower()
    if not lowered.endswith(_WORDS):  # nearly all: one test for a folder of thousands
        return None
    endings = [word for word in _GLUED if lowered.endswith(word)]
    endings += [word for word in _WORDS if lowered == word or lowered.endswith(tuple(mark + word for mark in _SEPARATORS))]
    return stem[: -len(max(endings, key=len))].rstrip(_SEPARATORS) if endings else None


def split_companions(stems: Sequence[str]) -> list[bool]:
    """Say of each file of a folder whether it accompanies another one.

    It does if its name ends in a companion's word, and what stands before that begins the name of a file that does not end in one.

    Parameters
    ----------
    stems : sequence of str
        Names of the files of one folder, without suffixes.
    """
    roots = [companion_root(stem) for stem in stems]
    galaxies = sorted(stem for stem, root in zip(stems, roots, strict=True) if root is None)
    return [root is not None and _begins_one(root, galaxies) for root in roots]


def _begins_one(root: str, ordered: Sequence[str]) -> bool:
    place = bisect_left(ordered, root)
    return place < len(ordered) and ordered[place].startswith(root)
