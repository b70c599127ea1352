"""The objective over all samples as a smooth function, for full-batch solvers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np

from galfeat import UsageError
from galfeat.nn.network import Network
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.hessian import NetworkHessian, matrix_of
from galfeat.nn.training.objective import Objective, as_float64
from galfeat.nn.types import Floats

__all__ = [
    "FullBatch",
    "HessianOperator",
    "MinimizeResult",
    "SmoothFunction",
    "StepCallback",
    "evaluate_start",
]

StepCallback: TypeAlias = Callable[[Floats, float], None]
"""Called at the start and after each step with the parameters and the loss there."""


class HessianOperator(Protocol):
    """The second derivatives of a function at one point."""

    def product(self, direction: Floats, /) -> Floats:
        """Return the Hessian-vector product, shape (size,)."""

    def hessian(self) -> Floats:
        """Return the Hessian matrix, shape (size, size)."""


class SmoothFunction(Protocol):
    """A twice differentiable function of a vector of parameters."""

    def value(self, params: Floats, /) -> float:
        """Return the value."""

    def value_and_gradient(self, params: Floats, /) -> tuple[float, Floats]:
        """Return the value and the gradient, shape (size,)."""

    def curvature(self, params: Floats, /) -> HessianOperator:
        """Return the second derivatives."""


@dataclass(frozen=True)
class MinimizeResult:
    """The result of a full-batch minimization.

    Parameters
    ----------
    params : array of float64, shape (size,)
        The last point.
    loss : float
        At `params`.
    gradient_norm : float
        At `params`.
    n_iter : int
        Number of steps taken.
    converged : bool
        Whether the gradient norm has reached the tolerance. If not, either `max_iter` was reached
        or rounding leaves no step that lowers the loss.
    losses : list of float
        At the start and after each step.
    """

    params: Floats
    loss: float
    gradient_norm: float
    n_iter: int
    converged: bool
    losses: list[float] = field(default_factory=list)


class FullBatch:
    """The objective over all samples as a function of the network's parameters, in float64.

    Parameters
    ----------
    objective : Objective
        Without L1 penalty, which is not differentiable at 0.
    samples : Samples
    free : slice
        Part of ``network.params`` that is varied; the rest is held fixed. ``slice(0,
        layout.n_weights)`` fixes the biases.

    Raises
    ------
    UsageError
        If there is an L1 penalty.

    Examples
    --------
    >>> from galfeat.nn.losses import HalfSquaredError
    >>> from galfeat.nn.training.newton import newton
    >>> samples = Samples(np.array([[0.0], [1.0], [2.0]]), np.array([[1.0], [3.0], [5.0]]))
    >>> batch = FullBatch(Objective(Network((1, 1)), HalfSquaredError()), samples)
    >>> newton(batch, batch.start).params.round(6).tolist()
    [2.0, 1.0]
    """

    def __init__(self, objective: Objective, samples: Samples, free: slice = slice(None)) -> None:
        if objective.l1:
            raise UsageError(
                "Newton's method and L-BFGS need a smooth objective; leave out the L1 penalty, or "
                "use another optimizer"
            )
        self._initial, self.free = objective.network.params.astype(np.float64), free
        self._objective = objective
        self._samples = as_float64(samples)

    @property
    def start(self) -> Floats:
        """The free parameters of the network as it was passed in."""
        return self._initial[self.free].copy()

    def network(self, params: Floats) -> Network:
        """Return the network with these free parameters, in float64."""
        return self._objective.network.with_params(self._all_params(params))

    def value(self, params: Floats) -> float:
        """Return the objective."""
        return self._objective.at(self._all_params(params)).value(self._samples)

    def value_and_gradient(self, params: Floats) -> tuple[float, Floats]:
        """Return the objective and its gradient with respect to the free parameters."""
        objective = self._objective.at(self._all_params(params))
        value, gradient = objective.value_and_gradient(self._samples)
        return value, gradient[self.free]

    def curvature(self, params: Floats) -> HessianOperator:
        """Return the second derivatives with respect to the free parameters."""
        objective = self._objective.at(self._all_params(params))
        return _HessianBlock(objective.curvature(self._samples), self.free, params.size)

    def _all_params(self, params: Floats) -> Floats:
        everything = self._initial.copy()
        everything[self.free] = params
        return everything


@dataclass(frozen=True)
class _HessianBlock:
    """The diagonal block of a Hessian that belongs to the free parameters."""

    full: NetworkHessian
    free: slice
    size: int

    def product(self, direction: Floats) -> Floats:
        embedded = np.zeros_like(self.full.network.params)
        embedded[self.free] = direction
        return self.full.product(embedded)[self.free]

    def hessian(self) -> Floats:
        return matrix_of(self.product, self.size)


def evaluate_start(function: SmoothFunction, params: Floats) -> tuple[Floats, float, Floats]:
    """Return the starting point in float64, and the value and the gradient there.

    Raises
    ------
    UsageError
        If the value or the gradient is not finite.
    """
    start = np.array(params, dtype=np.float64)
    value, gradient = function.value_and_gradient(start)
    if not (np.isfinite(value) and np.isfinite(gradient).all()):
        raise UsageError(
            "the loss or its gradient at the start is not finite; standardize the features if "
            "their values are large"
        )
    return start, value, gradient
