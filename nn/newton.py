"""Newton's method, damped and line-searched.

Newton jumps to the bottom of the parabola that touches the loss: ``step = -H^-1 g``. Far from a minimum the Hessian H of a network has
negative eigenvalues, along which that step leads *up*, and near a flat valley it has none at all, along which the step is endless. So

* on small networks the full Hessian is decomposed, ``H = Q diag(lambda) Q^T``, and each eigenvalue is replaced by its absolute value,
  not below a floor: the step goes down along every axis, and away from saddle points (Dauphin et al. 2014);
* on larger ones conjugate gradients solve ``H step = -g`` by Hessian-vector products alone, only as exactly as the gradient is worth, and
  stop where they meet negative curvature (Nocedal and Wright 2006, algorithm 7.1);

and in both the step is halved until the loss falls by a fair part of what its slope promises (Armijo).

References
----------
Dauphin, Y. N., et al. 2014, arXiv:1406.2572
Nocedal, J., and Wright, S. J. 2006, Numerical Optimization, 2nd edition, doi:10.1007/978-0-387-40065-5
"""

from math import isfinite, sqrt

import numpy as np

from galfeat.nn.landscape import Bend, Landscape, Minimum, Watcher, checked_start
from galfeat.nn.types import Floats

__all__ = ["newton"]

_FULL = 300  # parameters up to which the Hessian is built and decomposed: beyond, that costs more than it saves
_FLOOR = 1e-10  # least eigenvalue, relative to the largest: below it curvature is rounding error
_ARMIJO = 1e-4  # share of the promised fall that a step must bring
_HALVINGS = 50
_ROUNDING = 8 * float(np.finfo(np.float64).eps)  # relative error of a loss that is a sum of many terms


def newton(
    landscape: Landscape,
    params: Floats,
    *,
    max_iter: int = 200,
    tol: float = 1e-10,
    callback: Watcher | None = None,
    full: bool | None = None,
) -> Minimum:
    """Go down to a minimum by Newton's method.

    Parameters
    ----------
    landscape : Landscape
        For a network on samples: `galfeat.nn.landscape.FullBatch`.
    params : array, shape (size,)
        Where to begin; not changed.
    max_iter : int
        Steps at most.
    tol : float
        Length of the gradient at which a point counts as a minimum.
    callback : callable, optional
        Called at the start and after each step with the parameters and the loss.
    full : bool, optional
        Decompose the full Hessian (True) or use conjugate gradients (False); left out, the number of parameters decides.

    Returns
    -------
    Minimum

    Raises
    ------
    UsageError
        If the loss or its gradient at the start is not finite.

    Examples
    --------
    Rosenbrock's valley, from the classical start:

    >>> class Valley:
    ...     def value(self, p):
    ...         return self.value_and_gradient(p)[0]
    ...     def value_and_gradient(self, p):
    ...         x, off = p[0], p[1] - p[0] ** 2
    ...         return 100 * off**2 + (1 - x) ** 2, np.array([-400 * x * off - 2 * (1 - x), 200 * off])
    ...     def curvature(self, p):
    ...         self.matrix = np.array([[1200 * p[0] ** 2 - 400 * p[1] + 2, -400 * p[0]], [-400 * p[0], 200.0]])
    ...         return self
    ...     def product(self, direction):
    ...         return self.matrix @ direction
    ...     def hessian(self):
    ...         return self.matrix
    >>> found = newton(Valley(), np.array([-1.2, 1.0]))
    >>> found.converged, found.params.round(9).tolist(), found.n_iter < 30
    (True, [1.0, 1.0], True)
    """
    point, value, gradient = checked_start(landscape, params)
    full = point.size <= _FULL if full is None else full
    losses, norm = [value], float(np.linalg.norm(gradient))
    if callback is not None:
        callback(point, value)
    while norm > tol and len(losses) <= max_iter:
        bend = landscape.curvature(point)
        step = _decomposed(bend, gradient) if full else _conjugate(bend, gradient)
        found = _searched(landscape, point, value, gradient, step)
        if found is None:
            break
        point = found
        value, gradient = landscape.value_and_gradient(point)
        norm = float(np.linalg.norm(gradient))
        losses.append(value)
        if callback is not None:
            callback(point, value)
    return Minimum(point, value, norm, len(losses) - 1, norm <= tol, losses)


def _decomposed(bend: Bend, gradient: Floats) -> Floats:
    """Return -|H|^-1 g, the eigenvalues of |H| being those of H without sign and not below the floor."""
    hessian = bend.hessian()
    values, axes = np.linalg.eigh((hessian + hessian.T) / 2)
    sizes = np.abs(values)
    largest = float(sizes.max())
    if largest == 0.0:  # no curvature at all: straight down
        return -gradient
    step: Floats = -(axes @ ((axes.T @ gradient) / np.maximum(sizes, _FLOOR * largest)))
    return step


def _conjugate(bend: Bend, gradient: Floats) -> Floats:
    """Return a solution of H step = -g by conjugate gradients, as far as the curvature stays positive."""
    norm = float(np.linalg.norm(gradient))
    enough = min(0.5, sqrt(norm)) * norm
    step, residual = np.zeros_like(gradient), gradient.copy()
    direction, square = -gradient, norm * norm
    for number in range(2 * gradient.size):
        product = np.asarray(bend.product(direction), dtype=np.float64)
        curvature = float(direction @ product)
        if curvature <= 0:
            return direction if number == 0 else step
        length = square / curvature
        step += length * direction
        residual += length * product
        new_square = float(residual @ residual)
        if sqrt(new_square) <= enough:
            break
        direction = new_square / square * direction - residual
        square = new_square
    return step


def _searched(landscape: Landscape, point: Floats, value: float, gradient: Floats, step: Floats) -> Floats | None:
    """Return the point after the longest of the step, its half, its quarter, … that goes down enough; None if none does."""
    slope, length = float(gradient @ step), 1.0
    slack = _ROUNDING * abs(value)  # near the minimum the fall drowns in the rounding of the loss before the gradient does
    for _ in range(_HALVINGS):
        moved = point + length * step
        with np.errstate(all="ignore"):  # far out, a loss that overflows is one that has not fallen
            reached = landscape.value(moved)
        if isfinite(reached) and reached <= value + _ARMIJO * length * slope + slack:
            return None if np.array_equal(moved, point) else moved
        length /= 2
    return None
