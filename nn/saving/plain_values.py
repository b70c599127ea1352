"""Conversion of settings to JSON values and back.

Only an explicit list of types is read from a file: numbers, strings, lists of them, and the
activations, losses, optimizers and schedules of this package, by name.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import inf, isfinite
from typing import Any

import numpy as np

from galfeat import UsageError
from galfeat.nn.activations import ACTIVATIONS
from galfeat.nn.losses import LOSSES
from galfeat.nn.optimizers import OPTIMIZERS
from galfeat.nn.schedules import SCHEDULES

__all__ = ["from_plain", "to_plain"]

_COMPONENTS: dict[str, type] = {
    type(component).__name__: type(component)
    for group in (ACTIVATIONS, LOSSES, SCHEDULES)
    for component in group.values()
}
_COMPONENTS |= {optimizer.__name__: optimizer for optimizer in OPTIMIZERS.values()}


def to_plain(name: str, value: Any) -> Any:
    """Convert a setting to numbers, strings and lists of them.

    Raises
    ------
    UsageError
        If it has no such representation.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list | np.ndarray):
        return [to_plain(name, item) for item in value]
    if isinstance(value, Mapping):
        return [[to_plain(name, key), to_plain(name, item)] for key, item in value.items()]
    if is_dataclass(value) and _COMPONENTS.get(type(value).__name__) is type(value):
        return {"type": type(value).__name__} | {
            field.name: to_plain(name, getattr(value, field.name)) for field in fields(value)
        }
    if isinstance(value, np.random.Generator | np.random.RandomState):
        return None
    raise UsageError(
        f"the setting {name}={value!r} cannot be saved: it is neither plain nor a part of "
        "galfeat.nn"
    )


def from_plain(name: str, value: Any) -> Any:
    """Convert the result of `to_plain` back to a setting.

    Raises
    ------
    UsageError
        If it does not represent a setting.
    """
    if name == "class_weight" and isinstance(value, list):
        if not all(_is_weight(pair) for pair in value):
            raise UsageError("the saved class_weight must be a list of (class, weight) pairs")
        return {pair[0]: pair[1] for pair in value}
    if isinstance(value, Mapping):
        return _component(name, dict(value))
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list) and all(isinstance(item, int | float | str) for item in value):
        return tuple(value)
    raise UsageError(
        f"the saved setting {name} has a type that no setting has: {type(value).__name__}"
    )


def _is_weight(pair: Any) -> bool:
    if not isinstance(pair, list) or len(pair) != 2:
        return False
    label, weight = pair
    return (
        isinstance(label, bool | int | float | str)
        and isinstance(weight, int | float)
        and 0 <= weight < inf
    )


def _component(name: str, arguments: dict[str, Any]) -> Any:
    component = _COMPONENTS.get(str(arguments.pop("type", "")))
    known = {field.name for field in fields(component)} if component is not None else set()
    plain = all(
        isinstance(value, bool | int | float) and isfinite(value) for value in arguments.values()
    )
    if component is None or not set(arguments) <= known or not plain:
        raise UsageError(
            f"the saved setting {name} does not describe a part of galfeat.nn that this version "
            "knows"
        )
    return component(**arguments)
