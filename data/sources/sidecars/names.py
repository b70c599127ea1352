"""Files of a folder that accompany another one: which they are, what they hold, whose they are.

A file accompanies another one if its name is the other's with a word for a companion added
(``ngc1300_mask``, ``D1.I.weight``), or in place of a word for a galaxy (``unwise-w1-invvar-m`` for
``unwise-w1-img-m``). Alone, a file is a galaxy whatever its name, unless its header says otherwise.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from galfeat.data.fits.ancillary.conventions import (
    COMPANIONS_ANYWHERE,
    COMPANIONS_BY_REPLACEMENT,
    COMPANIONS_OF_FILES,
    SCIENCE_FILES,
    Meaning,
    survey_of,
)
from galfeat.data.fits.ancillary.names import ROLES, Role

__all__ = ["AncillaryFile", "GalaxyFiles", "Owners", "flag_ancillary_files", "parse_file_name"]

_SUFFIXES_WITHOUT_SEPARATOR = (  # words that may end a file's name without a separator before them
    *("noise", "sigma", "rms", "err", "error", "var", "variance", "ivar", "invvar"),
    *("wht", "weight", "psf", "psfim", "mask", "dq"),
    *("seg", "segm", "segim", "segmap", "segmentation"),
)
_SEPARATORS = "_-. "
# what Euclid appends to the names of its products: a hash, a time and a version
_PRODUCT_STAMP = re.compile(r"(tile\d+)-[0-9a-f]+_\d{8}t[\d.]+z_[\d.]+$")
_MEANINGS: dict[str, Meaning] = {**COMPANIONS_OF_FILES, **COMPANIONS_ANYWHERE}
_COMPANIONS = frozenset((*_MEANINGS, *COMPANIONS_BY_REPLACEMENT))
_SHARED: tuple[Role, ...] = ("mask", "flags", "segmentation")

_Key = tuple[str, ...]


class _Reading(NamedTuple):
    """One way to read a companion's name: what it holds, and the parts of its galaxy's name."""

    key: _Key
    meaning: Meaning
    word: str


class AncillaryFile(NamedTuple):
    """What the name of a companion's file says.

    Parameters
    ----------
    readings : tuple of _Reading
        Each of its words for a companion left out, the last first; then all of them.
    root : str or None
        The part of the name before the word at its end.
    ending : _Reading
        The reading by that word.
    n_words : int
        Number of its words for a companion.
    """

    readings: tuple[_Reading, ...]
    root: str | None
    ending: _Reading
    n_words: int


class Owners(NamedTuple):
    """Galaxies that a companion belongs to, what it holds, and the word that says so."""

    stems: Sequence[str]
    meaning: Meaning
    word: str

    @property
    def role(self) -> Role | None:
        """Its role, or None if it is not used."""
        return next((role for role in ROLES if role == self.meaning), None)


def _split(lowered: str) -> list[str]:
    """Return the parts between separators, faster than a regular expression."""
    return lowered.replace("-", "_").replace(".", "_").replace(" ", "_").split("_")


def _parts(stem: str) -> list[str]:
    lowered = stem.lower()
    if "tile" in lowered:
        lowered = _PRODUCT_STAMP.sub(r"\1", lowered)
    return [part for part in _split(lowered) if part]


def _key(parts: Iterable[str]) -> _Key:
    """Return the parts of a name without words for galaxies."""
    return tuple(part for part in parts if part not in SCIENCE_FILES)


def ancillary_stem(stem: str) -> str | None:
    """Return the part of a file's name before the word at its end; None without such a word.

    Examples
    --------
    >>> names = "KiDS_G266035sigma", "ngc1300_PSF", "mask", "ngc1300"
    >>> [ancillary_stem(name) for name in names]
    ['KiDS_G266035', 'ngc1300', '', None]
    """
    lowered = stem.lower()
    last = _split(lowered)[-1]
    endings = [word for word in _SUFFIXES_WITHOUT_SEPARATOR if last.endswith(word)]
    if last in COMPANIONS_ANYWHERE:
        endings.append(last)
    return stem[: -len(max(endings, key=len))].rstrip(_SEPARATORS) if endings else None


def parse_file_name(stem: str) -> AncillaryFile | None:
    """Return what a file's name says if it can be a companion's; None otherwise.

    Parameters
    ----------
    stem : str
        Name without suffixes.
    """
    lowered = stem.lower()
    # nearly all names: two tests keep large folders fast
    if not lowered.endswith(_SUFFIXES_WITHOUT_SEPARATOR) and _COMPANIONS.isdisjoint(
        _split(lowered)
    ):
        return None
    parts = _parts(stem)
    root = ancillary_stem(stem)
    places = [at for at, part in enumerate(parts) if part in _COMPANIONS]
    words = {at: parts[at] for at in places}
    last = len(parts) - 1
    if root is not None and last not in words:  # glued to the last part
        glued = [each for each in _SUFFIXES_WITHOUT_SEPARATOR if lowered.endswith(each)]
        word = max(glued, key=len)
        parts, words[last + 1] = [*parts[:-1], parts[-1].removesuffix(word), word], word
    if not words:
        return None
    survey = survey_of(stem)
    own = survey.words if survey is not None else {}
    meanings: dict[int, Meaning] = {
        at: own.get(word) or _MEANINGS.get(word, "unused") for at, word in words.items()
    }
    readings = [
        _Reading(_key(parts[:at] + parts[at + 1 :]), meanings[at], words[at])
        for at in sorted(words, reverse=True)
    ]
    ending = readings[0]
    if len(words) > 1:
        # two words of which one is not used say something else: the noise of a background
        other = next((at for at in words if meanings[at] == "unused"), max(words))
        left = _key(part for at, part in enumerate(parts) if at not in words)
        readings.append(_Reading(left, meanings[other], words[other]))
    return AncillaryFile(tuple(readings), root, ending, len(words))


class GalaxyFiles:
    """Files of the galaxies of one folder, found by the parts of their names.

    Parameters
    ----------
    stems : sequence of str
        Names without suffixes.
    """

    def __init__(self, stems: Sequence[str]) -> None:
        self._by_key: dict[_Key, list[str]] = {}
        self._science: set[_Key] = set()
        self.add(stems)

    def add(self, stems: Sequence[str]) -> None:
        """Add files to the galaxies."""
        for stem in stems:
            parts = _parts(stem)
            key = _key(parts)
            self._by_key.setdefault(key, []).append(stem)
            if len(key) < len(parts):
                self._science.add(key)
        self._keys = sorted(self._by_key)
        self._stems = sorted(stem for stems in self._by_key.values() for stem in stems)

    def owners(self, found: AncillaryFile) -> Owners:
        """Return the galaxies that a companion belongs to; none if that is ambiguous.

        These are the galaxy of exactly its name but for the word, or else those whose names
        continue after it, though not with another digit of its number or another letter of its word
        (``G1`` does not match ``G10``): one, or, for roles without bands such as masks, all that
        continue with a separator (``ngc1300_mask`` for ``ngc1300_g`` and ``ngc1300_r``).
        """
        exact = self._exact(found)
        if exact is not None:
            return exact
        if found.root is not None:
            shared = found.ending.meaning in _SHARED
            begun = self._by_root(found.root, shared=shared)
            if begun:
                return Owners(begun, *found.ending[1:])
        reading = found.readings[-1]
        begun = [stem for key in self._continued(reading) for stem in self._by_key[key]]
        clear = len(begun) == 1 or (reading.meaning in _SHARED and reading.key)
        return Owners(begun if clear else [], *reading[1:])

    def has_owner(self, found: AncillaryFile) -> bool:
        """Return whether a companion's name is, or begins, that of a galaxy."""
        if self._exact(found) is not None or self._continued(found.readings[-1]):
            return True
        if found.root is None:
            return False
        first = bisect_left(self._stems, found.root)
        return any(stem.startswith(found.root) for stem in self._stems[first : first + 1])

    def _exact(self, found: AncillaryFile) -> Owners | None:
        for key, meaning, word in found.readings:
            replaced = word not in COMPANIONS_BY_REPLACEMENT or key in self._science
            if key and key in self._by_key and replaced:
                return Owners(self._by_key[key], meaning, word)
        return None

    def _continued(self, reading: _Reading) -> list[_Key]:
        """Return the names that begin with the parts of a companion's."""
        if reading.word not in COMPANIONS_ANYWHERE:
            return []
        first = bisect_left(self._keys, reading.key)
        last = bisect_right(self._keys, (*reading.key, chr(0x10FFFF)))
        return self._keys[first:last]

    def _by_root(self, root: str, *, shared: bool) -> list[str]:
        first = bisect_left(self._stems, root)
        begun = self._stems[first : bisect_right(self._stems, root + chr(0x10FFFF))]
        if root in begun:
            return [root]
        last = root[-1:]
        if last.isdigit():
            begun = [stem for stem in begun if not stem[len(root)].isdigit()]
        elif last.isalpha():
            begun = [stem for stem in begun if not stem[len(root)].isalpha()]
        if len(begun) < 2 or not root:
            return begun if len(begun) == 1 else []
        several = shared and all(stem[len(root)] in _SEPARATORS for stem in begun)
        return begun if several else []


def flag_ancillary_files(stems: Sequence[str]) -> list[bool]:
    """Return for each file of a folder whether it accompanies another one.

    Parameters
    ----------
    stems : sequence of str
        Names of the files of one folder, without suffixes.
    """
    parsed = [parse_file_name(stem) for stem in stems]
    if not any(parsed):
        return [False] * len(stems)
    galaxies = GalaxyFiles([stem for stem, found in zip(stems, parsed, strict=True) if not found])
    flagged = [False] * len(stems)
    counts = [found.n_words if found else 0 for found in parsed]
    for count in sorted(set(counts) - {0}):  # a galaxy can have one such word in its own name
        rows = [row for row, each in enumerate(counts) if each == count]
        alone: list[str] = []
        for row in rows:
            found = parsed[row]
            flagged[row] = found is not None and galaxies.has_owner(found)
            if not flagged[row]:
                alone.append(stems[row])
        galaxies.add(alone)
    return flagged
