"""Extractors of other packages: found by entry point, or passed as objects.

An installed package names its extractors in the group ``galfeat.extractors`` of its entry points.
They are loaded when they are asked for by name, never by themselves: what is installed changes no
result.
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points

from galfeat import UsageError
from galfeat.features.base import Extractor
from galfeat.features.extractors import EXTRACTORS

__all__ = ["GROUP", "by_key", "extractor_class", "installed_names"]

GROUP = "galfeat.extractors"
"""Group of entry points that name extractor classes."""


def installed_names() -> tuple[str, ...]:
    """Return the names of the extractors that installed packages offer, sorted."""
    return tuple(sorted({each.name for each in entry_points(group=GROUP)} - set(EXTRACTORS)))


def extractor_class(name: str, given: Mapping[str, Extractor] | None = None) -> type[Extractor]:
    """Return an extractor class: of this package, of an object that is given, or installed.

    Parameters
    ----------
    name : str
    given : mapping of str to Extractor, optional
        Objects by their keys.

    Raises
    ------
    UsageError
        If there is none of that name, or what is installed cannot be loaded.
    """
    if name in EXTRACTORS:
        return EXTRACTORS[name]
    if given and name in given:
        return type(given[name])
    found = [each for each in entry_points(group=GROUP) if each.name == name]
    if not found:
        others = ", ".join((*EXTRACTORS, *installed_names()))
        raise UsageError(
            f"there is no extractor '{name}'; there are {others}. One of another package is found "
            f"when that package is installed (entry point '{GROUP}'), or passed as an object"
        )
    return _loaded(found[0])


def by_key(extractors: Iterable[Extractor]) -> dict[str, Extractor]:
    """Return extractors by their keys.

    Raises
    ------
    UsageError
        If one is no extractor, has no proper key, or the key of another.
    """
    found: dict[str, Extractor] = {}
    for each in extractors:
        _check(type(each), getattr(type(each), "key", None))
        if each.key in found:
            raise UsageError(f"two extractors have the key '{each.key}'; give each its own")
        if each.key in EXTRACTORS and not isinstance(each, EXTRACTORS[each.key]):
            raise UsageError(
                f"the key '{each.key}' of {type(each).__name__} is that of an extractor of "
                "galfeat; give it another"
            )
        found[each.key] = each
    return found


def _loaded(entry: EntryPoint) -> type[Extractor]:
    package = entry.dist.name if entry.dist else entry.module
    try:
        kind = entry.load()
    except Exception as error:
        raise UsageError(
            f"the extractor '{entry.name}' of the package {package} cannot be loaded: "
            f"{type(error).__name__}: {error}"
        ) from error
    _check(kind, entry.name)
    chosen: type[Extractor] = kind
    return chosen


def _check(kind: object, name: object) -> None:
    if not isinstance(kind, type) or not issubclass(kind, Extractor):
        what = kind.__name__ if isinstance(kind, type) else repr(kind)
        raise UsageError(
            f"{what} is no extractor: it must be a class derived from galfeat.features.Extractor"
        )
    key = getattr(kind, "key", None)
    if not isinstance(key, str) or not key.isidentifier():
        raise UsageError(
            f"the class attribute 'key' of {kind.__name__} must be a name of letters, digits and "
            f"underscores; it is {key!r}"
        )
    if key != name:
        raise UsageError(
            f"the entry point '{name}' leads to {kind.__name__}, whose key is '{key}'; both must "
            "be the same"
        )
