"""What two settings do not have in common, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["MISSING", "changes", "differences"]


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return where two settings differ, as texts such as ``preparation.size: 64 and 32``.

    Parameters
    ----------
    one, other : mapping
        Settings as JSON values, mappings within mappings.

    Examples
    --------
    >>> one = {"preparation": {"size": 64, "fit": "crop"}}
    >>> other = {"preparation": {"size": 32, "fit": "crop"}, "bands": ["g"]}
    >>> differences(one, other)
    ['preparation.size: 64 and 32', "bands: nothing and ['g']"]
    """
    return [
        f"{name}: {_said(here)} and {_said(there)}" for name, here, there in changes(one, other)
    ]


def changes(
    one: Mapping[str, Any], other: Mapping[str, Any], name: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield name and both values of each setting that two trees do not have in common.

    `MISSING` where it is not there.
    """
    for key in dict.fromkeys([*one, *other]):
        full = f"{name}.{key}" if name else str(key)
        here, there = one.get(key, MISSING), other.get(key, MISSING)
        if isinstance(here, Mapping) and isinstance(there, Mapping):
            yield from changes(here, there, full)
        elif here != there:
            yield full, here, there


class _Missing:
    """A setting that is not there; None is one that is."""


MISSING = _Missing()


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return "something"
    return "nothing" if value is MISSING else repr(value)
