"""Differences of two trees of settings."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["MISSING", "changes", "differences"]


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the differences of two trees of settings as texts: ``preparation.size: 64 and 32``.

    Parameters
    ----------
    one, other : mapping
        Settings as JSON values, nested mappings.

    Examples
    --------
    >>> one = {"preparation": {"size": 64, "fit": "crop"}}
    >>> other = {"preparation": {"size": 32, "fit": "crop"}, "bands": ["g"]}
    >>> differences(one, other)
    ['preparation.size: 64 and 32', "bands: nothing and ['g']"]
    """
    return [
        f"{name}: {_text(here)} and {_text(there)}" for name, here, there in changes(one, other)
    ]


def changes(
    one: Mapping[str, Any], other: Mapping[str, Any], name: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield the dotted name and both values of each setting that differs; `MISSING` if absent."""
    for key in dict.fromkeys([*one, *other]):
        full = f"{name}.{key}" if name else str(key)
        here, there = one.get(key, MISSING), other.get(key, MISSING)
        if isinstance(here, Mapping) and isinstance(there, Mapping):
            yield from changes(here, there, full)
        elif here != there:
            yield full, here, there


class _Missing:
    """Type of `MISSING`."""


MISSING = _Missing()
"""Value of a setting that is absent; None is a value."""


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "something"
    return "nothing" if value is MISSING else repr(value)
