"""The one array type that the network talks in."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Weight"]

Floats: TypeAlias = NDArray[np.floating[Any]]
"""An array of float32 or float64; which of the two is the caller's choice and is kept."""

Weight: TypeAlias = float | Floats
"""Weight of each sample, shape (n, 1), or one number for all of them."""
