"""What a full-batch method walks on: a number at every point, its gradient and its curvature.

And the minimum that it comes back with.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np

from galfeat import UsageError
from galfeat.nn.network import Network
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.hessian import Curvature, columns
from galfeat.nn.training.objective import Objective, doubled
from galfeat.nn.types import Floats

__all__ = ["Bend", "FullBatch", "Landscape", "Minimum", "Watcher", "checked_start"]

Watcher: TypeAlias = Callable[[Floats, float], None]
"""Called at the start and after each step with the parameters and the loss there."""


class Bend(Protocol):
    """Second derivatives at one point."""

    def product(self, direction: Floats, /) -> Floats:
        """Return the Hessian times a direction, shape (size,)."""

    def hessian(self) -> Floats:
        """Return the Hessian, shape (size, size)."""


class Landscape(Protocol):
    """A smooth function of a vector."""

    def value(self, params: Floats, /) -> float:
        """Return the height."""

    def value_and_gradient(self, params: Floats, /) -> tuple[float, Floats]:
        """Return the height and the gradient, shape (size,)."""

    def curvature(self, params: Floats, /) -> Bend:
        """Return the second derivatives."""


@dataclass(frozen=True)
class Minimum:
    """Where a full-batch method ended.

    Parameters
    ----------
    params : array of float64, shape (size,)
    loss : float
        At `params`.
    gradient_norm : float
        Length of the gradient there.
    n_iter : int
        Steps taken.
    converged : bool
        Whether the gradient's length has come down to the tolerance. If not, either the steps ran
        out or rounding lets no step go down.
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
    """The objective over all samples as a function of the parameters, in float64.

    Parameters
    ----------
    objective : Objective
        Without L1 penalty, which has kinks.
    samples : Samples
    free : slice
        The part of ``network.params`` that may move; the rest stays as it is. ``slice(0,
        layout.n_weights)`` holds the biases.

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
        self._fixed, self.free = objective.network.params.astype(np.float64), free
        self._objective = objective
        self._samples = doubled(samples)

    @property
    def start(self) -> Floats:
        """The free parameters of the network as it was given."""
        return self._fixed[self.free].copy()

    def network(self, params: Floats) -> Network:
        """Return the network with these free parameters, in float64."""
        return self._objective.network.with_params(self._whole(params))

    def value(self, params: Floats) -> float:
        """Return the objective."""
        return self._objective.at(self._whole(params)).value(self._samples)

    def value_and_gradient(self, params: Floats) -> tuple[float, Floats]:
        """Return the objective and its gradient with respect to the free parameters."""
        value, gradient = self._objective.at(self._whole(params)).value_and_gradient(self._samples)
        return value, gradient[self.free]

    def curvature(self, params: Floats) -> Bend:
        """Return the second derivatives with respect to the free parameters."""
        return _Part(
            self._objective.at(self._whole(params)).curvature(self._samples), self.free, params.size
        )

    def _whole(self, params: Floats) -> Floats:
        whole = self._fixed.copy()
        whole[self.free] = params
        return whole


@dataclass(frozen=True)
class _Part:
    """The block of second derivatives that belongs to the free parameters."""

    whole: Curvature
    free: slice
    size: int

    def product(self, direction: Floats) -> Floats:
        embedded = np.zeros_like(self.whole.network.params)
        embedded[self.free] = direction
        return self.whole.product(embedded)[self.free]

    def hessian(self) -> Floats:
        return columns(self.product, self.size)


def checked_start(landscape: Landscape, params: Floats) -> tuple[Floats, float, Floats]:
    """Return the start in float64, with the height and the gradient there.

    Raises
    ------
    UsageError
        If they are not finite.
    """
    start = np.array(params, dtype=np.float64)
    value, gradient = landscape.value_and_gradient(start)
    if not (np.isfinite(value) and np.isfinite(gradient).all()):
        raise UsageError(
            "the loss or its gradient at the start is not finite; standardise the features if "
            "their values are large"
        )
    return start, value, gradient
