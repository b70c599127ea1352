"""Extractor classes by name."""

from collections.abc import Sequence

from galfeat import UsageError
from galfeat.features.base import Extractor
from galfeat.features.registry import REGISTRY

__all__ = ["EXTRACTORS", "make_extractors"]

EXTRACTORS: dict[str, type[Extractor]] = {name: each.load() for name, each in REGISTRY.items()}
"""The extractor classes, by their names in tables and on the command line."""


def make_extractors(names: Sequence[str | Extractor]) -> dict[str, Extractor]:
    """Return extractors as the pipeline uses them, in the order of their names.

    Their settings are those that the comparison found best for galaxies; an extractor made from its
    class has those of its paper.

    Parameters
    ----------
    names : sequence of str or Extractor
        Keys of `EXTRACTORS`, names of extractors that installed packages offer, or extractors
        themselves, which are used as they are.

    Raises
    ------
    UsageError
        If a name is unknown or there twice, or there is none.

    Examples
    --------
    >>> from galfeat.features import make_extractors
    >>> make_extractors(["hog", "pixels"])
    {'hog': HOG(rotation='mirrored'), 'pixels': Pixels()}
    """
    # imported late: it imports this module
    from galfeat.features.outside import by_key, extractor_class

    if isinstance(names, str) or not names:
        raise UsageError(
            f"give a list of extractors out of {', '.join(EXTRACTORS)}"
            + (f", not the text {names!r}" if names else "")
        )
    given = by_key(each for each in names if not isinstance(each, str))
    keys = [each if isinstance(each, str) else each.key for each in names]
    if len(set(keys)) < len(keys):
        raise UsageError(f"each extractor may be named once; they are {', '.join(keys)}")
    return {
        name: given[name]
        if name in given
        else extractor_class(name)(**(REGISTRY[name].settings if name in REGISTRY else {}))
        for name in keys
    }
