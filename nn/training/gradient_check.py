"""Gradient check: backpropagation against central finite differences.

A wrong gradient seldom stops a network from learning; it only learns badly. The check perturbs each
parameter to both sides and compares the finite difference of the loss with the component of the
gradient. It costs two forward passes per parameter: check a small network on a few samples.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from galfeat.nn.layout import Layout
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.objective import Objective, as_float64
from galfeat.nn.types import Floats

__all__ = ["GradientCheck", "ParameterLocation", "check_gradient"]

# balances the rounding error, eps / h, and the truncation error, h^2
_STEP = float(np.finfo(np.float64).eps) ** (1 / 3)


@dataclass(frozen=True)
class ParameterLocation:
    """The layer and units that a parameter of the flat vector belongs to.

    Parameters
    ----------
    layer : int
        Counted from 0, the first layer after the inputs.
    kind : "weight" or "bias"
    row : int or None
        Input unit of a weight; None for a bias.
    column : int
        Output unit.
    """

    layer: int
    kind: Literal["weight", "bias"]
    row: int | None
    column: int

    @classmethod
    def from_index(cls, layout: Layout, index: int) -> "ParameterLocation":
        """Return the location of the parameter at an index of the flat vector.

        Examples
        --------
        >>> ParameterLocation.from_index(Layout((2, 3, 1)), 4)
        ParameterLocation(layer=0, kind='weight', row=1, column=1)
        >>> ParameterLocation.from_index(Layout((2, 3, 1)), 12)
        ParameterLocation(layer=1, kind='bias', row=None, column=0)
        """
        for layer, (rows, columns) in enumerate(layout.shapes):
            if index < rows * columns:
                return cls(layer, "weight", *divmod(index, columns))
            index -= rows * columns
        for layer, size in enumerate(layout.sizes[1:]):
            if index < size:
                return cls(layer, "bias", None, index)
            index -= size
        raise IndexError(
            f"a network of layers {layout.sizes} has no parameter beyond {layout.size - 1}"
        )

    def __str__(self) -> str:
        if self.row is None:
            return f"the bias of unit {self.column} in layer {self.layer}"
        return f"the weight from unit {self.row} to unit {self.column} in layer {self.layer}"


@dataclass(frozen=True)
class GradientCheck:
    """The result of a gradient check.

    Parameters
    ----------
    backpropagated, differences : array, shape (size,)
        The gradient by backpropagation and by finite differences.
    error : float
        Largest difference of the two, relative to the largest component of the gradient or to 1,
        whichever is larger.
    worst : ParameterLocation
        The parameter with the largest difference.
    """

    backpropagated: Floats
    differences: Floats
    error: float
    worst: ParameterLocation

    def __str__(self) -> str:
        index = int(np.argmax(np.abs(self.backpropagated - self.differences)))
        return (
            f"the gradients agree to {self.error:.1e}; they are furthest apart at {self.worst}: "
            f"{self.backpropagated[index]:.6g} by backpropagation, {self.differences[index]:.6g} "
            "by differences"
        )


def check_gradient(objective: Objective, samples: Samples, *, step: float = _STEP) -> GradientCheck:
    """Compare the gradient by backpropagation with central finite differences.

    Parameters
    ----------
    objective : Objective
        Any network, loss and penalties. The network is not changed.
    samples : Samples
        A few suffice.
    step : float
        Finite-difference step for parameters of absolute value up to 1; relative step for larger
        ones.

    Returns
    -------
    GradientCheck
        An `error` above 1e-6 indicates a bug, or a kink (ReLU at 0) within a step: try other
        parameters.

    Notes
    -----
    Everything is computed in float64, whatever the network's precision: in float32, finite
    differences have about three significant digits.

    Examples
    --------
    >>> from galfeat.nn.losses import CrossEntropy
    >>> from galfeat.nn.network import initialized
    >>> rng = np.random.default_rng(0)
    >>> network = initialized((3, 4, 2), "tanh", "identity", rng)
    >>> samples = Samples(rng.standard_normal((5, 3)), np.eye(2)[[0, 1, 1, 0, 1]])
    >>> check_gradient(Objective(network, CrossEntropy(), l2=0.1), samples).error < 1e-8
    True
    """
    samples = as_float64(samples)
    params = objective.network.params.astype(np.float64)
    objective = objective.at(params)
    gradient = objective.value_and_gradient(samples)[1]
    differences = np.empty_like(params)
    for index, value in enumerate(params.tolist()):
        width = step * max(1.0, abs(value))
        losses = []
        for perturbed in (value + width, value - width):
            params[index] = perturbed  # in place: the objective's network uses this array
            losses.append(objective.value(samples))
        params[index] = value
        differences[index] = (losses[0] - losses[1]) / (2 * width)
    deviations = np.abs(gradient - differences)
    worst = int(np.argmax(deviations))
    scale = max(1.0, float(np.abs(gradient).max()))
    return GradientCheck(
        gradient,
        differences,
        float(deviations[worst]) / scale,
        ParameterLocation.from_index(objective.network.layout, worst),
    )
