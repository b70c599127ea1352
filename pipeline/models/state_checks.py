"""Checks of what an encoder learned, when it is read from a model file.

Shapes, types, and that numbers are finite and in their ranges. A file whose arrays pass is usable;
whether they are those that were learned only its checksum tells.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError

__all__ = ["check_scaler", "check_words", "checked_whole", "refuse_arrays", "words_width"]

_TOLERANCE = 1e-6  # of lengths and angles of axes
_LARGEST = 1e30  # factor of a block: its products stay within float32


def checked_whole(name: str, value: object, *, least: int = 1) -> int:
    """Return a saved whole number.

    Raises
    ------
    UsageError
        If it is none, or less than `least`.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UsageError(f"the saved {name} must be a whole number of at least {least}")
    return value


def refuse_arrays(settings: object) -> None:
    """Check that settings hold no arrays, at any depth.

    Raises
    ------
    UsageError
        If they do.
    """
    if isinstance(settings, np.ndarray):
        raise UsageError("there is an array among the saved settings of its recipe")
    if isinstance(settings, Mapping):
        settings = list(settings.values())
    for each in settings if isinstance(settings, list) else ():
        refuse_arrays(each)


def check_scaler(state: Mapping[str, Any], width: int, components: int | None) -> int:
    """Check the learned values of a `BlockScaler`; return the width of its output.

    Parameters
    ----------
    state : mapping
        Settings and learned values.
    width : int
        Width of the block.
    components : int or None
        Principal components that are kept, at most.

    Raises
    ------
    UsageError
        If they are not those of such a scaler.
    """
    learned = _learned(
        state, {"mean_", "scale_", "components_", "factor_", "n_features_in_"}, components
    )
    _check_array(learned, "mean_", (width,))
    scale = _check_array(learned, "scale_", (width,))
    factor = learned["factor_"]
    if (scale < 0).any():
        raise UsageError("the saved scale_ must not be negative")
    if not isinstance(factor, float) or not 0 < factor < _LARGEST:
        raise UsageError("the saved factor_ must be a positive number")
    if learned["n_features_in_"] != width or isinstance(learned["n_features_in_"], bool):
        raise UsageError(f"the saved n_features_in_ must be {width}")
    axes = learned["components_"]
    if components is None:
        if axes is not None:
            raise UsageError("the saved components_ must be missing: no components were asked for")
        return width
    _check_axes(learned, "components_", min(components, width), width)
    return len(axes)


def check_words(state: Mapping[str, Any], view: str) -> None:
    """Check the learned values of an encoder of local descriptors.

    Parameters
    ----------
    state : mapping
    view : {"", "fisher"}
        Visual words, or a Fisher vector.

    Raises
    ------
    UsageError
        If they are not those of such an encoder.
    """
    settings = state["settings"]
    size = words_width(state, view)
    checked_whole("max_descriptors", settings["max_descriptors"])
    names = {"words_"} if not view else {"center_", "axes_", "weights_", "means_", "variances_"}
    learned = _learned(state, {"width_", *names}, settings.get("n_components"))
    width = checked_whole("width_", learned["width_"], least=0)
    if not view:
        words = _check_array(learned, "words_", (None, width))
        if (
            len(words) > size
            or (width and not len(words))
            or (words < 0).any()
            or (words > 1 + _TOLERANCE).any()
        ):
            raise UsageError(f"the saved words_ must be 1 to {size}, of numbers from 0 to 1")
        return
    _check_array(learned, "center_", (width,))
    most = width if settings["reduce"] is None else min(settings["reduce"], width)
    dimensions = len(_check_axes(learned, "axes_", most, width))
    weights = _check_array(learned, "weights_", (None,))
    count = len(weights)
    _check_array(learned, "means_", (count, dimensions))
    variances = _check_array(learned, "variances_", (count, dimensions))
    if count > settings["n_components"] or (width and not count) or (variances <= 0).any():
        raise UsageError("the saved variances_ must be positive, of the Gaussians that are there")
    if count and ((weights <= 0).any() or abs(weights.sum() - 1) > _TOLERANCE):
        raise UsageError("the saved weights_ must be positive, and their sum 1")


def words_width(state: Mapping[str, Any], view: str) -> int:
    """Return the width of the vectors of an encoder of local descriptors, by its settings.

    Raises
    ------
    UsageError
        If a setting is out of range.
    """
    settings = state["settings"]
    if not view:
        return checked_whole("n_words", settings["n_words"])
    count = checked_whole("n_components", settings["n_components"])
    reduce = settings["reduce"]
    dimensions = (
        (state["learned"]["width_"] or 128) if reduce is None else checked_whole("reduce", reduce)
    )
    return 2 * count * dimensions


def _learned(
    state: Mapping[str, Any], names: set[str], components: int | None
) -> Mapping[str, Any]:
    learned, settings = state["learned"], state["settings"]
    if not isinstance(learned, Mapping) or set(learned) != names:
        found = set(map(str, learned)) if isinstance(learned, Mapping) else set()
        wrong = ", ".join(sorted(names.symmetric_difference(found)))
        raise UsageError(f"the saved learned values are not those of its encoder; look at {wrong}")
    if settings.get("n_components") != components:
        raise UsageError(f"the saved n_components must be {components}")
    seed = settings.get("random_state")
    if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
        raise UsageError("the saved random_state must be a whole number")
    return learned


def _check_array(
    learned: Mapping[str, Any], name: str, shape: Sequence[int | None]
) -> NDArray[np.float64]:
    array = learned[name]
    if (
        not isinstance(array, np.ndarray)
        or array.dtype != np.dtype(np.float64)
        or array.ndim != len(shape)
        or any(
            wanted not in (None, length) for wanted, length in zip(shape, array.shape, strict=True)
        )
    ):
        got = (
            f"{array.dtype} of shape {array.shape}"
            if isinstance(array, np.ndarray)
            else type(array).__name__
        )
        wanted = " x ".join("n" if length is None else str(length) for length in shape)
        raise UsageError(f"the saved {name} must be {wanted} float64 numbers; got {got}")
    if not np.isfinite(array).all():
        raise UsageError(f"the saved {name} must be finite numbers")
    return array


def _check_axes(
    learned: Mapping[str, Any], name: str, most: int, width: int
) -> NDArray[np.float64]:
    """Check that principal axes are at most so many, of length 1, and at right angles."""
    axes = _check_array(learned, name, (None, width))
    with np.errstate(all="ignore"):
        if len(axes) > most or not np.allclose(axes @ axes.T, np.eye(len(axes)), atol=_TOLERANCE):
            raise UsageError(
                f"the saved {name} must be at most {most} axes of length 1 at right angles"
            )
    return axes
