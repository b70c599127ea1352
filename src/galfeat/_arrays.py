"""Arrays of other packages as NumPy arrays, their masked values as NaN."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_plain_array", "channels_last_hint"]

_MOST_CHANNELS = 4  # a last axis that short counts bands
_SHORTEST_SIDE = 8  # pixels


def as_plain_array(given: Any) -> NDArray[Any]:
    """Return an array in which masked values are NaN.

    Parameters
    ----------
    given : array or sequence of arrays
        Masked arrays of NumPy and astropy, ``NDData`` and ``CCDData``, in any nesting of lists,
        keep their masks that way. A ``Quantity`` gives its values: as pure numbers if it has no
        dimension (percent, say), otherwise in its own unit of flux. Anything else is given to
        `numpy.asarray`.
    """
    if type(given) is np.ndarray:
        return given
    if isinstance(given, list | tuple):
        return _of_sequence(given)
    mask = getattr(given, "mask", None)
    values = _values(given)
    if mask is None or callable(mask):  # a method of data frames
        return np.asarray(values)
    stated = np.asarray(mask)  # NDData keeps any kind: flags, and lists of them
    if stated.dtype.kind not in "biu":
        return np.asarray(values)
    hidden = np.broadcast_to(stated != 0, np.shape(values))
    return np.where(hidden, np.nan, values) if hidden.any() else np.asarray(values)


def _of_sequence(given: Sequence[Any]) -> NDArray[Any]:
    special = any(
        isinstance(each, list | tuple) or hasattr(each, "mask") or hasattr(each, "unit")
        for each in given
    )
    return np.asarray([as_plain_array(each) for each in given] if special else given)


def _values(given: Any) -> Any:
    """Return the numbers of an array of another package, without mask and unit."""
    for name in ("unmasked", "data") if not hasattr(given, "unit") else ("unmasked",):
        inner = getattr(given, name, None)
        if isinstance(inner, np.ndarray):
            return np.asarray(inner)
    unit = getattr(given, "unit", None)
    if unit is not None and hasattr(given, "to_value"):
        plain = getattr(given, "unmasked", given)
        dimensionless = str(getattr(unit, "physical_type", "")) == "dimensionless"
        return np.asarray(plain.to_value("") if dimensionless else plain.value)
    return getattr(given, "data", given) if hasattr(given, "mask") else given


def channels_last_hint(shape: tuple[int, ...]) -> str:
    """Return how to move the bands where the last axis seems to count them; empty if not.

    Parameters
    ----------
    shape : tuple of int
        (…, bands, ny, nx) is expected, and (…, ny, nx, bands) recognized.
    """
    if len(shape) < 3 or shape[-1] > _MOST_CHANNELS or min(shape[-3:-1]) < _SHORTEST_SIDE:
        return ""
    return (
        f"its last axis, of length {shape[-1]}, seems to be that of the bands: move it with "
        "np.moveaxis(X, -1, -3)"
    )
