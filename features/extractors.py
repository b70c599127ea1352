"""Extractor classes by name."""

from collections.abc import Sequence

from galfeat import UsageError
from galfeat.features.base import Extractor
from galfeat.features.registry import REGISTRY

__all__ = ["EXTRACTORS", "make_extractors"]

EXTRACTORS: dict[str, type[Extractor]] = {name: each.load() for name, each in REGISTRY.items()}
"""The extractor classes, by their names in tables and on the command line."""


def make_extractors(names: Sequence[str]) -> dict[str, Extractor]:
    """Return extractors with their default settings, in the order of their names.

    Parameters
    ----------
    names : sequence of str
        Keys of `EXTRACTORS`.

    Raises
    ------
    UsageError
        If a name is unknown or there twice, or there is none.

    Examples
    --------
    >>> from galfeat.features import make_extractors
    >>> make_extractors(["hog", "pixels"])
    {'hog': HOG(), 'pixels': Pixels()}
    """
    known = ", ".join(EXTRACTORS)
    if isinstance(names, str) or not names:
        raise UsageError(
            f"give a list of extractors out of {known}"
            + (f", not the text {names!r}" if names else "")
        )
    for name in names:
        if name not in EXTRACTORS:
            raise UsageError(f"there is no extractor '{name}'; there are {known}")
    if len(set(names)) < len(names):
        raise UsageError(f"each extractor may be named once; they are {', '.join(names)}")
    return {name: EXTRACTORS[name]() for name in names}
