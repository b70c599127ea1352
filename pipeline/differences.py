"""What two settings do not have in common, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["differences"]


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return where two settings differ, as texts such as ``preparation.size: 64 and 32``.

    Parameters
    ----------
    one, other : mapping
        Settings as JSON values, mappings within mappings.

    Examples
    --------
    >>> differences({"preparation": {"size": 64, "fit": "crop"}}, {"preparation": {"size": 32, "fit": "crop"}, "bands": ["g"]})
    ['preparation.size: 64 and 32', "bands: nothing and ['g']"]
    """
    return list(_differences("", one, other))


def _differences(path: str, one: Any, other: Any) -> Iterator[str]:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in [*one, *(key for key in other if key not in one)]:
            yield from _differences(f"{path}.{key}" if path else str(key), one.get(key, _NOTHING), other.get(key, _NOTHING))
    elif one != other:
        yield f"{path}: {_said(one)} and {_said(other)}"


class _Nothing:
    """A setting that is not there; None is one that is."""


_NOTHING = _Nothing()


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return "something"
    return "nothing" if value is _NOTHING else repr(value)
