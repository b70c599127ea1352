"""Damped Newton's method: saddle-free line search, or trust-region Newton-CG (Steihaug).

The Newton step ``-H^-1 g`` leads to the minimum of the local quadratic model of the loss. Far from
a minimum the Hessian H of a network has negative eigenvalues, along which that step leads *up*; in
a flat valley it has eigenvalues near zero, along which the step is unbounded. Two remedies:

* Small networks: the full Hessian is decomposed, ``H = Q diag(lambda) Q^T``, and each eigenvalue
  is replaced by its absolute value, bounded from below. The step is then a descent direction and
  leads away from saddle points (saddle-free Newton [1]_). A backtracking line search halves it
  until the Armijo condition (sufficient decrease) holds.
* Larger networks: conjugate gradients solve ``H step = -g`` with Hessian-vector products, to a
  tolerance that tightens as the gradient norm falls (inexact Newton). They stop at the boundary of
  the trust region when they leave it or meet negative curvature [2]_; the trust region grows and
  shrinks with the ratio of actual to predicted reduction [3]_ (algorithms 4.1 and 7.2).

References
----------
.. [1] Dauphin, Y. N., et al. 2014, arXiv:1406.2572
.. [2] Steihaug, T. 1983, SIAM Journal on Numerical Analysis 20, 626, doi:10.1137/0720042
.. [3] Nocedal, J., and Wright, S. J. 2006, Numerical Optimization, 2nd edition,
   doi:10.1007/978-0-387-40065-5
"""

from math import inf, isfinite, sqrt

import numpy as np

from galfeat.nn.training.full_batch import (
    HessianOperator,
    MinimizeResult,
    SmoothFunction,
    StepCallback,
    evaluate_start,
)
from galfeat.nn.types import Floats

__all__ = ["newton"]

# number of parameters up to which the Hessian is built and decomposed; beyond, Newton-CG is faster
_MAX_DECOMPOSED = 300
# lower bound of the eigenvalues relative to the largest: smaller ones are rounding error
_MIN_EIGENVALUE = 1e-10
_ARMIJO = 1e-4  # share of the predicted reduction that an accepted step must reach
_MAX_SHRINKS = 50  # times that a step is shortened before giving up
# relative rounding error of a loss that is a sum of many terms
_ROUNDING = 8 * float(np.finfo(np.float64).eps)


def newton(
    function: SmoothFunction,
    params: Floats,
    *,
    max_iter: int = 200,
    tol: float = 1e-10,
    callback: StepCallback | None = None,
    full: bool | None = None,
) -> MinimizeResult:
    """Minimize a function by damped Newton's method.

    Parameters
    ----------
    function : SmoothFunction
        For a network on samples: `galfeat.nn.training.full_batch.FullBatch`.
    params : array, shape (size,)
        Starting point; not changed.
    max_iter : int
        Maximum number of steps.
    tol : float
        Gradient norm at which the minimization has converged.
    callback : callable, optional
        Called at the start and after each step with the parameters and the loss.
    full : bool, optional
        Decompose the full Hessian (True) or use trust-region Newton-CG (False); by default, the
        number of parameters decides.

    Returns
    -------
    MinimizeResult

    Raises
    ------
    UsageError
        If the loss or its gradient at the start is not finite.

    Examples
    --------
    The Rosenbrock function, from the classical starting point:

    >>> class Rosenbrock:
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
    >>> found = newton(Rosenbrock(), np.array([-1.2, 1.0]))
    >>> found.converged, found.params.round(9).tolist(), found.n_iter < 30
    (True, [1.0, 1.0], True)
    """
    point, value, gradient = evaluate_start(function, params)
    decompose = point.size <= _MAX_DECOMPOSED if full is None else full
    method = _SaddleFreeLineSearch() if decompose else _TrustRegion()
    losses, norm = [value], float(np.linalg.norm(gradient))
    if callback is not None:
        callback(point, value)
    while norm > tol and len(losses) <= max_iter:
        accepted = method.step(function, point, value, gradient)
        if accepted is None:
            break
        point = accepted
        value, gradient = function.value_and_gradient(point)
        norm = float(np.linalg.norm(gradient))
        losses.append(value)
        if callback is not None:
            callback(point, value)
    return MinimizeResult(point, value, norm, len(losses) - 1, norm <= tol, losses)


