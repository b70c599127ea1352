"""Array types of the network's functions."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Weight"]

Floats: TypeAlias = NDArray[np.floating[Any]]
"""An array of float32 or float64; functions preserve the dtype."""

Weight: TypeAlias = float | Floats
"""Sample weights, shape (n, 1), or one number for all samples."""
