"""Test function of two parameters with several minima.

References
----------
Himmelblau, D. M. 1972, Applied Nonlinear Programming (the function without its tilt)
"""

import numpy as np

from galfeat.nn.types import Floats

__all__ = ["TiltedHimmelblau"]

_TILT = 0.1


class TiltedHimmelblau:
    """Himmelblau's function with a tilt, which makes one of its four minima the global one.

    The global minimum is near (3.6, -2.0); local ones are near (3.1, 1.7), (-3.7, -3.3) and (-2.7,
    3.1).

    ``f(x, y) = ((x^2 + y - 11)^2 + (x + y^2 - 7)^2) / 100 + 0.1 (y - x) / 2``, a
    `galfeat.nn.training.full_batch.SmoothFunction`.

    Examples
    --------
    >>> TiltedHimmelblau().value(np.array([3.0, 2.0]))
    -0.05
    """

    extent = (-5.5, 5.5, -5.5, 5.5)

    def value(self, params: Floats, /) -> float:
        """Return the value at a point (x, y)."""
        x, y = params
        return float(((x * x + y - 11) ** 2 + (x + y * y - 7) ** 2) / 100 + _TILT * (y - x) / 2)

    def value_and_gradient(self, params: Floats, /) -> tuple[float, Floats]:
        """Return the value and the gradient, shape (2,)."""
        x, y = params
        first, second = x * x + y - 11, x + y * y - 7
        slope = [
            (4 * x * first + 2 * second) / 100 - _TILT / 2,
            (2 * first + 4 * y * second) / 100 + _TILT / 2,
        ]
        return self.value(params), np.array(slope)

    def curvature(self, params: Floats, /) -> "_MatrixHessian":
        """Return the second derivatives."""
        x, y = params
        mixed = 4 * (x + y) / 100
        return _MatrixHessian(
            np.array(
                [[(12 * x * x + 4 * y - 42) / 100, mixed], [mixed, (4 * x + 12 * y * y - 26) / 100]]
            )
        )


class _MatrixHessian:
    def __init__(self, matrix: Floats) -> None:
        self._matrix = matrix

    def product(self, direction: Floats, /) -> Floats:
        return np.asarray(self._matrix @ direction)

    def hessian(self) -> Floats:
        return self._matrix