class _SaddleFreeLineSearch:
    """Saddle-free Newton steps with a backtracking (Armijo) line search."""

    def step(
        self, function: SmoothFunction, point: Floats, value: float, gradient: Floats
    ) -> Floats | None:
        """Halve the step until the loss decreases sufficiently; None if it never does."""
        step = _saddle_free_step(function.curvature(point).hessian(), gradient)
        slope = float(gradient @ step)
        for _ in range(_MAX_SHRINKS):
            candidate = point + step
            if np.array_equal(candidate, point):
                return None
            decrease = _ARMIJO * slope
            if _value_or_inf(function, candidate) <= value + decrease + _ROUNDING * abs(value):
                return candidate
            step, slope = step / 2, slope / 2
        return None


def _saddle_free_step(hessian: Floats, gradient: Floats) -> Floats:
    """Return -|H|^-1 g; |H| has the absolute eigenvalues of H, bounded from below."""
    values, axes = np.linalg.eigh((hessian + hessian.T) / 2)
    sizes = np.abs(values)
    largest = float(sizes.max())
    if largest == 0.0:  # no curvature at all: steepest descent
        return -gradient
    step: Floats = -(axes @ ((axes.T @ gradient) / np.maximum(sizes, _MIN_EIGENVALUE * largest)))
    return step


class _TrustRegion:
    """Trust-region Newton-CG steps; the radius is carried from step to step."""

    def __init__(self) -> None:
        self.radius = 1.0

    def step(
        self, function: SmoothFunction, point: Floats, value: float, gradient: Floats
    ) -> Floats | None:
        """Shrink the trust region until a step is accepted; None if none is."""
        hessian = function.curvature(point)
        for _ in range(_MAX_SHRINKS):
            step, predicted = _steihaug(hessian, gradient, self.radius)
            candidate, length = point + step, float(np.linalg.norm(step))
            if np.array_equal(candidate, point):
                return None
            # near the minimum both reductions are below the rounding error of the loss
            slack = _ROUNDING * abs(value)
            ratio = (value - _value_or_inf(function, candidate) + slack) / (predicted + slack)
            if ratio < 0.25:
                self.radius = length / 4
            elif ratio > 0.75 and length > 0.99 * self.radius:
                self.radius *= 2
            if ratio > _ARMIJO:
                return candidate
        return None


def _steihaug(hessian: HessianOperator, gradient: Floats, radius: float) -> tuple[Floats, float]:
    """Solve H step = -g within the trust region by Steihaug's truncated conjugate gradients.

    Returns
    -------
    step : array, shape (size,)
    predicted : float
        Reduction of the loss predicted by the quadratic model.
    """
    norm = float(np.linalg.norm(gradient))
    tolerance = min(0.5, sqrt(norm)) * norm
    step, residual, direction = np.zeros_like(gradient), gradient.copy(), -gradient
    square = norm * norm
    for _ in range(2 * gradient.size):
        product = hessian.product(direction)
        curvature = float(direction @ product)
        length = square / curvature if curvature > 0 else inf
        if curvature <= 0 or np.linalg.norm(step + length * direction) >= radius:
            length = _distance_to_boundary(step, direction, radius)
            step, residual = step + length * direction, residual + length * product
            break
        step, residual = step + length * direction, residual + length * product
        square, before = float(residual @ residual), square
        if sqrt(square) <= tolerance:
            break
        direction = square / before * direction - residual
    return step, -0.5 * float(step @ (gradient + residual))  # the residual is g + H step


def _distance_to_boundary(step: Floats, direction: Floats, radius: float) -> float:
    """Return the t > 0 at which |step + t direction| equals the radius."""
    a, b, c = (
        float(direction @ direction),
        float(step @ direction),
        float(step @ step) - radius * radius,
    )
    return (sqrt(max(b * b - a * c, 0.0)) - b) / a


def _value_or_inf(function: SmoothFunction, point: Floats) -> float:
    """Return the loss, or infinity where it is not finite, so that such a step is rejected."""
    with np.errstate(all="ignore"):
        value = function.value(point)
    return value if isfinite(value) else inf
