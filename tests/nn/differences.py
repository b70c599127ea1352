"""Central finite differences, the independent reference for derivatives."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def gradient(function: Callable[[Array], float], at: Array, step: float = 1e-6) -> Array:
    """Return the gradient of a number, component by component."""
    result = np.empty_like(at)
    for index in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[index] += step
        down[index] -= step
        result[index] = (function(up) - function(down)) / (2 * step)
    return result


def directional(
    function: Callable[[Array], Any], at: Array, along: Array, step: float = 1e-6
) -> Array:
    """Return how an array-valued function moves along a direction."""
    moved: Array = (
        np.asarray(function(at + step * along)) - np.asarray(function(at - step * along))
    ) / (2 * step)
    return moved
