"""Backpropagation against central differences, parameter by parameter.

A wrong gradient seldom stops a network from learning; it only learns badly. The check moves each
parameter a little to both sides and compares the slope of the loss with what backpropagation says.
It costs two passes a parameter: check a small network on a few samples.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from galfeat.nn.layout import Layout
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.objective import Objective, doubled
from galfeat.nn.types import Floats

__all__ = ["GradientCheck", "Place", "check_gradient"]

# balances rounding, eps / h, against the neglected third derivative, h^2
_STEP = float(np.finfo(np.float64).eps) ** (1 / 3)


@dataclass(frozen=True)
class Place:
    """Where a parameter of the flat vector belongs.

    Parameters
    ----------
    layer : int
        Counted from 0, the layer after the inputs.
    kind : "weight" or "bias"
    row : int or None
        Unit of the layer before that a weight comes from; None for a bias.
    column : int
        Unit that it goes to.
    """

    layer: int
    kind: Literal["weight", "bias"]
    row: int | None
    column: int

    @classmethod
    def of(cls, layout: Layout, index: int) -> "Place":
        """Return the place of the parameter of that index in the flat vector.

        Examples
        --------
        >>> Place.of(Layout((2, 3, 1)), 4)
        Place(layer=0, kind='weight', row=1, column=1)
        >>> Place.of(Layout((2, 3, 1)), 12)
        Place(layer=1, kind='bias', row=None, column=0)
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
    """How far backpropagation and differences are apart.

    Parameters
    ----------
    backpropagated, differences : array, shape (size,)
        The gradient found either way.
    error : float
        Largest difference of the two, relative to the largest component of the gradient or to 1,
        whichever is larger.
    worst : Place
        The parameter where it is.
    """

    backpropagated: Floats
    differences: Floats
    error: float
    worst: Place

    def __str__(self) -> str:
        index = int(np.argmax(np.abs(self.backpropagated - self.differences)))
        return (
            f"the gradients agree to {self.error:.1e}; they are furthest apart at {self.worst}: "
            f"{self.backpropagated[index]:.6g} by backpropagation, {self.differences[index]:.6g} "
            "by differences"
        )


def check_gradient(objective: Objective, samples: Samples, *, step: float = _STEP) -> GradientCheck:
    """Compare the gradient by backpropagation with central differences of the objective.

    Parameters
    ----------
    objective : Objective
        Any network, loss and penalties. The network is not changed.
    samples : Samples
        A few are enough.
    step : float
        How far each parameter of size 1 or less is moved to either side; larger ones are moved in
        proportion.

    Returns
    -------
    GradientCheck
        An `error` above 1e-6 in float64 is a bug, or a kink (ReLU at 0) within a step: try other
        parameters.

    Notes
    -----
    Everything is computed in float64, whatever the network's precision: in float32 differences know
    three digits.

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
    samples = doubled(samples)
    at = objective.network.params.astype(np.float64)
    objective = objective.at(at)
    gradient = objective.value_and_gradient(samples)[1]
    slopes = np.empty_like(at)
    for index, here in enumerate(at.tolist()):
        width = step * max(1.0, abs(here))
        heights = []
        for moved in (here + width, here - width):
            at[index] = moved  # the objective's network looks at this very array
            heights.append(objective.value(samples))
        at[index] = here
        slopes[index] = (heights[0] - heights[1]) / (2 * width)
    apart = np.abs(gradient - slopes)
    worst = int(np.argmax(apart))
    scale = max(1.0, float(np.abs(gradient).max()))
    return GradientCheck(
        gradient, slopes, float(apart[worst]) / scale, Place.of(objective.network.layout, worst)
    )
