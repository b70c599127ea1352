"""Newton's method, damped.

Newton jumps to the bottom of the parabola that touches the loss: ``step = -H^-1 g``. Far from a
minimum the Hessian H of a network has negative eigenvalues, along which that step leads *up*, and
in a flat valley it has none at all, along which the step is endless. So

* on small networks the full Hessian is decomposed, ``H = Q diag(lambda) Q^T``, and each eigenvalue
  is replaced by its absolute value, not below a floor: the step goes down along every axis, and
  away from saddle points (Dauphin et al. 2014). The step is halved until the loss falls by a fair
  part of what its slope promises (Armijo);
* on larger ones conjugate gradients solve ``H step = -g`` by Hessian-vector products alone, only as
  exactly as the gradient is worth. They end on the edge of a ball within which the parabola is
  trusted if they leave it or meet negative curvature (Steihaug 1983), and the ball grows and
  shrinks with how well the parabola foretold the fall (Nocedal and Wright 2006, algorithms 4.1 and
  7.2).

References
----------
Dauphin, Y. N., et al. 2014, arXiv:1406.2572
Steihaug, T. 1983, SIAM Journal on Numerical Analysis 20, 626, doi:10.1137/0720042
Nocedal, J., and Wright, S. J. 2006, Numerical Optimization, 2nd edition,
    doi:10.1007/978-0-387-40065-5
"""

from math import inf, isfinite, sqrt

import numpy as np

from galfeat.nn.training.full_batch import Bend, Landscape, Minimum, Watcher, checked_start
from galfeat.nn.types import Floats

__all__ = ["newton"]

# parameters up to which the Hessian is built and decomposed: beyond, that costs more than it saves
_FULL = 300
_FLOOR = 1e-10  # least eigenvalue, relative to the largest: below it curvature is rounding error
_ARMIJO = 1e-4  # share of the promised fall that a step must bring
_SHRINKS = 50  # times that a step is shortened before giving up
# relative error of a loss that is a sum of many terms
_ROUNDING = 8 * float(np.finfo(np.float64).eps)


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
        For a network on samples: `galfeat.nn.training.full_batch.FullBatch`.
    params : array, shape (size,)
        Where to begin; not changed.
    max_iter : int
        Steps at most.
    tol : float
        Length of the gradient at which a point counts as a minimum.
    callback : callable, optional
        Called at the start and after each step with the parameters and the loss.
    full : bool, optional
        Decompose the full Hessian (True) or use conjugate gradients (False); left out, the number
        of parameters decides.

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
    ...         gradient = np.array([-400 * x * off - 2 * (1 - x), 200 * off])
    ...         return 100 * off**2 + (1 - x) ** 2, gradient
    ...     def curvature(self, p):
    ...         first, mixed = 1200 * p[0] ** 2 - 400 * p[1] + 2, -400 * p[0]
    ...         self.matrix = np.array([[first, mixed], [mixed, 200.0]])
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
    mover = _Line() if (point.size <= _FULL if full is None else full) else _Ball()
    losses, norm = [value], float(np.linalg.norm(gradient))
    if callback is not None:
        callback(point, value)
    while norm > tol and len(losses) <= max_iter:
        moved = mover.move(landscape, point, value, gradient)
        if moved is None:
            break
        point = moved
        value, gradient = landscape.value_and_gradient(point)
        norm = float(np.linalg.norm(gradient))
        losses.append(value)
        if callback is not None:
            callback(point, value)
    return Minimum(point, value, norm, len(losses) - 1, norm <= tol, losses)


class _Line:
    """Steps by the decomposed Hessian, searched along their line."""

    def move(
        self, landscape: Landscape, point: Floats, value: float, gradient: Floats
    ) -> Floats | None:
        """Return the point after the longest of the step, its half, its quarter, … that goes down
        enough; None if none does.
        """
        step = _decomposed(landscape.curvature(point).hessian(), gradient)
        slope = float(gradient @ step)
        for _ in range(_SHRINKS):
            moved = point + step
            if np.array_equal(moved, point):
                return None
            if _height(landscape, moved) <= value + _ARMIJO * slope + _ROUNDING * abs(value):
                return moved
            step, slope = step / 2, slope / 2
        return None


def _decomposed(hessian: Floats, gradient: Floats) -> Floats:
    """Return -|H|^-1 g, the eigenvalues of |H| being those of H without sign and not below the
    floor.
    """
    values, axes = np.linalg.eigh((hessian + hessian.T) / 2)
    sizes = np.abs(values)
    largest = float(sizes.max())
    if largest == 0.0:  # no curvature at all: straight down
        return -gradient
    step: Floats = -(axes @ ((axes.T @ gradient) / np.maximum(sizes, _FLOOR * largest)))
    return step


class _Ball:
    """Steps by conjugate gradients within a ball that grows and shrinks."""

    def __init__(self) -> None:
        self.radius = 1.0

    def move(
        self, landscape: Landscape, point: Floats, value: float, gradient: Floats
    ) -> Floats | None:
        """Return the point after the first step that goes down enough, the ball shrinking after
        each that does not; None if none does.
        """
        bend = landscape.curvature(point)
        for _ in range(_SHRINKS):
            step, promised = _steihaug(bend, gradient, self.radius)
            moved, length = point + step, float(np.linalg.norm(step))
            if np.array_equal(moved, point):
                return None
            slack = _ROUNDING * abs(value)
            # both drown in rounding near the minimum
            kept = (value - _height(landscape, moved) + slack) / (promised + slack)
            if kept < 0.25:
                self.radius = length / 4
            elif kept > 0.75 and length > 0.99 * self.radius:
                self.radius *= 2
            if kept > _ARMIJO:
                return moved
        return None


def _steihaug(bend: Bend, gradient: Floats, radius: float) -> tuple[Floats, float]:
    """Return a step that solves H step = -g within a ball, and the fall of the parabola that it
    promises.
    """
    norm = float(np.linalg.norm(gradient))
    enough = min(0.5, sqrt(norm)) * norm
    step, residual, direction = np.zeros_like(gradient), gradient.copy(), -gradient
    square = norm * norm
    for _ in range(2 * gradient.size):
        product = bend.product(direction)
        curvature = float(direction @ product)
        length = square / curvature if curvature > 0 else inf
        if curvature <= 0 or np.linalg.norm(step + length * direction) >= radius:
            length = _to_edge(step, direction, radius)
            step, residual = step + length * direction, residual + length * product
            break
        step, residual = step + length * direction, residual + length * product
        square, before = float(residual @ residual), square
        if sqrt(square) <= enough:
            break
        direction = square / before * direction - residual
    return step, -0.5 * float(step @ (gradient + residual))  # the residual is g + H step


def _to_edge(step: Floats, direction: Floats, radius: float) -> float:
    """Return how far along the direction the ball's edge is."""
    a, b, c = (
        float(direction @ direction),
        float(step @ direction),
        float(step @ step) - radius * radius,
    )
    return (sqrt(max(b * b - a * c, 0.0)) - b) / a


def _height(landscape: Landscape, point: Floats) -> float:
    """Return the loss, infinite where it is not finite.

    Far out, a loss that overflows is one that has not fallen.
    """
    with np.errstate(all="ignore"):
        value = landscape.value(point)
    return value if isfinite(value) else inf
