"""L-BFGS: Newton's method with a Hessian guessed from the last few gradients.

References
----------
Liu, D. C., and Nocedal, J. 1989, Mathematical Programming 45, 503, doi:10.1007/BF01589116
"""

from typing import TypeAlias

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from galfeat.nn.training.full_batch import Landscape, Minimum, Watcher, checked_start
from galfeat.nn.types import Floats

__all__ = ["lbfgs"]

_Point: TypeAlias = tuple[Floats, float, Floats]
"""Parameters, value and gradient."""


def lbfgs(
    landscape: Landscape,
    params: Floats,
    *,
    max_iter: int = 200,
    tol: float = 1e-7,
    callback: Watcher | None = None,
    memory: int = 10,
) -> Minimum:
    """Go down to a minimum by SciPy's L-BFGS-B without bounds.

    Parameters
    ----------
    landscape : Landscape
        Its curvature is never asked for.
    params : array, shape (size,)
        Where to begin; not changed.
    max_iter : int
        Steps at most.
    tol : float
        Length of the gradient at which a point counts as a minimum. Much below 1e-8 SciPy's line
        search sees only the rounding of the loss and gives up, unless the loss goes to zero;
        `galfeat.nn.training.newton` goes further.
    callback : callable, optional
        Called at the start and after each step with the parameters and the loss.
    memory : int
        Gradients remembered.

    Returns
    -------
    Minimum

    Raises
    ------
    UsageError
        If the loss or its gradient at the start is not finite.

    Examples
    --------
    >>> class Bowl:
    ...     def value_and_gradient(self, p):
    ...         return float(p @ p), 2 * p
    >>> lbfgs(Bowl(), np.array([3.0, -4.0])).converged
    True
    """
    start, value, gradient = checked_start(landscape, params)
    walk = _Walk(landscape, tol, callback, (start, value, gradient))
    if walk.norm > tol:
        with np.errstate(all="ignore"):  # far out, a loss that overflows is one that has not fallen
            minimize(
                walk.value_and_gradient,
                start,
                jac=True,
                method="L-BFGS-B",
                callback=walk.after_step,
                options={
                    "maxiter": max_iter,
                    "maxfun": 20 * max_iter + 20,
                    "maxcor": memory,
                    "ftol": 0.0,
                    "gtol": 0.0,
                    "maxls": 40,
                },
            )
    return Minimum(
        walk.here[0],
        walk.losses[-1],
        walk.norm,
        len(walk.losses) - 1,
        walk.norm <= tol,
        walk.losses,
    )


class _Walk:
    """What SciPy calls back.

    Knows the gradient at each step taken, which SciPy does not say, and ends by its length.
    """

    def __init__(
        self, landscape: Landscape, tol: float, watcher: Watcher | None, start: _Point
    ) -> None:
        self.landscape, self.tol, self.watcher = landscape, tol, watcher
        self.losses: list[float] = []
        self._arrive(start)

    @property
    def norm(self) -> float:
        return float(np.linalg.norm(self.here[2]))

    def value_and_gradient(self, params: Floats) -> tuple[float, Floats]:
        value, gradient = self.landscape.value_and_gradient(params)
        self.last: _Point = (params.copy(), value, gradient.copy())
        return value, gradient

    def after_step(self, intermediate_result: OptimizeResult) -> None:
        if not np.array_equal(self.last[0], intermediate_result.x):
            self.value_and_gradient(intermediate_result.x)
        self._arrive(self.last)
        if self.norm <= self.tol:
            raise StopIteration

    def _arrive(self, point: _Point) -> None:
        self.here = self.last = point
        self.losses.append(point[1])
        if self.watcher is not None:
            self.watcher(point[0], point[1])
